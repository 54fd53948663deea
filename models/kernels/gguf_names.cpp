#include "models/kernels/gguf_names.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <array>
#include <utility>
#include <vector>

namespace joulesim::models {
namespace {

struct Row {
  const char* name;
  bool fused_qkv, fused_gate_up, adjacent;
};
constexpr std::array kLayouts = {
    Row{"llama", false, false, true},      Row{"qwen2", false, false, false},
    Row{"qwen2moe", false, false, false},  Row{"qwen3", false, false, false},
    Row{"qwen3moe", false, false, false},  Row{"gemma", false, false, false},
    Row{"gemma2", false, false, false},    Row{"phi2", true, false, false},
    Row{"phi3", true, true, false},        Row{"gpt2", true, false, false},
    Row{"starcoder", true, false, false},  Row{"starcoder2", false, false, false},
    Row{"gptneox", true, false, false},    Row{"gptj", false, false, true},
    Row{"falcon", true, false, false},     Row{"bloom", true, false, false},
    Row{"mpt", true, false, false},        Row{"stablelm", false, false, false},
    Row{"nemotron", false, false, false},  Row{"command-r", false, false, true},
    Row{"olmo", false, false, true},       Row{"olmo2", false, false, false},
    Row{"olmoe", false, false, false},     Row{"granite", false, false, true},
    Row{"granitemoe", false, false, true},
};

using Name = std::pair<const char*, const char*>;

constexpr std::array kNames = {
    Name{"embedding", "token_embd"},
    Name{"embedding.norm", "token_embd_norm"},
    Name{"positions", "position_embd"},
    Name{"final_norm", "output_norm"},
    Name{"head", "output"},
    Name{"attn.norm", "attn_norm"},
    Name{"attn.query", "attn_q"},
    Name{"attn.key", "attn_k"},
    Name{"attn.value", "attn_v"},
    Name{"attn.qkv", "attn_qkv"},
    Name{"attn.query_norm", "attn_q_norm"},
    Name{"attn.key_norm", "attn_k_norm"},
    Name{"attn.sub_norm", "attn_sub_norm"},
    Name{"attn.out", "attn_output"},
    Name{"attn.post_norm", "post_attention_norm"},
    Name{"ffn.norm", "ffn_norm"},
    Name{"ffn.gate", "ffn_gate"},
    Name{"ffn.up", "ffn_up"},
    Name{"ffn.down", "ffn_down"},
    Name{"ffn.sub_norm", "ffn_sub_norm"},
    Name{"ffn.post_norm", "post_ffw_norm"},
    Name{"ffn.router", "ffn_gate_inp"},
    Name{"ffn.shared.gate", "ffn_gate_shexp"},
    Name{"ffn.shared.up", "ffn_up_shexp"},
    Name{"ffn.shared.down", "ffn_down_shexp"},
    Name{"ffn.shared.weight", "ffn_gate_inp_shexp"},
};

}  // namespace

GgufLayout gguf_layout(const std::string& architecture) {
  std::vector<std::string> known;
  for (const Row& row : kLayouts) {
    if (architecture == row.name) {
      return {row.name, row.fused_qkv, row.fused_gate_up, row.adjacent};
    }
    known.emplace_back(row.name);
  }
  throw InputError(fmt::format("found architecture '{}'; expected one that is written: {}{}",
                               architecture, fmt::join(known, ", "),
                               did_you_mean(architecture, known)));
}

std::string gguf_weight_name(const GgufLayout& layout, const ModelSpec& spec,
                             const std::string& ours) {
  std::string block;
  std::string name = ours;
  std::size_t index = 0;
  if (ours.starts_with("block.")) {
    const std::size_t dot = ours.find('.', 6);
    block = "blk." + ours.substr(6, dot - 6) + ".";
    index = std::stoul(ours.substr(6, dot - 6));
    name = ours.substr(dot + 1);
  }
  const bool bias = name.ends_with(".bias");
  if (bias) {
    name.resize(name.size() - std::string(".bias").size());
  }
  const char* end = bias ? ".bias" : ".weight";
  // Falcon's second norm is the attention's.
  if (layout.architecture == "falcon" && spec.parallel_norms &&
      (name == "attn.norm" || name == "ffn.norm")) {
    return block + (name == "attn.norm" ? "attn_norm_2" : "attn_norm") + end;
  }
  const bool experts = spec.experts.experts > 0 && !block.empty() && !spec.stack.at(index).dense &&
                       (name == "ffn.gate" || name == "ffn.up" || name == "ffn.down");
  for (const auto& [mine, theirs] : kNames) {
    if (name == mine) {
      return block + theirs + (experts ? "_exps" : "") + end;
    }
  }
  throw InputError(fmt::format("found weight '{}'; expected only weights of a '{}' file", ours,
                               layout.architecture));
}

}  // namespace joulesim::models
