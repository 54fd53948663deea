#include "models/kernels/operators.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace joulesim::models {

void rms_norm(std::span<const float> x, std::span<const float> gain, double epsilon,
              std::span<float> y) {
  const std::size_t width = gain.size();
  for (std::size_t start = 0; start < x.size(); start += width) {
    double squares = 0.0;
    for (std::size_t i = 0; i < width; ++i) {
      const double v = x[start + i];
      squares += v * v;
    }
    const double factor = 1.0 / std::sqrt(squares / static_cast<double>(width) + epsilon);
    for (std::size_t i = 0; i < width; ++i) {
      y[start + i] = static_cast<float>(x[start + i] * factor * gain[i]);
    }
  }
}

void layer_norm(std::span<const float> x, std::span<const float> gain, std::span<const float> bias,
                double epsilon, std::span<float> y) {
  const std::size_t width = gain.size();
  const auto n = static_cast<double>(width);
  for (std::size_t start = 0; start < x.size(); start += width) {
    double sum = 0.0;
    for (std::size_t i = 0; i < width; ++i) {
      sum += x[start + i];
    }
    const double mean = sum / n;
    double squares = 0.0;
    for (std::size_t i = 0; i < width; ++i) {
      const double v = x[start + i] - mean;
      squares += v * v;
    }
    const double factor = 1.0 / std::sqrt(squares / n + epsilon);
    for (std::size_t i = 0; i < width; ++i) {
      const double shifted = (x[start + i] - mean) * factor * gain[i];
      y[start + i] = static_cast<float>(shifted + (bias.empty() ? 0.0 : bias[i]));
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
    const double c = std::cos(angle);
    const double s = std::sin(angle);
    const bool adjacent = a.rope_layout == RopeLayout::kAdjacent;
    const auto first = static_cast<std::size_t>(adjacent ? 2 * i : i);
    const auto second = static_cast<std::size_t>(adjacent ? 2 * i + 1 : i + pairs);
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

std::size_t argmax(std::span<const float> row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace joulesim::models
