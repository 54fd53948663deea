#include "models/kernels/gguf_writer.hpp"

#include "models/import/codec.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

namespace joulesim::models {
namespace {

constexpr std::size_t kAlignment = 32;

enum ValueType : std::uint32_t { kUint32 = 4, kInt32 = 5, kFloat32 = 6, kString = 8, kArray = 9 };

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

std::string their_name(const std::string& ours) {
  constexpr std::array<std::pair<const char*, const char*>, 12> kNames = {{
      {"embedding", "token_embd.weight"},
      {"final_norm", "output_norm.weight"},
      {"head", "output.weight"},
      {"attn.norm", "attn_norm.weight"},
      {"attn.query", "attn_q.weight"},
      {"attn.key", "attn_k.weight"},
      {"attn.value", "attn_v.weight"},
      {"attn.out", "attn_output.weight"},
      {"ffn.norm", "ffn_norm.weight"},
      {"ffn.gate", "ffn_gate.weight"},
      {"ffn.up", "ffn_up.weight"},
      {"ffn.down", "ffn_down.weight"},
  }};
  std::string block;
  std::string name = ours;
  if (ours.starts_with("block.")) {
    const std::size_t dot = ours.find('.', 6);
    block = "blk." + ours.substr(6, dot - 6) + ".";
    name = ours.substr(dot + 1);
  }
  for (const auto& [mine, theirs] : kNames) {
    if (name == mine) {
      return block + theirs;
    }
  }
  throw InputError(fmt::format("found weight '{}'; expected only weights of a plain llama", ours));
}

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

void write_values(Writer& out, const Model& model) {
  const ModelSpec& spec = model.spec;
  out.words("general.architecture", "llama");
  out.words("general.name", spec.title);
  out.whole("llama.block_count", spec.stored_layers());
  out.whole("llama.context_length", spec.max_context);
  out.whole("llama.embedding_length", spec.hidden);
  per_layer(out, spec, "llama.feed_forward_length", &LayerShape::ffn);
  per_layer(out, spec, "llama.attention.head_count", &LayerShape::heads);
  per_layer(out, spec, "llama.attention.head_count_kv", &LayerShape::kv_heads);
  out.whole("llama.attention.key_length", spec.head_dim);
  out.whole("llama.rope.dimension_count", spec.rotary);
  out.real("llama.rope.freq_base", spec.rope_base);
  out.real("llama.attention.layer_norm_rms_epsilon", spec.norm_epsilon);
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
    out.text(their_name(entry->first));
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

}  // namespace

std::vector<std::byte> gguf_bytes_as_stored(const Model& model) {
  Writer values;
  write_values(values, model);
  write_packed(values, model);
  Tensors tensors;
  for (const auto& [name, weight] : model.weights) {
    const std::vector<std::byte> bytes(weight.data.begin(), weight.data.end());
    if (const auto type = find_type(weight.format)) {
      tensors.add(their_name(name), dimensions_of(weight.shape), *type, bytes);
    } else {
      tensors.add(their_name(name), {bytes.size()}, kPlainBytes, bytes);
    }
  }
  return file_of(std::move(values), std::move(tensors), model.weights.size());
}

std::vector<std::byte> gguf_bytes(const Model& model, const Format& format) {
  if (!can_encode(format)) {
    throw InputError(
        fmt::format("found format '{}'; expected one that can be written", format.name));
  }
  const Format gains = known_format("fp32");
  Writer values;
  write_values(values, model);
  Tensors tensors;
  for (const auto& [name, weight] : model.weights) {
    const Format& stored = weight.shape.rows == 1 ? gains : format;
    if (weight.shape.columns % stored.block_elements != 0) {
      throw InputError(fmt::format("found '{}' with rows of {}; expected a multiple of {}", name,
                                   weight.shape.columns, stored.block_elements));
    }
    std::vector<std::byte> encoded;
    const std::vector<float> all = weight.all();
    const auto columns = static_cast<std::size_t>(weight.shape.columns);
    for (std::size_t at = 0; at < all.size(); at += columns) {
      encode_row(stored, std::span(all).subspan(at, columns), encoded);
    }
    tensors.add(their_name(name), dimensions_of(weight.shape), type_id(stored), encoded);
  }
  return file_of(std::move(values), std::move(tensors), model.weights.size());
}

}  // namespace joulesim::models
