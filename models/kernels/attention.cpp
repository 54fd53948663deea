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

Seen seen_by(const Attributes& a, std::int64_t position, std::int64_t rows) {
  return {a.window > 0 ? std::max<std::int64_t>(0, position - a.window + 1) : 0,
          a.causal && a.source == 0 ? position : rows - 1};
}

HeadPlace place_of_head(const AttentionInputs& inputs, const Attributes& a, std::int64_t head) {
  HeadPlace place;
  const auto rows = static_cast<std::size_t>(inputs.rows);
  const auto kv_heads = static_cast<std::size_t>(a.kv_heads);
  const auto kv_head = static_cast<std::size_t>(head / (a.heads / a.kv_heads));
  place.key_width = inputs.keys.size() / rows;
  place.value_width = inputs.values.size() / rows;
  place.key = kv_head * (place.key_width / kv_heads);
  place.value = kv_head * (place.value_width / kv_heads);
  place.key_size = static_cast<std::size_t>(a.head_dim);
  place.value_size = static_cast<std::size_t>(a.value_dim > 0 ? a.value_dim : a.head_dim);
  return place;
}

double adjusted_score(double score, const AttentionInputs& inputs, const Attributes& a,
                      std::int64_t head, std::int64_t distance) {
  const double slope = a.alibi ? alibi_slope(head, a.heads) : 0.0;
  double result = soft_capped(score, a.soft_cap) + slope * static_cast<double>(distance);
  if (!inputs.bias.empty()) {
    result += inputs.bias[static_cast<std::size_t>(relative_bucket(a, distance) * a.heads + head)];
  }
  return result;
}

void attend(std::span<const float> query, const AttentionInputs& inputs, const Attributes& a,
            std::int64_t position, std::span<float> y) {
  const Seen seen = seen_by(a, position, inputs.rows);
  std::vector<double> scores(seen.count());
  std::vector<double> sum;
  for (std::int64_t head = 0; head < a.heads; ++head) {
    const HeadPlace at = place_of_head(inputs, a, head);
    const auto h = static_cast<std::size_t>(head);
    for (std::size_t t = 0; t < scores.size(); ++t) {
      const std::size_t row = static_cast<std::size_t>(seen.first) + t;
      double dot = 0.0;
      for (std::size_t i = 0; i < at.key_size; ++i) {
        dot += static_cast<double>(query[h * at.key_size + i]) *
               inputs.keys[row * at.key_width + at.key + i];
      }
      scores[t] =
          adjusted_score(dot * a.scale, inputs, a, head, static_cast<std::int64_t>(row) - position);
    }
    softmax(scores);
    sum.assign(at.value_size, 0.0);
    for (std::size_t t = 0; t < scores.size(); ++t) {
      const std::size_t row = static_cast<std::size_t>(seen.first) + t;
      for (std::size_t i = 0; i < at.value_size; ++i) {
        sum[i] += scores[t] * inputs.values[row * at.value_width + at.value + i];
      }
    }
    for (std::size_t i = 0; i < at.value_size; ++i) {
      y[h * at.value_size + i] = static_cast<float>(sum[i]);
    }
  }
}

}  // namespace joulesim::models
