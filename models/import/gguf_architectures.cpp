// Dimensions and choices of the architectures that GGUF files name.
#include "models/import/config_json.hpp"
#include "models/import/gguf_model.hpp"
#include "models/import/rope_scaling.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <utility>

namespace joulesim::models {
namespace {

// Where a file does not say: the default of the GGUF description.
constexpr double kDefaultRopeBase = 10'000.0;

// What an architecture fixes without saying so in the file.
struct Architecture {
  const char* name;
  RopeLayout rope_layout = RopeLayout::kHalves;
  Activation activation = Activation::kSilu;
  NormKind norm = NormKind::kRms;
  PositionKind position = PositionKind::kRope;
  bool gated = true;
  bool parallel = false;
};

constexpr RopeLayout kAdjacent = RopeLayout::kAdjacent;
constexpr RopeLayout kHalves = RopeLayout::kHalves;
constexpr Activation kSilu = Activation::kSilu;
constexpr Activation kGelu = Activation::kGeluTanh;  // as the engine that defines the format has it
constexpr NormKind kRms = NormKind::kRms;
constexpr NormKind kLayer = NormKind::kLayer;
constexpr PositionKind kRope = PositionKind::kRope;

constexpr std::array kArchitectures = {
    Architecture{"llama", kAdjacent},
    Architecture{"qwen2"},
    Architecture{"qwen2moe"},
    Architecture{"qwen3"},
    Architecture{"qwen3moe"},
    Architecture{"gemma", kHalves, kGelu},
    Architecture{"gemma2", kHalves, kGelu},
    Architecture{"gemma3", kHalves, kGelu},
    Architecture{"phi3"},
    Architecture{"phimoe", kHalves, kSilu, kLayer},
    Architecture{"phi2", kHalves, kGelu, kLayer, kRope, false, true},
    Architecture{"gpt2", kHalves, kGelu, kLayer, PositionKind::kLearned, false},
    Architecture{"starcoder", kHalves, kGelu, kLayer, PositionKind::kLearned, false},
    Architecture{"starcoder2", kHalves, kGelu, kLayer, kRope, false},
    Architecture{"gptneox", kHalves, kGelu, kLayer, kRope, false},
    Architecture{"gptj", kAdjacent, kGelu, kLayer, kRope, false, true},
    Architecture{"falcon", kHalves, kGelu, kLayer, kRope, false, true},
    Architecture{"bloom", kHalves, kGelu, kLayer, PositionKind::kAlibi, false},
    Architecture{"mpt", kHalves, kGelu, kLayer, PositionKind::kAlibi, false},
    Architecture{"stablelm", kHalves, kSilu, kLayer},
    Architecture{"nemotron", kHalves, Activation::kRelu2, kLayer, kRope, false},
    Architecture{"command-r", kAdjacent, kSilu, kLayer, kRope, true, true},
    Architecture{"olmo", kAdjacent, kSilu, kLayer},
    Architecture{"olmo2"},
    Architecture{"olmoe"},
    Architecture{"granite", kAdjacent},
    Architecture{"granitemoe", kAdjacent},
    Architecture{"minicpm", kAdjacent},
    Architecture{"internlm2", kAdjacent},
    Architecture{"baichuan", kAdjacent},
    Architecture{"openelm"},
    Architecture{"bitnet"},
    Architecture{"deepseek", kAdjacent},
    Architecture{"deepseek2", kAdjacent},
    Architecture{"bert", kHalves, kGelu, kLayer, PositionKind::kLearned, false},
    Architecture{"t5", kHalves, kGelu, kRms, PositionKind::kRelative},
    Architecture{"mamba", kHalves, kSilu, kRms, PositionKind::kNone},
    Architecture{"mamba2", kHalves, kSilu, kRms, PositionKind::kNone},
};

class SpecReader {
 public:
  SpecReader(const GgufFile& gguf, const Architecture& arch, GgufValues& values)
      : gguf_(gguf), arch_(arch), values_(values), prefix_(std::string(arch.name) + ".") {}

