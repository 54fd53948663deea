// Decoders with layer norms and plain feed-forwards, encoders, and encoders with decoders.
#include "models/import/hugging_face_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::models {
namespace {

// A decoder in the manner of GPT-2: norms and matrices with biases.
void read_plain(const ConfigJson& config, ModelSpec& spec, const char* activation) {
  read_dimensions(config, spec);
  read_activation(config, spec, activation);
  spec.norm = NormKind::kLayer;
  spec.norm_epsilon =
      config.positive({"layer_norm_epsilon", "layer_norm_eps", "norm_epsilon", "norm_eps"}, 1e-5);
  spec.norm_bias = spec.qkv_bias = spec.output_bias = spec.ffn_bias = true;
  spec.gated = false;
}

void set_kv_heads(ModelSpec& spec, std::int64_t kv_heads) {
  for (LayerShape& layer : spec.stack) {
    layer.kv_heads = kv_heads;
  }
}

void set_biases(ModelSpec& spec, bool on) { spec.qkv_bias = spec.output_bias = spec.ffn_bias = on; }

void read_gpt2(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu_new");
  spec.position = PositionKind::kLearned;
  spec.position_rows = spec.max_context;
}

void read_gpt_bigcode(const ConfigJson& config, ModelSpec& spec) {
  read_gpt2(config, spec);
  if (config.flag("multi_query", true)) {
    set_kv_heads(spec, 1);
  }
}

void read_gpt_neox(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu");
  read_rope(config, spec);
  if (!config.has("rotary_pct") && !config.has("partial_rotary_factor")) {
    spec.rotary = spec.head_dim / 4 / 2 * 2;  // the family's default
  }
  spec.parallel_block = spec.parallel_norms = config.flag("use_parallel_residual", true);
  if (!config.flag("attention_bias", true)) {
    spec.qkv_bias = spec.output_bias = false;
  }
}

void read_gptj(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu_new");
  spec.qkv_bias = spec.output_bias = false;
  spec.rope_base = 10'000.0;
  spec.rotary = config.whole({"rotary_dim"}, 64);
  spec.rope_layout = RopeLayout::kAdjacent;
  spec.parallel_block = true;
  spec.head_bias = true;
}

void read_opt(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "relu");
  set_biases(spec, config.flag("enable_bias", true));
  spec.position = PositionKind::kLearned;
  spec.position_offset = 2;  // two rows of padding come first
  spec.position_rows = spec.max_context + 2;
  const std::int64_t width = config.whole({"word_embed_proj_dim"}, spec.hidden);
  spec.embedding_width = width == spec.hidden ? 0 : width;
  const bool before = config.flag("do_layer_norm_before", true);
  spec.pre_norm = spec.final_norm = before;
  spec.post_norm = !before;
  if (config.flag("_remove_final_layer_norm", false)) {
    spec.final_norm = false;
  }
}

void read_bloom(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu_new");
  spec.position = PositionKind::kAlibi;
  spec.embedding_norm = true;
}

void read_falcon(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu");
  set_biases(spec, config.flag("bias", false));
  const bool grouped = config.flag("new_decoder_architecture", false);
  if (!grouped) {
    set_kv_heads(spec, config.flag("multi_query", true) ? 1 : spec.stack.front().heads);
  }
  if (config.flag("alibi", false)) {
    spec.position = PositionKind::kAlibi;
  } else {
    read_rope(config, spec);
  }
  spec.parallel_block = grouped || config.flag("parallel_attn", true);
  spec.parallel_norms =
      !spec.parallel_block || (grouped && config.whole({"num_ln_in_parallel_attn"}, 2) == 2);
}

void read_mpt(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu");
  spec.norm_bias = false;
  set_biases(spec, !config.flag("no_bias", true));
  const double ratio = config.positive({"expansion_ratio"}, 4.0);
  for (LayerShape& layer : spec.stack) {
    layer.ffn = std::max<std::int64_t>(
        1, static_cast<std::int64_t>(ratio * static_cast<double>(spec.hidden)));
  }
  const auto attention = config.inside("attn_config");
  const bool alibi = attention && attention->flag("alibi", false);
  spec.position = alibi ? PositionKind::kAlibi : PositionKind::kLearned;
  spec.position_rows = alibi ? 0 : spec.max_context;
  if (attention && attention->has("kv_n_heads")) {
    set_kv_heads(spec, attention->whole({"kv_n_heads"}));
  }
}

