// Reference kernels of operators that go through a sequence token by token, carrying a state.
//
// Models:     depthwise causal convolution, the selective scan of Mamba and Mamba-2, the weighted
//             averages of RWKV-4, the linear attention of RWKV-5 and 6. One call consumes one token
//             of one sequence. States are held in double, results are rounded once to float.
// Leaves out: chunked and parallel forms, which compute the same.
// Checked by: tests/kernels/models_recurrent.cpp (against the operators' sums written out in full)
#pragma once

#include "models/graph/op.hpp"

#include <span>

namespace joulesim::models {

// `state` holds the kernel - 1 tokens before, oldest first, and moves on by one.
void convolve_token(std::span<const float> x, std::span<const float> weight,
                    std::span<const float> bias, std::span<double> state, std::span<float> y);

struct ScanInputs {
  std::span<const float> x;      // channels
  std::span<const float> step;   // per channel, or per head
  std::span<const float> in;     // B: groups * state
  std::span<const float> out;    // C: groups * state
  std::span<const float> decay;  // A, negative: per channel and element of state, or per head
  std::span<const float> skip;   // D: per channel, or per head
};

// Gu and Dao, arXiv 2312.00752, eq. 2 with the discretisation of its algorithm 2 (exponential of
// A times the step; step times B); heads > 0: arXiv 2405.21060, with a scalar A per head.
void scan_token(const ScanInputs& inputs, const Attributes& attributes, std::span<double> state,
                std::span<float> y);

// Peng et al., arXiv 2305.13048, eq. 16, with a running maximum m of the exponents. State per
// channel: numerator, denominator, m; `decay` is a logarithm of the negative exponent.
void wkv_token(std::span<const float> key, std::span<const float> value,
               std::span<const float> decay, std::span<const float> bonus, bool first,
               std::span<double> state, std::span<float> y);

struct LinearInputs {
  std::span<const float> receptance;  // heads * head_dim
  std::span<const float> key;         // heads * head_dim
  std::span<const float> value;       // heads * value_dim
  std::span<const float> decay;       // heads * head_dim, each between 0 and 1
  std::span<const float> bonus;       // heads * head_dim
};

// Peng et al., arXiv 2404.05892, eq. 19 and 20: y = r (S + u k v^T), then S = w S + k v^T.
void linear_attention_token(const LinearInputs& inputs, const Attributes& attributes,
                            std::span<double> state, std::span<float> y);

}  // namespace joulesim::models