  GgufSpec read() {
    spec().rope_layout = arch_.rope_layout;
    spec().activation = arch_.activation;
    spec().norm = arch_.norm;
    spec().position = arch_.position;
    spec().gated = arch_.gated;
    spec().parallel_block = arch_.parallel;
    spec().hidden = values_.whole(key("embedding_length"), 1, kWidestGguf);
    spec().max_context =
        values_.whole_if(key("context_length"), 1, std::int64_t{1} << 40).value_or(2048);
    read_layers();
    spec().norm_epsilon =
        values_.positive_if(key("attention.layer_norm_rms_epsilon"))
            .value_or(values_.positive_if(key("attention.layer_norm_epsilon")).value_or(0.0));
    read_table();
    read_choices();
    if (spec().position == PositionKind::kRope) {
      read_rope();
    }
    read_experts();
    read_special();
    return std::move(made_);
  }

 private:
  ModelSpec& spec() { return made_.spec; }
  [[nodiscard]] std::string key(const char* name) const { return prefix_ + name; }
  [[nodiscard]] bool is(const char* name) const { return std::string(arch_.name) == name; }
  [[nodiscard]] bool has(const std::string& tensor) const { return gguf_.tensors.contains(tensor); }
  [[nodiscard]] bool has_any(std::initializer_list<const char*> tensors) const {
    return std::any_of(tensors.begin(), tensors.end(), [&](const char* t) { return has(t); });
  }

  void read_layers() {
    // A layer has tensors, so a file cannot ask for more layers than it has tensors.
    const auto most = std::clamp<std::int64_t>(static_cast<std::int64_t>(gguf_.tensors.size()), 1,
                                               kMostGgufLayers);
    const auto layers = static_cast<std::size_t>(values_.whole(key("block_count"), 1, most));
    if (is("mamba") || is("mamba2")) {
      LayerShape layer;
      layer.mixer = is("mamba") ? Mixer::kMamba : Mixer::kMamba2;
      spec().stack.assign(layers, layer);
      spec().head_dim = 1;
      return;
    }
    const auto heads = values_.per_layer(key("attention.head_count"), layers);
    const bool grouped = gguf_.values.contains(key("attention.head_count_kv"));
    const auto kv_heads =
        grouped ? values_.per_layer(key("attention.head_count_kv"), layers) : heads;
    const auto ffn = values_.per_layer(key("feed_forward_length"), layers);
    for (std::size_t i = 0; i < layers; ++i) {
      spec().stack.push_back({heads[i], kv_heads[i], ffn[i]});
    }
    spec().head_dim =
        values_.whole_if(key("attention.key_length"), 1, kWidestGguf)
            .value_or(std::max<std::int64_t>(1, spec().hidden / spec().stack.front().heads));
  }

  void read_table() {
    if (const auto table = gguf_.tensors.find("token_embd.weight"); table != gguf_.tensors.end()) {
      spec().vocab = table->second.shape.rows;
    } else {
      values_.fault("found no tensor 'token_embd.weight'; expected the embedding table");
    }
    if (spec().position == PositionKind::kLearned) {
      const auto table = gguf_.tensors.find("position_embd.weight");
      if (table != gguf_.tensors.end()) {
        spec().position_rows = table->second.shape.rows;
      } else {
        values_.fault("found no tensor 'position_embd.weight'; expected the position table");
      }
    }
  }

