// What a device draws beside the parts that are simulated: regulators and the rest of the box.
//
// A supply is a tree of one level: rails with an efficiency and a quiescent power. A base load is a
// list of consumers, each with a power when the device idles and when it is busy.
//
// Models:      loss = quiescent + P (1 / efficiency - 1) per rail; base load between idle and busy.
// Leaves out:  efficiency curves over load, regulator dropout, power factor. PUE is the scenario's.
// Checked by:  tests/unit/platform_parts.cpp, tests/unit/platform_power.cpp.
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/ledger.hpp"
#include "sim/base/quantity.hpp"

#include <string>
#include <vector>

namespace joulesim::hw {

struct SupplySpec {
  struct Rail {
    std::string name;
    Sourced<double> efficiency;
    Sourced<Power> quiescent;
    [[nodiscard]] Power loss(Power delivered) const;
  };
  std::string name, title;
  std::vector<Rail> rails;

  static SupplySpec from(const ConfigNode& part);

  [[nodiscard]] const Rail* find(const std::string& rail) const;
  // Loss of all rails when the whole load hangs on the named one.
  [[nodiscard]] Power loss(const std::string& rail, Power delivered) const;
  // Books the loss of a load's energy over [begin, end].
  void spend(const std::string& rail, Energy delivered, const std::string& component, Time begin,
             Time end, Ledger& ledger) const;
};

struct BaseLoadSpec {
  struct Consumer {
    std::string name;
    Sourced<Power> idle, busy;
  };
  std::string name, title;
  std::vector<Consumer> consumers;

  static BaseLoadSpec from(const ConfigNode& part);

  // Activity from 0 (device idle) to 1 (busy).
  [[nodiscard]] Power power(double activity) const;
  void spend(double activity, const std::string& component, Time begin, Time end,
             Ledger& ledger) const;
};

}  // namespace joulesim::hw
