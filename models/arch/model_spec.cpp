#include "models/arch/model_spec.hpp"

#include <fmt/format.h>

namespace joulesim::models {
namespace {

void check_layer(const ModelSpec& spec, std::size_t index, std::vector<std::string>& faults) {
  const LayerShape& layer = spec.stack[index];
  if (layer.heads < 1 || layer.kv_heads < 1 || layer.ffn < 1) {
    faults.push_back(
        fmt::format("layer {}: found {} heads, {} key-value heads, a feed-forward width of {}; "
                    "expected all positive",
                    index, layer.heads, layer.kv_heads, layer.ffn));
  } else if (layer.heads % layer.kv_heads != 0) {
    faults.push_back(
        fmt::format("layer {}: found {} heads; expected a multiple of {} key-value heads", index,
                    layer.heads, layer.kv_heads));
  }
}

}  // namespace

std::vector<std::string> faults_of(const ModelSpec& spec) {
  std::vector<std::string> faults;
  const auto expect = [&](bool condition, const std::string& text) {
    if (!condition) {
      faults.push_back(text);
    }
  };
  expect(spec.hidden > 0 && spec.head_dim > 0 && spec.vocab > 0,
         fmt::format("found hidden {}, head size {}, vocabulary {}; expected all positive",
                     spec.hidden, spec.head_dim, spec.vocab));
  expect(!spec.stack.empty() && spec.layer_repeat > 0,
         fmt::format("found {} layers run {} times; expected at least one", spec.stack.size(),
                     spec.layer_repeat));
  for (std::size_t i = 0; i < spec.stack.size(); ++i) {
    check_layer(spec, i, faults);
  }
  expect(spec.norm_epsilon > 0.0, "found no norm epsilon; expected a positive one");
  if (spec.position == PositionKind::kRope) {
    expect(spec.rope_base > 0.0, "found no rotary base; expected a positive one");
    expect(spec.rotary > 0 && spec.rotary % 2 == 0 && spec.rotary <= spec.head_dim,
           fmt::format("found {} rotary elements; expected an even number up to {}", spec.rotary,
                       spec.head_dim));
  }
  if (spec.position == PositionKind::kLearned) {
    expect(spec.position_rows > 0, "found no rows of the position table; expected some");
  }
  expect(spec.experts == 0 ? spec.active_experts == 0
                           : spec.active_experts > 0 && spec.active_experts <= spec.experts,
         fmt::format("found {} active of {} experts; expected 1 to {}", spec.active_experts,
                     spec.experts, spec.experts));
  expect(spec.experts == 0 || spec.gated,
         "found a mixture of experts that is not gated; expected a gated one");
  return faults;
}

void set_linear_format(ModelSpec& spec, const Format& format) { spec.formats.linear = format; }

ModelFormats uniform_formats(const Format& format) {
  return {format, format, format, format, format, format, format};
}

}  // namespace joulesim::models