void read_phi(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu_new");
  read_rope(config, spec);
  if (!config.has("partial_rotary_factor")) {
    spec.rotary = spec.head_dim / 4 * 2;  // half, the family's default
  }
  spec.parallel_block = true;
  spec.head_bias = true;
  if (config.flag("qk_layernorm", false)) {
    config.fault("found 'qk_layernorm'; expected none (norms with biases per head)");
  }
}

void read_stablelm(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "silu");
  read_rope(config, spec);
  if (!config.has("partial_rotary_factor") && !config.has("rope_pct")) {
    spec.rotary = spec.head_dim / 4 / 2 * 2;
  }
  spec.gated = true;
  spec.qkv_bias = config.flag("use_qkv_bias", false);
  spec.output_bias = spec.ffn_bias = false;
  spec.parallel_block = config.flag("use_parallel_residual", false);
  if (config.flag("qk_layernorm", false)) {
    config.fault("found 'qk_layernorm'; expected none (norms with a gain per head)");
  }
}

void read_starcoder2(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu_pytorch_tanh");
  read_rope(config, spec);
  read_reach(config, spec);
  set_biases(spec, config.flag("use_bias", true));
}

void read_nemotron(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "relu2");
  read_rope(config, spec);
  if (!config.has("partial_rotary_factor")) {
    spec.rotary = spec.head_dim / 4 * 2;
  }
  spec.qkv_bias = spec.output_bias = config.flag("attention_bias", false);
  spec.ffn_bias = config.flag("mlp_bias", false);
}

void read_olmo(const ConfigJson& config, ModelSpec& spec) {
  read_dimensions(config, spec);
  read_activation(config, spec, "silu");
  read_rope(config, spec);
  spec.norm = NormKind::kLayer;
  spec.norm_gain = false;
  spec.norm_epsilon = 1e-5;
  spec.qkv_bias = spec.output_bias = config.flag("attention_bias", false);
}

bool is_head(const ConfigJson& config, const char* ending) {
  const auto& json = config.json();
  return json.contains("architectures") && json["architectures"].is_array() &&
         !json["architectures"].empty() && json["architectures"][0].is_string() &&
         json["architectures"][0].get<std::string>().ends_with(ending);
}

void read_bert(const ConfigJson& config, ModelSpec& spec) {
  read_plain(config, spec, "gelu");
  spec.norm_epsilon = config.positive({"layer_norm_eps"}, 1e-12);
  spec.causal = spec.pre_norm = spec.final_norm = false;
  spec.post_norm = spec.embedding_norm = true;
  spec.position = PositionKind::kLearned;
  spec.position_rows = config.whole({"max_position_embeddings"}, 512, kMostPositions);
  spec.token_types = config.whole({"type_vocab_size"}, 2);
  const bool masked = is_head(config, "ForMaskedLM") || is_head(config, "ForPreTraining");
  spec.language_head = spec.head_transform = spec.head_bias = masked;
  spec.tied = masked;
  spec.pooler = !is_head(config, "ForMaskedLM");
  if (is_head(config, "ForSequenceClassification")) {
    std::int64_t labels = 2;
    if (config.has("id2label") && config.json()["id2label"].is_object()) {
      labels =
          std::max<std::int64_t>(1, static_cast<std::int64_t>(config.json()["id2label"].size()));
    }
    spec.labels = config.whole({"num_labels"}, labels);
  }
}

void read_roberta(const ConfigJson& config, ModelSpec& spec) {
  read_bert(config, spec);
  spec.position_offset = config.whole({"pad_token_id"}, 1, kWidest, 0) + 1;
  spec.max_context = std::max<std::int64_t>(1, spec.position_rows - spec.position_offset);
}

