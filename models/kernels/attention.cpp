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

std::int64_t relative_bucket(const Attributes& a, std::int64_t distance) {
  std::int64_t buckets = a.relative_buckets;
  std::int64_t first = 0;
  std::int64_t away = -distance;  // how far back
  if (!a.causal) {
    buckets /= 2;
    first = distance > 0 ? buckets : 0;
    away = distance > 0 ? distance : -distance;
  }
  away = std::max<std::int64_t>(away, 0);
  const std::int64_t exact = buckets / 2;  // one bucket per distance, then logarithmically wider
  if (away < exact) {
    return first + away;
  }
  const double steps =
      std::log(static_cast<double>(away) / static_cast<double>(exact)) /
      std::log(static_cast<double>(a.relative_distance) / static_cast<double>(exact)) *
      static_cast<double>(buckets - exact);
  return first + std::min(buckets - 1, exact + static_cast<std::int64_t>(steps));
}

void attend(std::span<const float> query, const AttentionInputs& inputs, const Attributes& a,
            std::int64_t position, std::span<float> y) {
  const std::int64_t last = a.causal && a.source == 0 ? position : inputs.rows - 1;
  const std::int64_t first = a.window > 0 ? std::max<std::int64_t>(0, position - a.window + 1) : 0;
  const auto seen = static_cast<std::size_t>(last - first + 1);
  const auto size = static_cast<std::size_t>(a.head_dim);
  const auto value_size = static_cast<std::size_t>(a.value_dim > 0 ? a.value_dim : a.head_dim);
  const auto rows = static_cast<std::size_t>(inputs.rows);
  const std::size_t key_width = inputs.keys.size() / rows;
  const std::size_t value_width = inputs.values.size() / rows;
  const auto kv_heads = static_cast<std::size_t>(a.kv_heads);
  const auto heads = static_cast<std::size_t>(a.heads);
  std::vector<double> scores(seen);
  std::vector<double> sum(value_size);
  for (std::size_t head = 0; head < heads; ++head) {
    const std::size_t kv_head = head / (heads / kv_heads);
    const double slope = a.alibi ? alibi_slope(static_cast<std::int64_t>(head), a.heads) : 0.0;
    for (std::size_t t = 0; t < seen; ++t) {
      const std::size_t row = static_cast<std::size_t>(first) + t;
      const std::size_t key_at = row * key_width + kv_head * (key_width / kv_heads);
      double dot = 0.0;
      for (std::size_t i = 0; i < size; ++i) {
        dot += static_cast<double>(query[head * size + i]) * inputs.keys[key_at + i];
      }
      const std::int64_t distance = static_cast<std::int64_t>(row) - position;
      scores[t] = soft_capped(dot * a.scale, a.soft_cap) + slope * static_cast<double>(distance);
      if (!inputs.bias.empty()) {
        scores[t] +=
            inputs.bias[static_cast<std::size_t>(relative_bucket(a, distance)) * heads + head];
      }
    }
    softmax(scores);
    std::fill(sum.begin(), sum.end(), 0.0);
    for (std::size_t t = 0; t < seen; ++t) {
      const std::size_t row = static_cast<std::size_t>(first) + t;
      const std::size_t value_at = row * value_width + kv_head * (value_width / kv_heads);
      for (std::size_t i = 0; i < value_size; ++i) {
        sum[i] += scores[t] * inputs.values[value_at + i];
      }
    }
    for (std::size_t i = 0; i < value_size; ++i) {
      y[head * value_size + i] = static_cast<float>(sum[i]);
    }
  }
}

}  // namespace joulesim::models
