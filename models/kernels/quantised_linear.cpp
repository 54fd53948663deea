#include "models/kernels/quantised_linear.hpp"

#include "models/import/codec.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::models {
namespace {

constexpr float kLargestInt8 = 127.0F;
constexpr float kLowestInt4 = -8.0F;
constexpr float kHighestInt4 = 7.0F;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

float largest_magnitude(std::span<const float> x) {
  float largest = 0.0F;
  for (const float value : x) {
    largest = std::max(largest, std::fabs(value));
  }
  return largest;
}

std::int8_t code_of(float x, float scale, float limit) {
  return static_cast<std::int8_t>(
      scale > 0.0F ? std::clamp(std::nearbyint(x / scale), -limit, limit) : 0.0F);
}

template <class Prepare>
const IntegerMatrix& prepared(std::map<std::string, IntegerMatrix>& cache, const std::string& key,
                              const WeightMatrix& weights, Prepare prepare) {
  const auto found = cache.find(key);
  return found != cache.end() ? found->second : cache.emplace(key, prepare(weights)).first->second;
}

struct QuantisedRows {
  std::vector<std::int8_t> codes;
  std::vector<float> scales;
};

// One scale per group of a row, appended to `scales`.
void quantise_row_groups(std::span<const float> row, std::span<std::int8_t> codes,
                         std::vector<float>& scales) {
  for (std::size_t start = 0; start < row.size(); start += size(kGroup)) {
    const std::size_t length = std::min(size(kGroup), row.size() - start);
    scales.push_back(quantise_int8(row.subspan(start, length), codes.subspan(start, length)));
  }
}

QuantisedRows quantise_rows(Rows x) {
  QuantisedRows q;
  q.codes.resize(x.values.size());
  for (std::int64_t t = 0; t < x.count(); ++t) {
    q.scales.push_back(
        quantise_int8(x.row(t), std::span(q.codes).subspan(size(t * x.columns), size(x.columns))));
  }
  return q;
}

}  // namespace

void require_room(const std::string& key, std::int64_t columns) {
  if (columns > kMostColumns) {
    throw InputError(
        fmt::format("found '{}' with rows of {} elements; expected at most {}, which an int32 "
                    "accumulator holds",
                    key, columns, kMostColumns));
  }
}

float quantise_int8(std::span<const float> x, std::span<std::int8_t> codes) {
  const float scale = largest_magnitude(x) / kLargestInt8;
  for (std::size_t i = 0; i < x.size(); ++i) {
    codes[i] = code_of(x[i], scale, kLargestInt8);
  }
  return scale;
}

IntegerMatrix quantise_per_channel(const WeightMatrix& weights) {
  IntegerMatrix q{weights.shape, std::vector<std::int8_t>(size(weights.shape.elements())), {}};
  std::vector<float> row(size(weights.shape.columns));
  for (std::int64_t r = 0; r < weights.shape.rows; ++r) {
    weights.row(r, row);
    q.scales.push_back(
        quantise_int8(row, std::span(q.codes).subspan(size(r) * row.size(), row.size())));
  }
  return q;
}

IntegerMatrix quantise_int8_groups(const WeightMatrix& weights) {
  IntegerMatrix q{weights.shape, std::vector<std::int8_t>(size(weights.shape.elements())), {}};
  std::vector<float> row(size(weights.shape.columns));
  for (std::int64_t r = 0; r < weights.shape.rows; ++r) {
    weights.row(r, row);
    quantise_row_groups(row, std::span(q.codes).subspan(size(r) * row.size(), row.size()),
                        q.scales);
  }
  return q;
}

IntegerMatrix quantise_int4_groups(const WeightMatrix& weights) {
  IntegerMatrix q{weights.shape, {}, {}};
  q.codes.reserve(size(weights.shape.elements()));
  std::vector<float> row(size(weights.shape.columns));
  for (std::int64_t r = 0; r < weights.shape.rows; ++r) {
    weights.row(r, row);
    for (std::size_t start = 0; start < row.size(); start += size(kGroup)) {
      const std::size_t length = std::min(size(kGroup), row.size() - start);
      const auto group = std::span<const float>(row).subspan(start, length);
      // All sixteen codes are used: the element of largest magnitude becomes -8, as in Q4_0.
      const float extreme = *std::max_element(
          group.begin(), group.end(), [](float a, float b) { return std::fabs(a) < std::fabs(b); });
      const float scale = extreme / kLowestInt4;
      q.scales.push_back(fp16_to_float(float_to_fp16(scale)));
      for (const float value : group) {
        const float code = scale != 0.0F ? std::nearbyint(value / scale) : 0.0F;
        q.codes.push_back(static_cast<std::int8_t>(std::clamp(code, kLowestInt4, kHighestInt4)));
      }
    }
  }
  return q;
}

IntegerMatrix quantise_ternary(const WeightMatrix& weights) {
  IntegerMatrix q{weights.shape, {}, {}};
  const std::vector<float> values = weights.all();
  double sum = 0.0;
  for (const float value : values) {
    sum += std::fabs(value);
  }
  const auto mean = static_cast<float>(sum / static_cast<double>(values.size()));
  q.scales = {mean};
  q.codes.reserve(values.size());
  for (const float value : values) {
    q.codes.push_back(code_of(value, mean, 1.0F));
  }
  return q;
}

