// How much of what a model says is left once it computes in fewer bits.
//
// Models:     a text in windows that follow each other, each read from its first token on; the
//             probability of every next token, and the distance of all logits to a reference's.
// Leaves out: overlapping windows.
// Checked by: tests/kernels/models_quantise.cpp
#pragma once

#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/kernels/linear.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// Cuts a text into windows of at most `length` tokens; those after the first start with the begin
// token where the text itself does. A last window too short to score is left out.
std::vector<std::vector<std::int32_t>> windows_of(std::span<const std::int32_t> tokens,
                                                  std::int64_t length, std::int64_t begin_id);

// Logits of every position of every window; `kv_cache` names a format for the cache, or nothing.
std::vector<FloatArray> logits_of(const Model& model, Datapath& unit,
                                  std::span<const std::vector<std::int32_t>> windows,
                                  const std::string& kv_cache = {});

struct Judgement {
  std::int64_t scored = 0;  // tokens that were predicted
  double perplexity = 0.0;
  double kl_divergence = 0.0;   // mean over positions of KL(reference || this), in nats
  double top1_agreement = 0.0;  // share of positions with the same likeliest token
};

Judgement judge(std::span<const std::vector<std::int32_t>> windows,
                std::span<const FloatArray> reference, std::span<const FloatArray> logits);

}  // namespace joulesim::models
