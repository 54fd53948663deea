// Names of tensors of Mamba and RWKV in Hugging Face files.
#include "models/import/hugging_face_names.hpp"

#include <string_view>
#include <utility>
#include <vector>

namespace joulesim::models {
namespace {

const std::vector<NameRow> kMamba = {
    {"embeddings.weight", "embedding"},
    {"embedding.weight", "embedding"},
    {"norm_f.weight", "final_norm"},
    {"layers.#.norm.weight", "block.#.attn.norm"},
    {"layers.#.mixer.in_proj.weight", "block.#.ssm.in"},
    {"layers.#.mixer.in_proj.bias", "block.#.ssm.in.bias"},
    {"layers.#.mixer.conv1d.weight", "block.#.ssm.conv"},
    {"layers.#.mixer.conv1d.bias", "block.#.ssm.conv.bias"},
    {"layers.#.mixer.x_proj.weight", "block.#.ssm.x"},
    {"layers.#.mixer.dt_proj.weight", "block.#.ssm.dt"},
    {"layers.#.mixer.dt_proj.bias", "block.#.ssm.dt.bias"},
    {"layers.#.mixer.dt_bias", "block.#.ssm.dt.bias"},
    {"layers.#.mixer.A_log", "block.#.ssm.a", Change::kNegativeExp},
    {"layers.#.mixer.D", "block.#.ssm.d"},
    {"layers.#.mixer.norm.weight", "block.#.ssm.norm"},
    {"layers.#.mixer.out_proj.weight", "block.#.ssm.out"},
    {"layers.#.mixer.out_proj.bias", "block.#.ssm.out.bias"},
};

const std::vector<NameRow> kRwkv = {
    {"embeddings.weight", "embedding"},
    {"emb.weight", "embedding"},
    {"head.weight", "head"},
    {"ln_out.weight", "final_norm"},
    {"ln_out.bias", "final_norm.bias"},
    {"blocks.0.pre_ln.weight", "embedding.norm"},
    {"blocks.0.pre_ln.bias", "embedding.norm.bias"},
    {"blocks.0.ln0.weight", "embedding.norm"},
    {"blocks.0.ln0.bias", "embedding.norm.bias"},
    {"blocks.#.ln1.weight", "block.#.attn.norm"},
    {"blocks.#.ln1.bias", "block.#.attn.norm.bias"},
    {"blocks.#.ln2.weight", "block.#.ffn.norm"},
    {"blocks.#.ln2.bias", "block.#.ffn.norm.bias"},
};

// With "@" for the name of the mixing part: "attention" or "att", "feed_forward" or "ffn".
const std::vector<NameRow> kRwkvMix = {
    {"@.key.weight", "attn.key"},
    {"@.value.weight", "attn.value"},
    {"@.receptance.weight", "attn.receptance"},
    {"@.gate.weight", "attn.gate"},
    {"@.output.weight", "attn.out"},
    {"@.ln_x.weight", "attn.group_norm"},
    {"@.ln_x.bias", "attn.group_norm.bias"},
    {"@.time_first", "attn.bonus"},
    {"@.time_faaaa", "attn.bonus"},
    {"@.time_mix_key", "attn.mix_key", Change::kOneMinus},
    {"@.time_mix_value", "attn.mix_value", Change::kOneMinus},
    {"@.time_mix_receptance", "attn.mix_receptance", Change::kOneMinus},
    {"@.time_mix_gate", "attn.mix_gate", Change::kOneMinus},
    {"@.time_mix_k", "attn.mix_key", Change::kOneMinus},
    {"@.time_mix_v", "attn.mix_value", Change::kOneMinus},
    {"@.time_mix_r", "attn.mix_receptance", Change::kOneMinus},
    {"@.time_mix_g", "attn.mix_gate", Change::kOneMinus},
    {"@.time_maa_x", "attn.mix"},
    {"@.time_maa_w", "attn.mix_decay"},
    {"@.time_maa_k", "attn.mix_key"},
    {"@.time_maa_v", "attn.mix_value"},
    {"@.time_maa_r", "attn.mix_receptance"},
    {"@.time_maa_g", "attn.mix_gate"},
    {"@.time_maa_w1", "attn.mix_in", Change::kTranspose},
    {"@.time_maa_w2", "attn.", Change::kSplitShares},
    {"@.time_decay_w1", "attn.decay_in", Change::kTranspose},
    {"@.time_decay_w2", "attn.decay_out", Change::kTranspose},
};
const std::vector<NameRow> kRwkvFeed = {
    {"@.key.weight", "ffn.up"},
    {"@.value.weight", "ffn.down"},
    {"@.receptance.weight", "ffn.receptance"},
    {"@.time_mix_key", "ffn.mix_key", Change::kOneMinus},
    {"@.time_mix_receptance", "ffn.mix_receptance", Change::kOneMinus},
    {"@.time_mix_k", "ffn.mix_key", Change::kOneMinus},
    {"@.time_mix_r", "ffn.mix_receptance", Change::kOneMinus},
    {"@.time_maa_k", "ffn.mix_key"},
    {"@.time_maa_r", "ffn.mix_receptance"},
};

std::optional<TheirTensor> rwkv_name(const std::string& family, const std::string& name) {
  if (auto found = find_name(kRwkv, name)) {
    return found;
  }
  if (!name.starts_with("blocks.")) {
    return std::nullopt;
  }
  const std::size_t dot = name.find('.', 7);
  if (dot == std::string::npos) {
    return std::nullopt;
  }
  const std::string rest = name.substr(dot + 1);
  const std::string layer = name.substr(7, dot - 7);
  for (const auto& [theirs, rows] : {std::pair{"attention.", &kRwkvMix},
                                     {"att.", &kRwkvMix},
                                     {"feed_forward.", &kRwkvFeed},
                                     {"ffn.", &kRwkvFeed}}) {
    if (!rest.starts_with(theirs)) {
      continue;
    }
    const std::string part = rest.substr(std::string_view(theirs).size());
    if (rows == &kRwkvMix && part == "time_decay") {
      const bool fixed = family == "rwkv5";
      return TheirTensor{"block." + layer + ".attn.decay", "",
                         fixed ? Change::kDecay : Change::kNone, -1};
    }
    auto found = find_name(*rows, "@." + part);
    if (found) {
      found->ours = "block." + layer + "." + found->ours;
    }
    return found;
  }
  return std::nullopt;
}

}  // namespace

std::optional<TheirTensor> recurrent_name(const std::string& family, const std::string& name) {
  if (family.starts_with("rwkv")) {
    return rwkv_name(family, name);
  }
  const auto found = find_name(kMamba, name);
  return found ? found
               : find_name({{"lm_head.weight", "head"}, {"norm.weight", "final_norm"}}, name);
}

}  // namespace joulesim::models
