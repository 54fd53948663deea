// Decoders with RMS norms and gated feed-forwards: Llama and what followed it.
#include "models/import/hugging_face_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::models {
namespace {

void read_llama(const ConfigJson& config, ModelSpec& spec) {
  read_dimensions(config, spec);
  read_activation(config, spec, "silu");
  read_rope(config, spec);
  spec.norm_epsilon =
      config.positive({"rms_norm_eps", "layer_norm_eps", "norm_epsilon", "norm_eps"}, 1e-6);
  spec.qkv_bias = spec.output_bias = config.flag("attention_bias", config.flag("use_bias", false));
  spec.ffn_bias = config.flag("mlp_bias", config.flag("use_bias", false));
  spec.head_bias = config.flag("lm_head_bias", false);
}

void read_mistral(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  read_reach(config, spec);
}

// `count` has the number of experts; a width of their own is optional.
void read_experts(const ConfigJson& config, ModelSpec& spec,
                  std::initializer_list<const char*> count) {
  spec.experts.experts = config.whole(count);
  spec.experts.active =
      config.whole({"num_experts_per_tok", "moe_topk", "num_experts_per_token"}, 2);
  if (config.has("moe_intermediate_size")) {
    spec.experts.ffn = config.whole({"moe_intermediate_size"});
  }
}

// Layers without experts, as Qwen's models say which.
void read_sparse_layers(const ConfigJson& config, ModelSpec& spec) {
  const auto step = static_cast<std::size_t>(config.whole({"decoder_sparse_step"}, 1));
  for (std::size_t i = 0; i < spec.stack.size(); ++i) {
    spec.stack[i].dense = (i + 1) % step != 0;
  }
  if (config.has("mlp_only_layers") && config.json()["mlp_only_layers"].is_array()) {
    for (const auto& layer : config.json()["mlp_only_layers"]) {
      if (layer.is_number_unsigned() && layer.get<std::size_t>() < spec.stack.size()) {
        spec.stack[layer.get<std::size_t>()].dense = true;
      }
    }
  }
}

void read_mixtral(const ConfigJson& config, ModelSpec& spec) {
  read_mistral(config, spec);
  read_experts(config, spec, {"num_local_experts", "num_experts"});
}

void read_phimoe(const ConfigJson& config, ModelSpec& spec) {
  read_mixtral(config, spec);
  spec.norm = NormKind::kLayer;
  spec.norm_bias = true;
  spec.experts.routing = Routing::kSparseMixer;
}

void read_qwen2(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  spec.qkv_bias = true;
  spec.output_bias = false;
  spec.window = 0;
  if (!config.flag("use_sliding_window", false)) {
    return;
  }
  read_reach(config, spec);
  const std::int64_t first =
      config.whole({"max_window_layers"}, 0, kMostLayers, 0);  // full attention below it
  for (std::size_t i = 0; i < spec.stack.size(); ++i) {
    if (!config.has("layer_types") && static_cast<std::int64_t>(i) < first) {
      spec.stack[i].reach = Reach::kGlobal;
    }
  }
}

void read_qwen2_moe(const ConfigJson& config, ModelSpec& spec) {
  read_qwen2(config, spec);
  read_experts(config, spec, {"num_experts"});
  read_sparse_layers(config, spec);
  spec.experts.shared_ffn = config.whole({"shared_expert_intermediate_size"});
  spec.experts.shared_gate = true;
  spec.experts.renormalise = config.flag("norm_topk_prob", false);
}

void read_qwen3(const ConfigJson& config, ModelSpec& spec) {
  read_qwen2(config, spec);
  spec.qkv_bias = spec.output_bias = config.flag("attention_bias", false);
  spec.qk_norm = true;
}

void read_qwen3_moe(const ConfigJson& config, ModelSpec& spec) {
  read_qwen3(config, spec);
  read_experts(config, spec, {"num_experts"});
  read_sparse_layers(config, spec);
  spec.experts.renormalise = config.flag("norm_topk_prob", false);
}

void read_gemma(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  spec.activation = Activation::kGeluTanh;  // whatever "hidden_act" says: it was mislabelled
  spec.scaled_embedding = true;
}

void read_gemma2(const ConfigJson& config, ModelSpec& spec) {
  read_gemma(config, spec);
  read_reach(config, spec);
  spec.global_every = 2;
  spec.sandwich_norm = true;
  spec.attention_scale = 1.0 / std::sqrt(config.positive({"query_pre_attn_scalar"},
                                                         static_cast<double>(spec.head_dim)));
  const auto cap = [&](const char* key) { return config.has(key) ? config.positive({key}) : 0.0; };
  spec.attention_soft_cap = cap("attn_logit_softcapping");
  spec.logit_soft_cap = cap("final_logit_softcapping");
}

void read_gemma3(const ConfigJson& config, ModelSpec& spec) {
  read_gemma2(config, spec);
  spec.global_every = config.whole({"sliding_window_pattern", "_sliding_window_pattern"}, 6);
  spec.qk_norm = true;
  if (!config.has("rope_theta") && !config.has("rope_parameters")) {
    spec.rope_base = 1e6;
  }
  spec.local_rope_base = config.positive({"rope_local_base_freq"}, 10'000.0);
}

void read_olmo2(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  read_reach(config, spec);
  spec.pre_norm = false;
  spec.sandwich_norm = true;
  spec.qk_norm_whole = true;
}

void read_olmoe(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  read_experts(config, spec, {"num_experts"});
  spec.qk_norm_whole = true;
  spec.experts.renormalise = config.flag("norm_topk_prob", false);
}

void read_granite(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  spec.embedding_scale = config.positive({"embedding_multiplier"}, 1.0);
  spec.residual_scale = config.positive({"residual_multiplier"}, 1.0);
  spec.attention_scale = config.positive({"attention_multiplier"}, 1.0);
  spec.logit_scale = 1.0 / config.positive({"logits_scaling"}, 1.0);
}

void read_granite_moe(const ConfigJson& config, ModelSpec& spec) {
  read_granite(config, spec);
  read_experts(config, spec, {"num_local_experts"});
  if (config.has("shared_intermediate_size")) {
    spec.experts.shared_ffn = config.whole({"shared_intermediate_size"}, 0, kWidest, 0);
  }
}

void read_minicpm(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  spec.embedding_scale = config.positive({"scale_emb"}, 1.0);
  spec.residual_scale =
      config.positive({"scale_depth"}, 1.0) / std::sqrt(static_cast<double>(spec.stack.size()));
  spec.logit_scale = config.positive({"dim_model_base"}, static_cast<double>(spec.hidden)) /
                     static_cast<double>(spec.hidden);
}

void read_smollm3(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  read_reach(config, spec);
  const auto every = static_cast<std::size_t>(config.whole({"no_rope_layer_interval"}, 4));
  const bool listed = config.has("no_rope_layers") && config.json()["no_rope_layers"].is_array() &&
                      config.json()["no_rope_layers"].size() == spec.stack.size();
  for (std::size_t i = 0; i < spec.stack.size(); ++i) {
    spec.stack[i].rotates = listed ? config.json()["no_rope_layers"][i] != 0 : (i + 1) % every != 0;
  }
}

void read_cohere(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  spec.norm = NormKind::kLayer;
  spec.norm_epsilon = config.positive({"layer_norm_eps"}, 1e-5);
  spec.parallel_block = true;
  spec.rope_layout = RopeLayout::kAdjacent;
  spec.logit_scale = config.positive({"logit_scale"}, 0.0625);
  if (config.flag("use_qk_norm", false)) {
    config.fault("found 'use_qk_norm'; expected none (norms with a gain per head)");
  }
}

void read_cohere2(const ConfigJson& config, ModelSpec& spec) {
  read_cohere(config, spec);
  read_reach(config, spec);
  spec.global_every = config.whole({"sliding_window_pattern", "_sliding_window_pattern"}, 4);
  for (std::size_t i = 0; i < spec.stack.size(); ++i) {
    spec.stack[i].rotates = spec.is_local(static_cast<std::int64_t>(i));
  }
}

void read_mobilellm(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  spec.tied = config.flag("share_embedding", spec.tied);
  spec.layer_repeat = config.flag("layer_sharing", false) ? 2 : 1;
}

void read_bitnet(const ConfigJson& config, ModelSpec& spec) {
  read_llama(config, spec);
  spec.sub_norm = true;
}

// Multi-latent attention and experts with shared ones beside them.
void read_deepseek(const ConfigJson& config, ModelSpec& spec, Routing routing) {
  read_llama(config, spec);
  spec.rope_layout = RopeLayout::kAdjacent;
  if (config.has("kv_lora_rank")) {
    LatentShape& latent = spec.latent;
    latent.kv_rank = config.whole({"kv_lora_rank"});
    latent.q_rank = config.whole({"q_lora_rank"}, 0);
    latent.plain_dim = config.whole({"qk_nope_head_dim"});
    latent.rope_dim = config.whole({"qk_rope_head_dim"});
    latent.value_dim = config.whole({"v_head_dim"});
    spec.rotary = latent.rope_dim;
    spec.head_dim = latent.plain_dim + latent.rope_dim;
  }
  if (!config.has("n_routed_experts")) {
    return;
  }
  ExpertShape& e = spec.experts;
  read_experts(config, spec, {"n_routed_experts"});
  e.shared_ffn = config.whole({"n_shared_experts"}, 0, kWidest, 0) * e.ffn;
  e.routing = config.text({"scoring_func"}) == "sigmoid" ? Routing::kSigmoid : routing;
  e.renormalise = config.flag("norm_topk_prob", routing == Routing::kSigmoid);
  e.scale = config.positive({"routed_scaling_factor"}, 1.0);
  e.choice_bias = config.text({"topk_method"}) == "noaux_tc" || routing == Routing::kSigmoid;
  const std::int64_t first = config.whole({"first_k_dense_replace"}, 0, kMostLayers, 0);
  const std::int64_t every = config.whole({"moe_layer_freq"}, 1);
  for (std::size_t i = 0; i < spec.stack.size(); ++i) {
    const auto layer = static_cast<std::int64_t>(i);
    spec.stack[i].dense = layer < first || layer % every != 0;
  }
}

void read_deepseek_v2(const ConfigJson& config, ModelSpec& spec) {
  read_deepseek(config, spec, Routing::kSoftmax);
}

void read_deepseek_v3(const ConfigJson& config, ModelSpec& spec) {
  read_deepseek(config, spec, Routing::kSigmoid);
}

std::vector<std::int64_t> numbers(const ConfigJson& config, const char* key) {
  std::vector<std::int64_t> found;
  if (config.has(key) && config.json()[key].is_array()) {
    for (const auto& item : config.json()[key]) {
      const bool fits = item.is_number_integer() && item >= 1 && item <= kWidest;
      found.push_back(fits ? item.get<std::int64_t>() : 1);
      if (!fits) {
        config.fault(fmt::format("found '{}' with {}; expected whole numbers", key, item.dump()));
      }
    }
  }
  return found;
}

void read_openelm(const ConfigJson& config, ModelSpec& spec) {
  spec.hidden = config.whole({"model_dim"});
  spec.head_dim = spec.rotary = config.whole({"head_dim"});
  spec.vocab = config.whole({"vocab_size"});
  spec.max_context = config.whole({"max_context_length"}, 2048, kMostPositions);
  spec.norm_epsilon = 1e-6;
  spec.rope_base = config.positive({"rope_freq_constant"}, 10'000.0);
  spec.qk_norm = config.flag("normalize_qk_projections", true);
  spec.tied = config.flag("share_input_output_layers", true);
  const auto layers =
      static_cast<std::size_t>(config.whole({"num_transformer_layers"}, std::nullopt, kMostLayers));
  const auto heads = numbers(config, "num_query_heads");
  const auto kv_heads = numbers(config, "num_kv_heads");
  const bool fits = heads.size() == layers && kv_heads.size() == layers &&
                    config.has("ffn_multipliers") && config.json()["ffn_multipliers"].is_array() &&
                    config.json()["ffn_multipliers"].size() == layers;
  if (!fits) {
    config.fault(
        fmt::format("found no {} of each of 'num_query_heads', 'num_kv_heads' and "
                    "'ffn_multipliers'; expected one for each layer",
                    layers));
    return;
  }
  const double divisor = static_cast<double>(config.whole({"ffn_dim_divisor"}, 256));
  for (std::size_t i = 0; i < layers; ++i) {
    const auto& factor = config.json()["ffn_multipliers"][i];
    const double width =
        factor.is_number() ? factor.get<double>() * static_cast<double>(spec.hidden) : 0.0;
    // To the nearest multiple, but never down by more than a tenth.
    double rounded = std::max(divisor, std::floor((width + divisor / 2) / divisor) * divisor);
    rounded += rounded < 0.9 * width ? divisor : 0.0;
    spec.stack.push_back({heads[i], kv_heads[i], static_cast<std::int64_t>(rounded)});
  }
}

}  // namespace

const std::vector<Family>& gated_families() {
  static const std::vector<Family> kFamilies = {
      {"llama", read_llama, false},
      {"mistral", read_mistral, false},
      {"mixtral", read_mixtral, false},
      {"phimoe", read_phimoe, false},
      {"phi3", read_mistral, false},
      {"qwen2", read_qwen2, false},
      {"qwen2_moe", read_qwen2_moe, false},
      {"qwen3", read_qwen3, false},
      {"qwen3_moe", read_qwen3_moe, false},
      {"gemma", read_gemma, true},
      {"gemma2", read_gemma2, true},
      {"gemma3_text", read_gemma3, true},
      {"olmo2", read_olmo2, false},
      {"olmo3", read_olmo2, false},
      {"olmoe", read_olmoe, false},
      {"granite", read_granite, true},
      {"granitemoe", read_granite_moe, true},
      {"granitemoeshared", read_granite_moe, true},
      {"minicpm", read_minicpm, true},
      {"smollm3", read_smollm3, true},
      {"cohere", read_cohere, true},
      {"cohere2", read_cohere2, true},
      {"bitnet", read_bitnet, false},
      {"openelm", read_openelm, true},
      {"deepseek", read_deepseek_v2, false},
      {"deepseek_v2", read_deepseek_v2, false},
      {"deepseek_v3", read_deepseek_v3, false},
      {"mobilellm", read_mobilellm, true},
  };
  return kFamilies;
}

}  // namespace joulesim::models
