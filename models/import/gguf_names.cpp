// Names of tensors in GGUF files.
#include "models/import/gguf_model.hpp"

namespace joulesim::models {
namespace {

// One list for all architectures; what some of them mean otherwise comes first.
const std::vector<NameRow> kBert = {
    {"blk.#.attn_output_norm.weight", "block.#.attn.post_norm"},
    {"blk.#.attn_output_norm.bias", "block.#.attn.post_norm.bias"},
    {"blk.#.layer_output_norm.weight", "block.#.ffn.post_norm"},
    {"blk.#.layer_output_norm.bias", "block.#.ffn.post_norm.bias"},
};

// Fused feed-forward: "ffn_up" holds the rows of the gate, then its own.
const std::vector<NameRow> kFusedFeed = {
    {"blk.#.ffn_up.weight", "block.#.ffn.", Change::kSplitGateUp}};

// Parallel blocks with two norms.
const std::vector<NameRow> kFalcon = {
    {"blk.#.attn_norm_2.weight", "block.#.attn.norm"},
    {"blk.#.attn_norm_2.bias", "block.#.attn.norm.bias"},
    {"blk.#.attn_norm.weight", "block.#.ffn.norm"},
    {"blk.#.attn_norm.bias", "block.#.ffn.norm.bias"},
};

const std::vector<NameRow> kMamba = {
    {"blk.#.ssm_in.weight", "block.#.ssm.in"},
    {"blk.#.ssm_conv1d.weight", "block.#.ssm.conv"},
    {"blk.#.ssm_conv1d.bias", "block.#.ssm.conv.bias"},
    {"blk.#.ssm_x.weight", "block.#.ssm.x"},
    {"blk.#.ssm_dt.weight", "block.#.ssm.dt"},
    {"blk.#.ssm_dt.bias", "block.#.ssm.dt.bias"},
    {"blk.#.ssm_dt_norm.weight", "block.#.ssm.dt_norm"},
    {"blk.#.ssm_b_norm.weight", "block.#.ssm.b_norm"},
    {"blk.#.ssm_c_norm.weight", "block.#.ssm.c_norm"},
    {"blk.#.ssm_a", "block.#.ssm.a"},
    {"blk.#.ssm_d", "block.#.ssm.d"},
    {"blk.#.ssm_norm.weight", "block.#.ssm.norm"},
    {"blk.#.ssm_out.weight", "block.#.ssm.out"},
};

const std::vector<NameRow> kT5 = {
    {"enc.output_norm.weight", "encoder.final_norm"},
    {"dec.output_norm.weight", "final_norm"},
    {"enc.blk.0.attn_rel_b.weight", "encoder.relative"},
    {"dec.blk.0.attn_rel_b.weight", "relative"},
    {"enc.blk.#.attn_rel_b.weight", "", Change::kIgnore},
    {"dec.blk.#.attn_rel_b.weight", "", Change::kIgnore},
    {"enc.blk.#.attn_norm.weight", "encoder.block.#.attn.norm"},
    {"enc.blk.#.attn_q.weight", "encoder.block.#.attn.query"},
    {"enc.blk.#.attn_k.weight", "encoder.block.#.attn.key"},
    {"enc.blk.#.attn_v.weight", "encoder.block.#.attn.value"},
    {"enc.blk.#.attn_o.weight", "encoder.block.#.attn.out"},
    {"enc.blk.#.ffn_norm.weight", "encoder.block.#.ffn.norm"},
    {"enc.blk.#.ffn_gate.weight", "encoder.block.#.ffn.gate"},
    {"enc.blk.#.ffn_up.weight", "encoder.block.#.ffn.up"},
    {"enc.blk.#.ffn_down.weight", "encoder.block.#.ffn.down"},
    {"dec.blk.#.attn_norm.weight", "block.#.attn.norm"},
    {"dec.blk.#.attn_q.weight", "block.#.attn.query"},
    {"dec.blk.#.attn_k.weight", "block.#.attn.key"},
    {"dec.blk.#.attn_v.weight", "block.#.attn.value"},
    {"dec.blk.#.attn_o.weight", "block.#.attn.out"},
    {"dec.blk.#.cross_attn_norm.weight", "block.#.cross.norm"},
    {"dec.blk.#.cross_attn_q.weight", "block.#.cross.query"},
    {"dec.blk.#.cross_attn_k.weight", "block.#.cross.key"},
    {"dec.blk.#.cross_attn_v.weight", "block.#.cross.value"},
    {"dec.blk.#.cross_attn_o.weight", "block.#.cross.out"},
    {"dec.blk.#.cross_attn_rel_b.weight", "", Change::kIgnore},
    {"dec.blk.#.ffn_norm.weight", "block.#.ffn.norm"},
    {"dec.blk.#.ffn_gate.weight", "block.#.ffn.gate"},
    {"dec.blk.#.ffn_up.weight", "block.#.ffn.up"},
    {"dec.blk.#.ffn_down.weight", "block.#.ffn.down"},
};

const std::vector<NameRow> kShared = {
    {"token_embd.weight", "embedding"},
    {"token_embd_norm.weight", "embedding.norm"},
    {"token_embd_norm.bias", "embedding.norm.bias"},
    {"token_types.weight", "token_types"},
    {"position_embd.weight", "positions"},
    {"output_norm.weight", "final_norm"},
    {"output_norm.bias", "final_norm.bias"},
    {"output.weight", "head"},
    {"output.bias", "head.bias"},
    {"rope_freqs.weight", "rope_factors"},
    {"rope_factors_short.weight", "rope_factors"},
    {"rope_factors_long.weight", "", Change::kIgnore},
    {"blk.#.rope_freqs.weight", "", Change::kIgnore},
    {"blk.#.attn_norm.weight", "block.#.attn.norm"},
    {"blk.#.attn_norm.bias", "block.#.attn.norm.bias"},
    {"blk.#.attn_q.weight", "block.#.attn.query"},
    {"blk.#.attn_k.weight", "block.#.attn.key"},
    {"blk.#.attn_v.weight", "block.#.attn.value"},
    {"blk.#.attn_q.bias", "block.#.attn.query.bias"},
    {"blk.#.attn_k.bias", "block.#.attn.key.bias"},
    {"blk.#.attn_v.bias", "block.#.attn.value.bias"},
    {"blk.#.attn_qkv.weight", "block.#.attn.", Change::kSplitQkv},
    {"blk.#.attn_qkv.bias", "block.#.attn.", Change::kSplitQkv},
    {"blk.#.attn_q_norm.weight", "block.#.attn.query_norm"},
    {"blk.#.attn_k_norm.weight", "block.#.attn.key_norm"},
    {"blk.#.attn_sub_norm.weight", "block.#.attn.sub_norm"},
    {"blk.#.attn_output.weight", "block.#.attn.out"},
    {"blk.#.attn_output.bias", "block.#.attn.out.bias"},
    {"blk.#.attn_post_norm.weight", "block.#.attn.post_norm"},
    {"blk.#.post_attention_norm.weight", "block.#.attn.post_norm"},
    {"blk.#.ffn_norm.weight", "block.#.ffn.norm"},
    {"blk.#.ffn_norm.bias", "block.#.ffn.norm.bias"},
    {"blk.#.ffn_sub_norm.weight", "block.#.ffn.sub_norm"},
    {"blk.#.post_ffw_norm.weight", "block.#.ffn.post_norm"},
    {"blk.#.ffn_gate.weight", "block.#.ffn.gate"},
    {"blk.#.ffn_up.weight", "block.#.ffn.up"},
    {"blk.#.ffn_down.weight", "block.#.ffn.down"},
    {"blk.#.ffn_gate.bias", "block.#.ffn.gate.bias"},
    {"blk.#.ffn_up.bias", "block.#.ffn.up.bias"},
    {"blk.#.ffn_down.bias", "block.#.ffn.down.bias"},
    // experts, together or one by one
    {"blk.#.ffn_gate_inp.weight", "block.#.ffn.router"},
    {"blk.#.exp_probs_b.bias", "block.#.ffn.choice"},
    {"blk.#.ffn_gate_exps.weight", "block.#.ffn.gate"},
    {"blk.#.ffn_up_exps.weight", "block.#.ffn.up"},
    {"blk.#.ffn_down_exps.weight", "block.#.ffn.down"},
    {"blk.#.ffn_gate.#.weight", "block.#.ffn.gate", Change::kExpert},
    {"blk.#.ffn_up.#.weight", "block.#.ffn.up", Change::kExpert},
    {"blk.#.ffn_down.#.weight", "block.#.ffn.down", Change::kExpert},
    {"blk.#.ffn_gate_inp_shexp.weight", "block.#.ffn.shared.weight"},
    {"blk.#.ffn_gate_shexp.weight", "block.#.ffn.shared.gate"},
    {"blk.#.ffn_up_shexp.weight", "block.#.ffn.shared.up"},
    {"blk.#.ffn_down_shexp.weight", "block.#.ffn.shared.down"},
    // multi-latent attention
    {"blk.#.attn_q_a.weight", "block.#.attn.query_down"},
    {"blk.#.attn_q_a_norm.weight", "block.#.attn.query_norm"},
    {"blk.#.attn_q_b.weight", "block.#.attn.query_up"},
    {"blk.#.attn_kv_a_mqa.weight", "block.#.attn.latent"},
    {"blk.#.attn_kv_a_norm.weight", "block.#.attn.latent_norm"},
    {"blk.#.attn_kv_b.weight", "block.#.attn.", Change::kSplitLatent},
    {"blk.#.attn_k_b.weight", "block.#.attn.key_up"},
    {"blk.#.attn_v_b.weight", "block.#.attn.value_up"},
};

}  // namespace

std::optional<TheirTensor> gguf_name(const std::string& architecture, const std::string& name,
                                     const ModelSpec& spec) {
  std::optional<TheirTensor> found;
  if (architecture == "bert" || architecture == "nomic-bert") {
    found = find_name(kBert, name);
  } else if (architecture == "phi3") {
    found = find_name(kFusedFeed, name);
  } else if (architecture == "falcon" && spec.parallel_norms) {
    found = find_name(kFalcon, name);
  } else if (architecture == "mamba" || architecture == "mamba2") {
    found = find_name(kMamba, name);
  } else if (architecture == "t5") {
    found = find_name(kT5, name);
  }
  return found ? found : find_name(kShared, name);
}

}  // namespace joulesim::models
