// How well a model computed in one way keeps what it says when computed in another: perplexity on a
// text, and distances between logits.
//
// Models:     perplexity as exp of the mean negative log probability of each next token. A text
// that
//             is longer than the window is cut into windows that follow each other without overlap,
//             each with the begin token in front where the text has one; the first token of a
//             window is not scored.
// Leaves out: overlapping windows (a stride below the window lowers perplexity a little).
// Checked by: tests/kernels/models_quality.cpp, tests/kernels/models_quantise.cpp
#pragma once

#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/kernels/evaluate.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// Sums over rows of logits; every row counts the same.
class QualitySum {
 public:
  // A row against the reference's row for the same position.
  void compare(std::span<const float> reference, std::span<const float> other);
  // What the row gave the token that came next.
  void score(std::span<const float> logits, std::int32_t next);

  [[nodiscard]] Comparison comparison() const;
  [[nodiscard]] double perplexity() const;  // 0 before any score
  [[nodiscard]] std::int64_t scored() const { return scored_; }

 private:
  std::int64_t rows_ = 0;
  std::int64_t elements_ = 0;
  std::int64_t agreeing_ = 0;
  std::int64_t scored_ = 0;
  double largest_ = 0.0;
  double squares_ = 0.0;
  double divergence_ = 0.0;
  double nats_ = 0.0;
};

// Cuts a text into windows of at most `length` tokens; those after the first start with the begin
// token where the text itself does. A last window too short to score is left out. Throws InputError
// for a text or a length below two.
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

// Logits that are at hand against a reference's for the same windows.
Judgement judge(std::span<const std::vector<std::int32_t>> windows,
                std::span<const FloatArray> reference, std::span<const FloatArray> logits);

struct TextQuality {
  std::int64_t scored = 0;  // tokens that were predicted
  double perplexity = 0.0;
  double reference_perplexity = 0.0;
  Comparison comparison;
};

// Longest window that the model and common sense allow: its context, at most 2048.
std::int64_t default_window(const ModelSpec& spec);

// The model on the text's tokens by options' arithmetic, against `reference` in fp32 (which may be
// the same model, or the one that it was made from, with the same vocabulary). `window` 0 is
// default_window. Throws InputError for a text of fewer than two tokens and as evaluate() does.
TextQuality judge_text(const Model& model, const Model& reference,
                       std::span<const std::int32_t> tokens, const EvalOptions& options = {},
                       std::int64_t window = 0);

// The perplexity alone, without a second run.
double perplexity_of(const Model& model, std::span<const std::int32_t> tokens,
                     const EvalOptions& options = {}, std::int64_t window = 0);

}  // namespace joulesim::models
