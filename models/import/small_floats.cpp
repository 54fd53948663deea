#include "models/import/small_floats.hpp"

#include <algorithm>
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

DType float8_type(const Format& format) {
  return format.name == "fp8_e5m2" ? DType::kFloat8E5m2 : DType::kFloat8E4m3fn;
}

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
  // A whole number of the steps between the codes of this exponent; the smallest exponent is shared
  // with the subnormals. Rounding up to the next power of two carries into the exponent by itself.
  int code = 0;
  if (magnitude > 0.0F) {
    const int exponent = std::max(std::ilogb(magnitude), 1 - layout.bias);
    const auto steps =
        static_cast<int>(std::nearbyint(std::scalbn(magnitude, layout.mantissa_bits - exponent)));
    code = (exponent + layout.bias - 1) * (1 << layout.mantissa_bits) + steps;
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
