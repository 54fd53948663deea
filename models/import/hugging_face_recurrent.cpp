// Models with a state instead of a cache.
#include "models/import/hugging_face_spec.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::models {
namespace {

void read_stack(const ConfigJson& config, ModelSpec& spec, Mixer mixer) {
  LayerShape layer;
  layer.mixer = mixer;
  spec.hidden = config.whole({"hidden_size", "d_model"});
  spec.vocab = config.whole({"vocab_size"});
  spec.max_context = kMostPositions;  // a state has room for any number of tokens
  spec.head_dim = 1;
  const std::int64_t layers =
      config.whole({"num_hidden_layers", "n_layer"}, std::nullopt, kMostLayers);
  spec.stack.assign(static_cast<std::size_t>(layers), layer);
  spec.norm_epsilon = config.positive({"layer_norm_epsilon", "rms_norm_eps"}, 1e-5);
  spec.position = PositionKind::kNone;
}

void read_scan(const ConfigJson& config, ModelSpec& spec) {
  ScanShape& scan = spec.scan;
  scan.inner =
      config.whole({"intermediate_size", "d_inner"}, config.whole({"expand"}, 2) * spec.hidden);
  scan.taps = config.whole({"conv_kernel", "d_conv"}, 4);
  scan.conv_bias = config.flag("use_conv_bias", true);
  scan.linear_bias = config.flag("use_bias", false);
}

void read_mamba(const ConfigJson& config, ModelSpec& spec) {
  read_stack(config, spec, Mixer::kMamba);
  read_scan(config, spec);
  spec.scan.state = config.whole({"state_size", "d_state"}, 16);
  const bool given = config.has("time_step_rank") && config.json()["time_step_rank"].is_number();
  spec.scan.dt_rank = given ? config.whole({"time_step_rank"}) : (spec.hidden + 15) / 16;
}

void read_mamba2(const ConfigJson& config, ModelSpec& spec) {
  read_stack(config, spec, Mixer::kMamba2);
  read_scan(config, spec);
  spec.scan.state = config.whole({"state_size", "d_state"}, 128);
  spec.scan.head_dim = config.whole({"head_dim", "headdim"}, 64);
  spec.scan.groups = config.whole({"n_groups", "ngroups"}, 8);
}

void read_rwkv4(const ConfigJson& config, ModelSpec& spec) {
  read_stack(config, spec, Mixer::kRwkv4);
  const std::int64_t ffn = config.whole({"intermediate_size"}, 4 * spec.hidden);
  for (LayerShape& layer : spec.stack) {
    layer.ffn = ffn;
  }
  spec.norm = NormKind::kLayer;
  spec.norm_bias = spec.embedding_norm = true;
  spec.activation = Activation::kRelu2;
}

void read_rwkv_heads(const ConfigJson& config, ModelSpec& spec, Mixer mixer) {
  read_rwkv4(config, spec);
  spec.head_dim = config.whole({"head_size", "head_dim"}, 64);
  const std::int64_t ffn = config.whole({"intermediate_size"}, spec.hidden * 7 / 2 / 32 * 32);
  for (LayerShape& layer : spec.stack) {
    layer.mixer = mixer;
    layer.ffn = ffn;
  }
}

void read_rwkv5(const ConfigJson& config, ModelSpec& spec) {
  read_rwkv_heads(config, spec, Mixer::kRwkv5);
}

void read_rwkv6(const ConfigJson& config, ModelSpec& spec) {
  read_rwkv_heads(config, spec, Mixer::kRwkv6);
  const bool wide = spec.hidden >= 4096;  // the authors' rule
  spec.rwkv = {wide ? 64 : 32, wide ? 128 : 64};
}

}  // namespace

const std::vector<Family>& recurrent_families() {
  static const std::vector<Family> kFamilies = {
      {"mamba", read_mamba, true},  {"mamba2", read_mamba2, false}, {"rwkv", read_rwkv4, false},
      {"rwkv5", read_rwkv5, false}, {"rwkv6", read_rwkv6, false},
  };
  return kFamilies;
}

}  // namespace joulesim::models
