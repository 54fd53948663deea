#include "hw/sram/bank_conflicts.hpp"

#include <cmath>
#include <cstdint>
#include <numeric>

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
  return static_cast<int>(std::gcd(lines, static_cast<std::int64_t>(spec.banks)));
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
