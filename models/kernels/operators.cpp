#include "models/kernels/operators.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

namespace joulesim::models {

namespace {

// x times factor, times the gain, plus the bias, of the element at `i`.
double scaled(double x, std::span<const float> gain, std::span<const float> bias, std::size_t i) {
  const double y = gain.empty() ? x : x * gain[i % gain.size()];
  return bias.empty() ? y : y + bias[i % bias.size()];
}

}  // namespace

void rms_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
              std::size_t group, double epsilon, std::span<float> y) {
  for (std::size_t start = 0; start < x.size(); start += group) {
    double squares = 0.0;
    for (std::size_t i = start; i < start + group; ++i) {
      squares += static_cast<double>(x[i]) * x[i];
    }
    const double factor = 1.0 / std::sqrt(squares / static_cast<double>(group) + epsilon);
    for (std::size_t i = start; i < start + group; ++i) {
      y[i] = static_cast<float>(scaled(x[i] * factor, gain, bias, i));
    }
  }
}

void layer_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                std::size_t group, double epsilon, std::span<float> y) {
  const auto n = static_cast<double>(group);
  for (std::size_t start = 0; start < x.size(); start += group) {
    double sum = 0.0;
    for (std::size_t i = start; i < start + group; ++i) {
      sum += x[i];
    }
    const double mean = sum / n;
    double squares = 0.0;
    for (std::size_t i = start; i < start + group; ++i) {
      const double v = x[i] - mean;
      squares += v * v;
    }
    const double factor = 1.0 / std::sqrt(squares / n + epsilon);
    for (std::size_t i = start; i < start + group; ++i) {
      y[i] = static_cast<float>(scaled((x[i] - mean) * factor, gain, bias, i));
    }
  }
}

double activate(Activation activation, double x) {
  switch (activation) {
    case Activation::kNone:
      return x;
    case Activation::kSilu:
      return x / (1.0 + std::exp(-x));
    case Activation::kGelu:
      return 0.5 * x * (1.0 + std::erf(x / std::numbers::sqrt2));
    case Activation::kGeluTanh: {
      // Hendrycks and Gimpel, arXiv 1606.08415, section 2.
      const double inner = std::sqrt(2.0 / std::numbers::pi) * (x + 0.044715 * x * x * x);
      return 0.5 * x * (1.0 + std::tanh(inner));
    }
    case Activation::kRelu:
      return std::max(x, 0.0);
    case Activation::kRelu2:
      return x > 0.0 ? x * x : 0.0;
    case Activation::kQuickGelu:
      return x / (1.0 + std::exp(-1.702 * x));
    case Activation::kSigmoid:
      return 1.0 / (1.0 + std::exp(-x));
    case Activation::kTanh:
      return std::tanh(x);
    case Activation::kSoftplus:  // log(1 + e^x), without overflow
      return std::max(x, 0.0) + std::log1p(std::exp(-std::fabs(x)));
    case Activation::kDecay:
      return std::exp(-std::exp(x));
  }
  return x;
}

void rotate_row(std::span<float> row, const Attributes& a, std::int64_t position,
                std::span<const float> factors) {
  const std::int64_t pairs = a.rotary / 2;
  const auto head_dim = static_cast<std::size_t>(a.head_dim);
  for (std::int64_t i = 0; i < pairs; ++i) {
    // Su et al., arXiv 2104.09864, eq. 15: theta_i = base^(-2i / d).
    double theta =
        std::pow(a.rope_base, -2.0 * static_cast<double>(i) / static_cast<double>(a.rotary));
    if (!factors.empty()) {
      theta /= factors[static_cast<std::size_t>(i)];
    }
    const double angle = static_cast<double>(position) * theta;
    const double c = std::cos(angle) * a.rope_magnitude;
    const double s = std::sin(angle) * a.rope_magnitude;
    const bool adjacent = a.rope_layout == RopeLayout::kAdjacent;
    const auto first = static_cast<std::size_t>(a.rotary_from + (adjacent ? 2 * i : i));
    const auto second =
        static_cast<std::size_t>(a.rotary_from + (adjacent ? 2 * i + 1 : i + pairs));
    for (std::size_t head = 0; head < row.size(); head += head_dim) {
      const double u = row[head + first];
      const double v = row[head + second];
      row[head + first] = static_cast<float>(u * c - v * s);
      row[head + second] = static_cast<float>(u * s + v * c);
    }
  }
}

void softmax(std::span<double> scores) {
  const double largest = *std::max_element(scores.begin(), scores.end());
  double sum = 0.0;
  for (double& score : scores) {
    score = std::exp(score - largest);
    sum += score;
  }
  for (double& score : scores) {
    score /= sum;
  }
}

double soft_capped(double x, double cap) { return cap > 0.0 ? cap * std::tanh(x / cap) : x; }

namespace {

// Experts from best to worst; of equals, the first.
std::vector<std::size_t> ranked(std::span<const double> scores) {
  std::vector<std::size_t> ids(scores.size());
  std::iota(ids.begin(), ids.end(), 0);
  std::stable_sort(ids.begin(), ids.end(),
                   [&](std::size_t i, std::size_t j) { return scores[i] > scores[j]; });
  return ids;
}

// Liu et al., arXiv 2409.12136, as the makers' own code runs it without noise: the weight of each
// choice is its share among the experts within a relative distance of the best one left.
void route_sparsely(std::span<const float> logits, std::span<const std::size_t> ids,
                    std::span<double> weights) {
  constexpr double kDistance = 2 * 0.01;  // twice the jitter of training
  for (std::size_t i = 0; i < weights.size(); ++i) {
    const double best = logits[ids[i]];
    double sum = 0.0;
    for (std::size_t j = i; j < ids.size(); ++j) {
      const double other = logits[ids[j]];
      if (best - other <= kDistance * std::max(std::fabs(other), best)) {
        sum += std::exp(other - best);
      }
    }
    weights[i] = 1.0 / sum;
  }
}

}  // namespace

void route(std::span<const float> logits, std::span<const float> bias, const Attributes& a,
           std::span<float> routing) {
  std::vector<double> scores(logits.begin(), logits.end());
  if (a.routing == Routing::kSigmoid) {
    for (double& score : scores) {
      score = activate(Activation::kSigmoid, score);
    }
  } else if (a.routing == Routing::kSoftmax) {
    softmax(scores);
  }
  std::vector<double> preference = scores;
  for (std::size_t i = 0; i < bias.size(); ++i) {
    preference[i] += bias[i];
  }
  const std::vector<std::size_t> ids = ranked(preference);
  const auto active = static_cast<std::size_t>(a.active_experts);
  std::vector<double> weights;
  for (std::size_t i = 0; i < active; ++i) {
    weights.push_back(scores[ids[i]]);
  }
  if (a.routing == Routing::kSparseMixer) {
    route_sparsely(logits, ids, weights);
  } else if (a.renormalise) {
    const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
    std::transform(weights.begin(), weights.end(), weights.begin(),
                   [&](double weight) { return weight / sum; });
  }
  for (std::size_t i = 0; i < active; ++i) {
    routing[i] = static_cast<float>(ids[i]);
    routing[active + i] = static_cast<float>(weights[i] * a.scale);
  }
}

std::size_t argmax(std::span<const float> row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace joulesim::models
