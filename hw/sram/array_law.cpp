#include "hw/sram/array_law.hpp"

#include <fmt/format.h>

#include <cmath>

namespace joulesim::hw {
namespace {

constexpr double kKiB = 1024;
constexpr double kSmallest = 8 * kKiB;  // of the data
constexpr double kNodeExponent = 0.47;
constexpr double kNodeLow = 0.6, kNodeHigh = 1.6;
constexpr double kWire = 70e-15, kWireLow = 60e-15, kWireHigh = 80e-15;  // J/bit/mm
constexpr double kBits = 8;

}  // namespace

ArrayCost array_cost(Bytes size, Bytes port) {
  const double s = size.si() / kSmallest;
  const double b = port.si() * kBits / 64;
  ArrayCost cost;
  cost.read = Energy(1.24e-12 * std::pow(s, 0.504) * std::pow(b, 0.461 + 0.0635 * std::log(s)));
  cost.write = Energy(1.04e-12 * std::pow(s, 0.507) * std::pow(b, 0.932 - 0.0130 * std::log(s)));
  cost.access = Time(0.249e-9 + 0.0489e-9 * std::sqrt(size.si() / kKiB));
  cost.leakage = Power(0.212e-3 * size.si() / kKiB);
  return cost;
}

double node_energy(double nanometres) { return std::pow(nanometres / 22, kNodeExponent); }

SramLawFigures read_array_law(const ConfigNode& law, Bytes capacity) {
  SramLawFigures figures;
  const Sourced<Bytes> bank = law.figure<Bytes>("bank");
  const Sourced<Bytes> port = law.figure<Bytes>("port");
  const Sourced<double> node = law.count("node");
  const Sourced<double> wire = law.count("wire");
  const Sourced<double> leakage = law.count("leakage");
  const Sourced<double> retention = law.count("retention");
  constexpr double kFinest = 2;
  constexpr double kCoarsest = 22;
  if (node.value < kFinest || node.value > kCoarsest) {
    law.error("node", fmt::format("'node' is {} nm; the law holds from 2 to 22 nm", node.value));
  }
  if (law.ok() && bank.value > capacity) {
    law.error("bank", fmt::format("'bank' is {}, the whole memory {}; expected a part of it",
                                  format(bank.value), format(capacity)));
  }
  if (law.ok() && retention.value > leakage.value) {
    law.error("retention", "'retention' exceeds 'leakage'; expected a lower share");
  }
  if (!law.ok()) {
    return figures;
  }
  const ArrayCost cost = array_cost(bank.value, port.value);
  const double bits = port.value.si() * kBits;
  const auto per_byte = [&](Energy access, Sourced<EnergyPerByte>& figure) {
    const auto at = [&](double factor, double mm) {
      return EnergyPerByte(
          kBits * (access.si() * node_energy(node.value) * factor / bits + wire.value * mm));
    };
    figure.value = at(1, kWire);
    figure.low = at(kNodeLow, kWireLow);
    figure.high = at(kNodeHigh, kWireHigh);
    figure.source = node.source;
    figure.region = law.region();
  };
  per_byte(cost.read, figures.read);
  per_byte(cost.write, figures.write);
  const Power all = cost.leakage * (capacity / bank.value);
  const auto share_of = [&](const Sourced<double>& share, Sourced<Power>& figure) {
    figure.value = share.value * all;
    if (share.low && share.high) {
      figure.low = *share.low * all;
      figure.high = *share.high * all;
    }
    figure.source = share.source;
    figure.region = share.region;
  };
  share_of(leakage, figures.leakage);
  share_of(retention, figures.retention);
  return figures;
}

}  // namespace joulesim::hw