void SystolicInt8::multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                            std::span<float> y) {
  if (role == Role::kRouter) {  // a changed choice of experts is no rounding error
    multiply_exactly(weights, x, y);
    return;
  }
  require_room(key, weights.shape.columns);
  const IntegerMatrix& w = prepared(prepared_, key, weights, quantise_per_channel);
  const QuantisedRows q = quantise_rows(x);
  const std::int64_t columns = w.shape.columns;
  for (std::int64_t t = 0; t < x.count(); ++t) {
    std::vector<std::int32_t> accumulators(size(w.shape.rows), 0);
    for (std::int64_t tile = 0; tile < columns; tile += kTileRows) {
      const std::int64_t end = std::min(tile + kTileRows, columns);
      for (std::int64_t r = 0; r < w.shape.rows; ++r) {
        std::int32_t partial = 0;  // flows down one column of the array
        for (std::int64_t k = tile; k < end; ++k) {
          partial += q.codes[size(t * columns + k)] * w.codes[size(r * columns + k)];
        }
        accumulators[size(r)] += partial;
      }
    }
    for (std::int64_t r = 0; r < w.shape.rows; ++r) {
      y[size(t * w.shape.rows + r)] =
          static_cast<float>(accumulators[size(r)]) * q.scales[size(t)] * w.scales[size(r)];
    }
  }
}

void Int8Group::multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                         std::span<float> y) {
  if (role == Role::kRouter) {
    multiply_exactly(weights, x, y);
    return;
  }
  const IntegerMatrix& w = prepared(prepared_, key, weights, quantise_int8_groups);
  const std::int64_t columns = w.shape.columns;
  const std::int64_t groups = (columns + kGroup - 1) / kGroup;
  std::vector<std::int8_t> codes(size(columns));
  for (std::int64_t t = 0; t < x.count(); ++t) {
    std::vector<float> scales;
    quantise_row_groups(x.row(t), codes, scales);
    for (std::int64_t r = 0; r < w.shape.rows; ++r) {
      float sum = 0.0F;
      for (std::int64_t g = 0; g < groups; ++g) {
        std::int32_t partial = 0;
        for (std::int64_t k = g * kGroup; k < std::min((g + 1) * kGroup, columns); ++k) {
          partial += codes[size(k)] * w.codes[size(r * columns + k)];
        }
        sum += static_cast<float>(partial) * w.scales[size(r * groups + g)] * scales[size(g)];
      }
      y[size(t * w.shape.rows + r)] = sum;
    }
  }
}

void Int4Group::multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                         std::span<float> y) {
  if (role == Role::kRouter) {
    multiply_exactly(weights, x, y);
    return;
  }
  const IntegerMatrix& w = prepared(prepared_, key, weights, quantise_int4_groups);
  std::vector<float> inputs(x.values.begin(), x.values.end());
  for (float& value : inputs) {
    value = fp16_to_float(float_to_fp16(value));
  }
  const std::int64_t columns = w.shape.columns;
  const std::int64_t groups = (columns + kGroup - 1) / kGroup;
  for (std::int64_t t = 0; t < x.count(); ++t) {
    for (std::int64_t r = 0; r < w.shape.rows; ++r) {
      float sum = 0.0F;
      for (std::int64_t g = 0; g < groups; ++g) {
        float partial = 0.0F;  // one scale multiplication per group
        for (std::int64_t k = g * kGroup; k < std::min((g + 1) * kGroup, columns); ++k) {
          partial +=
              inputs[size(t * columns + k)] * static_cast<float>(w.codes[size(r * columns + k)]);
        }
        sum += partial * w.scales[size(r * groups + g)];
      }
      y[size(t * w.shape.rows + r)] = sum;
    }
  }
}

void TernaryAddSubtract::multiply(const std::string& key, const WeightMatrix& weights, Rows x,
                                  Role role, std::span<float> y) {
  if (role == Role::kHead || role == Role::kRouter) {  // BitNet keeps the head in high precision
    multiply_exactly(weights, x, y);
    return;
  }
  require_room(key, weights.shape.columns);
  const IntegerMatrix& w = prepared(prepared_, key, weights, quantise_ternary);
  const QuantisedRows q = quantise_rows(x);
  const std::int64_t columns = w.shape.columns;
  for (std::int64_t t = 0; t < x.count(); ++t) {
    for (std::int64_t r = 0; r < w.shape.rows; ++r) {
      std::int32_t sum = 0;
      for (std::int64_t k = 0; k < columns; ++k) {
        const std::int8_t code = w.codes[size(r * columns + k)];
        if (code > 0) {
          sum += q.codes[size(t * columns + k)];
        } else if (code < 0) {
          sum -= q.codes[size(t * columns + k)];
        }
      }
      y[size(t * w.shape.rows + r)] =
          static_cast<float>(sum) * q.scales[size(t)] * w.scales.front();
    }
  }
}

}  // namespace joulesim::models
