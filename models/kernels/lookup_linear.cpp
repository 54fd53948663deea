#include "models/kernels/lookup_linear.hpp"

#include "models/import/codec.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace joulesim::models {
namespace {

constexpr std::int64_t kTernary = TernaryLookup::kTogether;
constexpr std::int64_t kSigns = Int4Lookup::kTogether;
constexpr std::int64_t kSums = 27;    // 3^3
constexpr std::int64_t kSigned = 16;  // 2^4
constexpr int kPlanes = 4;

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }
std::int64_t parts(std::int64_t count, std::int64_t of) { return (count + of - 1) / of; }

// Ternary codes of a row in threes; the last three are filled up with zeros.
IntegerMatrix ternary_indices(const WeightMatrix& weights) {
  const IntegerMatrix codes = quantise_ternary(weights);
  const std::int64_t columns = weights.shape.columns;
  IntegerMatrix indices{{weights.shape.rows, parts(columns, kTernary)}, {}, codes.scales};
  for (std::int64_t r = 0; r < weights.shape.rows; ++r) {
    for (std::int64_t start = 0; start < columns; start += kTernary) {
      int index = 0;
      for (std::int64_t i = start; i < start + kTernary; ++i) {
        index = 3 * index + (i < columns ? codes.codes[size(r * columns + i)] : 0) + 1;
      }
      indices.codes.push_back(static_cast<std::int8_t>(index));
    }
  }
  return indices;
}

// For every three activations, the 27 sums that three ternary weights can make of them.
std::vector<std::int16_t> ternary_tables(std::span<const std::int8_t> x) {
  std::vector<std::int16_t> tables;
  for (std::size_t at = 0; at < x.size(); at += size(kTernary)) {
    const auto value = [&](std::size_t i) { return at + i < x.size() ? x[at + i] : 0; };
    for (int first = -1; first <= 1; ++first) {
      for (int second = -1; second <= 1; ++second) {
        for (int third = -1; third <= 1; ++third) {
          tables.push_back(
              static_cast<std::int16_t>(first * value(0) + second * value(1) + third * value(2)));
        }
      }
    }
  }
  return tables;
}

// The tables of one group of at most kGroup activations.
struct SignTables {
  std::array<std::int8_t, size_t{kGroup / kSigns * kSigned}> sums{};
  float step = 0.0F;
  float half = 0.0F;  // half of all activations
};

SignTables sign_tables(std::span<const float> x) {
  SignTables tables;
  std::array<float, tables.sums.size()> exact{};
  float largest = 0.0F;
  for (std::size_t at = 0; at < x.size(); at += size(kSigns)) {
    for (std::size_t signs = 0; signs < size(kSigned); ++signs) {
      float sum = 0.0F;
      for (std::size_t i = 0; i < size(kSigns) && at + i < x.size(); ++i) {
        sum += (signs >> i & 1U) != 0 ? x[at + i] : -x[at + i];
      }
      exact[at / size(kSigns) * size(kSigned) + signs] = sum;
      largest = std::max(largest, std::fabs(sum));
    }
  }
  tables.step = largest / 127.0F;
  for (std::size_t i = 0; i < exact.size() && largest > 0.0F; ++i) {
    tables.sums[i] = static_cast<std::int8_t>(std::nearbyint(exact[i] / tables.step));
  }
  for (const float value : x) {
    tables.half += value / 2.0F;
  }
  return tables;
}

// Twice the sum of plane sums, in table steps: whole numbers.
std::int32_t look_up(const SignTables& tables, std::span<const std::int8_t> codes) {
  std::int32_t total = 0;
  for (std::size_t at = 0; at < codes.size(); at += size(kSigns)) {
    for (int plane = 0; plane < kPlanes; ++plane) {
      std::size_t signs = 0;
      for (std::size_t i = 0; i < size(kSigns) && at + i < codes.size(); ++i) {
        signs |= static_cast<std::size_t>((codes[at + i] + 8) >> plane & 1) << i;
      }
      total += tables.sums[at / size(kSigns) * size(kSigned) + signs] * (1 << plane);
    }
  }
  return total;
}

template <class Prepare>
const IntegerMatrix& prepared(std::map<std::string, IntegerMatrix>& cache, const std::string& key,
                              const WeightMatrix& weights, Prepare prepare) {
  const auto found = cache.find(key);
  return found != cache.end() ? found->second : cache.emplace(key, prepare(weights)).first->second;
}

}  // namespace

void TernaryLookup::multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                             std::span<float> y) {
  if (role == Role::kHead || role == Role::kRouter) {  // as the adding and subtracting datapath
    multiply_exactly(weights, x, y);
    return;
  }
  require_room(key, weights.shape.columns);
  const IntegerMatrix& w = prepared(prepared_, key, weights, ternary_indices);
  std::vector<std::int8_t> codes(size(x.columns));
  for (std::int64_t t = 0; t < x.count(); ++t) {
    const float scale = quantise_int8(x.row(t), codes);
    const std::vector<std::int16_t> tables = ternary_tables(codes);
    for (std::int64_t r = 0; r < w.shape.rows; ++r) {
      std::int32_t sum = 0;
      for (std::int64_t g = 0; g < w.shape.columns; ++g) {
        sum += tables[size(g * kSums + w.codes[size(r * w.shape.columns + g)])];
      }
      y[size(t * w.shape.rows + r)] = static_cast<float>(sum) * scale * w.scales.front();
    }
  }
}

void Int4Lookup::multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                          std::span<float> y) {
  if (role == Role::kRouter) {
    multiply_exactly(weights, x, y);
    return;
  }
  const IntegerMatrix& w = prepared(prepared_, key, weights, quantise_int4_groups);
  const std::int64_t columns = w.shape.columns;
  const std::int64_t groups = parts(columns, kGroup);
  std::vector<float> inputs(size(columns));
  for (std::int64_t t = 0; t < x.count(); ++t) {
    const auto row = x.row(t);
    std::transform(row.begin(), row.end(), inputs.begin(),
                   [](float v) { return fp16_to_float(float_to_fp16(v)); });
    std::vector<SignTables> tables;
    for (std::int64_t g = 0; g < groups; ++g) {
      const std::int64_t length = std::min(kGroup, columns - g * kGroup);
      tables.push_back(sign_tables(std::span(inputs).subspan(size(g * kGroup), size(length))));
    }
    for (std::int64_t r = 0; r < w.shape.rows; ++r) {
      float sum = 0.0F;
      for (std::int64_t g = 0; g < groups; ++g) {
        const std::int64_t length = std::min(kGroup, columns - g * kGroup);
        const SignTables& table = tables[size(g)];
        const std::int32_t steps = look_up(
            table, std::span(w.codes).subspan(size(r * columns + g * kGroup), size(length)));
        const float planes = static_cast<float>(steps) * (table.step / 2.0F);
        sum += (planes - table.half) * w.scales[size(r * groups + g)];
      }
      y[size(t * w.shape.rows + r)] = sum;
    }
  }
}

}  // namespace joulesim::models
