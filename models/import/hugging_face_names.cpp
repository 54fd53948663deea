#include "models/import/hugging_face_names.hpp"

#include <array>
#include <string_view>
#include <vector>

namespace joulesim::models {
namespace {

// Prefixes of the whole model that carry no meaning.
constexpr std::array kPrefixes = {"language_model.", "model.",    "transformer.", "bert.",
                                  "roberta.",        "gpt_neox.", "backbone.",    "rwkv."};

const std::vector<NameRow>& shared_rows() {
  static const std::vector<NameRow> kRows = {
      {"embed_tokens.weight", "embedding"},
      {"norm.weight", "final_norm"},
      {"norm.bias", "final_norm.bias"},
      {"final_layernorm.weight", "final_norm"},
      {"final_layernorm.bias", "final_norm.bias"},
      {"lm_head.weight", "head"},
      {"lm_head.bias", "head.bias"},
      {"layers.#.input_layernorm.weight", "block.#.attn.norm"},
      {"layers.#.input_layernorm.bias", "block.#.attn.norm.bias"},
      {"layers.#.post_attention_layernorm.weight", "block.#.ffn.norm"},
      {"layers.#.post_attention_layernorm.bias", "block.#.ffn.norm.bias"},
      {"layers.#.self_attn.q_proj.weight", "block.#.attn.query"},
      {"layers.#.self_attn.k_proj.weight", "block.#.attn.key"},
      {"layers.#.self_attn.v_proj.weight", "block.#.attn.value"},
      {"layers.#.self_attn.o_proj.weight", "block.#.attn.out"},
      {"layers.#.self_attn.dense.weight", "block.#.attn.out"},
      {"layers.#.self_attn.q_proj.bias", "block.#.attn.query.bias"},
      {"layers.#.self_attn.k_proj.bias", "block.#.attn.key.bias"},
      {"layers.#.self_attn.v_proj.bias", "block.#.attn.value.bias"},
      {"layers.#.self_attn.o_proj.bias", "block.#.attn.out.bias"},
      {"layers.#.self_attn.dense.bias", "block.#.attn.out.bias"},
      {"layers.#.self_attn.q_norm.weight", "block.#.attn.query_norm"},
      {"layers.#.self_attn.k_norm.weight", "block.#.attn.key_norm"},
      {"layers.#.self_attn.attn_sub_norm.weight", "block.#.attn.sub_norm"},
      {"layers.#.self_attn.qkv_proj.weight", "block.#.attn.", Change::kSplitQkv},
      {"layers.#.self_attn.rotary_emb.inv_freq", "", Change::kIgnore},
      {"layers.#.mlp.gate_proj.weight", "block.#.ffn.gate"},
      {"layers.#.mlp.up_proj.weight", "block.#.ffn.up"},
      {"layers.#.mlp.down_proj.weight", "block.#.ffn.down"},
      {"layers.#.mlp.gate_proj.bias", "block.#.ffn.gate.bias"},
      {"layers.#.mlp.up_proj.bias", "block.#.ffn.up.bias"},
      {"layers.#.mlp.down_proj.bias", "block.#.ffn.down.bias"},
      {"layers.#.mlp.ffn_sub_norm.weight", "block.#.ffn.sub_norm"},
      {"layers.#.mlp.gate_up_proj.weight", "block.#.ffn.", Change::kSplitGateUp},
      {"layers.#.mlp.fc1.weight", "block.#.ffn.up"},
      {"layers.#.mlp.fc1.bias", "block.#.ffn.up.bias"},
      {"layers.#.mlp.fc2.weight", "block.#.ffn.down"},
      {"layers.#.mlp.fc2.bias", "block.#.ffn.down.bias"},
      {"layers.#.mlp.c_fc.weight", "block.#.ffn.up"},
      {"layers.#.mlp.c_fc.bias", "block.#.ffn.up.bias"},
      {"layers.#.mlp.c_proj.weight", "block.#.ffn.down"},
      {"layers.#.mlp.c_proj.bias", "block.#.ffn.down.bias"},
      // experts
      {"layers.#.block_sparse_moe.gate.weight", "block.#.ffn.router"},
      {"layers.#.block_sparse_moe.experts.#.w1.weight", "block.#.ffn.gate", Change::kExpert},
      {"layers.#.block_sparse_moe.experts.#.w2.weight", "block.#.ffn.down", Change::kExpert},
      {"layers.#.block_sparse_moe.experts.#.w3.weight", "block.#.ffn.up", Change::kExpert},
      {"layers.#.mlp.gate.weight", "block.#.ffn.router"},
      {"layers.#.mlp.gate.e_score_correction_bias", "block.#.ffn.choice"},
      {"layers.#.mlp.experts.#.gate_proj.weight", "block.#.ffn.gate", Change::kExpert},
      {"layers.#.mlp.experts.#.up_proj.weight", "block.#.ffn.up", Change::kExpert},
      {"layers.#.mlp.experts.#.down_proj.weight", "block.#.ffn.down", Change::kExpert},
      {"layers.#.mlp.shared_expert.gate_proj.weight", "block.#.ffn.shared.gate"},
      {"layers.#.mlp.shared_expert.up_proj.weight", "block.#.ffn.shared.up"},
      {"layers.#.mlp.shared_expert.down_proj.weight", "block.#.ffn.shared.down"},
      {"layers.#.mlp.shared_expert_gate.weight", "block.#.ffn.shared.weight"},
      {"layers.#.mlp.shared_experts.gate_proj.weight", "block.#.ffn.shared.gate"},
      {"layers.#.mlp.shared_experts.up_proj.weight", "block.#.ffn.shared.up"},
      {"layers.#.mlp.shared_experts.down_proj.weight", "block.#.ffn.shared.down"},
      // multi-latent attention
      {"layers.#.self_attn.q_a_proj.weight", "block.#.attn.query_down"},
      {"layers.#.self_attn.q_a_layernorm.weight", "block.#.attn.query_norm"},
      {"layers.#.self_attn.q_b_proj.weight", "block.#.attn.query_up"},
      {"layers.#.self_attn.kv_a_proj_with_mqa.weight", "block.#.attn.latent"},
      {"layers.#.self_attn.kv_a_layernorm.weight", "block.#.attn.latent_norm"},
      {"layers.#.self_attn.kv_b_proj.weight", "block.#.attn.", Change::kSplitLatent},
  };
  return kRows;
}

// Two norms around each sublayer change what the shared names mean.
const std::vector<NameRow> kSandwich = {
    {"layers.#.post_attention_layernorm.weight", "block.#.attn.post_norm"},
    {"layers.#.pre_feedforward_layernorm.weight", "block.#.ffn.norm"},
    {"layers.#.post_feedforward_layernorm.weight", "block.#.ffn.post_norm"},
};

const std::vector<NameRow> kGpt2 = {
    {"wte.weight", "embedding"},
    {"wpe.weight", "positions"},
    {"ln_f.weight", "final_norm"},
    {"ln_f.bias", "final_norm.bias"},
    {"h.#.ln_1.weight", "block.#.attn.norm"},
    {"h.#.ln_1.bias", "block.#.attn.norm.bias"},
    {"h.#.ln_2.weight", "block.#.ffn.norm"},
    {"h.#.ln_2.bias", "block.#.ffn.norm.bias"},
    {"h.#.attn.c_attn.weight", "block.#.attn.", Change::kSplitQkvIn},
    {"h.#.attn.c_attn.bias", "block.#.attn.", Change::kSplitQkv},
    {"h.#.attn.c_proj.weight", "block.#.attn.out", Change::kTranspose},
    {"h.#.attn.c_proj.bias", "block.#.attn.out.bias"},
    {"h.#.mlp.c_fc.weight", "block.#.ffn.up", Change::kTranspose},
    {"h.#.mlp.c_fc.bias", "block.#.ffn.up.bias"},
    {"h.#.mlp.c_proj.weight", "block.#.ffn.down", Change::kTranspose},
    {"h.#.mlp.c_proj.bias", "block.#.ffn.down.bias"},
    {"h.#.attn.bias", "", Change::kIgnore},
    {"h.#.attn.masked_bias", "", Change::kIgnore},
    // GPT-J
    {"h.#.attn.q_proj.weight", "block.#.attn.query"},
    {"h.#.attn.k_proj.weight", "block.#.attn.key"},
    {"h.#.attn.v_proj.weight", "block.#.attn.value"},
    {"h.#.attn.out_proj.weight", "block.#.attn.out"},
    {"h.#.mlp.fc_in.weight", "block.#.ffn.up"},
    {"h.#.mlp.fc_in.bias", "block.#.ffn.up.bias"},
    {"h.#.mlp.fc_out.weight", "block.#.ffn.down"},
    {"h.#.mlp.fc_out.bias", "block.#.ffn.down.bias"},
    // BLOOM and Falcon
    {"word_embeddings.weight", "embedding"},
    {"word_embeddings_layernorm.weight", "embedding.norm"},
    {"word_embeddings_layernorm.bias", "embedding.norm.bias"},
    {"h.#.input_layernorm.weight", "block.#.attn.norm"},
    {"h.#.input_layernorm.bias", "block.#.attn.norm.bias"},
    {"h.#.ln_attn.weight", "block.#.attn.norm"},
    {"h.#.ln_attn.bias", "block.#.attn.norm.bias"},
    {"h.#.ln_mlp.weight", "block.#.ffn.norm"},
    {"h.#.ln_mlp.bias", "block.#.ffn.norm.bias"},
    {"h.#.post_attention_layernorm.weight", "block.#.ffn.norm"},
    {"h.#.post_attention_layernorm.bias", "block.#.ffn.norm.bias"},
    {"h.#.self_attention.query_key_value.weight", "block.#.attn.", Change::kSplitHeads},
    {"h.#.self_attention.query_key_value.bias", "block.#.attn.", Change::kSplitHeads},
    {"h.#.self_attention.dense.weight", "block.#.attn.out"},
    {"h.#.self_attention.dense.bias", "block.#.attn.out.bias"},
    {"h.#.mlp.dense_h_to_4h.weight", "block.#.ffn.up"},
    {"h.#.mlp.dense_h_to_4h.bias", "block.#.ffn.up.bias"},
    {"h.#.mlp.dense_4h_to_h.weight", "block.#.ffn.down"},
    {"h.#.mlp.dense_4h_to_h.bias", "block.#.ffn.down.bias"},
    // GPT-NeoX
    {"embed_in.weight", "embedding"},
    {"embed_out.weight", "head"},
    {"final_layer_norm.weight", "final_norm"},
    {"final_layer_norm.bias", "final_norm.bias"},
    {"layers.#.attention.query_key_value.weight", "block.#.attn.", Change::kSplitHeads},
    {"layers.#.attention.query_key_value.bias", "block.#.attn.", Change::kSplitHeads},
    {"layers.#.attention.dense.weight", "block.#.attn.out"},
    {"layers.#.attention.dense.bias", "block.#.attn.out.bias"},
    {"layers.#.mlp.dense_h_to_4h.weight", "block.#.ffn.up"},
    {"layers.#.mlp.dense_h_to_4h.bias", "block.#.ffn.up.bias"},
    {"layers.#.mlp.dense_4h_to_h.weight", "block.#.ffn.down"},
    {"layers.#.mlp.dense_4h_to_h.bias", "block.#.ffn.down.bias"},
    {"layers.#.attention.bias", "", Change::kIgnore},
    {"layers.#.attention.masked_bias", "", Change::kIgnore},
    {"layers.#.attention.rotary_emb.inv_freq", "", Change::kIgnore},
};

const std::vector<NameRow> kOpt = {
    {"decoder.embed_tokens.weight", "embedding"},
    {"decoder.embed_positions.weight", "positions"},
    {"decoder.project_in.weight", "embedding.in"},
    {"decoder.project_out.weight", "head.in"},
    {"decoder.final_layer_norm.weight", "final_norm"},
    {"decoder.final_layer_norm.bias", "final_norm.bias"},
    {"decoder.layers.#.self_attn.q_proj.weight", "block.#.attn.query"},
    {"decoder.layers.#.self_attn.k_proj.weight", "block.#.attn.key"},
    {"decoder.layers.#.self_attn.v_proj.weight", "block.#.attn.value"},
    {"decoder.layers.#.self_attn.out_proj.weight", "block.#.attn.out"},
    {"decoder.layers.#.self_attn.q_proj.bias", "block.#.attn.query.bias"},
    {"decoder.layers.#.self_attn.k_proj.bias", "block.#.attn.key.bias"},
    {"decoder.layers.#.self_attn.v_proj.bias", "block.#.attn.value.bias"},
    {"decoder.layers.#.self_attn.out_proj.bias", "block.#.attn.out.bias"},
    {"decoder.layers.#.self_attn_layer_norm.weight", "block.#.attn.norm"},
    {"decoder.layers.#.self_attn_layer_norm.bias", "block.#.attn.norm.bias"},
    {"decoder.layers.#.final_layer_norm.weight", "block.#.ffn.norm"},
    {"decoder.layers.#.final_layer_norm.bias", "block.#.ffn.norm.bias"},
    {"decoder.layers.#.fc1.weight", "block.#.ffn.up"},
    {"decoder.layers.#.fc1.bias", "block.#.ffn.up.bias"},
    {"decoder.layers.#.fc2.weight", "block.#.ffn.down"},
    {"decoder.layers.#.fc2.bias", "block.#.ffn.down.bias"},
};

const std::vector<NameRow> kWhisper = {
    {"proj_out.weight", "head"},
    {"encoder.conv1.weight", "encoder.conv.0"},
    {"encoder.conv1.bias", "encoder.conv.0.bias"},
    {"encoder.conv2.weight", "encoder.conv.1"},
    {"encoder.conv2.bias", "encoder.conv.1.bias"},
    {"encoder.embed_positions.weight", "encoder.positions"},
    {"encoder.layer_norm.weight", "encoder.final_norm"},
    {"encoder.layer_norm.bias", "encoder.final_norm.bias"},
    {"decoder.layer_norm.weight", "final_norm"},
    {"decoder.layer_norm.bias", "final_norm.bias"},
    {"decoder.layers.#.encoder_attn.q_proj.weight", "block.#.cross.query"},
    {"decoder.layers.#.encoder_attn.k_proj.weight", "block.#.cross.key"},
    {"decoder.layers.#.encoder_attn.v_proj.weight", "block.#.cross.value"},
    {"decoder.layers.#.encoder_attn.out_proj.weight", "block.#.cross.out"},
    {"decoder.layers.#.encoder_attn.q_proj.bias", "block.#.cross.query.bias"},
    {"decoder.layers.#.encoder_attn.v_proj.bias", "block.#.cross.value.bias"},
    {"decoder.layers.#.encoder_attn.out_proj.bias", "block.#.cross.out.bias"},
    {"decoder.layers.#.encoder_attn_layer_norm.weight", "block.#.cross.norm"},
    {"decoder.layers.#.encoder_attn_layer_norm.bias", "block.#.cross.norm.bias"},
};

const std::vector<NameRow> kBert = {
    {"embeddings.word_embeddings.weight", "embedding"},
    {"embeddings.position_embeddings.weight", "positions"},
    {"embeddings.token_type_embeddings.weight", "token_types"},
    {"embeddings.LayerNorm.weight", "embedding.norm"},
    {"embeddings.LayerNorm.bias", "embedding.norm.bias"},
    {"embeddings.position_ids", "", Change::kIgnore},
    {"encoder.layer.#.attention.self.query.weight", "block.#.attn.query"},
    {"encoder.layer.#.attention.self.query.bias", "block.#.attn.query.bias"},
    {"encoder.layer.#.attention.self.key.weight", "block.#.attn.key"},
    {"encoder.layer.#.attention.self.key.bias", "block.#.attn.key.bias"},
    {"encoder.layer.#.attention.self.value.weight", "block.#.attn.value"},
    {"encoder.layer.#.attention.self.value.bias", "block.#.attn.value.bias"},
    {"encoder.layer.#.attention.output.dense.weight", "block.#.attn.out"},
    {"encoder.layer.#.attention.output.dense.bias", "block.#.attn.out.bias"},
    {"encoder.layer.#.attention.output.LayerNorm.weight", "block.#.attn.post_norm"},
    {"encoder.layer.#.attention.output.LayerNorm.bias", "block.#.attn.post_norm.bias"},
    {"encoder.layer.#.intermediate.dense.weight", "block.#.ffn.up"},
    {"encoder.layer.#.intermediate.dense.bias", "block.#.ffn.up.bias"},
    {"encoder.layer.#.output.dense.weight", "block.#.ffn.down"},
    {"encoder.layer.#.output.dense.bias", "block.#.ffn.down.bias"},
    {"encoder.layer.#.output.LayerNorm.weight", "block.#.ffn.post_norm"},
    {"encoder.layer.#.output.LayerNorm.bias", "block.#.ffn.post_norm.bias"},
    {"pooler.dense.weight", "pooler"},
    {"pooler.dense.bias", "pooler.bias"},
    {"classifier.weight", "classifier"},
    {"classifier.bias", "classifier.bias"},
    {"cls.predictions.transform.dense.weight", "head.transform"},
    {"cls.predictions.transform.dense.bias", "head.transform.bias"},
    {"cls.predictions.transform.LayerNorm.weight", "head.norm"},
    {"cls.predictions.transform.LayerNorm.bias", "head.norm.bias"},
    {"cls.predictions.bias", "head.bias"},
    {"cls.predictions.decoder.weight", "", Change::kIgnore},
    {"cls.predictions.decoder.bias", "", Change::kIgnore},
    {"cls.seq_relationship.weight", "", Change::kIgnore},
    {"cls.seq_relationship.bias", "", Change::kIgnore},
};

const std::vector<NameRow> kT5 = {
    {"shared.weight", "embedding"},
    {"encoder.embed_tokens.weight", "", Change::kIgnore},
    {"decoder.embed_tokens.weight", "", Change::kIgnore},
    {"encoder.final_layer_norm.weight", "encoder.final_norm"},
    {"decoder.final_layer_norm.weight", "final_norm"},
    {"encoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", "encoder.relative"},
    {"decoder.block.0.layer.0.SelfAttention.relative_attention_bias.weight", "relative"},
    {"decoder.block.#.layer.1.EncDecAttention.q.weight", "block.#.cross.query"},
    {"decoder.block.#.layer.1.EncDecAttention.k.weight", "block.#.cross.key"},
    {"decoder.block.#.layer.1.EncDecAttention.v.weight", "block.#.cross.value"},
    {"decoder.block.#.layer.1.EncDecAttention.o.weight", "block.#.cross.out"},
    {"decoder.block.#.layer.1.layer_norm.weight", "block.#.cross.norm"},
    {"decoder.block.#.layer.0.SelfAttention.q.weight", "block.#.attn.query"},
    {"decoder.block.#.layer.0.SelfAttention.k.weight", "block.#.attn.key"},
    {"decoder.block.#.layer.0.SelfAttention.v.weight", "block.#.attn.value"},
    {"decoder.block.#.layer.0.SelfAttention.o.weight", "block.#.attn.out"},
    {"decoder.block.#.layer.0.layer_norm.weight", "block.#.attn.norm"},
    {"decoder.block.#.layer.2.DenseReluDense.wi.weight", "block.#.ffn.up"},
    {"decoder.block.#.layer.2.DenseReluDense.wi_0.weight", "block.#.ffn.gate"},
    {"decoder.block.#.layer.2.DenseReluDense.wi_1.weight", "block.#.ffn.up"},
    {"decoder.block.#.layer.2.DenseReluDense.wo.weight", "block.#.ffn.down"},
    {"decoder.block.#.layer.2.layer_norm.weight", "block.#.ffn.norm"},
    {"encoder.block.#.layer.0.SelfAttention.q.weight", "encoder.block.#.attn.query"},
    {"encoder.block.#.layer.0.SelfAttention.k.weight", "encoder.block.#.attn.key"},
    {"encoder.block.#.layer.0.SelfAttention.v.weight", "encoder.block.#.attn.value"},
    {"encoder.block.#.layer.0.SelfAttention.o.weight", "encoder.block.#.attn.out"},
    {"encoder.block.#.layer.0.layer_norm.weight", "encoder.block.#.attn.norm"},
    {"encoder.block.#.layer.1.DenseReluDense.wi.weight", "encoder.block.#.ffn.up"},
    {"encoder.block.#.layer.1.DenseReluDense.wi_0.weight", "encoder.block.#.ffn.gate"},
    {"encoder.block.#.layer.1.DenseReluDense.wi_1.weight", "encoder.block.#.ffn.up"},
    {"encoder.block.#.layer.1.DenseReluDense.wo.weight", "encoder.block.#.ffn.down"},
    {"encoder.block.#.layer.1.layer_norm.weight", "encoder.block.#.ffn.norm"},
    {"decoder.block.0.layer.1.EncDecAttention.relative_attention_bias.weight", "", Change::kIgnore},
};

bool starts(const std::string& family, const char* with) { return family.starts_with(with); }

// Layers of Whisper look alike in the encoder and the decoder.
std::optional<TheirTensor> encoder_or_decoder(const std::string& name,
                                              const std::vector<NameRow>& decoder_rows) {
  if (!name.starts_with("encoder.")) {
    return find_name(decoder_rows, name);
  }
  auto found = find_name(decoder_rows, "decoder." + name.substr(8));
  if (found) {
    found->ours = "encoder." + found->ours;
  }
  return found;
}

}  // namespace

std::optional<TheirTensor> hugging_face_name(const std::string& family, const std::string& full) {
  std::string name = full;
  for (bool again = true; again;) {
    again = false;
    for (const char* prefix : kPrefixes) {
      if (name.starts_with(prefix)) {
        name.erase(0, std::string_view(prefix).size());
        again = true;
      }
    }
  }
  std::optional<TheirTensor> found;
  if (starts(family, "gpt") || family == "bloom" || family == "falcon") {
    found = find_name(kGpt2, name);
    const bool as_is = family == "gpt_bigcode";  // matrices as [out][in] after all
    if (found && as_is && found->change == Change::kTranspose) {
      found->change = Change::kNone;
    } else if (found && as_is && found->change == Change::kSplitQkvIn) {
      found->change = Change::kSplitQkv;
    }
  } else if (family == "opt") {
    found = find_name(kOpt, name);
  } else if (family == "whisper") {
    found = find_name(kWhisper, name);
    if (!found) {
      found = encoder_or_decoder(name, kOpt);
    }
  } else if (family == "bert" || family.ends_with("roberta")) {
    return find_name(kBert, name);
  } else if (family == "t5" || family == "mt5") {
    found = find_name(kT5, name);
  } else if (starts(family, "mamba") || starts(family, "rwkv")) {
    return recurrent_name(family, name);
  } else if (starts(family, "gemma2") || starts(family, "gemma3") || starts(family, "olmo2") ||
             starts(family, "olmo3")) {
    found = find_name(kSandwich, name);
  }
  if (!found) {
    found = find_name(shared_rows(), name);
  }
  const bool gain = found && (found->ours.ends_with("norm") || found->ours == "final_norm");
  if (gain && (starts(family, "gemma") || family == "nemotron")) {
    found->change = Change::kPlusOne;
  }
  return found;
}

}  // namespace joulesim::models
