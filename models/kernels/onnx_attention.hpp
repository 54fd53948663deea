// Attention on whole arrays, for the operators that carry it in one node.
//
// Models:     grouped heads, additive masks, soft caps; the softmax sums in double.
// Checked by: tests/kernels/models_onnx_contrib.cpp
#pragma once

#include "models/import/array.hpp"

#include <cstdint>

namespace joulesim::models::onnx {

struct AttentionSettings {
  double scale = 0;  // 0 = 1 / sqrt(head size)
  double soft_cap = 0;
  enum class Keep : std::uint8_t { kNothing, kProducts, kCapped, kMasked, kWeights };
  Keep keep = Keep::kNothing;  // which intermediate result is returned beside the output
};

struct Attended {
  Array y;       // [batch, heads, queries, value size]
  Array scores;  // [batch, heads, queries, keys] when asked for
};

// q [batch, heads, queries, size], k and v [batch, kv heads, keys, …], all float; heads are a
// multiple of kv heads. `bias` broadcasts to [batch, heads, queries, keys]; undefined = none.
Attended attend(const Array& q, const Array& k, const Array& v, const Array& bias,
                const AttentionSettings& settings);

// Adds minus infinity where key j lies after position past[b] + i of query i, or `window` or more
// positions before it (0 = no window). `past` has one entry or one per sequence.
Array causal_bias(const std::vector<std::int64_t>& past, std::int64_t queries, std::int64_t keys,
                  std::int64_t window);

// [batch, tokens, heads * size] to [batch, heads, tokens, size], and back.
Array split_heads(const Array& x, std::int64_t heads);
Array join_heads(const Array& x);

struct Rotation {
  bool interleaved = false;
  std::int64_t rotary = 0;  // elements turned; 0 = the whole head
  double scale = 1.0;
};
// Turns x [batch, heads, tokens, size] by angles from caches [positions, rotary / 2];
// positions[b * tokens + t].
Array rotated(const Array& x, const Array& cos, const Array& sin,
              const std::vector<std::int64_t>& positions, const Rotation& rotation);

// a + b with broadcasting; an undefined array counts as nothing.
Array added(const Array& a, const Array& b);

}  // namespace joulesim::models::onnx
