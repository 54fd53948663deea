// A small model of every family, by its config.json.
#pragma once

#include "models/import/hugging_face_spec.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <string>

namespace joulesim::models::testing {

using Json = nlohmann::json;

// Small dimensions under the keys of every family at once.
inline Json small(const std::string& type) {
  Json json = {{"model_type", type},
               {"hidden_size", 32},
               {"num_hidden_layers", 3},
               {"num_attention_heads", 4},
               {"intermediate_size", 48},
               {"vocab_size", 64},
               {"max_position_embeddings", 64},
               {"layer_norm_epsilon", 1e-5}};
  if (type == "mixtral" || type == "phimoe" || type.starts_with("granitemoe")) {
    json.update({{"num_local_experts", 4}, {"num_experts_per_tok", 2}});
  } else if (type.ends_with("_moe") || type == "olmoe") {
    json.update({{"num_experts", 4},
                 {"num_experts_per_tok", 2},
                 {"moe_intermediate_size", 24},
                 {"shared_expert_intermediate_size", 40},
                 {"mlp_only_layers", {1}}});
  } else if (type.starts_with("deepseek")) {
    json.update({{"n_routed_experts", 4},
                 {"num_experts_per_tok", 2},
                 {"moe_intermediate_size", 24},
                 {"n_shared_experts", 1},
                 {"first_k_dense_replace", 1}});
    if (type != "deepseek") {
      json.update({{"kv_lora_rank", 12},
                   {"q_lora_rank", 20},
                   {"qk_nope_head_dim", 8},
                   {"qk_rope_head_dim", 4},
                   {"v_head_dim", 6}});
    }
  } else if (type.starts_with("gemma2") || type.starts_with("gemma3") || type == "cohere2") {
    json.update({{"sliding_window", 4},
                 {"sliding_window_pattern", 2},
                 {"attn_logit_softcapping", 20.0},
                 {"final_logit_softcapping", 5.0}});
  } else if (type == "openelm") {
    json.update({{"model_dim", 32},
                 {"num_transformer_layers", 2},
                 {"head_dim", 8},
                 {"num_query_heads", {4, 6}},
                 {"num_kv_heads", {2, 3}},
                 {"ffn_multipliers", {1.0, 2.0}},
                 {"ffn_dim_divisor", 16}});
  } else if (type == "gptj") {
    json["rotary_dim"] = 4;
  } else if (type == "t5" || type == "mt5") {
    json.update({{"d_model", 32}, {"d_kv", 8}, {"num_heads", 4}, {"d_ff", 48}, {"num_layers", 2}});
  } else if (type == "whisper") {
    json.update({{"d_model", 32},
                 {"encoder_attention_heads", 4},
                 {"encoder_ffn_dim", 48},
                 {"encoder_layers", 2},
                 {"decoder_attention_heads", 4},
                 {"decoder_ffn_dim", 40},
                 {"decoder_layers", 2},
                 {"num_mel_bins", 10},
                 {"max_source_positions", 6}});
  } else if (type == "mamba2") {
    json.update({{"state_size", 8}, {"head_dim", 12}, {"n_groups", 2}});
  } else if (type.starts_with("rwkv")) {
    json["head_size"] = 8;
  }
  return json;
}

inline ModelSpec spec_of(const Json& json) {
  Diagnostics faults;
  const ConfigJson config(json, "config.json", faults);
  ModelSpec spec = read_hugging_face_spec(config);
  INFO(faults.render());
  REQUIRE(faults.ok());
  REQUIRE(faults_of(spec).empty());
  spec.formats = uniform_formats(known_format("fp32"));
  return spec;
}

}  // namespace joulesim::models::testing
