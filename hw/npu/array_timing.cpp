#include "hw/npu/array_timing.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {
// Control issues no more than one pass in so many clocks.
constexpr double kIssue = 4;
}  // namespace

double ArrayTiming::preload() const { return static_cast<double>(rows) / weight_rows_per_clock; }

double ArrayTiming::fill() const {
  return dataflow == Dataflow::weight_stationary ? preload() + static_cast<double>(rows - 1) : 0;
}

double ArrayTiming::passes(std::int64_t m, std::int64_t k) const {
  if (dataflow == Dataflow::weight_stationary) {
    return std::ceil(static_cast<double>(k) / static_cast<double>(rows));
  }
  return std::ceil(static_cast<double>(m) / static_cast<double>(rows));
}

double ArrayTiming::interval(std::int64_t m, std::int64_t k) const {
  if (dataflow == Dataflow::weight_stationary) {
    return std::max({static_cast<double>(m) / rate, preload(), kIssue});
  }
  return std::max({static_cast<double>(k) / rate, static_cast<double>(rows), kIssue});
}

double ArrayTiming::latency(std::int64_t m, std::int64_t k) const {
  const auto skew = static_cast<double>(rows + columns - 2);
  if (dataflow == Dataflow::weight_stationary) {
    return skew + std::max(static_cast<double>(m) / rate, kIssue);
  }
  return skew + std::max(static_cast<double>(k) / rate, kIssue) + static_cast<double>(rows);
}

}  // namespace joulesim::hw
