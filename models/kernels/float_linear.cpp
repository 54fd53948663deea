#include "models/kernels/float_linear.hpp"

#include "models/import/codec.hpp"
#include "models/import/small_floats.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>

namespace joulesim::models {
namespace {

std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

// Towards zero to 24 significant bits.
float cut_to_float(double x) {
  const auto nearest = static_cast<float>(x);
  if (std::fabs(static_cast<double>(nearest)) <= std::fabs(x)) {
    return nearest;
  }
  return std::nextafter(nearest, 0.0F);
}

}  // namespace

float to_fp16(float x) { return fp16_to_float(float_to_fp16(x)); }
float to_bf16(float x) { return bf16_to_float(float_to_bf16(x)); }
float to_fp8_e4m3(float x) {
  return float8_to_float(DType::kFloat8E4m3fn, float_to_float8(DType::kFloat8E4m3fn, x, true));
}
float to_fp8_e5m2(float x) {
  return float8_to_float(DType::kFloat8E5m2, float_to_float8(DType::kFloat8E5m2, x, true));
}

float tensor_core_add(std::span<const float> a, std::span<const float> b, float sum,
                      const TensorCoreShape& shape) {
  // Products of two short floats are exact in double.
  double largest = std::fabs(static_cast<double>(sum));
  bool finite = std::isfinite(sum);
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double product = std::fabs(static_cast<double>(a[i]) * b[i]);
    finite = finite && std::isfinite(product);
    largest = std::max(largest, product);
  }
  if (!finite) {
    return std::numeric_limits<float>::quiet_NaN();
  }
  if (largest == 0.0) {
    return 0.0F;
  }
  // Whole numbers of the last place kept; their sum is far below 2^63.
  const int place = std::ilogb(largest) - (shape.kept_bits - 1);
  const double up = std::ldexp(1.0, -place);
  auto total = static_cast<std::int64_t>(static_cast<double>(sum) * up);
  for (std::size_t i = 0; i < a.size(); ++i) {
    total += static_cast<std::int64_t>(static_cast<double>(a[i]) * b[i] * up);
  }
  return cut_to_float(std::ldexp(static_cast<double>(total), place));
}

FloatDatapath::Rounded FloatDatapath::rounded(std::vector<float> values) const {
  Rounded result{std::move(values), 1.0F};
  if (largest_ > 0.0F) {
    float most = 0.0F;
    for (const float value : result.values) {
      most = std::max(most, std::fabs(value));
    }
    result.scale = most > 0.0F ? most / largest_ : 1.0F;
  }
  for (float& value : result.values) {
    value = round_(value / result.scale);
  }
  return result;
}

void FloatDatapath::multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                             std::span<float> y) {
  if (role == Role::kRouter) {  // a changed choice of experts is no rounding error
    multiply_exactly(weights, x, y);
    return;
  }
  auto found = prepared_.find(key);
  if (found == prepared_.end()) {
    found = prepared_.emplace(key, rounded(weights.all())).first;
  }
  const Rounded& w = found->second;
  const std::size_t rows = size(weights.shape.rows);
  const std::size_t columns = size(weights.shape.columns);
  for (std::int64_t t = 0; t < x.count(); ++t) {
    const auto row = x.row(t);
    const Rounded input = rounded({row.begin(), row.end()});
    for (std::size_t r = 0; r < rows; ++r) {
      const float sum = dot(input.values, std::span(w.values).subspan(r * columns, columns));
      y[size(t) * rows + r] = largest_ > 0.0F ? sum * (w.scale * input.scale) : sum;
    }
  }
}

float TensorCore::dot(std::span<const float> x, std::span<const float> w) const {
  float sum = 0.0F;
  for (std::size_t at = 0; at < x.size(); at += shape_.chunk) {
    const std::size_t length = std::min(shape_.chunk, x.size() - at);
    sum = tensor_core_add(x.subspan(at, length), w.subspan(at, length), sum, shape_);
  }
  return sum;
}

float FloatSystolic::dot(std::span<const float> x, std::span<const float> w) const {
  float accumulator = 0.0F;
  for (std::size_t tile = 0; tile < x.size(); tile += tile_rows_) {
    float chain = 0.0F;
    for (std::size_t i = tile; i < std::min(tile + tile_rows_, x.size()); ++i) {
      chain += x[i] * w[i];  // the product of two short floats is exact
    }
    accumulator += chain;
  }
  return accumulator;
}

float PimLanes::dot(std::span<const float> x, std::span<const float> w) const {
  float total = 0.0F;
  for (std::size_t lane = 0; lane < std::min(lanes_, x.size()); ++lane) {
    float accumulator = 0.0F;
    for (std::size_t i = lane; i < x.size(); i += lanes_) {
      accumulator = step_(accumulator + step_(x[i] * w[i]));
    }
    total += accumulator;
  }
  return total;
}

float PimTree::dot(std::span<const float> x, std::span<const float> w) const {
  float accumulator = 0.0F;
  std::vector<float> nodes(width_);
  for (std::size_t at = 0; at < x.size(); at += width_) {
    std::fill(nodes.begin(), nodes.end(), 0.0F);
    for (std::size_t i = 0; i < std::min(width_, x.size() - at); ++i) {
      nodes[i] = x[at + i] * w[at + i];
    }
    for (std::size_t count = width_ / 2; count > 0; count /= 2) {
      for (std::size_t i = 0; i < count; ++i) {
        nodes[i] = nodes[2 * i] + nodes[2 * i + 1];
      }
    }
    accumulator = step_(accumulator + step_(nodes[0]));
  }
  return accumulator;
}

}  // namespace joulesim::models
