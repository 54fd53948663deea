#include "models/import/codec.hpp"
#include "models/import/integer_codec.hpp"
#include "models/import/small_floats.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace joulesim::models {
namespace {

template <class T>
void append(std::vector<std::byte>& out, T value) {
  const std::size_t at = out.size();
  out.resize(at + sizeof(T));
  std::memcpy(out.data() + at, &value, sizeof(T));
}

// d = max |x| / 127, codes to nearest.
void encode_q8_0(std::span<const float> block, std::vector<std::byte>& out) {
  float largest = 0.0F;
  for (const float x : block) {
    largest = std::max(largest, std::fabs(x));
  }
  const float d = largest / 127.0F;
  append(out, float_to_fp16(d));
  for (const float x : block) {
    append(out, static_cast<std::int8_t>(d > 0.0F ? std::lround(x / d) : 0));
  }
}

// The element of largest magnitude maps to code -8, so d carries its sign, reversed.
void encode_q4_0(std::span<const float> block, std::vector<std::byte>& out) {
  float extreme = 0.0F;
  for (const float x : block) {
    if (std::fabs(x) > std::fabs(extreme)) {
      extreme = x;
    }
  }
  const float d = extreme / -8.0F;
  append(out, float_to_fp16(d));
  const auto code = [&](float x) {
    return d == 0.0F ? 8 : std::clamp(static_cast<int>(std::lround(x / d)) + 8, 0, 15);
  };
  const std::size_t half = block.size() / 2;
  for (std::size_t j = 0; j < half; ++j) {
    append(out, static_cast<std::uint8_t>(code(block[j]) | (code(block[j + half]) << 4)));
  }
}

// Drops `bits` low bits of a magnitude, to nearest with ties to even.
std::uint32_t round_off(std::uint32_t magnitude, unsigned bits) {
  const std::uint32_t half = 1U << (bits - 1);
  const std::uint32_t odd = (magnitude >> bits) & 1U;
  return (magnitude + half - 1U + odd) >> bits;
}

void encode_ternary(const Format& format, std::span<const float> row, std::vector<std::byte>& out) {
  const bool dense = format.block_elements == 5;
  for (std::size_t i = 0; i < row.size();) {
    unsigned byte = 0;
    unsigned place = 1;
    for (int k = 0; k < format.block_elements; ++k, ++i) {
      const float value = i < row.size() ? row[i] : 0.0F;
      byte += place * static_cast<unsigned>(std::clamp(std::lround(value), -1L, 1L) + 1);
      place *= dense ? 3U : 4U;
    }
    out.push_back(static_cast<std::byte>(byte));
  }
}

}  // namespace

std::uint16_t float_to_fp16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = (bits >> 16U) & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7fffffffU;
  std::uint32_t half = 0;
  if (magnitude > 0x7f800000U) {
    half = 0x7e00U;  // not a number
  } else if (magnitude >= 0x38800000U) {
    // Rebiasing by 112 and rounding may carry into infinity, which is right from 65520 on.
    half = magnitude >= 0x47800000U ? 0x7c00U : round_off(magnitude - (112U << 23U), 13);
  } else if (magnitude >= 0x33000000U) {  // subnormal: a count of 2^-24
    const std::uint32_t exponent = magnitude >> 23U;
    half = round_off((magnitude & 0x7fffffU) | 0x800000U, 126U - exponent);
  }
  return static_cast<std::uint16_t>(sign | half);
}

std::uint16_t float_to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7fffffffU) > 0x7f800000U) {
    return static_cast<std::uint16_t>((bits >> 16U) | 0x40U);
  }
  return static_cast<std::uint16_t>((bits & 0x80000000U) >> 16U |
                                    round_off(bits & 0x7fffffffU, 16));
}

bool can_encode(const Format& format) {
  return format.name == "fp32" || format.name == "fp16" || format.name == "bf16" ||
         format.name == "q8_0" || format.name == "q4_0" || format.element == Element::kFp8 ||
         (format.element == Element::kTernary && format.tensor_bytes > 0) ||
         integer_format_of(format).has_value();
}

void encode_row(const Format& format, std::span<const float> row, std::vector<std::byte>& out) {
  if (format.name == "q8_0" || format.name == "q4_0") {
    const auto elements = static_cast<std::size_t>(format.block_elements);
    for (std::size_t i = 0; i + elements <= row.size(); i += elements) {
      if (format.name == "q8_0") {
        encode_q8_0(row.subspan(i, elements), out);
      } else {
        encode_q4_0(row.subspan(i, elements), out);
      }
    }
    return;
  }
  if (format.element == Element::kTernary) {
    encode_ternary(format, row, out);
    return;
  }
  if (const auto integers = integer_format_of(format)) {
    encode_integer_row(*integers, row, out);
    return;
  }
  for (const float x : row) {
    if (format.element == Element::kFp8) {
      append(out, float_to_float8(float8_type(format), x, true));
    } else if (format.name == "fp16") {
      append(out, float_to_fp16(x));
    } else if (format.name == "bf16") {
      append(out, float_to_bf16(x));
    } else {
      append(out, x);
    }
  }
}

}  // namespace joulesim::models
