// Datapaths: the ways in which hardware multiplies activations by a weight matrix. One datapath
// runs the same graph with the same weights as any other; only its rounding differs.
//
//   fp32              decoded weights, double accumulation: the reference (evaluate() replaces it
//   by the
//                     fast path, models/kernels/fast_linear.hpp)
//   fp16, bf16        operands rounded to the format, products summed in fp32 in order of the
//   columns …_systolic        the same, but a chain of 128 columns at a time joins the fp32
//   accumulator …_tensor_core     products of 8 columns enter one adder that cuts off low bits
//   fp8_e4m3, …_e5m2  per-matrix and per-token scales, 32 products to an adder of 14 bits
//   …_flash           tensor core, and attention in blocks of 64 positions with an online softmax
//   pim_fp16          fp16 multiply and fp16 add per lane of a memory bank
//   pim_bf16          16 products of a bank into an adder tree, accumulated in bf16
//   int8_systolic     int8 weights per output channel, int8 activations per token, int32
//   accumulators
//                     that cannot overflow: longer rows than kMostColumns are refused
//   int8_group        int8 weights and activations, each per group of 32 with an fp32 scale; exact
//   sums
//                     inside a group, fp32 across groups
//   int4_group        int4 weights per group of 32 with an fp16 scale, activations as in fp16
//   int4_lookup       the same weights, signed sums of four activations looked up in int8 tables
//   ternary           weights -1, 0, 1 times one scale per matrix (absmean), int8 activations, no
//                     multiplier
//   ternary_lookup    the same numbers, sums of three activations looked up
//
// Error bound of fp32: as in operators.hpp. The quantising datapaths bound only their own
// arithmetic: given their codes, the integer sums are exact (int8_systolic and ternary), see
// kMostColumns; the others' bounds stand in their headers.
// Checked by: tests/kernels/models_datapaths.cpp
#pragma once

#include "models/import/model.hpp"
#include "models/kernels/attention.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// Dense rows of floats.
struct Rows {
  std::span<const float> values;
  std::int64_t columns = 0;
  [[nodiscard]] std::int64_t count() const {
    return static_cast<std::int64_t>(values.size()) / columns;
  }
  [[nodiscard]] std::span<const float> row(std::int64_t i) const {
    return values.subspan(static_cast<std::size_t>(i * columns), static_cast<std::size_t>(columns));
  }
};

class Datapath {
 public:
  virtual ~Datapath() = default;
  // y[count][weights.rows] = x times transpose(weights). `key` names the weights, which do not
  // change. The role decides what a datapath leaves in high precision (routers; the head in ternary
  // models).
  virtual void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                        std::span<float> y) = 0;

  // Attention of one query row, see models/kernels/attention.hpp; the reference unless overridden.
  virtual void attend(std::span<const float> query, const AttentionInputs& inputs,
                      const Attributes& attributes, std::int64_t position, std::span<float> y);

  // y = activation(x) * by, element by element, or activation(x) when `by` is empty; the reference
  // unless overridden.
  virtual void activate(Activation activation, std::span<const float> x, std::span<const float> by,
                        std::span<float> y);
};

std::vector<std::string> datapath_names();

// Throws InputError for a name that is not in datapath_names().
std::unique_ptr<Datapath> make_datapath(const std::string& name);

// Products of two int8 codes up to 127 in magnitude: this many fit an int32 accumulator in any
// order.
inline constexpr std::int64_t kMostColumns = ((std::int64_t{1} << 31) - 1) / (127 * 127);

// Reference product, used by datapaths for what they leave in high precision.
void multiply_exactly(const WeightMatrix& weights, Rows x, std::span<float> y);

}  // namespace joulesim::models
