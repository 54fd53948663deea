// Reference attention of one query row over the cached keys and values of its sequence.
//
// Models:     grouped queries, causal masks, sliding windows, soft caps, ALiBi slopes. Scores,
// softmax
//             and the weighted sum are in double, the result is rounded once; error bound as in
//             operators.hpp with n = head size for scores and n = positions for the sum.
// Leaves out: blocking, and the online softmax that fused kernels use.
// Checked by: tests/kernels/models_operators.cpp
#pragma once

#include "models/graph/op.hpp"

#include <cstdint>
#include <span>

namespace joulesim::models {

// `position` is the query's own; keys and values hold `cached` rows of kv_heads * head_dim.
void attend(std::span<const float> query, std::span<const float> keys,
            std::span<const float> values, const Attributes& attributes, std::int64_t position,
            std::int64_t cached, std::span<float> y);

}  // namespace joulesim::models
