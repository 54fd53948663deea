// Rows of small integers with scales: the formats intB, intB_gN and their variants, bit by bit.
//
// Models:     a group is its scale (fp16, or fp32 where the name says so), its zero point (fp16,
//             formats ending in _zp), then codes of B bits, lowest bit first, without gaps; the
//             last group of a row is filled up with zeros. Without _gN a row is one group. Values
//             are scale * code (codes from -2^(B-1)), or scale * (code - zero point) (codes from
//             0).
// Leaves out: choosing codes by anything but nearness (models/transform).
// Checked by: tests/unit/models_integer_codec.cpp
#pragma once

#include "models/graph/format.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

namespace joulesim::models {

struct IntegerFormat {
  int bits = 8;
  std::int64_t group = 0;  // elements; 0 = the whole row
  bool zero_point = false;
  bool wide_scale = false;  // fp32

  [[nodiscard]] int lowest() const { return zero_point ? 0 : -(1 << (bits - 1)); }
  [[nodiscard]] int highest() const { return lowest() + (1 << bits) - 1; }
};

// Nothing for formats of another kind.
std::optional<IntegerFormat> integer_format_of(const Format& format);

struct GroupScale {
  float scale = 0.0F;  // as stored: already rounded
  float zero = 0.0F;   // a whole number
};

// From the extremes of the group, every code used. Eight bits without a zero point are symmetric
// (±127); narrower ones map the element of largest magnitude to the lowest code, as Q4_0 does.
// `shrink` below 1 clips: the range covered is that part of the extremes.
GroupScale scale_of(const IntegerFormat& format, std::span<const float> group, float shrink = 1.0F);

// The nearest code, and what it stands for.
int code_of(const IntegerFormat& format, GroupScale scale, float value);
inline float value_of(GroupScale scale, int code) {
  return scale.scale * (static_cast<float>(code) - scale.zero);
}

// Appends one group; `padded` elements are written.
void pack_group(const IntegerFormat& format, GroupScale scale, std::span<const int> codes,
                std::size_t padded, std::vector<std::byte>& out);

void decode_integer_row(const IntegerFormat& format, std::span<const std::byte> row,
                        std::span<float> out);
void encode_integer_row(const IntegerFormat& format, std::span<const float> row,
                        std::vector<std::byte>& out);

}  // namespace joulesim::models
