#include "hw/component/arithmetic.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::hw {

Arithmetic Arithmetic::from(const ConfigNode& part) {
  Arithmetic result;
  const ConfigNode table = part.table("arithmetic");
  bool any = false;
  for (int i = 0; i < kDataTypes; ++i) {
    if (const auto node = table.table_if(std::string(name_of(static_cast<DataType>(i))))) {
      ArithmeticRate rate;
      rate.macs_per_cycle = node->count("macs_per_cycle");
      rate.energy = node->figure<EnergyPerOp>("energy");
      result.rates_[static_cast<std::size_t>(i)] = rate;
      any = true;
    }
  }
  if (!any && part.has("arithmetic")) {
    part.error("arithmetic", "the unit has no arithmetic; expected a table [arithmetic.TYPE]");
  }
  return result;
}

std::vector<DataType> Arithmetic::types() const {
  std::vector<DataType> types;
  for (int i = 0; i < kDataTypes; ++i) {
    if (rates_[static_cast<std::size_t>(i)]) {
      types.push_back(static_cast<DataType>(i));
    }
  }
  return types;
}

EnergyCause Arithmetic::cause() const {
  EnergyCause cause{"mac", Spent::arithmetic, false, 1, 1};
  for (const auto& rate : rates_) {
    if (rate) {
      const EnergyCause own = EnergyCause::of("mac", Spent::arithmetic, rate->energy);
      cause.assumed = cause.assumed || own.assumed;
      cause.low = std::min(cause.low, own.low);
      cause.high = std::max(cause.high, own.high);
    }
  }
  return cause;
}

void Arithmetic::scale(double factor) {
  for (auto& rate : rates_) {
    if (rate) {
      rate->macs_per_cycle.value *= factor;
    }
  }
}

void Arithmetic::move_rates_to(Corner corner) {
  for (auto& rate : rates_) {
    if (rate) {
      move_to_corner(rate->macs_per_cycle, corner);
    }
  }
}

std::string refusal_of_type(const std::string& unit, const Arithmetic& arithmetic, DataType type) {
  std::vector<std::string> names;
  for (const DataType t : arithmetic.types()) {
    names.emplace_back(name_of(t));
  }
  return fmt::format("'{}' has no {} arithmetic; it has {}", unit, name_of(type),
                     fmt::join(names, ", "));
}

}  // namespace joulesim::hw
