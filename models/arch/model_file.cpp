#include "models/arch/model_file.hpp"

#include "sim/base/diagnostics.hpp"

#include <algorithm>
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
    std::pair{"relu2", Activation::kRelu2},        std::pair{"quick_gelu", Activation::kQuickGelu},
};
constexpr std::array kMixers = {
    std::pair{"attention", Mixer::kAttention}, std::pair{"mamba", Mixer::kMamba},
    std::pair{"mamba2", Mixer::kMamba2},       std::pair{"rwkv4", Mixer::kRwkv4},
    std::pair{"rwkv5", Mixer::kRwkv5},         std::pair{"rwkv6", Mixer::kRwkv6},
};
constexpr std::array kReaches = {std::pair{"model", Reach::kAsModel},
                                 std::pair{"local", Reach::kLocal},
                                 std::pair{"global", Reach::kGlobal}};
constexpr std::array kRoutings = {std::pair{"softmax", Routing::kSoftmax},
                                  std::pair{"sigmoid", Routing::kSigmoid},
                                  std::pair{"sparse_mixer", Routing::kSparseMixer}};
constexpr std::array kNorms = {std::pair{"rms", NormKind::kRms},
                               std::pair{"layer", NormKind::kLayer}};
constexpr std::array kLayouts = {std::pair{"halves", RopeLayout::kHalves},
                                 std::pair{"adjacent", RopeLayout::kAdjacent}};
constexpr std::array kPositions = {
    std::pair{"rope", PositionKind::kRope},   std::pair{"learned", PositionKind::kLearned},
    std::pair{"alibi", PositionKind::kAlibi}, std::pair{"relative", PositionKind::kRelative},
    std::pair{"none", PositionKind::kNone},
};

void read_layers(const ConfigNode& node, std::vector<LayerShape>& stack) {
  const std::int64_t layers = node.whole("layers", 1, kMostLayers);
  LayerShape layer;
  layer.mixer = choose(node, "mixer", kMixers, Mixer::kAttention);
  if (layer.mixer == Mixer::kAttention) {
    layer.heads = node.whole("heads", 1, kMostHeads);
    layer.kv_heads = node.whole_if("kv_heads", 1, kMostHeads).value_or(layer.heads);
    layer.reach = choose(node, "reach", kReaches, Reach::kAsModel);
    layer.rotates = node.flag_if("rotates").value_or(true);
  }
  const bool optional = layer.mixer == Mixer::kMamba || layer.mixer == Mixer::kMamba2;
  layer.ffn =
      optional ? node.whole_if("ffn", 1, kWidest).value_or(0) : node.whole("ffn", 1, kWidest);
  layer.dense = node.flag_if("dense").value_or(false);
  if (static_cast<std::int64_t>(stack.size()) + layers <= kMostLayers) {
    stack.insert(stack.end(), static_cast<std::size_t>(layers), layer);
  } else {
    node.error("layers", "found more than 10000 layers; expected fewer");
  }
}

// [shape]: the dimensions. Layers are all alike, or listed in runs under [[stack]].
void read_stack(const ConfigNode& root, const ConfigNode& shape, ModelSpec& spec) {
  const std::vector<ConfigNode> runs = root.tables("stack");
  if (runs.empty()) {
    read_layers(shape, spec.stack);
  }
  for (const ConfigNode& run : runs) {
    read_layers(run, spec.stack);
  }
  spec.hidden = shape.whole("hidden", 1, kWidest);
  const bool heads = std::any_of(spec.stack.begin(), spec.stack.end(), [](const LayerShape& layer) {
    return layer.mixer == Mixer::kAttention || layer.mixer == Mixer::kRwkv5 ||
           layer.mixer == Mixer::kRwkv6;
  });
  spec.head_dim = heads ? shape.whole("head_dim", 1, kWidest) : 1;
  spec.embedding_width = shape.whole_if("embedding_width", 1, kWidest).value_or(0);
  spec.token_types = shape.whole_if("token_types", 1, kWidest).value_or(0);
  spec.vocab = shape.whole("vocab", 1, kWidest);
  spec.max_context = shape.whole("max_context", 1, std::int64_t{1} << 32);
  spec.layer_repeat = shape.whole_if("layer_repeat", 1, kMostLayers).value_or(1);
  spec.tied = shape.flag("tied");
}