void read_t5(const ConfigJson& config, ModelSpec& spec) {
  LayerShape layer;
  spec.hidden = config.whole({"d_model"});
  spec.head_dim = config.whole({"d_kv"});
  layer.heads = layer.kv_heads = config.whole({"num_heads"});
  layer.ffn = config.whole({"d_ff"});
  const std::int64_t encoder = config.whole({"num_layers"}, std::nullopt, kMostLayers);
  const std::int64_t decoder = config.whole({"num_decoder_layers"}, encoder, kMostLayers);
  spec.encoder.stack.assign(static_cast<std::size_t>(encoder), layer);
  spec.stack.assign(static_cast<std::size_t>(decoder), layer);
  spec.vocab = config.whole({"vocab_size"});
  spec.max_context = config.whole({"n_positions"}, 512, kMostPositions);
  spec.norm_epsilon = config.positive({"layer_norm_epsilon"}, 1e-6);
  spec.position = PositionKind::kRelative;
  spec.relative_buckets = config.whole({"relative_attention_num_buckets"}, 32);
  spec.relative_distance = config.whole({"relative_attention_max_distance"}, 128);
  spec.attention_scale = 1.0;
  const std::string kind = config.text({"feed_forward_proj"});
  spec.gated = config.flag("is_gated_act", kind.starts_with("gated"));
  if (config.has("dense_act_fn")) {
    read_activation(config, spec, "relu");
  } else {
    spec.activation = kind.find("gelu") != std::string::npos   ? Activation::kGeluTanh
                      : kind.find("silu") != std::string::npos ? Activation::kSilu
                                                               : Activation::kRelu;
  }
  if (spec.tied) {
    spec.logit_scale = 1.0 / std::sqrt(static_cast<double>(spec.hidden));
  }
}

void read_whisper(const ConfigJson& config, ModelSpec& spec) {
  LayerShape layer;
  spec.hidden = config.whole({"d_model"});
  layer.heads = config.whole({"encoder_attention_heads"});
  layer.kv_heads = layer.heads;
  layer.ffn = config.whole({"encoder_ffn_dim"});
  spec.encoder.stack.assign(
      static_cast<std::size_t>(config.whole({"encoder_layers"}, std::nullopt, kMostLayers)), layer);
  layer.heads = layer.kv_heads = config.whole({"decoder_attention_heads"});
  layer.ffn = config.whole({"decoder_ffn_dim"});
  spec.stack.assign(
      static_cast<std::size_t>(config.whole({"decoder_layers"}, std::nullopt, kMostLayers)), layer);
  spec.head_dim = std::max<std::int64_t>(1, spec.hidden / layer.heads);
  spec.vocab = config.whole({"vocab_size"});
  spec.encoder.features = config.whole({"num_mel_bins"}, 80);
  spec.encoder.positions = config.whole({"max_source_positions"}, 1500);
  spec.position = PositionKind::kLearned;
  spec.position_rows = spec.max_context = config.whole({"max_target_positions"}, 448);
  spec.norm = NormKind::kLayer;
  spec.norm_epsilon = 1e-5;
  spec.norm_bias = spec.qkv_bias = spec.output_bias = spec.ffn_bias = true;
  spec.key_bias = false;
  spec.gated = false;
  read_activation(config, spec, "gelu");
}

}  // namespace

const std::vector<Family>& older_families() {
  static const std::vector<Family> kFamilies = {
      {"gpt2", read_gpt2, true},
      {"gpt_bigcode", read_gpt_bigcode, true},
      {"gpt_neox", read_gpt_neox, false},
      {"gptj", read_gptj, false},
      {"opt", read_opt, true},
      {"bloom", read_bloom, true},
      {"falcon", read_falcon, true},
      {"mpt", read_mpt, true},
      {"phi", read_phi, false},
      {"stablelm", read_stablelm, false},
      {"starcoder2", read_starcoder2, true},
      {"nemotron", read_nemotron, false},
      {"olmo", read_olmo, false},
      {"bert", read_bert, true},
      {"roberta", read_roberta, true},
      {"xlm-roberta", read_roberta, true},
      {"t5", read_t5, true},
      {"mt5", read_t5, false},
      {"whisper", read_whisper, true},
  };
  return kFamilies;
}

}  // namespace joulesim::models
