#include "models/kernels/linear.hpp"

#include "models/import/codec.hpp"
#include "models/kernels/quantised_linear.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace joulesim::models {
namespace {

class Reference final : public Datapath {
 public:
  void multiply(const std::string& /*key*/, const WeightMatrix& weights, Rows x, Role /*role*/,
                std::span<float> y) override {
    multiply_exactly(weights, x, y);
  }
};

// Both operands rounded to 16 bits; a product of two such numbers is exact in fp32, its sum is not.
template <float (*kRound)(float)>
class HalfPrecision final : public Datapath {
 public:
  void multiply(const std::string& /*key*/, const WeightMatrix& weights, Rows x, Role /*role*/,
                std::span<float> y) override {
    std::vector<float> rounded(x.values.begin(), x.values.end());
    for (float& value : rounded) {
      value = kRound(value);
    }
    const Rows inputs{rounded, x.columns};
    std::vector<float> w(static_cast<std::size_t>(weights.shape.columns));
    for (std::int64_t r = 0; r < weights.shape.rows; ++r) {
      weights.row(r, w);
      for (float& value : w) {
        value = kRound(value);
      }
      for (std::int64_t t = 0; t < inputs.count(); ++t) {
        const auto row = inputs.row(t);
        float sum = 0.0F;
        for (std::size_t i = 0; i < w.size(); ++i) {
          sum += row[i] * w[i];
        }
        y[static_cast<std::size_t>(t * weights.shape.rows + r)] = sum;
      }
    }
  }
};

float to_fp16(float x) { return fp16_to_float(float_to_fp16(x)); }
float to_bf16(float x) { return bf16_to_float(float_to_bf16(x)); }

}  // namespace

void multiply_exactly(const WeightMatrix& weights, Rows x, std::span<float> y) {
  std::vector<float> w(static_cast<std::size_t>(weights.shape.columns));
  for (std::int64_t r = 0; r < weights.shape.rows; ++r) {
    weights.row(r, w);
    for (std::int64_t t = 0; t < x.count(); ++t) {
      const auto row = x.row(t);
      double sum = 0.0;
      for (std::size_t i = 0; i < w.size(); ++i) {
        sum += static_cast<double>(row[i]) * w[i];
      }
      y[static_cast<std::size_t>(t * weights.shape.rows + r)] = static_cast<float>(sum);
    }
  }
}

std::vector<std::string> datapath_names() {
  return {"fp32", "fp16", "bf16", "int8_systolic", "int8_group", "int4_group", "ternary"};
}

std::unique_ptr<Datapath> make_datapath(const std::string& name) {
  if (name == "fp32") {
    return std::make_unique<Reference>();
  }
  if (name == "fp16") {
    return std::make_unique<HalfPrecision<to_fp16>>();
  }
  if (name == "bf16") {
    return std::make_unique<HalfPrecision<to_bf16>>();
  }
  if (name == "int8_systolic") {
    return std::make_unique<SystolicInt8>();
  }
  if (name == "int8_group") {
    return std::make_unique<Int8Group>();
  }
  if (name == "int4_group") {
    return std::make_unique<Int4Group>();
  }
  if (name == "ternary") {
    return std::make_unique<TernaryAddSubtract>();
  }
  throw InputError(fmt::format("found datapath '{}'; expected one of {}{}", name,
                               fmt::join(datapath_names(), ", "),
                               did_you_mean(name, datapath_names())));
}

}  // namespace joulesim::models
