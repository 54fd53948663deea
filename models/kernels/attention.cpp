#include "models/kernels/attention.hpp"

#include "models/kernels/operators.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace joulesim::models {
namespace {

// Press et al., arXiv 2108.12409: slopes 2^(-8 h / H); heads beyond a power of two interleave.
double alibi_slope(std::int64_t head, std::int64_t heads) {
  std::int64_t power = 1;
  while (power * 2 <= heads) {
    power *= 2;
  }
  const auto p = static_cast<double>(power);
  if (head < power) {
    return std::exp2(-8.0 * static_cast<double>(head + 1) / p);
  }
  return std::exp2(-4.0 * static_cast<double>(2 * (head - power) + 1) / p);
}

}  // namespace

void attend(std::span<const float> query, std::span<const float> keys,
            std::span<const float> values, const Attributes& a, std::int64_t position,
            std::int64_t cached, std::span<float> y) {
  const std::int64_t last = a.causal ? position : cached - 1;
  const std::int64_t first = a.window > 0 ? std::max<std::int64_t>(0, position - a.window + 1) : 0;
  const auto seen = static_cast<std::size_t>(last - first + 1);
  const auto size = static_cast<std::size_t>(a.head_dim);
  const auto width = static_cast<std::size_t>(a.kv_heads * a.head_dim);
  std::vector<double> scores(seen);
  std::vector<double> sum(size);
  for (std::int64_t head = 0; head < a.heads; ++head) {
    const auto q_at = static_cast<std::size_t>(head * a.head_dim);
    const auto kv_at = static_cast<std::size_t>(head / (a.heads / a.kv_heads) * a.head_dim);
    const double slope = a.alibi ? alibi_slope(head, a.heads) : 0.0;
    for (std::size_t t = 0; t < seen; ++t) {
      const std::size_t key_at = (static_cast<std::size_t>(first) + t) * width + kv_at;
      double dot = 0.0;
      for (std::size_t i = 0; i < size; ++i) {
        dot += static_cast<double>(query[q_at + i]) * keys[key_at + i];
      }
      const double distance = static_cast<double>(position - first) - static_cast<double>(t);
      scores[t] = soft_capped(dot * a.scale, a.soft_cap) - slope * distance;
    }
    softmax(scores);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::size_t t = 0; t < seen; ++t) {
      const std::size_t value_at = (static_cast<std::size_t>(first) + t) * width + kv_at;
      for (std::size_t i = 0; i < size; ++i) {
        sum[i] += scores[t] * values[value_at + i];
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      y[q_at + i] = static_cast<float>(sum[i]);
    }
  }
}

}  // namespace joulesim::models
