// Datapaths on short floats: what the multipliers take, in which order the products are added, and
// what each sum is rounded to.
//
// Models:     TensorCore: products of a chunk of columns and the running sum enter one adder; each
// is
//             cut off (towards zero) at a fixed number of bits below the largest exponent among
//             them, the whole sum is exact, and its fp32 result is cut off again. After Fasi,
//             Higham, Mikaitis, Pranesh, "Numerical behavior of NVIDIA tensor cores", PeerJ CS
//             7:e330 (2021). FloatSystolic: products join a chain of fp32 adders, one per row of
//             the array, each rounding to nearest; each tile's chain starts from zero and its
//             result is added to an fp32 accumulator. PimLanes: multiply and add in the memory's
//             own format, rounded to nearest after each of the two, on accumulators per lane of a
//             bank: lane l takes columns l, l + lanes, …; the host adds the lanes in order in fp32
//             (HBM-PIM style). PimTree: the products of one column access meet in a tree of fp32
//             adders, its result is rounded to the format and added to the bank's accumulator in
//             that format (AiM style).
// Leaves out: flushing of subnormals, NaN payloads, infinities in the tensor core's adder (they and
//             NaN make the sum NaN).
// Error bound: a tensor core's chunk loses less than (chunk + 2) 2^(1 - kept_bits) of its largest
//             magnitude; the others those of fp32 or of the format, per addition.
// Checked by: tests/kernels/models_float_datapaths.cpp (against whole-number arithmetic; every pair
// of
//             fp8 codes)
#pragma once

#include "models/kernels/linear.hpp"

#include <cstddef>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// To the nearest number of a short format, as a float.
using Rounding = float (*)(float);
float to_fp16(float x);
float to_bf16(float x);
float to_fp8_e4m3(float x);
float to_fp8_e5m2(float x);

struct TensorCoreShape {
  std::size_t chunk = 8;  // products per addition
  int kept_bits = 24;     // of each addend, below and with the place of the largest exponent
};

// The running sum after one chunk, `a` and `b` in a short format of at most 12 significant bits.
float tensor_core_add(std::span<const float> a, std::span<const float> b, float sum,
                      const TensorCoreShape& shape);

// Both operands rounded once; weights are kept rounded. A format of small range wants its operands
// scaled: `largest` is what the largest magnitude of the whole weight matrix, and that of each row
// of activations, are scaled to; 0 = no scaling.
class FloatDatapath : public Datapath {
 public:
  FloatDatapath(Rounding round, float largest) : round_(round), largest_(largest) {}
  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) final;

 private:
  struct Rounded {
    std::vector<float> values;
    float scale = 1.0F;
  };
  [[nodiscard]] Rounded rounded(std::vector<float> values) const;
  [[nodiscard]] virtual float dot(std::span<const float> x, std::span<const float> w) const = 0;

  Rounding round_;
  float largest_;
  std::map<std::string, Rounded> prepared_;
};

class TensorCore final : public FloatDatapath {
 public:
  TensorCore(Rounding round, const TensorCoreShape& shape, float largest = 0.0F)
      : FloatDatapath(round, largest), shape_(shape) {}

 private:
  [[nodiscard]] float dot(std::span<const float> x, std::span<const float> w) const override;
  TensorCoreShape shape_;
};

class FloatSystolic final : public FloatDatapath {
 public:
  FloatSystolic(Rounding round, std::size_t tile_rows)
      : FloatDatapath(round, 0.0F), tile_rows_(tile_rows) {}

 private:
  [[nodiscard]] float dot(std::span<const float> x, std::span<const float> w) const override;
  std::size_t tile_rows_;
};

class PimLanes final : public FloatDatapath {
 public:
  PimLanes(Rounding round, std::size_t lanes)
      : FloatDatapath(round, 0.0F), step_(round), lanes_(lanes) {}

 private:
  [[nodiscard]] float dot(std::span<const float> x, std::span<const float> w) const override;
  Rounding step_;
  std::size_t lanes_;
};

class PimTree final : public FloatDatapath {
 public:
  PimTree(Rounding round, std::size_t width)
      : FloatDatapath(round, 0.0F), step_(round), width_(width) {}

 private:
  [[nodiscard]] float dot(std::span<const float> x, std::span<const float> w) const override;
  Rounding step_;
  std::size_t width_;  // a power of two
};

}  // namespace joulesim::models
