#include "models/kernels/linear.hpp"

#include "models/kernels/flash_attention.hpp"
#include "models/kernels/float_linear.hpp"
#include "models/kernels/lookup_linear.hpp"
#include "models/kernels/operators.hpp"
#include "models/kernels/quantised_linear.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <limits>

namespace joulesim::models {
namespace {

class Reference final : public Datapath {
 public:
  void multiply(const std::string& /*key*/, const WeightMatrix& weights, Rows x, Role /*role*/,
                std::span<float> y) override {
    multiply_exactly(weights, x, y);
  }
};

struct Named {
  const char* name;
  std::unique_ptr<Datapath> (*make)();
};

template <class Path, auto... kArguments>
std::unique_ptr<Datapath> make() {
  return std::make_unique<Path>(kArguments...);
}

constexpr std::size_t kArrayRows = 128;  // of a systolic array, as in SystolicInt8
constexpr std::size_t kLanes = 16;       // of a bank: 256 bits of 16-bit numbers
// DeepSeek-V3, arXiv 2412.19437, section 3.3.2: fp8 products on Hopper keep about 14 bits.
constexpr TensorCoreShape kFp8Core{32, 14};
constexpr float kLargestE4M3 = 448.0F;
constexpr float kLargestE5M2 = 57344.0F;

std::unique_ptr<Datapath> make_fp8(Rounding round, float largest) {
  return std::make_unique<TensorCore>(round, kFp8Core, largest);
}

// In this order they are listed.
constexpr std::array kDatapaths = {
    Named{"fp32", make<Reference>},
    Named{"fp16", make<FloatSystolic, to_fp16, std::numeric_limits<std::size_t>::max() / 2>},
    Named{"bf16", make<FloatSystolic, to_bf16, std::numeric_limits<std::size_t>::max() / 2>},
    Named{"fp16_systolic", make<FloatSystolic, to_fp16, kArrayRows>},
    Named{"bf16_systolic", make<FloatSystolic, to_bf16, kArrayRows>},
    Named{"fp16_tensor_core",
          [] { return std::unique_ptr<Datapath>(new TensorCore(to_fp16, {})); }},
    Named{"bf16_tensor_core",
          [] { return std::unique_ptr<Datapath>(new TensorCore(to_bf16, {})); }},
    Named{"fp8_e4m3", [] { return make_fp8(to_fp8_e4m3, kLargestE4M3); }},
    Named{"fp8_e5m2", [] { return make_fp8(to_fp8_e5m2, kLargestE5M2); }},
    Named{"fp16_flash",
          [] {
            return std::unique_ptr<Datapath>(new FlashTensorCore({to_fp16, 64, {}}));
          }},
    Named{"bf16_flash",
          [] {
            return std::unique_ptr<Datapath>(new FlashTensorCore({to_bf16, 64, {}}));
          }},
    Named{"pim_fp16", make<PimLanes, to_fp16, kLanes>},
    Named{"pim_bf16", make<PimTree, to_bf16, kLanes>},
    Named{"int8_systolic", make<SystolicInt8>},
    Named{"int8_group", make<Int8Group>},
    Named{"int4_group", make<Int4Group>},
    Named{"int4_lookup", make<Int4Lookup>},
    Named{"ternary", make<TernaryAddSubtract>},
    Named{"ternary_lookup", make<TernaryLookup>},
};

}  // namespace

void Datapath::attend(std::span<const float> query, const AttentionInputs& inputs,
                      const Attributes& attributes, std::int64_t position, std::span<float> y) {
  models::attend(query, inputs, attributes, position, y);
}

void Datapath::activate(Activation activation, std::span<const float> x, std::span<const float> by,
                        std::span<float> y) {
  for (std::size_t i = 0; i < x.size(); ++i) {
    y[i] = static_cast<float>(models::activate(activation, x[i]) * (by.empty() ? 1.0 : by[i]));
  }
}

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
  std::vector<std::string> names;
  for (const Named& datapath : kDatapaths) {
    names.emplace_back(datapath.name);
  }
  return names;
}

std::unique_ptr<Datapath> make_datapath(const std::string& name) {
  for (const Named& datapath : kDatapaths) {
    if (name == datapath.name) {
      return datapath.make();
    }
  }
  throw InputError(fmt::format("found datapath '{}'; expected one of {}{}", name,
                               fmt::join(datapath_names(), ", "),
                               did_you_mean(name, datapath_names())));
}

}  // namespace joulesim::models