void read_experts(const ConfigNode& node, ExpertShape& e) {
  e.experts = node.whole("experts", 1, kMostHeads);
  e.active = node.whole("active", 1, kMostHeads);
  e.ffn = node.whole_if("ffn", 1, kWidest).value_or(0);
  e.shared_ffn = node.whole_if("shared_ffn", 1, kWidest).value_or(0);
  e.shared_gate = node.flag_if("shared_gate").value_or(false);
  e.routing = choose(node, "routing", kRoutings, Routing::kSoftmax);
  e.renormalise = node.flag_if("renormalise").value_or(true);
  e.choice_bias = node.flag_if("choice_bias").value_or(false);
  e.router_bias = node.flag_if("router_bias").value_or(false);
  e.bias = node.flag_if("bias").value_or(false);
  if (const auto scale = node.count_if("scale")) {
    e.scale = scale->value;
  }
}

// Further tables, each for a kind of model.
void read_kinds(const ConfigNode& root, ModelSpec& spec) {
  if (const auto node = root.table_if("experts")) {
    read_experts(*node, spec.experts);
  }
  if (const auto node = root.table_if("latent")) {
    spec.latent.q_rank = node->whole_if("q_rank", 1, kWidest).value_or(0);
    spec.latent.kv_rank = node->whole("kv_rank", 1, kWidest);
    spec.latent.plain_dim = node->whole("plain_dim", 1, kWidest);
    spec.latent.rope_dim = node->whole("rope_dim", 2, kWidest);
    spec.latent.value_dim = node->whole("value_dim", 1, kWidest);
    spec.rotary = spec.latent.rope_dim;
  }
  if (const auto node = root.table_if("scan")) {
    spec.scan.inner = node->whole("inner", 1, kWidest);
    spec.scan.state = node->whole("state", 1, kWidest);
    spec.scan.taps = node->whole("taps", 1, kMostHeads);
    spec.scan.dt_rank = node->whole_if("dt_rank", 1, kWidest).value_or(0);
    spec.scan.head_dim = node->whole_if("head_dim", 1, kWidest).value_or(0);
    spec.scan.groups = node->whole_if("groups", 1, kMostHeads).value_or(1);
    spec.scan.conv_bias = node->flag_if("conv_bias").value_or(true);
    spec.scan.linear_bias = node->flag_if("linear_bias").value_or(false);
    spec.scan.norms = node->flag_if("norms").value_or(false);
  }
  if (const auto node = root.table_if("rwkv")) {
    spec.rwkv.mix_rank = node->whole("mix_rank", 1, kWidest);
    spec.rwkv.decay_rank = node->whole("decay_rank", 1, kWidest);
  }
  if (const auto node = root.table_if("encoder")) {
    read_layers(*node, spec.encoder.stack);
    spec.encoder.positions = node->whole_if("positions", 1, kWidest).value_or(0);
    spec.encoder.features = node->whole_if("features", 1, kWidest).value_or(0);
    if (spec.encoder.features > 0 && spec.encoder.positions == 0) {
      node->error("features", "found frames without 'positions'; expected how many it reads");
    }
  }
}