  // What the tensors of the first block tell.
  void read_choices() {
    ModelSpec& s = spec();
    s.tied = !has("output.weight");
    s.head_bias = has("output.bias");
    s.embedding_norm = has("token_embd_norm.weight");
    s.norm_gain = has_any({"blk.0.attn_norm.weight", "blk.0.attn_output_norm.weight",
                           "enc.blk.0.attn_norm.weight", "blk.0.post_attention_norm.weight"});
    s.norm_bias = has_any({"blk.0.attn_norm.bias", "blk.0.attn_output_norm.bias"});
    s.qkv_bias = has_any({"blk.0.attn_q.bias", "blk.0.attn_qkv.bias"});
    s.output_bias = has("blk.0.attn_output.bias");
    s.ffn_bias = has("blk.0.ffn_up.bias");
    const auto q_norm = gguf_.tensors.find("blk.0.attn_q_norm.weight");
    if (q_norm != gguf_.tensors.end()) {
      s.qk_norm = q_norm->second.shape == Shape{1, s.head_dim};
      s.qk_norm_whole = !s.qk_norm;
    }
    s.sub_norm = has("blk.0.attn_sub_norm.weight");
    s.sandwich_norm = has("blk.0.post_attention_norm.weight");
    s.pre_norm = has_any({"blk.0.attn_norm.weight", "enc.blk.0.attn_norm.weight"}) || !s.norm_gain;
    if (s.parallel_block || has("blk.0.attn_norm_2.weight")) {
      s.parallel_norms = has("blk.0.attn_norm_2.weight");
    }
    const auto number = [&](const char* name) {
      return values_.positive_if(key(name)).value_or(0.0);
    };
    s.attention_soft_cap = number("attn_logit_softcapping");
    s.logit_soft_cap = number("final_logit_softcapping");
    s.attention_scale = number("attention.scale");
    s.embedding_scale = values_.positive_if(key("embedding_scale")).value_or(1.0);
    s.residual_scale = values_.positive_if(key("residual_scale")).value_or(1.0);
    const double scale = values_.positive_if(key("logit_scale")).value_or(1.0);
    s.logit_scale = is("granite") || is("granitemoe") ? 1.0 / scale : scale;
    // llama and phi3 files may name a window that their engine does not use.
    if (is("gemma2") || is("gemma3") || is("starcoder2")) {
      s.window = values_.whole_if(key("attention.sliding_window"), 0, std::int64_t{1} << 40)
                     .value_or(is("gemma2") ? 4096 : 0);
    }
  }

  void read_rope() {
    ModelSpec& s = spec();
    s.rotary = values_.whole_if(key("rope.dimension_count"), 2, kWidestGguf).value_or(s.head_dim);
    s.rope_base = values_.positive_if(key("rope.freq_base")).value_or(kDefaultRopeBase);
    s.rope_factors = has("rope_freqs.weight") || has("rope_factors_short.weight");
    const auto* type = values_.find<std::string>(key("rope.scaling.type"));
    const double factor =
        values_.positive_if(key("rope.scaling.factor"))
            .value_or(values_.positive_if(key("rope.scale_linear")).value_or(1.0));
    const double magnitude = values_.positive_if(key("rope.scaling.attn_factor")).value_or(1.0);
    const std::string name = type != nullptr ? *type : factor != 1.0 ? "linear" : "none";
    s.rope_magnitude = magnitude;
    if (s.rope_factors || name == "none" || factor == 1.0) {
      return;
    }
    if (name != "linear" && name != "yarn") {
      values_.fault(fmt::format("found '{}' of '{}'; expected none, linear or yarn",
                                key("rope.scaling.type"), name));
      return;
    }
    nlohmann::json scaling{{"rope_type", name}, {"factor", factor}};
    if (const auto context = values_.whole_if(key("rope.scaling.original_context_length"), 1,
                                              std::int64_t{1} << 40)) {
      scaling["original_max_position_embeddings"] = *context;
    }
    const nlohmann::json keys{{"rope_scaling", scaling}};
    Diagnostics faults;
    s.rope_factors = true;
    made_.rope_divisors = scale_rope(ConfigJson(keys, "rope scaling", faults), s);
    s.rope_magnitude *= magnitude;
  }

