// Names and units of published figures.
#pragma once

#include <optional>
#include <string>

namespace joulesim::engine {

// The group of a metric: "decode", "prefill", "throughput", "latency", "energy", "power", "memory",
// "load", "kernel"; empty for a metric that nothing here predicts.
std::string group_of_metric(const std::string& metric);

// The factor from SI to a row's unit; nothing for a unit that is not known.
std::optional<double> unit_factor(const std::string& unit);

}  // namespace joulesim::engine
