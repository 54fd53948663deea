// Parsers of model files. The corpus is a tiny random llama in every container.
#include "models/arch/build_graph.hpp"
#include "models/import/gguf.hpp"
#include "models/import/hugging_face.hpp"
#include "models/import/llama2c.hpp"
#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/import/safetensors.hpp"
#include "models/import/tokenizer.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "tests/fuzz/targets.hpp"

#include <array>
#include <cstring>

namespace joulesim::fuzz {
namespace {

using namespace models;

ModelSpec tiny() {
  ModelSpec spec = small_llama();
  spec.hidden = 32;
  spec.head_dim = 16;
  spec.vocab = 6;
  spec.stack.assign(1, {2, 1, 32});
  return spec;
}

Model tiny_model() {
  Model model = random_model(tiny(), 3);
  model.tokens.kind = "llama";
  model.tokens.tokens = {"<unk>",
                         "<s>",
                         "</s>",
                         "\xe2\x96\x81"
                         "a",
                         "b",
                         "ab"};
  model.tokens.scores = {0.0F, 0.0F, 0.0F, -1.0F, -2.0F, -0.5F};
  return model;
}

template <class T>
void append(Bytes& bytes, T value) {
  const std::size_t at = bytes.size();
  bytes.resize(at + sizeof(T));
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

// Loading decodes nothing; so every weight's ends are decoded too, and text is tokenised.
void use(const Model& model) {
  for (const auto& [name, weight] : model.weights) {
    if (weight.shape.rows > 0 && weight.shape.columns <= (1 << 20)) {
      std::vector<float> row(static_cast<std::size_t>(weight.shape.columns));
      weight.row(0, row);
      weight.row(weight.shape.rows - 1, row);
    }
  }
  if (!model.tokens.tokens.empty()) {
    const Tokenizer tokenizer(model.tokens);
    static_cast<void>(tokenizer.decode(tokenizer.encode(" ab \xe4\xb8\x96 ba")));
  }
}

void parse_gguf_file(std::span<const std::byte> input) {
  const Model model = load_model(as_file("model.gguf", input));
  use(model);
}

void parse_llama2c_file(std::span<const std::byte> input) {
  use(load_model(as_file("model.bin", input)));
}

void parse_safetensors_file(std::span<const std::byte> input) {
  std::map<std::string, WeightMatrix> tensors;
  read_safetensors(as_file("tensors.safetensors", input), tensors);
  Model model;
  model.weights = std::move(tensors);
  use(model);
}

void parse_config(std::span<const std::byte> input) {
  const ModelSpec spec = spec_from_hugging_face(as_file("config.json", input));
  if (spec.executed_layers() <= 256) {
    static_cast<void>(build_graph(spec, Phase::decode(0)));
  }
}

void parse_llama2c_tokens(std::span<const std::byte> input) {
  Model model;
  model.tokens = read_llama2c_tokens(as_file("tokenizer.bin", input), 6);
  use(model);
}

void parse_npy(std::span<const std::byte> input) {
  static_cast<void>(read_npy(as_file("array.npy", input)));
}

std::vector<Bytes> gguf_corpus() {
  const Model model = tiny_model();
  return {gguf_bytes(model, known_format("fp32")), gguf_bytes(model, known_format("q8_0")),
          gguf_bytes(model, known_format("q4_0")), gguf_bytes(model, known_format("bf16"))};
}

std::vector<Bytes> llama2c_corpus() {
  const std::array<std::int32_t, 7> header = {32, 32, 1, 2, 1, 6, 16};
  const std::size_t weights = 6 * 32 + 32 + 32 * 32 + 2 * 16 * 32 + 32 * 32 + 32 + 3 * 32 * 32 + 32;
  Bytes version0;
  for (const std::int32_t number : header) {
    append(version0, number);
  }
  for (std::size_t i = 0; i < weights + 16 * 16; ++i) {  // and the rotary tables
    append(version0, 0.25F);
  }
  Bytes version1;
  append(version1, std::uint32_t{0x616b3432});
  append(version1, std::int32_t{1});
  for (const std::int32_t number : header) {
    append(version1, number);
  }
  append(version1, std::uint8_t{1});
  version1.resize(256);
  for (std::size_t i = 0; i < weights; ++i) {
    append(version1, 0.5F);
  }
  return {version0, version1};
}

std::vector<Bytes> safetensors_corpus() {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
      R"("b":{"dtype":"BF16","shape":[4],"data_offsets":[24,32]}})";
  Bytes file;
  append(file, std::uint64_t{header.size()});
  const Bytes text = bytes_of(header);
  file.insert(file.end(), text.begin(), text.end());
  file.resize(file.size() + 32, std::byte{1});
  return {file};
}

std::vector<Bytes> config_corpus() {
  return {
      bytes_of(R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":64,)"
               R"("intermediate_size":96,"num_hidden_layers":2,"num_attention_heads":4,)"
               R"("num_key_value_heads":2,"vocab_size":128,"max_position_embeddings":64,)"
               R"("rms_norm_eps":1e-5,"rope_theta":10000.0,"tie_word_embeddings":true,)"
               R"("hidden_act":"silu","rope_scaling":{"rope_type":"llama3","factor":8.0,)"
               R"("low_freq_factor":1.0,"high_freq_factor":4.0,)"
               R"("original_max_position_embeddings":8192}})"),
      bytes_of(
          R"({"model_type":"mixtral","hidden_size":64,"intermediate_size":96,)"
          R"("num_hidden_layers":2,"num_attention_heads":4,"num_key_value_heads":2,)"
          R"("vocab_size":128,"max_position_embeddings":64,"rms_norm_eps":1e-5,)"
          R"("rope_theta":1e6,"hidden_act":"silu","num_local_experts":4,"num_experts_per_tok":2})")};
}

std::vector<Bytes> tokens_corpus() {
  Bytes table;
  append(table, std::int32_t{3});
  for (const std::string piece : {"<unk>", "<s>", "</s>", " a", "b", "ab"}) {
    append(table, -1.0F);
    append(table, static_cast<std::int32_t>(piece.size()));
    const Bytes text = bytes_of(piece);
    table.insert(table.end(), text.begin(), text.end());
  }
  return {table};
}

std::vector<Bytes> npy_corpus() {
  const std::string path = as_file("made.npy", {});
  write_npy(path, {2, 3, {1.0F, 2.0F, 3.0F, 4.0F, 5.0F, 6.0F}});
  const auto file = MappedFile::open(path);
  return {{file->bytes().begin(), file->bytes().end()}};
}

}  // namespace

std::vector<Target> model_targets() {
  return {{"gguf", parse_gguf_file, gguf_corpus},
          {"llama2c", parse_llama2c_file, llama2c_corpus},
          {"safetensors", parse_safetensors_file, safetensors_corpus},
          {"config_json", parse_config, config_corpus},
          {"llama2c_tokens", parse_llama2c_tokens, tokens_corpus},
          {"npy", parse_npy, npy_corpus}};
}

}  // namespace joulesim::fuzz
