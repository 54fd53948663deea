// The fast path: what the reference computes in double on one element at a time, in fp32 on
// vectors.
//
// Models:     linear layers straight from the stored codes, each decoded exactly and multiplied by
//             fp32 activations; attention, softmax and gates on the same kernels. Norms, rotations
//             and everything else stay with the reference. The result of a row does not depend on
//             how many rows are computed at once, on the instruction set, or on the number of
//             threads.
// Leaves out: quantised activations (see the int8 datapaths), matrix libraries: their sums depend
// on
//             the machine.
// Error bound: that of simd.hpp for every product; relative to the reference 1e-5 of the largest
//             logit for the models at hand.
// Checked by: tests/kernels/models_simd.cpp, tests/oracle/models_stories.cpp; speed by
//             tests/bench/eval_bench.cpp
#pragma once

#include "models/kernels/linear.hpp"

#include <memory>

namespace joulesim::models {

class Crew;  // threads that wait for rows to compute

class FastArithmetic final : public Datapath {
 public:
  explicit FastArithmetic(int jobs = 1);  // at least 1
  ~FastArithmetic() override;

  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;
  void attend(std::span<const float> query, const AttentionInputs& inputs,
              const Attributes& attributes, std::int64_t position, std::span<float> y) override;
  void activate(Activation activation, std::span<const float> x, std::span<const float> by,
                std::span<float> y) override;

 private:
  std::unique_ptr<Crew> crew_;
};

}  // namespace joulesim::models
