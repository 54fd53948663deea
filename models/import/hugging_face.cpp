#include "models/import/hugging_face.hpp"

#include "models/import/byte_reader.hpp"
#include "models/import/mapped_file.hpp"
#include "models/import/safetensors.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <cmath>
#include <filesystem>
#include <numbers>
#include <optional>
#include <set>

namespace joulesim::models {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

constexpr std::int64_t kWidest = 1 << 24;
constexpr std::int64_t kMostLayers = 10'000;

Json read_json(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  const auto* text = reinterpret_cast<const char*>(bytes.data());
  try {
    Json json = Json::parse(text, text + bytes.size());
    if (!json.is_object()) {
      refuse_file(path, "found JSON that is no object; expected one");
    }
    return json;
  } catch (const Json::parse_error& error) {
    refuse_file(path, fmt::format("offset {}: found no JSON; expected a JSON object", error.byte));
  }
}

// Typed look-ups that collect what is missing or wrong.
class Config {
 public:
  Config(const Json& json, std::string path, Diagnostics& faults)
      : json_(json), path_(std::move(path)), faults_(faults) {}

  void fault(const std::string& message) const { faults_.error(path_, message); }
  [[nodiscard]] bool has(const char* key) const {
    return json_.contains(key) && !json_[key].is_null();
  }

  [[nodiscard]] std::int64_t whole(const char* key, std::int64_t fallback,
                                   std::int64_t most) const {
    if (!has(key)) {
      if (fallback < 0) {
        fault(fmt::format("found no '{}'; expected a whole number", key));
      }
      return std::max<std::int64_t>(fallback, 1);
    }
    const Json& value = json_[key];
    if (!value.is_number_integer() || value.get<std::int64_t>() < 1 ||
        value.get<std::int64_t>() > most) {
      fault(fmt::format("found '{}' of {}; expected 1 to {}", key, value.dump(), most));
      return 1;
    }
    return value.get<std::int64_t>();
  }
  [[nodiscard]] double positive(const char* key, std::optional<double> fallback) const {
    if (!has(key)) {
      if (!fallback) {
        fault(fmt::format("found no '{}'; expected a positive number", key));
      }
      return fallback.value_or(1.0);
    }
    const Json& value = json_[key];
    if (!value.is_number() || !(value.get<double>() > 0.0)) {
      fault(fmt::format("found '{}' of {}; expected a positive number", key, value.dump()));
      return 1.0;
    }
    return value.get<double>();
  }
  [[nodiscard]] bool flag(const char* key, bool fallback) const {
    return has(key) && json_[key].is_boolean() ? json_[key].get<bool>() : fallback;
  }
  [[nodiscard]] std::string text(const char* key) const {
    return has(key) && json_[key].is_string() ? json_[key].get<std::string>() : std::string();
  }
  [[nodiscard]] const Json& raw() const { return json_; }

