#include "models/transform/judge.hpp"

#include "models/arch/build_graph.hpp"
#include "models/graph/passes.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/executor.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::models {
namespace {

// Natural log of what the softmax of a row gives to one token.
double log_probability(std::span<const float> logits, std::int32_t token) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) {
    sum += std::exp(logit - largest);
  }
  return logits[static_cast<std::size_t>(token)] - largest - std::log(sum);
}

}  // namespace

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
  Judgement result;
  double nats = 0.0;
  double rows = 0.0;
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const FloatArray& rows_of = logits[w];
    for (std::size_t t = 0; t + 1 < windows[w].size(); ++t) {
      const auto row = std::span(rows_of.values).subspan(t * rows_of.columns, rows_of.columns);
      nats -= log_probability(row, windows[w][t + 1]);
      ++result.scored;
    }
    const Comparison comparison = compare(reference[w], logits[w]);
    const auto weight = static_cast<double>(logits[w].rows);
    result.kl_divergence += weight * comparison.kl_divergence;
    result.top1_agreement += weight * comparison.top1_agreement;
    rows += weight;
  }
  if (result.scored > 0) {
    result.perplexity = std::exp(nats / static_cast<double>(result.scored));
    result.kl_divergence /= rows;
    result.top1_agreement /= rows;
  }
  return result;
}

}  // namespace joulesim::models
