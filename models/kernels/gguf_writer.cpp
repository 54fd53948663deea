#include "models/kernels/gguf_writer.hpp"

#include "models/import/codec.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <array>
#include <cstring>
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

std::uint32_t type_id(const Format& format) {
  constexpr std::array<std::pair<const char*, std::uint32_t>, 5> kIds = {
      {{"fp32", 0}, {"fp16", 1}, {"q4_0", 2}, {"q8_0", 8}, {"bf16", 30}}};
  for (const auto& [name, id] : kIds) {
    if (format.name == name) {
      return id;
    }
  }
  throw InputError(fmt::format("found format '{}'; expected one that can be written", format.name));
}

void write_values(Writer& out, const Model& model) {
  const ModelSpec& spec = model.spec;
  const LayerShape& layer = spec.stack.front();
  out.words("general.architecture", "llama");
  out.words("general.name", spec.title);
  out.whole("llama.block_count", spec.stored_layers());
  out.whole("llama.context_length", spec.max_context);
  out.whole("llama.embedding_length", spec.hidden);
  out.whole("llama.feed_forward_length", layer.ffn);
  out.whole("llama.attention.head_count", layer.heads);
  out.whole("llama.attention.head_count_kv", layer.kv_heads);
  out.whole("llama.attention.key_length", spec.head_dim);
  out.whole("llama.rope.dimension_count", spec.rotary);
  out.real("llama.rope.freq_base", spec.rope_base);
  out.real("llama.attention.layer_norm_rms_epsilon", spec.norm_epsilon);
  if (model.tokens.tokens.empty()) {
    return;
  }
  out.words("tokenizer.ggml.model", model.tokens.kind);
  out.array("tokenizer.ggml.tokens", kString, model.tokens.tokens.size());
  for (const std::string& token : model.tokens.tokens) {
    out.text(token);
  }
  out.array("tokenizer.ggml.scores", kFloat32, model.tokens.scores.size());
  for (const float score : model.tokens.scores) {
    out.number(score);
  }
}

}  // namespace

std::vector<std::byte> gguf_bytes(const Model& model, const Format& format) {
  if (!can_encode(format)) {
    throw InputError(
        fmt::format("found format '{}'; expected one that can be written", format.name));
  }
  const Format gains = known_format("fp32");
  Writer values;
  write_values(values, model);
  Writer out;
  out.number<std::uint32_t>(0x46554747);  // "GGUF"
  out.number<std::uint32_t>(3);
  out.number<std::uint64_t>(model.weights.size());
  out.number<std::uint64_t>(values.values());
  out.append(values.take());
  Writer data;
  std::uint64_t offset = 0;
  for (const auto& [name, weight] : model.weights) {
    const bool vector = weight.shape.rows == 1;
    const Format& stored = vector ? gains : format;
    if (weight.shape.columns % stored.block_elements != 0) {
      throw InputError(fmt::format("found '{}' with rows of {}; expected a multiple of {}", name,
                                   weight.shape.columns, stored.block_elements));
    }
    out.text(their_name(name));
    out.number<std::uint32_t>(vector ? 1 : 2);
    out.number(static_cast<std::uint64_t>(weight.shape.columns));
    if (!vector) {
      out.number(static_cast<std::uint64_t>(weight.shape.rows));
    }
    out.number<std::uint32_t>(type_id(stored));
    out.number<std::uint64_t>(offset);
    std::vector<std::byte> encoded;
    const std::vector<float> all = weight.all();
    const auto columns = static_cast<std::size_t>(weight.shape.columns);
    for (std::size_t at = 0; at < all.size(); at += columns) {
      encode_row(stored, std::span(all).subspan(at, columns), encoded);
    }
    data.append(encoded);
    data.pad();
    offset += (encoded.size() + kAlignment - 1) / kAlignment * kAlignment;
  }
  out.pad();
  out.append(data.take());
  return out.take();
}

}  // namespace joulesim::models
