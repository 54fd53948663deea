// Losses: negative log likelihood, and cross entropy of a softmax.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

// Log-probabilities [n, classes, …] and targets [n, …]; weights per class.
Array likelihood_loss(const Call& call, const Array& logs, std::size_t weight_input) {
  const std::vector<std::int64_t> targets = call.ints_in(1);
  const std::string reduction = call.text("reduction", "mean");
  const bool ignores = call.has_attribute("ignore_index");
  const std::int64_t ignored = call.integer("ignore_index", 0);
  expect(logs.rank() >= 2, to_string(logs.shape()), "[n,classes,…]");
  const AroundAxis around(logs.shape(), 1);
  expect(static_cast<std::int64_t>(targets.size()) == around.before * around.after,
         to_string(call.in(1).shape()), "a target per place");
  std::vector<double> weights(static_cast<std::size_t>(around.along), 1.0);
  if (call.has(weight_input)) {
    weights = converted<double>(call.in(weight_input));
    expect(static_cast<std::int64_t>(weights.size()) == around.along,
           fmt::format("{} weights", weights.size()), fmt::format("{}", around.along));
  }
  Array losses(DType::kDouble, call.in(1).shape());
  double sum = 0;
  double total_weight = 0;
  for (std::size_t i = 0; i < targets.size(); ++i) {
    if (ignores && targets[i] == ignored) {
      continue;
    }
    expect(targets[i] >= 0 && targets[i] < around.along, fmt::format("class {}", targets[i]),
           fmt::format("one of {}", around.along));
    const auto place = static_cast<std::int64_t>(i);
    const auto at = static_cast<std::size_t>(
        (place / around.after * around.along + targets[i]) * around.after + place % around.after);
    const double weight = weights[static_cast<std::size_t>(targets[i])];
    const double loss = -weight * logs.read<double>()[at];
    losses.write<double>()[i] = loss;
    sum += loss;
    total_weight += weight;
  }
  if (reduction == "none") {
    return cast(losses, call.in(0).type());
  }
  expect(reduction == "sum" || reduction == "mean", "reduction '" + reduction + "'",
         "none, sum or mean");
  const double value = reduction == "sum" ? sum : sum / total_weight;
  return cast(Array::of(DType::kDouble, {}, std::vector<double>{value}), call.in(0).type());
}

void negative_log_likelihood(Call& call) {
  call.set(0, likelihood_loss(call, cast(call.in(0), DType::kDouble), 2));
}

void softmax_cross_entropy(Call& call) {
  const Array scores = cast(call.in(0), DType::kDouble);
  const AroundAxis around(scores.shape(), axis_of(1, scores.rank()));
  Array logs(DType::kDouble, scores.shape());
  for (std::int64_t i = 0; i < around.before * around.after; ++i) {
    const auto at = [&](std::int64_t c) {
      return static_cast<std::size_t>((i / around.after * around.along + c) * around.after +
                                      i % around.after);
    };
    double largest = -1e300;
    for (std::int64_t c = 0; c < around.along; ++c) {
      largest = std::max(largest, scores.read<double>()[at(c)]);
    }
    double sum = 0;
    for (std::int64_t c = 0; c < around.along; ++c) {
      sum += std::exp(scores.read<double>()[at(c)] - largest);
    }
    for (std::int64_t c = 0; c < around.along; ++c) {
      logs.write<double>()[at(c)] = scores.read<double>()[at(c)] - largest - std::log(sum);
    }
  }
  call.set(0, likelihood_loss(call, logs, 2));
  call.set(1, cast(logs, call.in(0).type()));
}

constexpr KernelRow kRows[] = {
    {"", "NegativeLogLikelihoodLoss", 12, kNewestOpset, negative_log_likelihood, Narrow::kWiden},
    {"", "SoftmaxCrossEntropyLoss", 12, kNewestOpset, softmax_cross_entropy, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> loss_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
