#include "models/arch/model_file.hpp"

#include "sim/base/diagnostics.hpp"

#include <array>
#include <utility>

namespace joulesim::models {
namespace {

constexpr std::int64_t kMostLayers = 10'000;
constexpr std::int64_t kWidest = 1 << 24;
constexpr std::int64_t kMostHeads = 65'536;

template <class Enum, std::size_t N>
Enum choose(const ConfigNode& node, const std::string& key,
            const std::array<std::pair<const char*, Enum>, N>& table, Enum fallback) {
  std::vector<std::string> names;
  names.reserve(N);
  for (const auto& [name, unused] : table) {
    names.emplace_back(name);
  }
  const auto chosen = node.choice_if(key, names);
  for (const auto& [name, value] : table) {
    if (chosen && *chosen == name) {
      return value;
    }
  }
  return fallback;
}

constexpr std::array kActivations = {
    std::pair{"silu", Activation::kSilu},          std::pair{"gelu", Activation::kGelu},
    std::pair{"gelu_tanh", Activation::kGeluTanh}, std::pair{"relu", Activation::kRelu},
    std::pair{"relu2", Activation::kRelu2},
};
constexpr std::array kNorms = {std::pair{"rms", NormKind::kRms},
                               std::pair{"layer", NormKind::kLayer}};
constexpr std::array kLayouts = {std::pair{"halves", RopeLayout::kHalves},
                                 std::pair{"adjacent", RopeLayout::kAdjacent}};
constexpr std::array kPositions = {
    std::pair{"rope", PositionKind::kRope},
    std::pair{"learned", PositionKind::kLearned},
    std::pair{"alibi", PositionKind::kAlibi},
    std::pair{"none", PositionKind::kNone},
};

// [shape]: the dimensions. Layers are all alike, or listed in runs under [[stack]].
void read_stack(const ConfigNode& root, const ConfigNode& shape, ModelSpec& spec) {
  const std::vector<ConfigNode> runs = root.tables("stack");
  const auto add = [&](const ConfigNode& node) {
    const std::int64_t layers = node.whole("layers", 1, kMostLayers);
    LayerShape layer;
    layer.heads = node.whole("heads", 1, kMostHeads);
    layer.kv_heads = node.whole_if("kv_heads", 1, kMostHeads).value_or(layer.heads);
    layer.ffn = node.whole("ffn", 1, kWidest);
    if (static_cast<std::int64_t>(spec.stack.size()) + layers <= kMostLayers) {
      spec.stack.insert(spec.stack.end(), static_cast<std::size_t>(layers), layer);
    } else {
      node.error("layers", "found more than 10000 layers; expected fewer");
    }
  };
  if (runs.empty()) {
    add(shape);
  }
  for (const ConfigNode& run : runs) {
    add(run);
  }
  spec.hidden = shape.whole("hidden", 1, kWidest);
  spec.head_dim = shape.whole("head_dim", 1, kWidest);
  spec.vocab = shape.whole("vocab", 1, kWidest);
  spec.max_context = shape.whole("max_context", 1, std::int64_t{1} << 32);
  spec.layer_repeat = shape.whole_if("layer_repeat", 1, kMostLayers).value_or(1);
  spec.tied = shape.flag("tied");
}

void read_attention(const ConfigNode& node, ModelSpec& spec) {
  spec.position = choose(node, "position", kPositions, PositionKind::kRope);
  if (spec.position == PositionKind::kRope) {
    spec.rope_base = node.count("rope_base").value;
    spec.rotary = node.whole_if("rotary", 2, kWidest).value_or(spec.head_dim);
  } else if (spec.position == PositionKind::kLearned) {
    spec.position_rows = node.whole("position_rows", 1, std::int64_t{1} << 32);
  }
  spec.window = node.whole_if("window", 1, std::int64_t{1} << 32).value_or(0);
  spec.global_every = node.whole_if("global_every", 1, kMostLayers).value_or(0);
  if (const auto scale = node.count_if("scale")) {
    spec.attention_scale = scale->value;
  }
  if (const auto cap = node.count_if("soft_cap")) {
    spec.attention_soft_cap = cap->value;
  }
  spec.qkv_bias = node.flag_if("qkv_bias").value_or(false);
  spec.output_bias = node.flag_if("output_bias").value_or(false);
  spec.rope_layout = choose(node, "rope_layout", kLayouts, RopeLayout::kHalves);
}

void read_block(const ConfigNode& node, ModelSpec& spec) {
  spec.norm = choose(node, "norm", kNorms, NormKind::kRms);
  spec.norm_epsilon = node.count("norm_epsilon").value;
  spec.norm_bias = node.flag_if("norm_bias").value_or(false);
  spec.ffn_bias = node.flag_if("ffn_bias").value_or(false);
  spec.qk_norm = node.flag_if("qk_norm").value_or(false);
  spec.sandwich_norm = node.flag_if("sandwich_norm").value_or(false);
  spec.sub_norm = node.flag_if("sub_norm").value_or(false);
  spec.parallel_block = node.flag_if("parallel").value_or(false);
  spec.gated = node.flag("gated");
  spec.activation = choose(node, "activation", kActivations, Activation::kSilu);
  spec.experts = node.whole_if("experts", 1, kMostHeads).value_or(0);
  spec.active_experts = node.whole_if("active_experts", 1, kMostHeads).value_or(0);
  spec.scaled_embedding = node.flag_if("scaled_embedding").value_or(false);
  spec.head_bias = node.flag_if("head_bias").value_or(false);
  if (const auto cap = node.count_if("logit_soft_cap")) {
    spec.logit_soft_cap = cap->value;
  }
}

Format read_format(const ConfigNode& node, const std::string& key, const Format* fallback) {
  if (fallback != nullptr && !node.has(key)) {
    node.text_if(key);
    return *fallback;
  }
  const std::string name = node.text(key);
  if (auto format = find_format(name)) {
    return *std::move(format);
  }
  if (node.has(key)) {
    node.error(key, "found format '" + name + "'; expected one like fp16, int8 or int4_g32" +
                        did_you_mean(name, format_names()));
  }
  return known_format("fp32");
}

ModelFormats read_formats(const ConfigNode& node) {
  ModelFormats formats;
  formats.linear = read_format(node, "linear", nullptr);
  formats.embedding = read_format(node, "embedding", &formats.linear);
  formats.head = read_format(node, "head", &formats.embedding);
  formats.activation = read_format(node, "activation", nullptr);
  formats.norm = read_format(node, "norm", &formats.activation);
  formats.linear_input = read_format(node, "linear_input", &formats.activation);
  formats.kv_cache = read_format(node, "kv_cache", &formats.activation);
  return formats;
}

}  // namespace

ModelFile read_model_file(ConfigFile& file) {
  ModelFile model;
  ModelSpec& spec = model.spec;
  const ConfigNode root = file.root();
  spec.id = root.text("model");
  file.set_owner(spec.id);
  spec.title = root.text("title");
  spec.aliases = root.texts("aliases");
  const ConfigNode shape = root.table("shape");
  read_stack(root, shape, spec);
  read_attention(root.table("attention"), spec);
  read_block(root.table("block"), spec);
  spec.formats = read_formats(root.table("formats"));
  if (const auto published = root.table_if("published")) {
    model.published = Published{published->whole("parameters", 1, std::int64_t{1} << 52),
                                published->number("tolerance", 0.0, 1.0)};
  }
  if (file.diagnostics().ok()) {
    for (const std::string& fault : faults_of(spec)) {
      file.diagnostics().error(shape.region(), fault);
    }
  }
  file.require_ok();
  model.figures = file.figures();
  model.text = file.text();
  return model;
}

ModelFile read_model_file(const std::string& path) {
  ConfigFile file = ConfigFile::read(path);
  return read_model_file(file);
}

}  // namespace joulesim::models
