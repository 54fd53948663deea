#include "models/kernels/flash_attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace joulesim::models {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// One head of one query row.
class Head {
 public:
  Head(const FlashShape& shape, std::span<const float> query, std::size_t value_size)
      : shape_(shape), query_(query.begin(), query.end()), output_(value_size, 0.0F) {
    round(query_);
  }

  // Scaled scores of positions whose keys start at `keys`, `width` apart.
  std::vector<float> scores(const float* keys, std::size_t width, std::size_t count, float scale) {
    std::vector<float> result(count);
    std::vector<float> key(query_.size());
    for (std::size_t t = 0; t < count; ++t) {
      std::copy_n(keys + t * width, key.size(), key.begin());
      round(key);
      result[t] = chain(query_, key, 0.0F) * scale;
    }
    return result;
  }

  void add_block(std::vector<float> scores, const float* values, std::size_t width) {
    const float before = largest_;
    largest_ = std::max(before, *std::max_element(scores.begin(), scores.end()));
    const float kept = std::exp(before - largest_);  // 0 for the first block
    float block_sum = 0.0F;
    for (float& score : scores) {
      score = std::exp(score - largest_);
      block_sum += score;
    }
    sum_ = sum_ * kept + block_sum;
    round(scores);
    std::vector<float> column(scores.size());
    for (std::size_t i = 0; i < output_.size(); ++i) {
      for (std::size_t t = 0; t < column.size(); ++t) {
        column[t] = values[t * width + i];
      }
      round(column);
      output_[i] = chain(scores, column, output_[i] * kept);
    }
  }

  void finish(std::span<float> y) const {
    std::transform(output_.begin(), output_.end(), y.begin(), [&](float v) { return v / sum_; });
  }

 private:
  void round(std::vector<float>& values) const {
    std::transform(values.begin(), values.end(), values.begin(), shape_.round);
  }
  [[nodiscard]] float chain(std::span<const float> a, std::span<const float> b, float sum) const {
    const std::size_t chunk = shape_.core.chunk;
    for (std::size_t at = 0; at < a.size(); at += chunk) {
      const std::size_t length = std::min(chunk, a.size() - at);
      sum = tensor_core_add(a.subspan(at, length), b.subspan(at, length), sum, shape_.core);
    }
    return sum;
  }

  const FlashShape& shape_;
  std::vector<float> query_;
  std::vector<float> output_;
  float largest_ = -std::numeric_limits<float>::infinity();
  float sum_ = 0.0F;
};

}  // namespace

void flash_attend(std::span<const float> query, const AttentionInputs& inputs, const Attributes& a,
                  std::int64_t position, const FlashShape& shape, std::span<float> y) {
  const Seen seen = seen_by(a, position, inputs.rows);
  for (std::int64_t h = 0; h < a.heads; ++h) {
    const HeadPlace at = place_of_head(inputs, a, h);
    Head head(shape, query.subspan(size(h) * at.key_size, at.key_size), at.value_size);
    for (std::int64_t first = seen.first; first <= seen.last; first += shape.block) {
      const std::int64_t count = std::min(shape.block, seen.last - first + 1);
      std::vector<float> scores =
          head.scores(inputs.keys.data() + size(first) * at.key_width + at.key, at.key_width,
                      size(count), static_cast<float>(a.scale));
      for (std::int64_t t = 0; t < count; ++t) {
        scores[size(t)] =
            static_cast<float>(adjusted_score(scores[size(t)], inputs, a, h, first + t - position));
      }
      head.add_block(std::move(scores),
                     inputs.values.data() + size(first) * at.value_width + at.value,
                     at.value_width);
    }
    head.finish(y.subspan(size(h) * at.value_size, at.value_size));
  }
}

}  // namespace joulesim::models
