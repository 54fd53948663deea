#include "models/transform/sample.hpp"

#include "models/arch/build_graph.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/operators.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <random>

namespace joulesim::models {
namespace {

std::int32_t draw(std::span<const float> logits, double temperature, std::mt19937_64& bits) {
  std::vector<double> shares(logits.begin(), logits.end());
  for (double& logit : shares) {
    logit /= temperature;
  }
  softmax(shares);
  double left = static_cast<double>(bits() >> 11U) * 0x1.0p-53;
  for (std::size_t i = 0; i + 1 < shares.size(); ++i) {
    left -= shares[i];
    if (left < 0.0) {
      return static_cast<std::int32_t>(i);
    }
  }
  return static_cast<std::int32_t>(shares.size() - 1);
}

}  // namespace

std::vector<std::vector<std::int32_t>> sample(const Model& model, std::int64_t count,
                                              std::int64_t length, std::uint64_t seed,
                                              double temperature) {
  if (count < 1 || length < 1 || length > model.spec.max_context || !(temperature > 0.0)) {
    throw InputError(
        fmt::format("found {} sequences of {} tokens at temperature {}; expected at least 1, 1 to "
                    "{}, and a positive temperature",
                    count, length, temperature, model.spec.max_context));
  }
  const auto unit = make_unit({});
  Executor executor(model, *unit);
  std::mt19937_64 bits(seed);
  const auto begin = static_cast<std::int32_t>(std::max<std::int64_t>(0, model.tokens.begin_id));
  std::vector<std::vector<std::int32_t>> sequences(static_cast<std::size_t>(count), {begin});
  std::vector<std::int32_t> last(static_cast<std::size_t>(count), begin);
  for (std::int64_t past = 0; past + 1 < length; ++past) {
    const FloatArray logits =
        executor.run(build_graph(model.spec, Phase::decode(past, count)), last);
    for (std::size_t s = 0; s < sequences.size(); ++s) {
      last[s] = draw(std::span(logits.values).subspan(s * logits.columns, logits.columns),
                     temperature, bits);
      sequences[s].push_back(last[s]);
    }
  }
  return sequences;
}

}  // namespace joulesim::models