  void read_experts() {
    ExpertShape& e = spec().experts;
    e.experts = values_.whole_if(key("expert_count"), 0, kWidestGguf).value_or(0);
    e.active = values_.whole_if(key("expert_used_count"), 0, kWidestGguf).value_or(0);
    if (e.experts == 0) {
      e.active = 0;
      return;
    }
    e.ffn = values_.whole_if(key("expert_feed_forward_length"), 0, kWidestGguf).value_or(0);
    const std::int64_t shared =
        values_.whole_if(key("expert_shared_count"), 0, kWidestGguf).value_or(0);
    e.shared_ffn = values_.whole_if(key("expert_shared_feed_forward_length"), 0, kWidestGguf)
                       .value_or(shared * e.ffn);
    const auto of_layer = [&](std::size_t i, const char* tensor) {
      return has(fmt::format("blk.{}.{}", i, tensor));
    };
    for (std::size_t i = 0; i < spec().stack.size(); ++i) {
      spec().stack[i].dense = !of_layer(i, "ffn_gate_inp.weight");
      e.shared_gate = e.shared_gate || of_layer(i, "ffn_gate_inp_shexp.weight");
      e.choice_bias = e.choice_bias || of_layer(i, "exp_probs_b.bias");
    }
    const auto* norm = values_.find<bool>(key("expert_weights_norm"));
    e.renormalise = norm != nullptr
                        ? *norm
                        : !(is("qwen2moe") || is("olmoe") || is("deepseek") || is("deepseek2"));
    e.scale = values_.positive_if(key("expert_weights_scale")).value_or(1.0);
    constexpr std::int64_t kSigmoid = 2;  // of the format's gating functions
    if (values_.whole_if(key("expert_gating_func"), 0, 16).value_or(1) == kSigmoid) {
      e.routing = Routing::kSigmoid;
    }
  }

  void read_special() {
    ModelSpec& s = spec();
    if (is("gemma") || is("gemma2") || is("gemma3")) {
      s.scaled_embedding = true;
    }
    if (is("gemma2")) {
      s.global_every = 2;
      constexpr std::size_t kLayersOf27B = 46;  // the one size whose scale has another rule
      s.attention_scale = 1.0 / std::sqrt(static_cast<double>(s.stack.size() == kLayersOf27B
                                                                  ? s.hidden / s.stack.front().heads
                                                                  : s.head_dim));
    } else if (is("gemma3")) {
      s.global_every = 6;
      s.local_rope_base = kDefaultRopeBase;
      constexpr std::size_t kLayersOf27B = 62;
      if (s.stack.size() == kLayersOf27B) {
        s.attention_scale = 1.0 / std::sqrt(static_cast<double>(s.hidden / s.stack.front().heads));
      }
    } else if (is("gptneox")) {
      const auto* parallel = values_.find<bool>(key("use_parallel_residual"));
      s.parallel_block = s.parallel_norms = parallel == nullptr || *parallel;
    } else if (is("phi2") || is("gptj") || is("command-r")) {
      s.parallel_norms = false;
    } else if (is("baichuan") && s.stack.size() == 40) {
      s.position = PositionKind::kAlibi;  // the larger of its two sizes
    } else if (is("bert")) {
      s.causal = s.pre_norm = s.final_norm = s.language_head = s.tied = false;
      s.post_norm = s.norm_gain = true;
      s.activation = Activation::kGelu;
      const auto types = gguf_.tensors.find("token_types.weight");
      s.token_types = types != gguf_.tensors.end() ? types->second.shape.rows : 0;
    } else if (is("mamba") || is("mamba2")) {
      read_scan();
    } else if (is("deepseek2")) {
      read_latent();
    } else if (is("t5")) {
      read_encoder();
    }
  }

