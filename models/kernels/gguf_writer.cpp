#include "models/kernels/gguf_writer.hpp"

#include "models/import/codec.hpp"
#include "models/kernels/gguf_names.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

namespace joulesim::models {
namespace {

constexpr std::size_t kAlignment = 32;

enum ValueType : std::uint32_t {
  kUint32 = 4,
  kInt32 = 5,
  kFloat32 = 6,
  kBool = 7,
  kString = 8,
  kArray = 9
};

class Writer {
 public:
  template <class T>
  void number(T value) {
    const std::size_t at = bytes_.size();
    bytes_.resize(at + sizeof(T));
    std::memcpy(bytes_.data() + at, &value, sizeof(T));
  }
  void text(const std::string& value) {
    number<std::uint64_t>(value.size());
    for (const char c : value) {
      bytes_.push_back(static_cast<std::byte>(c));
    }
  }
  void whole(const std::string& key, std::int64_t value) {
    start(key, kUint32);
    number(static_cast<std::uint32_t>(value));
  }
  void real(const std::string& key, double value) {
    start(key, kFloat32);
    number(static_cast<float>(value));
  }
  void real_if(const std::string& key, double value, double absent) {
    if (value != absent) {
      real(key, value);
    }
  }
  void flag(const std::string& key, bool value) {
    start(key, kBool);
    number<std::uint8_t>(value ? 1 : 0);
  }
  void words(const std::string& key, const std::string& value) {
    start(key, kString);
    text(value);
  }
  void array(const std::string& key, ValueType type, std::size_t count) {
    start(key, kArray);
    number<std::uint32_t>(type);
    number<std::uint64_t>(count);
  }
  void pad() { bytes_.resize((bytes_.size() + kAlignment - 1) / kAlignment * kAlignment); }
  void append(const std::vector<std::byte>& more) {
    bytes_.insert(bytes_.end(), more.begin(), more.end());
  }
  [[nodiscard]] std::size_t values() const { return values_; }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void start(const std::string& key, ValueType type) {
    text(key);
    number<std::uint32_t>(type);
    ++values_;
  }
  std::vector<std::byte> bytes_;
  std::size_t values_ = 0;
};

constexpr std::uint32_t kPlainBytes = 24;  // I8

std::optional<std::uint32_t> find_type(const Format& format) {
  constexpr std::array<std::pair<const char*, std::uint32_t>, 15> kIds = {{{"fp32", 0},
                                                                           {"fp16", 1},
                                                                           {"q4_0", 2},
                                                                           {"q4_1", 3},
                                                                           {"q5_0", 6},
                                                                           {"q5_1", 7},
                                                                           {"q8_0", 8},
                                                                           {"q2_k", 10},
                                                                           {"q3_k", 11},
                                                                           {"q4_k", 12},
                                                                           {"q5_k", 13},
                                                                           {"q6_k", 14},
                                                                           {"iq4_nl", 20},
                                                                           {"i8", kPlainBytes},
                                                                           {"bf16", 30}}};
  for (const auto& [name, id] : kIds) {
    if (format.name == name) {
      return id;
    }
  }
  return std::nullopt;
}

std::uint32_t type_id(const Format& format) {
  if (const auto id = find_type(format)) {
    return *id;
  }
  throw InputError(fmt::format("found format '{}'; expected one that can be written", format.name));
}

// One number where all layers agree, else one for each.
void per_layer(Writer& out, const ModelSpec& spec, const std::string& key,
               std::int64_t LayerShape::*field) {
  std::set<std::int64_t> different;
  for (const LayerShape& layer : spec.stack) {
    different.insert(layer.*field);
  }
  if (different.size() == 1) {
    out.whole(key, *different.begin());
    return;
  }
  out.array(key, kUint32, spec.stack.size());
  for (const LayerShape& layer : spec.stack) {
    out.number(static_cast<std::uint32_t>(layer.*field));
  }
}

void write_tokens(Writer& out, const TokenTable& tokens) {
  if (tokens.tokens.empty()) {
    return;
  }
  const std::string prefix = "tokenizer.ggml.";
  out.words(prefix + "model", tokens.kind);
  out.array(prefix + "tokens", kString, tokens.tokens.size());
  for (const std::string& token : tokens.tokens) {
    out.text(token);
  }
  const auto numbers = [&](const std::string& key, ValueType type, const auto& items) {
    if (!items.empty()) {
      out.array(prefix + key, type, items.size());
      for (const auto item : items) {
        out.number(item);
      }
    }
  };
  numbers("scores", kFloat32, tokens.scores);
  numbers("token_type", kInt32, tokens.types);
  if (!tokens.merges.empty()) {
    out.array(prefix + "merges", kString, tokens.merges.size());
    for (const std::string& merge : tokens.merges) {
      out.text(merge);
    }
  }
  for (const auto& [key, id] : {std::pair("bos_token_id", tokens.begin_id),
                                {"eos_token_id", tokens.end_id},
                                {"unknown_token_id", tokens.unknown_id}}) {
    if (id >= 0) {
      out.whole(prefix + key, id);
    }
  }
}

void write_experts(Writer& out, const ModelSpec& spec, const std::string& prefix) {
  const ExpertShape& e = spec.experts;
  if (e.experts == 0) {
    return;
  }
  out.whole(prefix + "expert_count", e.experts);
  out.whole(prefix + "expert_used_count", e.active);
  out.whole(prefix + "expert_feed_forward_length", e.ffn);
  if (e.shared_ffn > 0) {
    out.whole(prefix + "expert_shared_feed_forward_length", e.shared_ffn);
  }
  out.flag(prefix + "expert_weights_norm", e.renormalise);
  out.real_if(prefix + "expert_weights_scale", e.scale, 1.0);
}

void write_values(Writer& out, const Model& model, const std::string& architecture) {
  const ModelSpec& spec = model.spec;
  const std::string prefix = architecture + ".";
  out.words("general.architecture", architecture);
  out.words("general.name", spec.title);
  out.whole(prefix + "block_count", spec.stored_layers());
  out.whole(prefix + "context_length", spec.max_context);
  out.whole(prefix + "embedding_length", spec.hidden);
  per_layer(out, spec, prefix + "feed_forward_length", &LayerShape::ffn);
  per_layer(out, spec, prefix + "attention.head_count", &LayerShape::heads);
  per_layer(out, spec, prefix + "attention.head_count_kv", &LayerShape::kv_heads);
  out.whole(prefix + "attention.key_length", spec.head_dim);
  out.real(prefix + (spec.norm == NormKind::kRms ? "attention.layer_norm_rms_epsilon"
                                                 : "attention.layer_norm_epsilon"),
           spec.norm_epsilon);
  if (spec.position == PositionKind::kRope) {
    out.whole(prefix + "rope.dimension_count", spec.rotary);
    out.real(prefix + "rope.freq_base", spec.rope_base);
  }
  if (spec.window > 0) {
    out.whole(prefix + "attention.sliding_window", spec.window);
  }
  out.real_if(prefix + "attn_logit_softcapping", spec.attention_soft_cap, 0.0);
  out.real_if(prefix + "final_logit_softcapping", spec.logit_soft_cap, 0.0);
  out.real_if(prefix + "embedding_scale", spec.embedding_scale, 1.0);
  out.real_if(prefix + "residual_scale", spec.residual_scale, 1.0);
  const bool divides = architecture == "granite" || architecture == "granitemoe";
  out.real_if(prefix + "logit_scale", divides ? 1.0 / spec.logit_scale : spec.logit_scale, 1.0);
  if (architecture != "gemma2") {  // which has a rule for it
    out.real_if(prefix + "attention.scale", spec.attention_scale, 0.0);
  }
  if (architecture == "gptneox") {
    out.flag(prefix + "use_parallel_residual", spec.parallel_block);
  }
  write_experts(out, spec, prefix);
  write_tokens(out, model.tokens);
}

// Tensors that GGUF has no type for, and how to read them.
void write_packed(Writer& out, const Model& model) {
  std::vector<const std::pair<const std::string, WeightMatrix>*> packed;
  for (const auto& entry : model.weights) {
    if (!find_type(entry.second.format)) {
      packed.push_back(&entry);
    }
  }
  if (packed.empty()) {
    return;
  }
  const std::string prefix = "joulesim.packed.";
  out.array(prefix + "names", kString, packed.size());
  for (const auto* entry : packed) {
    out.text(gguf_weight_name({}, model.spec, entry->first));
  }
  out.array(prefix + "formats", kString, packed.size());
  for (const auto* entry : packed) {
    out.text(entry->second.format.name);
  }
  out.array(prefix + "rows", kUint32, packed.size());
  for (const auto* entry : packed) {
    out.number(static_cast<std::uint32_t>(entry->second.shape.rows));
  }
  out.array(prefix + "columns", kUint32, packed.size());
  for (const auto* entry : packed) {
    out.number(static_cast<std::uint32_t>(entry->second.shape.columns));
  }
}

// The directory entry of one tensor, and its data.
struct Tensors {
  Writer directory, data;
  std::uint64_t offset = 0;