void read_attention(const ConfigNode& node, ModelSpec& spec) {
  spec.position = choose(node, "position", kPositions, PositionKind::kRope);
  if (spec.position == PositionKind::kRope) {
    spec.rope_base = node.count("rope_base").value;
    if (const auto local = node.count_if("local_rope_base")) {
      spec.local_rope_base = local->value;
    }
    spec.rotary = node.whole_if("rotary", 2, kWidest).value_or(spec.head_dim);
  } else if (spec.position == PositionKind::kLearned) {
    spec.position_rows = node.whole("position_rows", 1, std::int64_t{1} << 32);
    spec.position_offset = node.whole_if("position_offset", 0, kWidest).value_or(0);
  } else if (spec.position == PositionKind::kRelative) {
    spec.relative_buckets = node.whole("relative_buckets", 1, kWidest);
    spec.relative_distance = node.whole("relative_distance", 1, kWidest);
  }
  spec.window = node.whole_if("window", 1, std::int64_t{1} << 32).value_or(0);
  spec.global_every = node.whole_if("global_every", 1, kMostLayers).value_or(0);
  if (const auto scale = node.count_if("scale")) {
    spec.attention_scale = scale->value;
  }
  if (const auto cap = node.count_if("soft_cap")) {
    spec.attention_soft_cap = cap->value;
  }
  spec.causal = node.flag_if("causal").value_or(true);
  spec.qkv_bias = node.flag_if("qkv_bias").value_or(false);
  spec.key_bias = node.flag_if("key_bias").value_or(true);
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
  spec.norm_gain = node.flag_if("norm_gain").value_or(true);
  spec.qk_norm_whole = node.flag_if("qk_norm_whole").value_or(false);
  spec.pre_norm = node.flag_if("pre_norm").value_or(true);
  spec.post_norm = node.flag_if("post_norm").value_or(false);
  spec.final_norm = node.flag_if("final_norm").value_or(true);
  spec.embedding_norm = node.flag_if("embedding_norm").value_or(false);
  spec.parallel_block = node.flag_if("parallel").value_or(false);
  spec.parallel_norms = node.flag_if("parallel_norms").value_or(false);
  spec.gated = node.flag("gated");
  spec.activation = choose(node, "activation", kActivations, Activation::kSilu);
  spec.experts.experts = node.whole_if("experts", 1, kMostHeads).value_or(0);
  spec.experts.active = node.whole_if("active_experts", 1, kMostHeads).value_or(0);
  spec.scaled_embedding = node.flag_if("scaled_embedding").value_or(false);
  spec.head_bias = node.flag_if("head_bias").value_or(false);
  spec.language_head = node.flag_if("language_head").value_or(true);
  spec.head_transform = node.flag_if("head_transform").value_or(false);
  spec.pooler = node.flag_if("pooler").value_or(false);
  spec.labels = node.whole_if("labels", 1, kWidest).value_or(0);
  for (const auto& [key, field] : {std::pair{"embedding_scale", &spec.embedding_scale},
                                   std::pair{"residual_scale", &spec.residual_scale},
                                   std::pair{"logit_scale", &spec.logit_scale}}) {
    if (const auto scale = node.count_if(key)) {
      *field = scale->value;
    }
  }
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

std::vector<PublishedAccuracy> read_accuracy(const ConfigNode& root) {
  constexpr std::int64_t kMostShots = 1000;
  std::vector<PublishedAccuracy> all;
  for (const ConfigNode& node : root.tables("accuracy")) {
    PublishedAccuracy one;
    one.benchmark = node.text("benchmark");
    one.shots = node.integer("shots", 0, kMostShots);
    const Sourced<double> value = node.count("value");
    one.value = value.value;
    one.source = value.source ? value.source->title : "";
    if (one.value > 1) {
      node.error("value", "found more than 100 %; expected a share of right answers");
    }
    if (const auto weights = node.text_if("weights")) {
      one.weights = *weights;
      if (!find_format(one.weights)) {
        node.error("weights", "found format '" + one.weights +
                                  "'; expected one like fp16, int8 or int4_g32" +
                                  did_you_mean(one.weights, format_names()));
      }
    }
    if (std::any_of(all.begin(), all.end(), [&](const PublishedAccuracy& other) {
          return other.benchmark == one.benchmark && other.shots == one.shots &&
                 other.weights == one.weights;
        })) {
      node.error("benchmark", "found '" + one.benchmark +
                                  "' twice with as many shots; expected one figure of each");
    }
    all.push_back(std::move(one));
  }
  return all;
}

}  // namespace

void read_model_keys(const ConfigNode& root, ConfigFile* file, ModelFile& model) {
  ModelSpec& spec = model.spec;
  spec.id = root.text("model");
  if (file != nullptr) {
    file->set_owner(spec.id);
  }
  spec.title = root.text("title");
  spec.aliases = root.texts("aliases");
  const bool image = root.has("image");
  if (image) {
    spec.image = read_image(root.table("image"));
    spec.causal = false;
    spec.max_context = 1;
  }
  // A file has one or the other. Who asks for all keys, without a file, is told of both, and finds
  // that either may be missing where some further section is.
  if (!image || (file == nullptr && root.table_if("published"))) {
    read_stack(root, root.table("shape"), spec);
    read_attention(root.table("attention"), spec);
    read_block(root.table("block"), spec);
    read_kinds(root, spec);
  }
  spec.formats = read_formats(root.table("formats"));
  if (const auto published = root.table_if("published")) {
    model.published = Published{published->whole("parameters", 1, std::int64_t{1} << 52),
                                published->number("tolerance", 0.0, 1.0)};
  }
  model.accuracy = read_accuracy(root);
}

ModelFile read_model_file(ConfigFile& file) {
  ModelFile model;
  const ConfigNode root = file.root();
  read_model_keys(root, &file, model);
  if (file.diagnostics().ok()) {
    for (const std::string& fault : faults_of(model.spec)) {
      file.diagnostics().error(root.region(model.spec.reads_image() ? "image" : "shape"), fault);
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
