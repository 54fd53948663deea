// Cross-checks written in files: "data_rate * bus_width / 2" over named quantities, with
// dimensions.
#pragma once

#include "sim/base/quantity.hpp"

#include <functional>
#include <optional>
#include <string>

namespace joulesim {

struct Evaluated {
  std::optional<AnyQuantity> value;
  std::string fault;  // why there is no value
};

// + - * / and parentheses; names may contain dots and underscores.
Evaluated evaluate_expression(
    const std::string& text,
    const std::function<std::optional<AnyQuantity>(const std::string&)>& lookup);

}  // namespace joulesim
