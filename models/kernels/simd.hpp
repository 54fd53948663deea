// Vector kernels of the fast path, compiled for every instruction set of the processor family and
// chosen when the program runs.
//
// Models:     one definition of a sum, whatever the width of the machine's registers: element k
// joins
//             partial sum k mod 32, each partial sum adds its elements in order, and the 32 are
//             then halved by adding the upper half to the lower, five times. Products and sums are
//             rounded separately. So every instruction set gives the same bits, and decoding a
//             token gives what a prefill gave it.
// Leaves out: fused multiply-add (not every instruction set has it, and it rounds otherwise).
// Error bound of a sum of n products: (n / 32 + 6) 2^-24 of the sum of their magnitudes; of exp:
// two units in the last place. Checked by: tests/kernels/models_simd.cpp (against a plain loop with
// the same order, bit for bit,
//             on every instruction set that this machine has).
#pragma once

#include "models/graph/format.hpp"
#include "models/graph/op.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models::simd {

inline constexpr std::size_t kPartialSums = 32;

// Weight codes with kernels of their own. Rows of any other format are decoded by decode_row first.
enum class Coding : std::uint8_t {
  kFp32,
  kFp16,
  kBf16,
  kQ8_0,
  kQ4_0,
  kQ4_1,
  kQ4K,
  kQ6K,
  kOther,
};

Coding coding_of(const Format& format);

// Rounded up to whole partial sums: how long a row of activations must be, zeros at its end.
constexpr std::size_t padded(std::size_t columns) {
  return (columns + kPartialSums - 1) / kPartialSums * kPartialSums;
}

// y[r] = row r of the encoded matrix times x, for `rows` rows of `columns` elements each. x holds
// padded(columns) elements. Block formats have whole blocks in a row. Not for kOther.
void dot_rows(Coding coding, const std::byte* data, std::size_t row_bytes, std::size_t rows,
              std::size_t columns, const float* x, float* y);

// The row's elements, then zeros up to padded(columns). Not for kOther.
void unpack_row(Coding coding, const std::byte* row, std::size_t columns, float* out);

// y[t * stride] = the unpacked row w times row t of x, for `tokens` rows; everything is `length`
// long, a whole number of partial sums.
void dot_tokens(const float* w, std::size_t length, const float* x, std::size_t tokens, float* y,
                std::size_t stride);

// Of unpadded vectors.
float dot(const float* a, const float* b, std::size_t count);

// sum over t of weights[t] * values[t * stride + i], in order of t, for every i < count.
void weighted_sum(const float* weights, std::size_t terms, const float* values, std::size_t stride,
                  std::size_t count, float* y);

// scores[i] = exp(scores[i] - largest); returns the sum of them.
float exp_and_sum(std::span<float> scores);

// y = activation(x): silu and tanh-gelu through the kernels' own exp. Returns false for the others.
bool activate(Activation activation, std::span<const float> x, std::span<float> y);

// Names of the instruction sets that this machine and this build have, best first. use() restricts
// the kernels to one of them, for tests; an empty name brings back the best.
std::vector<std::string> instruction_sets();
void use(const std::string& instruction_set);

}  // namespace joulesim::models::simd