  void add(const std::string& name, const std::vector<std::uint64_t>& dimensions,
           std::uint32_t type, const std::vector<std::byte>& bytes) {
    directory.text(name);
    directory.number(static_cast<std::uint32_t>(dimensions.size()));
    for (const std::uint64_t dimension : dimensions) {
      directory.number(dimension);
    }
    directory.number(type);
    directory.number(offset);
    data.append(bytes);
    data.pad();
    offset += (bytes.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
};

std::vector<std::byte> file_of(Writer values, Tensors tensors, std::size_t count) {
  Writer out;
  out.number<std::uint32_t>(0x46554747);  // "GGUF"
  out.number<std::uint32_t>(3);
  out.number<std::uint64_t>(count);
  out.number<std::uint64_t>(values.values());
  out.append(values.take());
  out.append(tensors.directory.take());
  out.pad();
  out.append(tensors.data.take());
  return out.take();
}

std::vector<std::uint64_t> dimensions_of(Shape shape) {
  std::vector<std::uint64_t> dimensions{static_cast<std::uint64_t>(shape.columns)};
  if (shape.rows > 1) {
    dimensions.push_back(static_cast<std::uint64_t>(shape.rows));
  }
  return dimensions;
}

// A tensor as its file has it, before it is encoded.
struct Plain {
  std::string name;
  Shape shape;
  std::vector<float> values;
};

// Rows of queries or keys whose rotary pairs are half a head apart, with the pairs side by side.
void pair_up(const ModelSpec& spec, Plain& plain) {
  const bool vector = plain.shape.rows == 1;
  const auto width = static_cast<std::size_t>(vector ? 1 : plain.shape.columns);
  const auto head = static_cast<std::size_t>(spec.head_dim);
  const auto half = static_cast<std::size_t>(spec.rotary / 2);
  const std::vector<float> old = plain.values;
  for (std::size_t row = 0; row < old.size() / width; ++row) {
    const std::size_t place = row % head;
    const std::size_t from = place < 2 * half ? place / 2 + (place % 2) * half : place;
    std::copy_n(old.begin() + static_cast<std::ptrdiff_t>((row - place + from) * width), width,
                plain.values.begin() + static_cast<std::ptrdiff_t>(row * width));
  }
}

// What follows the first joins it: as further rows, or as further elements of a vector.
void join(Plain& first, const Plain& next) {
  (first.shape.rows == 1 ? first.shape.columns : first.shape.rows) +=
      first.shape.rows == 1 ? next.shape.columns : next.shape.rows;
  first.values.insert(first.values.end(), next.values.begin(), next.values.end());
}

std::vector<Plain> arranged(const Model& model, const GgufLayout& layout) {
  const ModelSpec& spec = model.spec;
  const bool turns = spec.position == PositionKind::kRope;
  const bool halves = spec.rope_layout == RopeLayout::kHalves;
  if (turns && !halves && !layout.adjacent) {
    throw InputError(
        fmt::format("found rotary pairs side by side; expected them half a head apart "
                    "in a '{}' file",
                    layout.architecture));
  }
  const auto ends = [](const std::string& name, const char* part) {
    return name.ends_with(part) || name.ends_with(std::string(part) + ".bias");
  };
  const auto plain_of = [&](const std::string& name) {
    const WeightMatrix& weight = model.weights.at(name);
    Plain plain{name, weight.shape, weight.all()};
    if (turns && halves && layout.adjacent &&
        (ends(name, "attn.query") || ends(name, "attn.key"))) {
      pair_up(spec, plain);
    }
    return plain;
  };
  const auto exchanged = [](std::string name, const char* part, const char* other) {
    return name.replace(name.rfind(part), std::string(part).size(), other);
  };
  std::vector<Plain> tensors;
  for (const auto& [name, weight] : model.weights) {
    std::string file_name = name;
    Plain plain = plain_of(name);
    if (layout.fused_qkv && ends(name, "attn.query")) {
      join(plain, plain_of(exchanged(name, "query", "key")));
      join(plain, plain_of(exchanged(name, "query", "value")));
      file_name = exchanged(name, "query", "qkv");
    } else if (layout.fused_gate_up && ends(name, "ffn.gate")) {
      join(plain, plain_of(exchanged(name, "gate", "up")));
      file_name = exchanged(name, "gate", "up");
    } else if ((layout.fused_qkv && (ends(name, "attn.key") || ends(name, "attn.value"))) ||
               (layout.fused_gate_up && ends(name, "ffn.up"))) {
      continue;
    }
    plain.name = gguf_weight_name(layout, spec, file_name);
    tensors.push_back(std::move(plain));
  }
  return tensors;
}

}  // namespace

std::vector<std::byte> gguf_bytes_as_stored(const Model& model) {
  Writer values;
  write_values(values, model, "llama");
  write_packed(values, model);
  Tensors tensors;
  for (const auto& [name, weight] : model.weights) {
    const std::vector<std::byte> bytes(weight.data.begin(), weight.data.end());
    if (const auto type = find_type(weight.format)) {
      tensors.add(gguf_weight_name({}, model.spec, name), dimensions_of(weight.shape), *type,
                  bytes);
    } else {
      tensors.add(gguf_weight_name({}, model.spec, name), {bytes.size()}, kPlainBytes, bytes);
    }
  }
  return file_of(std::move(values), std::move(tensors), model.weights.size());
}

std::vector<std::byte> gguf_bytes(const Model& model, const Format& format,
                                  const std::string& architecture) {
  if (!can_encode(format)) {
    throw InputError(
        fmt::format("found format '{}'; expected one that can be written", format.name));
  }
  const GgufLayout layout = gguf_layout(architecture);
  const Format gains = known_format("fp32");
  Writer values;
  write_values(values, model, architecture);
  Tensors tensors;
  std::size_t count = 0;
  for (const Plain& plain : arranged(model, layout)) {
    const Format& stored = plain.shape.rows == 1 ? gains : format;
    if (plain.shape.columns % stored.block_elements != 0) {
      throw InputError(fmt::format("found '{}' with rows of {}; expected a multiple of {}",
                                   plain.name, plain.shape.columns, stored.block_elements));
    }
    std::vector<std::byte> encoded;
    const auto columns = static_cast<std::size_t>(plain.shape.columns);
    for (std::size_t at = 0; at < plain.values.size(); at += columns) {
      encode_row(stored, std::span(plain.values).subspan(at, columns), encoded);
    }
    tensors.add(plain.name, dimensions_of(plain.shape), type_id(stored), encoded);
    ++count;
  }
  return file_of(std::move(values), std::move(tensors), count);
}

}  // namespace joulesim::models
