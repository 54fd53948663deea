// Attention as fused kernels compute it: block by block of cached positions, softmax on the way.
//
// Models:     FlashAttention-2, Dao, arXiv 2307.08691, algorithm 1, for one query row: queries,
// keys,
//             values and probabilities rounded to a short format, products added by a tensor core
//             (scores from zero; the output accumulator continues from block to block), maximum,
//             sum and rescaling in fp32.
// Leaves out: splitting a query's positions over several workers.
// Error bound: relative to the largest value, the rounding of the operands (2^-p each) times the
//             largest |q k| scale, plus (blocks + positions) 2^-23.
// Checked by: tests/kernels/models_flash.cpp
#pragma once

#include "models/graph/op.hpp"
#include "models/kernels/float_linear.hpp"

#include <cstdint>
#include <span>

namespace joulesim::models {

struct FlashShape {
  Rounding round = to_fp16;
  std::int64_t block = 64;  // positions
  TensorCoreShape core;
};

// As attend() in models/kernels/attention.hpp.
void flash_attend(std::span<const float> query, const AttentionInputs& inputs,
                  const Attributes& attributes, std::int64_t position, const FlashShape& shape,
                  std::span<float> y);

// A tensor core for the linear layers and fused attention on the same core.
class FlashTensorCore final : public Datapath {
 public:
  explicit FlashTensorCore(const FlashShape& shape)
      : shape_(shape), linear_(shape.round, shape.core) {}
  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override {
    linear_.multiply(key, weights, x, role, y);
  }
  void attend(std::span<const float> query, const AttentionInputs& inputs,
              const Attributes& attributes, std::int64_t position, std::span<float> y) override {
    flash_attend(query, inputs, attributes, position, shape_, y);
  }

 private:
  FlashShape shape_;
  TensorCore linear_;
};

}  // namespace joulesim::models
