#include "models/import/small_floats.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace joulesim::models {
namespace {

struct Layout {
  int exponent_bits;
  int mantissa_bits;
  int bias;
  bool unsigned_zero;  // FNUZ: the only NaN is 0x80, no infinity
  bool infinity;
};

Layout layout_of(DType type) {
  switch (type) {
    case DType::kFloat8E4m3fn:
      return {4, 3, 7, false, false};
    case DType::kFloat8E4m3fnuz:
      return {4, 3, 8, true, false};
    case DType::kFloat8E5m2:
      return {5, 2, 15, false, true};
    case DType::kFloat8E5m2fnuz:
      return {5, 2, 16, true, false};
    default:
      throw ArrayFault("found no 8-bit float type");
  }
}

float decode(const Layout& layout, std::uint8_t bits) {
  constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
  if (layout.unsigned_zero && bits == 0x80U) {
    return kNan;
  }
  const int magnitude = bits & 0x7f;
  const int exponent = magnitude >> layout.mantissa_bits;
  const int mantissa = magnitude & ((1 << layout.mantissa_bits) - 1);
  const float sign = (bits & 0x80U) != 0 ? -1.0F : 1.0F;
  if (layout.infinity && exponent == (1 << layout.exponent_bits) - 1) {
    return mantissa == 0 ? sign * std::numeric_limits<float>::infinity() : kNan;
  }
  if (!layout.unsigned_zero && !layout.infinity && magnitude == 0x7f) {
    return kNan;
  }
  const float fraction = std::ldexp(static_cast<float>(mantissa), -layout.mantissa_bits);
  return exponent == 0 ? sign * std::ldexp(fraction, 1 - layout.bias)
                       : sign * std::ldexp(1.0F + fraction, exponent - layout.bias);
}

int largest_magnitude(const Layout& layout) {
  if (layout.infinity) {
    return 0x7b;
  }
  return layout.unsigned_zero ? 0x7f : 0x7e;
}

std::uint8_t nan_of(const Layout& layout) { return layout.unsigned_zero ? 0x80U : 0x7fU; }

}  // namespace

float float8_to_float(DType type, std::uint8_t bits) { return decode(layout_of(type), bits); }

std::uint8_t float_to_float8(DType type, float value, bool saturate) {
  const Layout layout = layout_of(type);
  const std::uint8_t sign = std::signbit(value) ? 0x80U : 0U;
  if (std::isnan(value)) {
    return layout.unsigned_zero ? nan_of(layout) : static_cast<std::uint8_t>(sign | nan_of(layout));
  }
  const int largest = largest_magnitude(layout);
  const float magnitude = std::fabs(value);
  const auto overflow = [&]() -> std::uint8_t {
    if (saturate) {
      return static_cast<std::uint8_t>(sign | largest);
    }
    if (layout.infinity) {
      return static_cast<std::uint8_t>(sign | 0x7cU);
    }
    return layout.unsigned_zero ? nan_of(layout) : static_cast<std::uint8_t>(sign | nan_of(layout));
  };
  if (std::isinf(value)) {
    return overflow();
  }
  // Codes of one sign rise with their values: find the neighbours below and above.
  int below = 0;
  int above = largest + 1;
  while (above - below > 1) {
    const int middle = (below + above) / 2;
    (decode(layout, static_cast<std::uint8_t>(middle)) <= magnitude ? below : above) = middle;
  }
  const double low = decode(layout, static_cast<std::uint8_t>(below));
  // One step beyond the largest number, for rounding there.
  const double step = below == largest ? low - decode(layout, static_cast<std::uint8_t>(below - 1))
                                       : decode(layout, static_cast<std::uint8_t>(below + 1)) - low;
  const double over = magnitude - low;
  int code = below;
  if (over > step / 2 || (over == step / 2 && (below & 1) != 0)) {
    code = below + 1;
  }
  if (code > largest) {
    return overflow();
  }
  if (code == 0 && layout.unsigned_zero) {
    return 0;
  }
  return static_cast<std::uint8_t>(sign | code);
}

}  // namespace joulesim::models
