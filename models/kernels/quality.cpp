#include "models/kernels/quality.hpp"

#include "models/arch/build_graph.hpp"
#include "models/graph/passes.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/operators.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <functional>

namespace joulesim::models {
namespace {

constexpr std::int64_t kLongestWindow = 2048;
constexpr std::int64_t kPiece = 64;  // rows of logits held at once

double log_of_sum(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) {
    sum += std::exp(logit - largest);
  }
  return largest + std::log(sum);
}

// One model on one window, piece by piece.
class WindowRun {
 public:
  WindowRun(const Model& model, const EvalOptions& options)
      : model_(model), unit_(make_unit(options)), executor_(model, *unit_) {}

  void forget() { executor_.forget(); }

  FloatArray logits(std::span<const std::int32_t> window, std::int64_t from, std::int64_t count) {
    Phase phase = Phase::prefill(count, from);
    phase.all_logits = true;
    return executor_.run(
        build_graph(model_.spec, phase),
        window.subspan(static_cast<std::size_t>(from), static_cast<std::size_t>(count)));
  }

 private:
  const Model& model_;
  std::unique_ptr<Datapath> unit_;
  Executor executor_;
};

std::span<const float> row_of(const FloatArray& array, std::size_t row) {
  return std::span(array.values).subspan(row * array.columns, array.columns);
}

// Calls `visit(window, from, count)` for every piece of the text; `begin` before each window.
void for_each_piece(
    const Model& model, std::span<const std::int32_t> tokens, std::int64_t window,
    const std::function<void()>& begin,
    const std::function<void(std::span<const std::int32_t>, std::int64_t, std::int64_t)>& visit) {
  const std::int64_t longest = window > 0 ? window : default_window(model.spec);
  for (const std::vector<std::int32_t>& part : windows_of(tokens, longest, model.tokens.begin_id)) {
    begin();
    // The last token of a window is never consumed: nothing of the window follows it.
    const auto consumed = static_cast<std::int64_t>(part.size()) - 1;
    for (std::int64_t from = 0; from < consumed; from += kPiece) {
      visit(part, from, std::min(kPiece, consumed - from));
    }
  }
}

}  // namespace

void QualitySum::compare(std::span<const float> reference, std::span<const float> other) {
  const double p_sum = log_of_sum(reference);
  const double q_sum = log_of_sum(other);
  for (std::size_t i = 0; i < reference.size(); ++i) {
    const double error = std::fabs(static_cast<double>(reference[i]) - other[i]);
    largest_ = std::max(largest_, error);
    squares_ += error * error;
    const double p = reference[i] - p_sum;
    divergence_ += std::exp(p) * (p - (other[i] - q_sum));
  }
  agreeing_ += argmax(reference) == argmax(other) ? 1 : 0;
  elements_ += static_cast<std::int64_t>(reference.size());
  ++rows_;
}

void QualitySum::score(std::span<const float> logits, std::int32_t next) {
  nats_ += log_of_sum(logits) - logits[static_cast<std::size_t>(next)];
  ++scored_;
}

Comparison QualitySum::comparison() const {
  if (rows_ == 0) {
    return {};
  }
  const auto rows = static_cast<double>(rows_);
  return {largest_, std::sqrt(squares_ / static_cast<double>(elements_)), divergence_ / rows,
          static_cast<double>(agreeing_) / rows};
}

double QualitySum::perplexity() const {
  return scored_ > 0 ? std::exp(nats_ / static_cast<double>(scored_)) : 0.0;
}

std::int64_t default_window(const ModelSpec& spec) {
  return spec.max_context > 0 ? std::min(spec.max_context, kLongestWindow) : kLongestWindow;
}

