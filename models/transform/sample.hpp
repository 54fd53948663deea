// Text that a model writes itself, for calibration and comparison where no other is at hand.
//
// Models:     sequences drawn token by token from the softmax of the logits, seeded.
// Leaves out: truncation of the distribution (top-k, nucleus).
// Checked by: tests/kernels/models_quantise.cpp
#pragma once

#include "models/import/model.hpp"

#include <cstdint>
#include <vector>

namespace joulesim::models {

// `count` sequences of `length` tokens, each starting with the begin token (or token 0).
std::vector<std::vector<std::int32_t>> sample(const Model& model, std::int64_t count,
                                              std::int64_t length, std::uint64_t seed,
                                              double temperature = 1.0);

}  // namespace joulesim::models
