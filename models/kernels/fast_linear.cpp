#include "models/kernels/fast_linear.hpp"

#include "models/kernels/crew.hpp"
#include "models/kernels/operators.hpp"
#include "models/kernels/simd.hpp"

#include <algorithm>

namespace joulesim::models {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Rows unpacked at once when several tokens are multiplied: they and three rows of activations
// share the first-level cache.
constexpr std::size_t kUnpackedRows = 4;

// Rows of `length`, zeros behind the columns.
std::vector<float> padded_rows(Rows x, std::size_t length) {
  std::vector<float> rows(size(x.count()) * length, 0.0F);
  for (std::int64_t t = 0; t < x.count(); ++t) {
    const auto row = x.row(t);
    std::copy(row.begin(), row.end(), rows.begin() + t * static_cast<std::ptrdiff_t>(length));
  }
  return rows;
}

// Rows `first` to `last` of the product.
struct Task {
  const WeightMatrix& weights;
  simd::Coding coding;
  std::size_t tokens;
  std::span<const float> x;  // padded rows
  std::span<float> y;

  [[nodiscard]] std::size_t columns() const { return size(weights.shape.columns); }
  [[nodiscard]] std::size_t length() const { return simd::padded(columns()); }
  [[nodiscard]] std::size_t row_bytes() const {
    return size(weights.format.bytes_of_row(weights.shape.columns));
  }

  void run(std::size_t first, std::size_t last) const {
    const std::byte* data = weights.data.data() + first * row_bytes();
    if (tokens == 1 && coding != simd::Coding::kOther) {
      simd::dot_rows(coding, data, row_bytes(), last - first, columns(), x.data(),
                     y.data() + first);
      return;
    }
    std::vector<float> unpacked(kUnpackedRows * length(), 0.0F);
    for (std::size_t r = first; r < last; r += kUnpackedRows) {
      const std::size_t count = std::min(kUnpackedRows, last - r);
      for (std::size_t i = 0; i < count; ++i) {
        unpack(r + i, unpacked.data() + i * length());
      }
      multiply_rows(unpacked.data(), r, count);
    }
  }

 private:
  void unpack(std::size_t row, float* out) const {
    if (coding != simd::Coding::kOther) {
      simd::unpack_row(coding, weights.data.data() + row * row_bytes(), columns(), out);
    } else {
      weights.row(static_cast<std::int64_t>(row), {out, columns()});
    }
  }

  void multiply_rows(const float* unpacked, std::size_t row, std::size_t count) const {
    constexpr std::size_t kTokens = 3;
    const std::size_t rows = size(weights.shape.rows);
    for (std::size_t t = 0; t < tokens; t += kTokens) {
      for (std::size_t i = 0; i < count; ++i) {
        simd::dot_tokens(unpacked + i * length(), length(), x.data() + t * length(),
                         std::min(kTokens, tokens - t), y.data() + t * rows + row + i, rows);
      }
    }
  }
};

}  // namespace

FastArithmetic::FastArithmetic(int jobs) : crew_(std::make_unique<Crew>(jobs)) {}
FastArithmetic::~FastArithmetic() = default;

void FastArithmetic::multiply(const std::string& /*key*/, const WeightMatrix& weights, Rows x,
                              Role /*role*/, std::span<float> y) {
  const simd::Coding coding = simd::coding_of(weights.format);
  const std::vector<float> rows = padded_rows(x, simd::padded(size(x.columns)));
  const Task task{weights, coding, size(x.count()), rows, y};
  crew_->share(size(weights.shape.rows),
               [&](std::size_t first, std::size_t last) { task.run(first, last); });
}

void FastArithmetic::attend(std::span<const float> query, const AttentionInputs& inputs,
                            const Attributes& a, std::int64_t position, std::span<float> y) {
  const Seen seen = seen_by(a, position, inputs.rows);
  const bool plain = a.soft_cap == 0.0 && !a.alibi && inputs.bias.empty();
  std::vector<float> scores(seen.count());
  for (std::int64_t head = 0; head < a.heads; ++head) {
    const HeadPlace at = place_of_head(inputs, a, head);
    const float* q = query.data() + size(head) * at.key_size;
    const float* keys = inputs.keys.data() + size(seen.first) * at.key_width + at.key;
    const float* values = inputs.values.data() + size(seen.first) * at.value_width + at.value;
    for (std::size_t t = 0; t < scores.size(); ++t) {
      scores[t] = simd::dot(q, keys + t * at.key_width, at.key_size) * static_cast<float>(a.scale);
      if (!plain) {
        const std::int64_t distance = seen.first + static_cast<std::int64_t>(t) - position;
        scores[t] = static_cast<float>(adjusted_score(scores[t], inputs, a, head, distance));
      }
    }
    const float sum = simd::exp_and_sum(scores);
    const auto out = y.subspan(size(head) * at.value_size, at.value_size);
    simd::weighted_sum(scores.data(), scores.size(), values, at.value_width, at.value_size,
                       out.data());
    for (float& value : out) {
      value /= sum;
    }
  }
}

void FastArithmetic::activate(Activation activation, std::span<const float> x,
                              std::span<const float> by, std::span<float> y) {
  if (!simd::activate(activation, x, y)) {
    Datapath::activate(activation, x, by, y);
    return;
  }
  for (std::size_t i = 0; i < by.size(); ++i) {
    y[i] *= by[i];
  }
}

}  // namespace joulesim::models