std::vector<std::vector<std::int32_t>> windows_of(std::span<const std::int32_t> tokens,
                                                  std::int64_t length, std::int64_t begin_id) {
  if (length < 2 || tokens.size() < 2) {
    throw InputError(fmt::format("found a text of {} tokens for windows of {}; expected at least 2",
                                 tokens.size(), length));
  }
  const bool begins = begin_id >= 0 && tokens.front() == begin_id;
  const auto room = static_cast<std::size_t>(length) - (begins ? 1U : 0U);
  const auto text = tokens.subspan(begins ? 1 : 0);
  std::vector<std::vector<std::int32_t>> windows;
  for (std::size_t at = 0; at < text.size(); at += room) {
    std::vector<std::int32_t> window;
    if (begins) {
      window.push_back(static_cast<std::int32_t>(begin_id));
    }
    const auto part = text.subspan(at, std::min(room, text.size() - at));
    window.insert(window.end(), part.begin(), part.end());
    if (window.size() >= 2) {
      windows.push_back(std::move(window));
    }
  }
  return windows;
}

std::vector<FloatArray> logits_of(const Model& model, Datapath& unit,
                                  std::span<const std::vector<std::int32_t>> windows,
                                  const std::string& kv_cache) {
  std::vector<FloatArray> logits;
  for (const std::vector<std::int32_t>& window : windows) {
    Phase phase = Phase::prefill(static_cast<std::int64_t>(window.size()));
    phase.all_logits = true;
    OperatorGraph graph = build_graph(model.spec, phase);
    if (!kv_cache.empty()) {
      graph = quantise_kv_cache(graph, kv_cache);
    }
    Executor executor(model, unit);
    logits.push_back(executor.run(graph, window));
  }
  return logits;
}

Judgement judge(std::span<const std::vector<std::int32_t>> windows,
                std::span<const FloatArray> reference, std::span<const FloatArray> logits) {
  QualitySum sum;
  for (std::size_t w = 0; w < windows.size(); ++w) {
    for (std::size_t t = 0; t < windows[w].size(); ++t) {
      const auto row = row_of(logits[w], t);
      sum.compare(row_of(reference[w], t), row);
      if (t + 1 < windows[w].size()) {
        sum.score(row, windows[w][t + 1]);
      }
    }
  }
  const Comparison comparison = sum.comparison();
  return {sum.scored(), sum.perplexity(), comparison.kl_divergence, comparison.top1_agreement};
}

TextQuality judge_text(const Model& model, const Model& reference,
                       std::span<const std::int32_t> tokens, const EvalOptions& options,
                       std::int64_t window) {
  if (model.spec.vocab != reference.spec.vocab) {
    throw InputError(fmt::format("found a vocabulary of {}; expected {}, that of the reference",
                                 model.spec.vocab, reference.spec.vocab));
  }
  EvalOptions exact = options;
  exact.datapath = "fp32";
  WindowRun judged(model, options);
  WindowRun judge(reference, exact);
  QualitySum sum;
  QualitySum reference_sum;
  for_each_piece(
      model, tokens, window,
      [&] {
        judged.forget();
        judge.forget();
      },
      [&](std::span<const std::int32_t> part, std::int64_t from, std::int64_t count) {
        const FloatArray ours = judged.logits(part, from, count);
        const FloatArray theirs = judge.logits(part, from, count);
        for (std::size_t r = 0; r < ours.rows; ++r) {
          const std::int32_t next = part[static_cast<std::size_t>(from) + r + 1];
          sum.compare(row_of(theirs, r), row_of(ours, r));
          sum.score(row_of(ours, r), next);
          reference_sum.score(row_of(theirs, r), next);
        }
      });
  return {sum.scored(), sum.perplexity(), reference_sum.perplexity(), sum.comparison()};
}

double perplexity_of(const Model& model, std::span<const std::int32_t> tokens,
                     const EvalOptions& options, std::int64_t window) {
  WindowRun run(model, options);
  QualitySum sum;
  for_each_piece(
      model, tokens, window, [&] { run.forget(); },
      [&](std::span<const std::int32_t> part, std::int64_t from, std::int64_t count) {
        const FloatArray logits = run.logits(part, from, count);
        for (std::size_t r = 0; r < logits.rows; ++r) {
          sum.score(row_of(logits, r), part[static_cast<std::size_t>(from) + r + 1]);
        }
      });
  return sum.perplexity();
}

}  // namespace joulesim::models