  void read_scan() {
    ScanShape& scan = spec().scan;
    scan.inner = values_.whole(key("ssm.inner_size"), 1, kWidestGguf);
    scan.state = values_.whole(key("ssm.state_size"), 1, kWidestGguf);
    scan.taps = values_.whole(key("ssm.conv_kernel"), 1, kWidestGguf);
    scan.conv_bias = has("blk.0.ssm_conv1d.bias");
    scan.norms = has("blk.0.ssm_dt_norm.weight");
    const std::int64_t rank = values_.whole(key("ssm.time_step_rank"), 1, kWidestGguf);
    if (is("mamba")) {
      scan.dt_rank = rank;
      const auto* norms = values_.find<bool>(key("ssm.dt_b_c_rms"));
      if (norms != nullptr && *norms) {
        values_.fault("found 'mamba.ssm.dt_b_c_rms'; expected none (norms without gains)");
      }
    } else {
      scan.head_dim = std::max<std::int64_t>(1, scan.inner / rank);
      scan.groups = values_.whole(key("ssm.group_count"), 1, kWidestGguf);
    }
  }

  void read_latent() {
    ModelSpec& s = spec();
    LatentShape& latent = s.latent;
    latent.kv_rank = values_.whole(key("attention.kv_lora_rank"), 1, kWidestGguf);
    latent.q_rank = values_.whole_if(key("attention.q_lora_rank"), 0, kWidestGguf).value_or(0);
    latent.rope_dim = s.rotary;
    // Files with the matrices already split give the lengths of one head under "_mla".
    const std::int64_t head =
        values_.whole_if(key("attention.key_length_mla"), 1, kWidestGguf).value_or(s.head_dim);
    latent.plain_dim = head - latent.rope_dim;
    latent.value_dim =
        values_.whole_if(key("attention.value_length_mla"), 1, kWidestGguf)
            .value_or(values_.whole_if(key("attention.value_length"), 1, kWidestGguf).value_or(0));
    s.head_dim = head;
    const double factor = values_.positive_if(key("rope.scaling.factor")).value_or(1.0);
    if (const auto weight = values_.positive_if(key("rope.scaling.yarn_log_multiplier"))) {
      const double magnitude = 1.0 + *weight * std::log(factor);
      s.attention_scale = magnitude * magnitude / std::sqrt(static_cast<double>(head));
      s.rope_magnitude = 1.0;
    }
  }

  void read_encoder() {
    ModelSpec& s = spec();
    s.encoder.stack = s.stack;
    const auto layers = values_.whole_if(key("decoder_block_count"), 1, kMostGgufLayers);
    s.stack.resize(
        static_cast<std::size_t>(layers.value_or(static_cast<std::int64_t>(s.stack.size()))),
        s.stack.front());
    s.norm_gain = s.pre_norm = true;
    s.gated = has("enc.blk.0.ffn_gate.weight");
    s.activation = s.gated ? Activation::kGeluTanh : Activation::kRelu;
    s.attention_scale = 1.0;
    s.relative_distance = 128;
    s.relative_buckets =
        values_.whole_if(key("attention.relative_buckets_count"), 1, kWidestGguf).value_or(32);
    if (s.tied) {
      s.logit_scale = 1.0 / std::sqrt(static_cast<double>(s.hidden));
    }
  }

  const GgufFile& gguf_;
  const Architecture& arch_;
  GgufValues& values_;
  std::string prefix_;
  GgufSpec made_;
};

}  // namespace

GgufSpec read_gguf_spec(const GgufFile& gguf, GgufValues& values) {
  const auto* name = values.find<std::string>("general.architecture");
  std::vector<std::string> known;
  for (const Architecture& arch : kArchitectures) {
    if (name != nullptr && *name == arch.name) {
      return SpecReader(gguf, arch, values).read();
    }
    known.emplace_back(arch.name);
  }
  values.fault(fmt::format("found architecture '{}'; expected one of {}{}",
                           name != nullptr ? *name : "", fmt::join(known, ", "),
                           did_you_mean(name != nullptr ? *name : "", known)));
  return {};
}

}  // namespace joulesim::models