 private:
  const Json& json_;
  std::string path_;
  Diagnostics& faults_;
};

void read_activation(const Config& config, ModelSpec& spec) {
  const std::string name = config.text("hidden_act");
  for (const auto& [theirs, ours] :
       {std::pair{"silu", Activation::kSilu}, std::pair{"gelu", Activation::kGelu},
        std::pair{"gelu_pytorch_tanh", Activation::kGeluTanh},
        std::pair{"gelu_new", Activation::kGeluTanh}, std::pair{"relu", Activation::kRelu},
        std::pair{"relu2", Activation::kRelu2}}) {
    if (name == theirs) {
      spec.activation = ours;
      return;
    }
  }
  config.fault(fmt::format("found 'hidden_act' of '{}'; expected silu, gelu, relu or relu2", name));
}

void read_type(const Config& config, ModelSpec& spec) {
  const std::string type = config.text("model_type");
  const std::set<std::string> known = {"llama", "mistral",   "mixtral", "qwen2",
                                       "qwen3", "qwen3_moe", "phimoe"};
  if (!known.contains(type)) {
    config.fault(fmt::format("found 'model_type' of '{}'; expected {}{}", type,
                             fmt::join(known, ", "),
                             did_you_mean(type, {known.begin(), known.end()})));
  }
  spec.qk_norm = type == "qwen3" || type == "qwen3_moe";
  spec.qkv_bias = type == "qwen2" || config.flag("attention_bias", false);
  spec.output_bias = type != "qwen2" && config.flag("attention_bias", false);
  spec.ffn_bias = config.flag("mlp_bias", false);
  spec.head_bias = config.flag("lm_head_bias", false);
  if (type == "phimoe") {
    spec.norm = NormKind::kLayer;
    spec.norm_bias = true;
  }
  if (config.has("num_local_experts") || config.has("num_experts")) {
    spec.experts =
        config.whole(config.has("num_experts") ? "num_experts" : "num_local_experts", -1, kWidest);
    spec.active_experts = config.whole("num_experts_per_tok", -1, kWidest);
  }
  const bool windows = config.has("sliding_window") && config.flag("use_sliding_window", true);
  spec.window = windows ? config.whole("sliding_window", -1, std::int64_t{1} << 40) : 0;
}

void read_formats(const Config& config, ModelSpec& spec) {
  const std::string type = config.text(config.has("dtype") ? "dtype" : "torch_dtype");
  const char* name = type == "float32" || type.empty() ? "fp32"
                     : type == "float16"               ? "fp16"
                                                       : "bf16";
  spec.formats = uniform_formats(known_format(name));
}

void read_scaling(const Config& config, ModelSpec& spec) {
  if (!config.has("rope_scaling")) {
    return;
  }
  const Json& scaling = config.raw()["rope_scaling"];
  const char* key = scaling.contains("rope_type") ? "rope_type" : "type";
  const std::string type = scaling.is_object() && scaling.contains(key) && scaling[key].is_string()
                               ? scaling[key].get<std::string>()
                               : std::string();
  if (type == "llama3") {
    spec.rope_factors = true;
  } else if (type != "default") {
    config.fault(
        fmt::format("found 'rope_scaling' of type '{}'; expected llama3 or none (others are not "
                    "supported)",
                    type));
  }
}

ModelSpec read_spec(const Config& config, const std::string& path, Diagnostics& faults) {
  ModelSpec spec;
  spec.id = fs::path(path).filename() == "config.json"
                ? fs::path(path).parent_path().filename().string()
                : fs::path(path).stem().string();
  spec.title = spec.id;
  read_type(config, spec);
  read_activation(config, spec);
  read_formats(config, spec);
  read_scaling(config, spec);
  LayerShape layer;
  spec.hidden = config.whole("hidden_size", -1, kWidest);
  layer.heads = config.whole("num_attention_heads", -1, kWidest);
  layer.kv_heads = config.whole("num_key_value_heads", layer.heads, kWidest);
  layer.ffn = config.whole(
      config.has("moe_intermediate_size") ? "moe_intermediate_size" : "intermediate_size", -1,
      kWidest);
  spec.stack.assign(static_cast<std::size_t>(config.whole("num_hidden_layers", -1, kMostLayers)),
                    layer);
  spec.head_dim =
      config.whole("head_dim", std::max<std::int64_t>(1, spec.hidden / layer.heads), kWidest);
  spec.rotary = spec.head_dim;
  spec.vocab = config.whole("vocab_size", -1, kWidest);
  spec.max_context = config.whole("max_position_embeddings", -1, std::int64_t{1} << 40);
  spec.norm_epsilon = config.positive("rms_norm_eps", std::nullopt);
  spec.rope_base = config.positive("rope_theta", 10'000.0);  // the library's own default
  spec.tied = config.flag("tie_word_embeddings", false);
  if (faults.ok()) {
    for (const std::string& fault : faults_of(spec)) {
      config.fault(fault);
    }
  }
  return spec;
}

// "model.layers.3.self_attn.q_proj.weight" -> "block.3.attn.query"
std::optional<std::string> our_name(const std::string& theirs) {
  constexpr std::array<std::pair<const char*, const char*>, 3> kGlobal = {
      {{"model.embed_tokens.weight", "embedding"},
       {"model.norm.weight", "final_norm"},
       {"lm_head.weight", "head"}}};
  constexpr std::array<std::pair<const char*, const char*>, 14> kBlock = {{
      {"input_layernorm.weight", "attn.norm"},
      {"self_attn.q_proj.weight", "attn.query"},
      {"self_attn.k_proj.weight", "attn.key"},
      {"self_attn.v_proj.weight", "attn.value"},
      {"self_attn.q_proj.bias", "attn.query.bias"},
      {"self_attn.k_proj.bias", "attn.key.bias"},
      {"self_attn.v_proj.bias", "attn.value.bias"},
      {"self_attn.q_norm.weight", "attn.query_norm"},
      {"self_attn.k_norm.weight", "attn.key_norm"},
      {"self_attn.o_proj.weight", "attn.out"},
      {"post_attention_layernorm.weight", "ffn.norm"},
      {"mlp.gate_proj.weight", "ffn.gate"},
      {"mlp.up_proj.weight", "ffn.up"},
      {"mlp.down_proj.weight", "ffn.down"},
  }};
  for (const auto& [name, ours] : kGlobal) {
    if (theirs == name) {
      return ours;
    }
  }
  constexpr std::string_view kPrefix = "model.layers.";
  if (!theirs.starts_with(kPrefix)) {
    return std::nullopt;
  }
  const std::string rest = theirs.substr(kPrefix.size());
  const std::size_t dot = rest.find('.');
  if (dot == 0 || dot == std::string::npos || rest.find_first_not_of("0123456789") != dot) {
    return std::nullopt;
  }
  for (const auto& [name, ours] : kBlock) {
    if (rest.compare(dot + 1, std::string::npos, name) == 0) {
      return "block." + rest.substr(0, dot) + "." + ours;
    }
  }
  return std::nullopt;
}

// The factors by which Llama 3.1 divides its rotary frequencies: none for short waves, `factor` for
// long ones, a blend between (config keys low_freq_factor and high_freq_factor).
WeightMatrix llama3_factors(const Json& scaling, const ModelSpec& spec, const Config& config) {
  Diagnostics faults;
  const Config keys(scaling, "rope_scaling", faults);
  const double factor = keys.positive("factor", std::nullopt);
  const double low = keys.positive("low_freq_factor", std::nullopt);
  const double high = keys.positive("high_freq_factor", std::nullopt);
  const double context = keys.positive("original_max_position_embeddings", std::nullopt);
  if (!faults.ok() || !(high > low)) {
    config.fault(
        "found an incomplete 'rope_scaling'; expected factor, low_freq_factor below "
        "high_freq_factor, "
        "original_max_position_embeddings");
  }
  std::vector<float> factors;
  for (std::int64_t i = 0; i < spec.rotary / 2; ++i) {
    const double frequency =
        std::pow(spec.rope_base, -2.0 * static_cast<double>(i) / static_cast<double>(spec.rotary));
    const double waves =
        context * frequency / (2.0 * std::numbers::pi);  // within the original context
    double divisor = 1.0;
    if (waves < low) {
      divisor = factor;
    } else if (waves < high) {
      const double smooth = (waves - low) / (high - low);
      divisor = 1.0 / ((1.0 - smooth) / factor + smooth);
    }
    factors.push_back(static_cast<float>(divisor));
  }
  return WeightMatrix::encode(known_format("fp32"), {1, spec.rotary / 2}, factors);
}

std::set<std::string> weight_files(const std::string& folder) {
  const fs::path index = fs::path(folder) / "model.safetensors.index.json";
  if (!fs::exists(index)) {
    return {(fs::path(folder) / "model.safetensors").string()};
  }
  const Json json = read_json(index.string());
  std::set<std::string> files;
  if (!json.contains("weight_map") || !json["weight_map"].is_object()) {
    refuse_file(index.string(), "found no 'weight_map'; expected the file of each tensor");
  }
  for (const auto& [name, file] : json["weight_map"].items()) {
    const std::string shard = file.is_string() ? file.get<std::string>() : std::string();
    if (shard.empty() || fs::path(shard).has_parent_path()) {
      refuse_file(index.string(),
                  fmt::format("found file '{}' for '{}'; expected a plain file name", shard, name));
    }
    files.insert((fs::path(folder) / shard).string());
  }
  return files;
}

}  // namespace

ModelSpec spec_from_hugging_face(const std::string& config_path) {
  Diagnostics faults;
  const Json json = read_json(config_path);
  ModelSpec spec = read_spec(Config(json, config_path, faults), config_path, faults);
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return spec;
}

Model model_from_hugging_face(const std::string& folder) {
  const std::string path = (fs::path(folder) / "config.json").string();
  Diagnostics faults;
  const Json json = read_json(path);
  const Config config(json, path, faults);
  Model model;
  model.spec = read_spec(config, path, faults);
  if (model.spec.experts > 0) {
    config.fault(
        "found a mixture of experts; expected a dense model (expert weights are not read here)");
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  std::map<std::string, WeightMatrix> tensors;
  for (const std::string& file : weight_files(folder)) {
    read_safetensors(file, tensors);
  }
  model.spec.formats = uniform_formats(known_format("fp32"));
  for (auto& [theirs, tensor] : tensors) {
    const auto ours = our_name(theirs);
    if (!ours) {
      config.fault(fmt::format("found tensor '{}'; expected only tensors of the model", theirs));
      continue;
    }
    if (model.spec.tied && *ours == "head") {
      continue;  // some tools write the tied table twice
    }
    model.spec.format_of.emplace(*ours, tensor.format);
    model.weights.emplace(*ours, std::move(tensor));
  }
  if (model.spec.rope_factors) {
    model.weights.emplace("rope_factors", llama3_factors(json["rope_scaling"], model.spec, config));
  }
  if (faults.ok()) {
    for (const std::string& fault : weight_faults(model)) {
      config.fault(fault);
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return model;
}

}  // namespace joulesim::models
