#include "hw/component/work.hpp"

#include <array>

namespace joulesim::hw {
namespace {
constexpr std::array<std::string_view, kDataTypes> kNames = {
    "fp32", "tf32", "fp16", "bf16", "fp8", "int8", "int4", "ternary", "fp4"};
constexpr std::array<double, kDataTypes> kBits = {32, 32, 16, 16, 8, 8, 4, 2, 4};
}  // namespace

std::string_view name_of(DataType type) { return kNames.at(static_cast<std::size_t>(type)); }
double bits_of(DataType type) { return kBits.at(static_cast<std::size_t>(type)); }

double Work::macs() const {
  switch (kind) {
    case WorkKind::matmul:
      return static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
    case WorkKind::attention:
      return 2 * static_cast<double>(sequences * heads * head_dim) * pairs;
    default:
      return 0;
  }
}

double Work::ops() const { return 2 * macs() + elements * ops_per_element; }

}  // namespace joulesim::hw
