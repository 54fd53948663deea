#include "models/import/fp8.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace joulesim::models {
namespace {

struct Layout {
  int fraction_bits;
  int bias;
  float largest;
  std::uint8_t largest_bits;
  std::uint8_t not_a_number;
};
constexpr Layout kE4M3{3, 7, 448.0F, 0x7e, 0x7f};
constexpr Layout kE5M2{2, 15, 57344.0F, 0x7b, 0x7e};

std::uint8_t encode(float value, const Layout& layout) {
  const std::uint8_t sign = std::signbit(value) ? 0x80 : 0;
  if (std::isnan(value)) {
    return sign | layout.not_a_number;
  }
  const float magnitude = std::fabs(value);
  if (magnitude >= layout.largest) {
    return sign | layout.largest_bits;
  }
  if (magnitude == 0.0F) {
    return sign;
  }
  // A whole number of the steps between the codes of this exponent; the smallest exponent is shared
  // with the subnormals. Rounding up to the next power of two carries into the exponent by itself.
  const int exponent = std::max(std::ilogb(magnitude), 1 - layout.bias);
  const auto steps =
      static_cast<int>(std::nearbyint(std::scalbn(magnitude, layout.fraction_bits - exponent)));
  const int base = (exponent + layout.bias - 1) * (1 << layout.fraction_bits);
  return static_cast<std::uint8_t>(sign | (base + steps));
}

float decode(std::uint8_t bits, const Layout& layout) {
  const int code = bits & 0x7f;
  const int exponent = code >> layout.fraction_bits;
  const int fraction = code & ((1 << layout.fraction_bits) - 1);
  const int whole = exponent == 0 ? fraction : fraction + (1 << layout.fraction_bits);
  const float magnitude = std::scalbn(static_cast<float>(whole),
                                      std::max(exponent, 1) - layout.bias - layout.fraction_bits);
  return (bits & 0x80) != 0 ? -magnitude : magnitude;
}

}  // namespace

float fp8_e4m3_to_float(std::uint8_t bits) {
  if ((bits & 0x7f) == 0x7f) {
    return std::bit_cast<float>(0x7fc00000U | (bits & 0x80U) << 24U);
  }
  return decode(bits, kE4M3);
}

std::uint8_t float_to_fp8_e4m3(float value) { return encode(value, kE4M3); }

float fp8_e5m2_to_float(std::uint8_t bits) {
  if ((bits & 0x7c) == 0x7c) {
    const std::uint32_t special = (bits & 3U) != 0 ? 0x7fc00000U : 0x7f800000U;
    return std::bit_cast<float>(special | (bits & 0x80U) << 24U);
  }
  return decode(bits, kE5M2);
}

std::uint8_t float_to_fp8_e5m2(float value) { return encode(value, kE5M2); }

}  // namespace joulesim::models
