// Linear layers that read their inputs in fewer bits: what W8A8 and its kin compute.
//
// Models:     each input row rounded to signed integers with one scale per row (found as the row
//             comes) or one per layer (found in calibration), then multiplied by another datapath.
// Leaves out: rounding of what passes between other operators; routers, which stay as they are.
// Checked by: tests/kernels/models_quantise.cpp
#pragma once

#include "models/transform/input_statistics.hpp"

namespace joulesim::models {

class RoundedInputs final : public Datapath {
 public:
  // With statistics, the scale of a layer is fixed to its largest input in them, and what is
  // larger saturates; a layer that is not in them is rounded row by row. `inner` outlives this.
  RoundedInputs(Datapath& inner, int bits, std::map<std::string, InputStatistics> fixed = {})
      : inner_(inner), bits_(bits), fixed_(std::move(fixed)) {}

  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;
  void attend(std::span<const float> query, const AttentionInputs& inputs,
              const Attributes& attributes, std::int64_t position, std::span<float> y) override {
    inner_.attend(query, inputs, attributes, position, y);
  }
  void activate(Activation activation, std::span<const float> x, std::span<const float> by,
                std::span<float> y) override {
    inner_.activate(activation, x, by, y);
  }

 private:
  Datapath& inner_;
  int bits_;
  std::map<std::string, InputStatistics> fixed_;
};

}  // namespace joulesim::models
