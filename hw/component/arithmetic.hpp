// Rates and energies of a unit's arithmetic by data type, as part files give them:
//
//   [arithmetic.int8]
//   macs_per_cycle = { value = 512, source = "…" }   # of one array, SM or core
//   energy         = { value = "0.10 pJ/MAC", source = "…" }
#pragma once

#include "hw/component/compute_unit.hpp"
#include "hw/component/work.hpp"
#include "sim/base/config.hpp"

#include <array>
#include <optional>
#include <vector>

namespace joulesim::hw {

struct ArithmeticRate {
  Sourced<double> macs_per_cycle;
  Sourced<EnergyPerOp> energy;  // per operation; a MAC is two
};

class Arithmetic {
 public:
  static Arithmetic from(const ConfigNode& part);
  [[nodiscard]] const ArithmeticRate* find(DataType type) const {
    const auto& entry = rates_.at(static_cast<std::size_t>(type));
    return entry ? &*entry : nullptr;
  }
  [[nodiscard]] std::vector<DataType> types() const;
  // What its energy is booked as: assumed, and ranged, as far as any of its types is.
  [[nodiscard]] EnergyCause cause() const;
  void scale(double factor);  // of the rates
  void move_rates_to(Corner corner);

 private:
  std::array<std::optional<ArithmeticRate>, kDataTypes> rates_;
};

// "no fp8 arithmetic; it has int8, fp16"
std::string refusal_of_type(const std::string& unit, const Arithmetic& arithmetic, DataType type);

}  // namespace joulesim::hw
