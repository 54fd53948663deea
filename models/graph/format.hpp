// How the elements of a tensor are stored: the code of one element, its blocks and scales, and
// exact bytes.
//
// Models:     any encoding made of equal blocks along a row, plus a fixed cost per row and per
// tensor:
//             plain numbers, integers with per-channel or per-group scales, ternary codes, the GGUF
//             types.
// Leaves out: what the bits inside a block mean (models/import/codec.hpp), alignment between
// tensors. Checked by: tests/unit/models_format.cpp (byte counts worked out by hand).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models {

// What an arithmetic unit is handed once a block has been unpacked (scales aside).
enum class Element : std::uint8_t {
  kFp32,
  kFp16,
  kBf16,
  kFp8,
  kFp4,
  kInt32,
  kInt8,
  kInt6,
  kInt5,
  kInt4,
  kInt3,
  kInt2,
  kTernary,
};

std::string_view name_of(Element element);

// Rows are the outer dimension of a tensor (output channels of a weight, tokens of an activation).
// A row is cut into blocks of `block_elements`; the last block is padded to full size.
struct Format {
  std::string name;  // as written in model and scenario files: "fp16", "int4_g32", "q4_0"
  Element element = Element::kFp32;  // decides which multiplier a datapath uses
  std::int64_t block_elements = 1;
  std::int64_t block_bytes = 4;   // codes and scales of one block together
  std::int64_t row_bytes = 0;     // once per row: a per-channel or per-token scale
  std::int64_t tensor_bytes = 0;  // once per tensor: a per-matrix scale

  [[nodiscard]] std::int64_t bytes_of_row(std::int64_t columns) const;
  [[nodiscard]] std::int64_t bytes(std::int64_t rows, std::int64_t columns) const;
  [[nodiscard]] double bits_per_element(std::int64_t rows, std::int64_t columns) const;

  friend bool operator==(const Format&, const Format&) = default;
};

// The grammar of format names:
//   fp32 fp16 bf16 fp8_e4m3 fp8_e5m2 i8     plain numbers
//   int8 int4 … int2, int8_zp …             integers, one fp16 scale (and zero point) per row
//   intB_gN, intB_gN_zp                     one fp16 scale (and fp16 zero point) per N elements of
//   a row mxfp4                                   fp4 with an 8-bit exponent per 32 elements
//   ternary, ternary_base3                  2-bit codes, or five codes in a byte; one fp32 scale
//   per matrix q4_0 q4_1 q5_0 q5_1 q8_0 q2_k … q6_k iq4_nl iq4_xs tq1_0 tq2_0 q8_k   the GGUF block
//   types
// Nothing is returned for any other text.
std::optional<Format> find_format(std::string_view name);

// For names in our own code: throws std::logic_error when there is no such format.
Format known_format(std::string_view name);

// Every fixed name above and one example of each pattern, for error messages.
std::vector<std::string> format_names();

}  // namespace joulesim::models
