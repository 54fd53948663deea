#include "models/kernels/evaluate.hpp"

#include "models/arch/build_graph.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/fast_linear.hpp"
#include "models/kernels/linear.hpp"
#include "models/kernels/operators.hpp"
#include "models/kernels/quality.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>

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

}  // namespace

Comparison compare(const FloatArray& reference, const FloatArray& other) {
  QualitySum sum;
  for (std::size_t r = 0; r < std::min(reference.rows, other.rows); ++r) {
    sum.compare(row_of(reference, r), row_of(other, r));
  }
  return sum.comparison();
}

std::unique_ptr<Datapath> make_unit(const EvalOptions& options) {
  if (options.datapath == "fp32" && !options.reference_kernels) {
    return std::make_unique<FastArithmetic>(options.jobs);
  }
  return make_datapath(options.datapath);
}

EvalResult evaluate(const Model& model, std::span<const std::int32_t> tokens, std::int64_t greedy,
                    const EvalOptions& options) {
  if (tokens.empty() || greedy < 0) {
    throw InputError(
        fmt::format("found {} tokens and a continuation of {}; expected at least 1 and 0",
                    tokens.size(), greedy));
  }
  const auto unit = make_unit(options);
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
  if (options.datapath != "fp32") {
    EvalOptions exact = options;
    exact.datapath = "fp32";
    const auto reference_unit = make_unit(exact);
    Executor reference(model, *reference_unit);
    result.comparison = compare(all_logits(model, sequence, reference), result.logits);
  }
  return result;
}

}  // namespace joulesim::models
