#include "models/import/hugging_face_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <utility>

namespace joulesim::models {
namespace {

namespace fs = std::filesystem;

const Family* find_family(const std::string& type) {
  for (const auto* table : {&gated_families(), &older_families(), &recurrent_families()}) {
    for (const Family& family : *table) {
      if (type == family.type) {
        return &family;
      }
    }
  }
  return nullptr;
}

void read_formats(const ConfigJson& config, ModelSpec& spec) {
  const std::string type = config.text({"dtype", "torch_dtype"});
  const char* name = type == "float32" || type.empty() ? "fp32"
                     : type == "float16"               ? "fp16"
                                                       : "bf16";
  spec.formats = uniform_formats(known_format(name));
}

}  // namespace

std::vector<std::string> hugging_face_families() {
  std::vector<std::string> names;
  for (const auto* table : {&gated_families(), &older_families(), &recurrent_families()}) {
    for (const Family& family : *table) {
      names.emplace_back(family.type);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

void read_activation(const ConfigJson& config, ModelSpec& spec, const char* fallback) {
  std::string name =
      config.text({"hidden_activation", "hidden_act", "activation_function", "dense_act_fn"});
  if (name.empty()) {
    name = fallback;
  }
  for (const auto& [theirs, ours] :
       {std::pair{"silu", Activation::kSilu}, std::pair{"swish", Activation::kSilu},
        std::pair{"gelu", Activation::kGelu}, std::pair{"gelu_pytorch_tanh", Activation::kGeluTanh},
        std::pair{"gelu_new", Activation::kGeluTanh}, std::pair{"gelu_fast", Activation::kGeluTanh},
        std::pair{"quick_gelu", Activation::kQuickGelu}, std::pair{"relu", Activation::kRelu},
        std::pair{"relu2", Activation::kRelu2}}) {
    if (name == theirs) {
      spec.activation = ours;
      return;
    }
  }
  config.fault(fmt::format(
      "found 'hidden_act' of '{}'; expected silu, gelu, gelu_new, quick_gelu, relu or relu2",
      name));
}

void read_dimensions(const ConfigJson& config, ModelSpec& spec) {
  LayerShape layer;
  spec.hidden = config.whole({"hidden_size", "n_embd", "d_model", "dim"});
  layer.heads = config.whole({"num_attention_heads", "n_head", "n_heads"});
  layer.kv_heads = config.whole({"num_key_value_heads", "num_kv_heads", "n_kv_heads"}, layer.heads);
  layer.ffn =
      config.whole({"intermediate_size", "n_inner", "ffn_dim", "ffn_hidden_size"}, 4 * spec.hidden);
  const std::int64_t layers =
      config.whole({"num_hidden_layers", "n_layer", "n_layers"}, std::nullopt, kMostLayers);
  spec.stack.assign(static_cast<std::size_t>(layers), layer);
  spec.head_dim = config.whole({"head_dim"}, std::max<std::int64_t>(1, spec.hidden / layer.heads));
  spec.rotary = spec.head_dim;
  spec.vocab = config.whole({"vocab_size"});
  spec.max_context = config.whole({"max_position_embeddings", "n_positions", "n_ctx", "max_seq_len",
                                   "max_context_length", "seq_length"},
                                  2048, kMostPositions);
}

void read_rope(const ConfigJson& config, ModelSpec& spec) {
  const auto own = config.inside("rope_parameters");  // newer files
  const ConfigJson& keys = own && own->has("rope_theta") ? *own : config;
  spec.rope_base = keys.positive({"rope_theta", "rotary_emb_base"}, 10'000.0);
  const double part =
      keys.has("partial_rotary_factor")
          ? keys.positive({"partial_rotary_factor"})
          : config.positive({"partial_rotary_factor", "rotary_pct", "rope_pct"}, 1.0);
  spec.rotary = static_cast<std::int64_t>(static_cast<double>(spec.head_dim) * part);
  spec.rotary -= spec.rotary % 2;
  const auto scaling = config.has("rope_scaling") ? config.inside("rope_scaling") : own;
  if (!scaling) {
    return;
  }
  const std::string type = scaling->text({"rope_type", "type"});
  // "dynamic" changes nothing within the original context, "mrope" nothing for text alone.
  if (type == "default" || type == "mrope" || type == "dynamic" || type.empty()) {
    return;
  }
  if (type == "llama3" || type == "linear" || type == "yarn" || type == "longrope" ||
      type == "su") {
    spec.rope_factors = true;
    return;
  }
  config.fault(
      fmt::format("found 'rope_scaling' of type '{}'; expected llama3, linear, yarn, "
                  "longrope, dynamic or none",
                  type));
}

void read_reach(const ConfigJson& config, ModelSpec& spec) {
  const bool windows = config.has("sliding_window") && config.flag("use_sliding_window", true);
  spec.window = windows ? config.whole({"sliding_window"}, std::nullopt, kMostPositions) : 0;
  if (!config.has("layer_types") || !config.json()["layer_types"].is_array()) {
    return;
  }
  const auto& types = config.json()["layer_types"];
  if (types.size() != spec.stack.size()) {
    config.fault(fmt::format("found {} 'layer_types'; expected {}, one for each layer",
                             types.size(), spec.stack.size()));
    return;
  }
  for (std::size_t i = 0; i < types.size(); ++i) {
    const std::string type = types[i].is_string() ? types[i].get<std::string>() : types[i].dump();
    if (type != "full_attention" && type != "sliding_attention") {
      config.fault(
          fmt::format("found layer {} of type '{}'; expected full_attention or "
                      "sliding_attention (others are not supported)",
                      i, type));
    }
    spec.stack[i].reach = type == "sliding_attention" ? Reach::kLocal : Reach::kGlobal;
  }
}

ModelSpec read_hugging_face_spec(const ConfigJson& outer) {
  // Models that also read pictures keep the language model's keys one level down.
  const auto inner = outer.inside("text_config");
  const ConfigJson& config = inner && inner->has("model_type") ? *inner : outer;
  ModelSpec spec;
  const std::string& path = config.path();
  spec.id = fs::path(path).filename() == "config.json"
                ? fs::path(path).parent_path().filename().string()
                : fs::path(path).stem().string();
  spec.title = spec.id;
  const std::string type = config.text({"model_type"});
  const Family* family = find_family(type);
  if (family == nullptr) {
    const std::vector<std::string> known = hugging_face_families();
    config.fault(fmt::format("found 'model_type' of '{}'; expected one of {}{}", type,
                             fmt::join(known, ", "), did_you_mean(type, known)));
    return spec;
  }
  read_formats(config, spec);
  spec.tied = config.flag("tie_word_embeddings", family->tied);
  family->read(config, spec);
  return spec;
}

}  // namespace joulesim::models
