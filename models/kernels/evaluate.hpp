// Runs a loaded model on given tokens: logits of every position, greedy continuation, and how far a
// datapath is from the reference.
//
// Checked by: tests/oracle/models_stories.cpp, tests/kernels/models_datapaths.cpp
#pragma once

#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/kernels/linear.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// Of one set of logits against a reference, row by row.
struct Comparison {
  double max_abs_error = 0.0;
  double rms_error = 0.0;
  double kl_divergence = 0.0;   // mean over rows of KL(reference || other), in nats
  double top1_agreement = 0.0;  // share of rows with the same largest logit
};

struct EvalResult {
  FloatArray logits;                     // row i: after consuming token i of prompt + continuation
  std::vector<std::int32_t> greedy_ids;  // as many as asked for; the last one is not consumed
  std::optional<Comparison> comparison;  // against fp32 on the same tokens; none for fp32 itself
};

struct EvalOptions {
  std::string datapath = "fp32";   // one of datapath_names()
  bool reference_kernels = false;  // fp32 by the obvious kernels rather than the fast ones
  int jobs = 1;                    // threads; the results are the same
};

// What computes as the options ask. Throws InputError for an unknown name.
std::unique_ptr<Datapath> make_unit(const EvalOptions& options);

// Throws InputError for no tokens, a token outside the vocabulary, or an unknown datapath.
EvalResult evaluate(const Model& model, std::span<const std::int32_t> tokens,
                    std::int64_t greedy = 0, const EvalOptions& options = {});

// Rows that both have are compared; both have the same columns.
Comparison compare(const FloatArray& reference, const FloatArray& other);

}  // namespace joulesim::models
