#include "models/import/byte_reader.hpp"
#include "models/import/gguf.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>

namespace joulesim::models {
namespace {

constexpr std::int64_t kMostLayers = 10'000;
constexpr std::int64_t kWidest = 1 << 24;
// Where a file does not say: the default of the GGUF description.
constexpr double kDefaultRopeBase = 10'000.0;

// What an architecture fixes without saying so in the file.
struct Architecture {
  const char* name;
  RopeLayout rope_layout;
  bool qk_norm;
  bool scaled_embedding;
  Activation activation;
};
constexpr std::array kArchitectures = {
    Architecture{"llama", RopeLayout::kAdjacent, false, false, Activation::kSilu},
    Architecture{"qwen2", RopeLayout::kHalves, false, false, Activation::kSilu},
    Architecture{"qwen3", RopeLayout::kHalves, true, false, Activation::kSilu},
    Architecture{"gemma", RopeLayout::kHalves, false, true, Activation::kGeluTanh},
};

struct TensorName {
  const char* theirs;
  const char* ours;
};
constexpr std::array kGlobalNames = {
    TensorName{"token_embd.weight", "embedding"},
    TensorName{"output_norm.weight", "final_norm"},
    TensorName{"output.weight", "head"},
    TensorName{"rope_freqs.weight", "rope_factors"},
};
constexpr std::array kBlockNames = {
    TensorName{"attn_norm.weight", "attn.norm"},
    TensorName{"attn_q.weight", "attn.query"},
    TensorName{"attn_k.weight", "attn.key"},
    TensorName{"attn_v.weight", "attn.value"},
    TensorName{"attn_q.bias", "attn.query.bias"},
    TensorName{"attn_k.bias", "attn.key.bias"},
    TensorName{"attn_v.bias", "attn.value.bias"},
    TensorName{"attn_q_norm.weight", "attn.query_norm"},
    TensorName{"attn_k_norm.weight", "attn.key_norm"},
    TensorName{"attn_output.weight", "attn.out"},
    TensorName{"ffn_norm.weight", "ffn.norm"},
    TensorName{"ffn_gate.weight", "ffn.gate"},
    TensorName{"ffn_up.weight", "ffn.up"},
    TensorName{"ffn_down.weight", "ffn.down"},
    TensorName{"ffn_gate_inp.weight", "ffn.router"},
    TensorName{"ffn_gate_exps.weight", "ffn.gate"},
    TensorName{"ffn_up_exps.weight", "ffn.up"},
    TensorName{"ffn_down_exps.weight", "ffn.down"},
};

// "blk.3.attn_q.weight" -> "block.3.attn.query"; nothing for a name that is not known.
std::optional<std::string> our_name(const std::string& theirs) {
  for (const TensorName& name : kGlobalNames) {
    if (theirs == name.theirs) {
      return name.ours;
    }
  }
  if (!theirs.starts_with("blk.")) {
    return std::nullopt;
  }
  const std::size_t dot = theirs.find('.', 4);
  if (dot == std::string::npos || dot == 4 ||
      !std::all_of(theirs.begin() + 4, theirs.begin() + static_cast<std::ptrdiff_t>(dot),
                   [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  for (const TensorName& name : kBlockNames) {
    if (theirs.compare(dot + 1, std::string::npos, name.theirs) == 0) {
      return "block." + theirs.substr(4, dot - 4) + "." + name.ours;
    }
  }
  return std::nullopt;
}

// Typed look-ups that collect what is missing or of the wrong type.
class Values {
 public:
  Values(const GgufFile& gguf, std::string path, Diagnostics& faults)
      : gguf_(gguf), path_(std::move(path)), faults_(faults) {}

  void fault(const std::string& message) { faults_.error(path_, message); }

  template <class T>
  const T* find(const std::string& key) {
    const auto found = gguf_.values.find(key);
    if (found == gguf_.values.end()) {
      return nullptr;
    }
    const T* value = std::get_if<T>(&found->second);
    if (value == nullptr) {
      fault(fmt::format("found '{}' of another type; expected {}", key, type_name<T>()));
    }
    return value;
  }

  std::optional<std::int64_t> whole_if(const std::string& key, std::int64_t low,
                                       std::int64_t high) {
    const auto* value = find<std::int64_t>(key);
    if (value == nullptr) {
      return std::nullopt;
    }
    if (*value < low || *value > high) {
      fault(fmt::format("found '{}' of {}; expected {} to {}", key, *value, low, high));
      return std::nullopt;
    }
    return *value;
  }

  std::int64_t whole(const std::string& key, std::int64_t low, std::int64_t high) {
    if (!gguf_.values.contains(key)) {
      fault(fmt::format("found no '{}'; expected a whole number", key));
    }
    return whole_if(key, low, high).value_or(low);
  }

  std::optional<double> positive_if(const std::string& key) {
    const auto* value = find<double>(key);
    if (value == nullptr) {
      return std::nullopt;
    }
    if (!(*value > 0.0) || !std::isfinite(*value)) {
      fault(fmt::format("found '{}' of {}; expected a positive number", key, *value));
      return std::nullopt;
    }
    return *value;
  }

  // One number for all layers, or an array with one for each.
  std::vector<std::int64_t> per_layer(const std::string& key, std::size_t layers) {
    const auto found = gguf_.values.find(key);
    if (found != gguf_.values.end()) {
      if (const auto* list = std::get_if<std::vector<std::int64_t>>(&found->second)) {
        const bool fits =
            list->size() == layers &&
            std::all_of(list->begin(), list->end(), [](auto n) { return n >= 1 && n <= kWidest; });
        if (!fits) {
          fault(fmt::format("found '{}' with {} items; expected {}, all from 1 to {}", key,
                            list->size(), layers, kWidest));
          return std::vector<std::int64_t>(layers, 1);
        }
        return *list;
      }
    }
    return std::vector<std::int64_t>(layers, whole(key, 1, kWidest));
  }

 private:
  template <class T>
  static const char* type_name() {
    if constexpr (std::is_same_v<T, std::string>) {
      return "a text";
    } else if constexpr (std::is_same_v<T, double>) {
      return "a real number";
    } else if constexpr (std::is_same_v<T, std::int64_t>) {
      return "a whole number";
    } else if constexpr (std::is_same_v<T, std::vector<std::string>>) {
      return "an array of texts";
    } else {
      return "an array of numbers";
    }
  }

  const GgufFile& gguf_;
  std::string path_;
  Diagnostics& faults_;
};

void refuse_scaling(const std::string& prefix, Values& values) {
  for (const char* key : {"rope.scaling.type", "rope.scale_linear", "rope.scaling.factor"}) {
    const std::string name = prefix + key;
    const auto* text =
        std::string(key) == "rope.scaling.type" ? values.find<std::string>(name) : nullptr;
    const auto* factor = text == nullptr && std::string(key) != "rope.scaling.type"
                             ? values.find<double>(name)
                             : nullptr;
    if ((text != nullptr && *text != "none") || (factor != nullptr && *factor != 1.0)) {
      values.fault(
          fmt::format("found '{}', which scales positions; expected none (not supported)", name));
    }
  }
}

void read_layers(const GgufFile& gguf, const std::string& prefix, Values& values, ModelSpec& spec) {
  // A layer has tensors, so a file cannot ask for more layers than it has tensors.
  const auto most =
      std::clamp<std::int64_t>(static_cast<std::int64_t>(gguf.tensors.size()), 1, kMostLayers);
  const auto layers = static_cast<std::size_t>(values.whole(prefix + "block_count", 1, most));
  const auto heads = values.per_layer(prefix + "attention.head_count", layers);
  const bool grouped = values.find<std::int64_t>(prefix + "attention.head_count_kv") != nullptr;
  const auto kv_heads =
      grouped ? values.per_layer(prefix + "attention.head_count_kv", layers) : heads;
  const auto ffn = values.per_layer(prefix + "feed_forward_length", layers);
  for (std::size_t i = 0; i < layers; ++i) {
    spec.stack.push_back({heads[i], kv_heads[i], ffn[i]});
  }
}

void read_dimensions(const GgufFile& gguf, const Architecture& arch, Values& values,
                     ModelSpec& spec) {
  const std::string prefix = std::string(arch.name) + ".";
  read_layers(gguf, prefix, values, spec);
  spec.hidden = values.whole(prefix + "embedding_length", 1, kWidest);
  spec.max_context = values.whole(prefix + "context_length", 1, std::int64_t{1} << 40);
  spec.norm_epsilon = values.positive_if(prefix + "attention.layer_norm_rms_epsilon").value_or(0.0);
  spec.head_dim = values.whole_if(prefix + "attention.key_length", 1, kWidest)
                      .value_or(std::max<std::int64_t>(1, spec.hidden / spec.stack.front().heads));
  spec.rotary =
      values.whole_if(prefix + "rope.dimension_count", 2, kWidest).value_or(spec.head_dim);
  spec.rope_base = values.positive_if(prefix + "rope.freq_base").value_or(kDefaultRopeBase);
  refuse_scaling(prefix, values);
  spec.experts = values.whole_if(prefix + "expert_count", 0, kWidest).value_or(0);
  spec.active_experts = values.whole_if(prefix + "expert_used_count", 0, kWidest).value_or(0);
  spec.rope_layout = arch.rope_layout;
  spec.qk_norm = arch.qk_norm;
  spec.scaled_embedding = arch.scaled_embedding;
  spec.activation = arch.activation;
  spec.tied = !gguf.tensors.contains("output.weight");
  spec.qkv_bias = gguf.tensors.contains("blk.0.attn_q.bias");
  spec.rope_factors = gguf.tensors.contains("rope_freqs.weight");
  if (const auto table = gguf.tensors.find("token_embd.weight"); table != gguf.tensors.end()) {
    spec.vocab = table->second.shape.rows;
  } else {
    values.fault("found no tensor 'token_embd.weight'; expected the embedding table");
  }
}

template <class To, class From>
std::vector<To> narrowed(const std::vector<From>* from) {
  std::vector<To> result;
  if (from != nullptr) {
    for (const From value : *from) {
      result.push_back(static_cast<To>(value));
    }
  }
  return result;
}

TokenTable read_tokens(Values& values, std::int64_t vocab) {
  TokenTable table;
  const std::string prefix = "tokenizer.ggml.";
  if (const auto* kind = values.find<std::string>(prefix + "model")) {
    table.kind = *kind;
  }
  if (const auto* tokens = values.find<std::vector<std::string>>(prefix + "tokens")) {
    table.tokens = *tokens;
  }
  if (const auto* merges = values.find<std::vector<std::string>>(prefix + "merges")) {
    table.merges = *merges;
  }
  table.scores = narrowed<float>(values.find<std::vector<double>>(prefix + "scores"));
  table.types =
      narrowed<std::int32_t>(values.find<std::vector<std::int64_t>>(prefix + "token_type"));
  // Converters write 2^32 - 1 for "none"; an id beyond the vocabulary is as good as none.
  const auto id = [&](const char* key) {
    const auto* value = values.find<std::int64_t>(prefix + key);
    return value != nullptr && *value >= 0 && *value < vocab ? *value : std::int64_t{-1};
  };
  table.begin_id = id("bos_token_id");
  table.end_id = id("eos_token_id");
  table.unknown_id = id("unknown_token_id");
  for (const auto& [name, size] :
       {std::pair{"scores", table.scores.size()}, std::pair{"token_type", table.types.size()}}) {
    if (size != 0 && size != table.tokens.size()) {
      values.fault(fmt::format("found {} items of '{}{}'; expected {}, one for each token", size,
                               prefix, name, table.tokens.size()));
    }
  }
  return table;
}

const Architecture* find_architecture(Values& values) {
  const auto* name = values.find<std::string>("general.architecture");
  for (const Architecture& arch : kArchitectures) {
    if (name != nullptr && *name == arch.name) {
      return &arch;
    }
  }
  values.fault(fmt::format("found architecture '{}'; expected llama, qwen2, qwen3 or gemma",
                           name != nullptr ? *name : ""));
  return nullptr;
}

}  // namespace

Model model_from_gguf(const GgufFile& gguf, const std::string& path) {
  Diagnostics faults;
  Values values(gguf, path, faults);
  Model model;
  ModelSpec& spec = model.spec;
  const Architecture* arch = find_architecture(values);
  if (arch == nullptr) {
    throw InputError(std::move(faults));
  }
  const auto* name = values.find<std::string>("general.name");
  spec.title = name != nullptr ? *name : arch->name;
  const std::size_t slash = path.find_last_of('/');
  spec.id = slash == std::string::npos ? path : path.substr(slash + 1);
  read_dimensions(gguf, *arch, values, spec);
  // Activations are what the reference kernels use; weights below keep their own formats.
  spec.formats = uniform_formats(known_format("fp32"));
  model.tokens = read_tokens(values, spec.vocab);
  for (const auto& [theirs, tensor] : gguf.tensors) {
    const auto ours = our_name(theirs);
    if (!ours) {
      values.fault(fmt::format("found tensor '{}'; expected only tensors of a {} model", theirs,
                               arch->name));
      continue;
    }
    spec.format_of.emplace(*ours, tensor.format);
    model.weights.emplace(*ours, WeightMatrix{tensor.format, tensor.shape, tensor.data, gguf.file});
  }
  for (const std::string& fault : faults_of(spec)) {
    values.fault(fault);
  }
  if (faults.ok()) {
    for (const std::string& fault : weight_faults(model)) {
      values.fault(fault);
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return model;
}

}  // namespace joulesim::models
