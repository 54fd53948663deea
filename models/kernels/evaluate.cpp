#include "models/kernels/evaluate.hpp"

#include "models/arch/build_graph.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/linear.hpp"
#include "models/kernels/operators.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::models {
namespace {

std::span<const float> row_of(const FloatArray& array, std::size_t row) {
  return std::span(array.values).subspan(row * array.columns, array.columns);
}

FloatArray all_logits(const Model& model, std::span<const std::int32_t> tokens,
                      Executor& executor) {
  Phase phase = Phase::prefill(static_cast<std::int64_t>(tokens.size()));
  phase.all_logits = true;
  return executor.run(build_graph(model.spec, phase), tokens);
}

// log of the softmax of a row.
std::vector<double> log_probabilities(std::span<const float> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) {
    sum += std::exp(logit - largest);
  }
  std::vector<double> result;
  result.reserve(logits.size());
  for (const float logit : logits) {
    result.push_back(logit - largest - std::log(sum));
  }
  return result;
}

}  // namespace

Comparison compare(const FloatArray& reference, const FloatArray& other) {
  Comparison result;
  const std::size_t rows = std::min(reference.rows, other.rows);
  double squares = 0.0;
  std::size_t agreeing = 0;
  for (std::size_t r = 0; r < rows; ++r) {
    const auto a = row_of(reference, r);
    const auto b = row_of(other, r);
    const std::vector<double> p = log_probabilities(a);
    const std::vector<double> q = log_probabilities(b);
    for (std::size_t i = 0; i < a.size(); ++i) {
      const double error = std::fabs(static_cast<double>(a[i]) - b[i]);
      result.max_abs_error = std::max(result.max_abs_error, error);
      squares += error * error;
      result.kl_divergence += std::exp(p[i]) * (p[i] - q[i]);
    }
    agreeing += argmax(a) == argmax(b) ? 1U : 0U;
  }
  if (rows > 0) {
    const auto n = static_cast<double>(rows);
    result.rms_error = std::sqrt(squares / (n * static_cast<double>(reference.columns)));
    result.kl_divergence /= n;
    result.top1_agreement = static_cast<double>(agreeing) / n;
  }
  return result;
}

EvalResult evaluate(const Model& model, std::span<const std::int32_t> tokens, std::int64_t greedy,
                    const std::string& datapath) {
  if (tokens.empty() || greedy < 0) {
    throw InputError(
        fmt::format("found {} tokens and a continuation of {}; expected at least 1 and 0",
                    tokens.size(), greedy));
  }
  const auto unit = make_datapath(datapath);
  Executor executor(model, *unit);
  EvalResult result;
  result.logits = all_logits(model, tokens, executor);
  std::vector<std::int32_t> sequence(tokens.begin(), tokens.end());
  for (std::int64_t i = 0; i < greedy; ++i) {
    const auto next =
        static_cast<std::int32_t>(argmax(row_of(result.logits, result.logits.rows - 1)));
    result.greedy_ids.push_back(next);
    if (i + 1 == greedy) {
      break;
    }
    const Phase step = Phase::decode(static_cast<std::int64_t>(sequence.size()));
    sequence.push_back(next);
    const FloatArray row = executor.run(build_graph(model.spec, step), {&next, 1});
    result.logits.values.insert(result.logits.values.end(), row.values.begin(), row.values.end());
    ++result.logits.rows;
  }
  if (datapath != "fp32") {
    const auto reference_unit = make_datapath("fp32");
    Executor reference(model, *reference_unit);
    result.comparison = compare(all_logits(model, sequence, reference), result.logits);
  }
  return result;
}

}  // namespace joulesim::models
