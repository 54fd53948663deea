// Reference attention of one query row over the cached keys and values of its sequence.
//
// Models:     grouped queries, causal masks, sliding windows, soft caps, ALiBi slopes,
//             biases by relative position, values narrower than keys. Scores,
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

// Rows of kv_heads * head_dim (values: of value_dim, or of more, whose first elements count).
struct AttentionInputs {
  std::span<const float> keys;
  std::span<const float> values;
  std::int64_t rows = 0;
  std::span<const float> bias;  // relative_buckets * heads, or empty
};

// Rows that a query at `position` may look at, first and last included.
struct Seen {
  std::int64_t first = 0;
  std::int64_t last = -1;
  [[nodiscard]] std::size_t count() const { return static_cast<std::size_t>(last - first + 1); }
};
Seen seen_by(const Attributes& attributes, std::int64_t position, std::int64_t rows);

// Where a head's keys and values lie.
struct HeadPlace {
  std::size_t key_width = 0;  // from one row to the next
  std::size_t value_width = 0;
  std::size_t key = 0;  // of the head, in a row
  std::size_t value = 0;
  std::size_t key_size = 0;
  std::size_t value_size = 0;
};
HeadPlace place_of_head(const AttentionInputs& inputs, const Attributes& attributes,
                        std::int64_t head);

// Soft cap, ALiBi and relative bias on a score that is scaled already.
double adjusted_score(double score, const AttentionInputs& inputs, const Attributes& attributes,
                      std::int64_t head, std::int64_t distance);

// `position` is the query's own.
void attend(std::span<const float> query, const AttentionInputs& inputs,
            const Attributes& attributes, std::int64_t position, std::span<float> y);

// The bucket of a key at `distance` from the query (negative: before it): Raffel et al., arXiv
// 1910.10683, section 2.1. An encoder has half of the buckets for each direction.
std::int64_t relative_bucket(const Attributes& attributes, std::int64_t distance);

}  // namespace joulesim::models
