#include "hw/sram/bank_conflicts.hpp"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <map>
#include <numeric>
#include <set>

namespace joulesim::hw {
namespace {

// Lines between neighbouring elements; a stride that is no multiple of a line still visits, on
// average, every line in between.
std::int64_t lines_of(const SramSpec& spec, Bytes stride) {
  return std::llround(std::floor(stride / spec.width.value));
}

}  // namespace

int conflict_factor(const SramSpec& spec, Bytes stride) {
  const std::int64_t lines = lines_of(spec, stride);
  const double rest = stride.si() - static_cast<double>(lines) * spec.width.value.si();
  if (lines == 0 || rest > 0) {
    return 1;
  }
  const auto queue = static_cast<int>(std::gcd(lines, static_cast<std::int64_t>(spec.banks)));
  return (queue + spec.ports - 1) / spec.ports;
}

std::uint64_t group_clocks(const SramSpec& spec, std::span<const std::uint64_t> addresses) {
  const auto width = static_cast<std::uint64_t>(std::llround(spec.width.value.si()));
  std::set<std::uint64_t> lines;
  for (const std::uint64_t address : addresses) {
    lines.insert(address / width);
  }
  std::map<std::uint64_t, std::uint64_t> queues;
  std::uint64_t longest = 0;
  for (const std::uint64_t line : lines) {
    longest = std::max(longest, ++queues[line % static_cast<std::uint64_t>(spec.banks)]);
  }
  const auto ports = static_cast<std::uint64_t>(spec.ports);
  return (longest + ports - 1) / ports;
}

Bandwidth strided_bandwidth(const SramSpec& spec, Bytes element, Bytes stride) {
  if (stride <= element) {
    return spec.bandwidth.value;
  }
  // Elements that share a line share its access.
  const double per_line = stride < spec.width.value ? spec.width.value / stride : 1;
  const Bandwidth useful = spec.bandwidth.value * (per_line * (element / spec.width.value));
  return useful / static_cast<double>(conflict_factor(spec, stride));
}

}  // namespace joulesim::hw
