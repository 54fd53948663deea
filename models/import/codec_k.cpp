// The K-quant super-blocks of 256 elements: scales of 16 or 32 elements are themselves quantised
// against one or two fp16 numbers. Layouts as ggml defines them.
#include "models/import/block_codes.hpp"
#include "models/import/codec.hpp"

#include <array>

namespace joulesim::models {
namespace {

float half(const std::uint8_t* from) { return fp16_to_float(load<std::uint16_t>(from)); }
float real(int value) { return static_cast<float>(value); }

struct ScaleAndMinimum {
  int scale;
  int minimum;
};

// Eight 6-bit scales and eight 6-bit minimums in 12 bytes: the first four of each have their own
// byte, whose top two bits are the top bits of the last four.
ScaleAndMinimum six_bit_pair(const std::uint8_t* packed, int j) {
  if (j < 4) {
    return {packed[j] & 63, packed[j + 4] & 63};
  }
  return {(packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4),
          (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4)};
}

// Sixteen 6-bit scales in 12 bytes: nibbles in the first eight, top bits in the last four.
std::array<int, 16> six_bit_scales(const std::uint8_t* packed) {
  std::array<int, 16> scales{};
  for (int i = 0; i < 16; ++i) {
    const int nibble = i < 8 ? packed[i] & 15 : packed[i - 8] >> 4;
    const int top = (packed[8 + i % 4] >> (2 * (i / 4))) & 3;
    scales[static_cast<std::size_t>(i)] = (nibble | (top << 4)) - 32;
  }
  return scales;
}

}  // namespace

void decode_q2_k(const std::uint8_t* block, float* out) {
  const std::uint8_t* scales = block;
  const std::uint8_t* codes = block + 16;
  const float d = half(block + 80);
  const float minimum = half(block + 82);
  // Each half of 128 keeps its four runs of 32 in the four bit pairs of the same 32 bytes.
  for (int i = 0; i < 256; ++i) {
    const int in_half = i % 128;
    const int code = (codes[32 * (i / 128) + in_half % 32] >> (2 * (in_half / 32))) & 3;
    const int packed = scales[i / 16];
    out[i] = d * real(packed & 15) * real(code) - minimum * real(packed >> 4);
  }
}

void decode_q3_k(const std::uint8_t* block, float* out) {
  const std::uint8_t* third = block;
  const std::uint8_t* codes = block + 32;
  const std::array<int, 16> scales = six_bit_scales(block + 96);
  const float d = half(block + 108);
  for (int i = 0; i < 256; ++i) {
    const int in_half = i % 128;
    const int low = (codes[32 * (i / 128) + in_half % 32] >> (2 * (in_half / 32))) & 3;
    const bool high = ((third[i % 32] >> (i / 32)) & 1) != 0;
    out[i] = d * real(scales[static_cast<std::size_t>(i / 16)]) * real(low - (high ? 0 : 4));
  }
}

void decode_q4_k(const std::uint8_t* block, float* out) {
  const float d = half(block);
  const float minimum = half(block + 2);
  const std::uint8_t* codes = block + 16;
  for (int i = 0; i < 256; ++i) {
    const int run = i / 32;
    const ScaleAndMinimum pair = six_bit_pair(block + 4, run);
    const int code = (codes[32 * (run / 2) + i % 32] >> (4 * (run % 2))) & 15;
    out[i] = d * real(pair.scale) * real(code) - minimum * real(pair.minimum);
  }
}

void decode_q5_k(const std::uint8_t* block, float* out) {
  const float d = half(block);
  const float minimum = half(block + 2);
  const std::uint8_t* fifth = block + 16;
  const std::uint8_t* codes = block + 48;
  for (int i = 0; i < 256; ++i) {
    const int run = i / 32;
    const ScaleAndMinimum pair = six_bit_pair(block + 4, run);
    const int low = (codes[32 * (run / 2) + i % 32] >> (4 * (run % 2))) & 15;
    const int code = low | (((fifth[i % 32] >> run) & 1) << 4);
    out[i] = d * real(pair.scale) * real(code) - minimum * real(pair.minimum);
  }
}

void decode_q6_k(const std::uint8_t* block, float* out) {
  const std::uint8_t* low = block;
  const std::uint8_t* high = block + 128;
  const std::uint8_t* scales = block + 192;
  const float d = half(block + 208);
  for (int i = 0; i < 256; ++i) {
    const int in_half = i % 128;
    const int run = in_half / 32;  // runs 0 and 1 are low nibbles, 2 and 3 high nibbles
    const int nibble = (low[64 * (i / 128) + in_half % 64] >> (4 * (run / 2))) & 15;
    const int top = (high[32 * (i / 128) + in_half % 32] >> (2 * run)) & 3;
    const auto scale = load<std::int8_t>(scales + i / 16);
    out[i] = d * real(scale) * real((nibble | (top << 4)) - 32);
  }
}

void decode_q8_k(const std::uint8_t* block, float* out) {
  const auto d = load<float>(block);
  for (int i = 0; i < 256; ++i) {
    out[i] = d * real(load<std::int8_t>(block + 4 + i));
  }
}

void decode_iq4_xs(const std::uint8_t* block, float* out) {
  const float d = half(block);
  const auto high = load<std::uint16_t>(block + 2);
  for (int run = 0; run < 8; ++run) {
    const int low = (block[4 + run / 2] >> (4 * (run % 2))) & 15;
    const int scale = (low | (((high >> (2 * run)) & 3) << 4)) - 32;
    const std::uint8_t* codes = block + 8 + 16 * run;
    for (int j = 0; j < 16; ++j) {
      out[32 * run + j] = d * real(scale) * kNonLinearGrid[codes[j] & 15U];
      out[32 * run + j + 16] = d * real(scale) * kNonLinearGrid[codes[j] >> 4U];
    }
  }
}

namespace {

// The n-th of the base-3 digits of a byte that holds a fraction: multiplying by 3 moves the next
// digit above the point.
int ternary_digit(std::uint8_t byte, int n) {
  unsigned rest = byte;
  for (int i = 0; i < n; ++i) {
    rest = (rest * 3U) & 255U;
  }
  return static_cast<int>((rest * 3U) >> 8U);
}

}  // namespace

void decode_tq1_0(const std::uint8_t* block, float* out) {
  const float d = half(block + 52);
  const auto put = [&](std::uint8_t byte, int n) { *out++ = d * real(ternary_digit(byte, n) - 1); };
  // Five digits a byte in runs of 32 and of 16 bytes, then four digits in each of the last four.
  for (const auto& [first, count, digits] :
       {std::array{0, 32, 5}, std::array{32, 16, 5}, std::array{48, 4, 4}}) {
    for (int n = 0; n < digits; ++n) {
      for (int i = 0; i < count; ++i) {
        put(block[first + i], n);
      }
    }
  }
}

void decode_tq2_0(const std::uint8_t* block, float* out) {
  const float d = half(block + 64);
  for (int i = 0; i < 256; ++i) {
    const int in_half = i % 128;
    const int code = (block[32 * (i / 128) + in_half % 32] >> (2 * (in_half / 32))) & 3;
    out[i] = d * real(code - 1);
  }
}

}  // namespace joulesim::models
