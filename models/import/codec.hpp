// The meaning of stored bits: rows of encoded elements to floats, and back for the simple formats.
//
// Models:     fp32, fp16, bf16, fp8, the GGUF block types, exactly as their files define them,
//             ternary codes, and the integer formats of models/import/integer_codec.hpp.
// Leaves out: quantisers that search for the best scales (K-quant and iq encoders).
// Checked by: tests/unit/models_codec.cpp (blocks worked out by hand, round trips),
//             tests/oracle/models_stories.cpp (files written by another tool).
#pragma once

#include "models/graph/format.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace joulesim::models {

float fp16_to_float(std::uint16_t bits);
std::uint16_t float_to_fp16(float value);  // to nearest, ties to even; overflow to infinity
float bf16_to_float(std::uint16_t bits);
std::uint16_t float_to_bf16(float value);  // to nearest, ties to even

[[nodiscard]] bool can_decode(const Format& format);
// `row` holds bytes_of_row(out.size()) bytes; out.size() is a multiple of the format's block.
void decode_row(const Format& format, std::span<const std::byte> row, std::span<float> out);

[[nodiscard]] bool can_encode(const Format& format);
// Appends the encoded row: plain numbers, q8_0, q4_0, integers with scales to the nearest code;
// ternary rows are codes already (WeightMatrix::encode finds their scale).
void encode_row(const Format& format, std::span<const float> row, std::vector<std::byte>& out);

}  // namespace joulesim::models
