// Damaged llama2.c, safetensors and config.json files: refused with a message, never a crash.
#include "models/import/hugging_face.hpp"
#include "models/import/llama2c.hpp"
#include "models/import/model.hpp"
#include "models/import/small_floats.hpp"
#include "models/import/tokenizer.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/generate.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace joulesim;
using namespace joulesim::models;
namespace fs = std::filesystem;

namespace {

// A folder that lives as long as the object.
class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("joulesim_folder_" + std::to_string(::getpid()))) {
    fs::create_directories(path_);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path_); }

  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream out(path_ / name, std::ios::binary);
    out << bytes;
    return (path_ / name).string();
  }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  fs::path path_;
};

std::string refusal(const std::string& path) {
  try {
    load_model(path);
    return "";
  } catch (const InputError& error) {
    return error.diagnostics().render();
  }
}

template <class T>
std::string raw(T value) {
  return {reinterpret_cast<const char*>(&value), sizeof(T)};
}

// A version 0 checkpoint: hidden 4, feed-forward 6, 1 layer, 2 heads, 1 key-value head, vocabulary
// 5, 8 places.
std::string small_checkpoint() {
  std::string bytes;
  for (const std::int32_t n : {4, 6, 1, 2, 1, 5, 8}) {
    bytes += raw(n);
  }
  const int floats = 5 * 4 + 4 + (16 + 8 + 8 + 16) + 4 + 3 * 24 + 4 + 8 * 2;
  for (int i = 0; i < floats; ++i) {
    bytes += raw(0.01F * static_cast<float>(i % 17));
  }
  return bytes;
}

const std::string kConfig =
    R"({"model_type": "llama", "hidden_act": "silu", "hidden_size": 4, "num_attention_heads": 2,
  "num_key_value_heads": 1, "intermediate_size": 6, "num_hidden_layers": 1, "vocab_size": 5,
  "max_position_embeddings": 8, "rms_norm_eps": 1e-5, "tie_word_embeddings": true})";

// Matrices of fp32 numbers, or of 8-bit floats whose code counts up.
std::string small_safetensors(const std::string& eight_bits = "") {
  struct Tensor {
    const char* name;
    int rows, columns;
  };
  std::string directory = "{";
  std::string data;
  for (const Tensor t :
       {Tensor{"model.embed_tokens.weight", 5, 4},
        Tensor{"model.layers.0.input_layernorm.weight", 0, 4},
        Tensor{"model.layers.0.self_attn.q_proj.weight", 4, 4},
        Tensor{"model.layers.0.self_attn.k_proj.weight", 2, 4},
        Tensor{"model.layers.0.self_attn.v_proj.weight", 2, 4},
        Tensor{"model.layers.0.self_attn.o_proj.weight", 4, 4},
        Tensor{"model.layers.0.post_attention_layernorm.weight", 0, 4},
        Tensor{"model.layers.0.mlp.gate_proj.weight", 6, 4},
        Tensor{"model.layers.0.mlp.up_proj.weight", 6, 4},
        Tensor{"model.layers.0.mlp.down_proj.weight", 4, 6}, Tensor{"model.norm.weight", 0, 4}}) {
    const int elements = std::max(t.rows, 1) * t.columns;
    const std::size_t start = data.size();
    const bool small = !eight_bits.empty() && t.rows > 0;
    for (int i = 0; i < elements; ++i) {
      data += small ? raw(static_cast<std::uint8_t>(i)) : raw(0.01F * static_cast<float>(i % 13));
    }
    const std::string shape =
        t.rows == 0 ? "[" + std::to_string(t.columns) + "]"
                    : "[" + std::to_string(t.rows) + "," + std::to_string(t.columns) + "]";
    directory += std::string(directory.size() > 1 ? "," : "") + "\"" + t.name + "\":{\"dtype\":\"" +
                 (small ? eight_bits : "F32") + "\",\"shape\":" + shape + ",\"data_offsets\":[" +
                 std::to_string(start) + "," + std::to_string(data.size()) + "]}";
  }
  directory += "}";
  return raw(static_cast<std::uint64_t>(directory.size())) + directory + data;
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("a llama2.c checkpoint cut off anywhere or with a changed header is refused") {
  const Folder folder;
  const std::string whole = small_checkpoint();
  CHECK(refusal(folder.write("model.bin", whole)).empty());
  for (std::size_t size = 1; size < whole.size(); ++size) {
    REQUIRE_FALSE(refusal(folder.write("model.bin", whole.substr(0, size))).empty());
  }
  for (std::size_t field = 0; field < 7; ++field) {
    for (const std::int32_t value : {0, -1, 3, 1 << 30, std::numeric_limits<std::int32_t>::min()}) {
      std::string bytes = whole;
      std::memcpy(bytes.data() + 4 * field, &value, 4);
      if (bytes != whole) {
        CHECK_FALSE(refusal(folder.write("model.bin", bytes)).empty());
      }
    }
  }
}

TEST_CASE("versions 1 and 2 of llama2.c are refused when they end early or lie") {
  const Folder folder;
  const auto header = [](std::int32_t version, std::int32_t layers, std::int32_t group) {
    std::string bytes = raw(std::uint32_t{0x616b3432}) + raw(version);
    for (const std::int32_t n : {4, 6, layers, 2, 1, 5, 8}) {
      bytes += raw(n);
    }
    bytes += '\x01';
    bytes += raw(group);
    bytes.resize(256);
    return bytes;
  };
  const auto message = [&](const std::string& bytes) {
    return refusal(folder.write("model.bin", bytes));
  };
  CHECK(message(header(1, 1, 0)).find("offset 256: found a matrix of 1x4") != std::string::npos);
  CHECK(message(header(3, 1, 0)).find("found version 3; expected 1 or 2") != std::string::npos);
  CHECK(message(header(1, 1 << 20, 0)).find("found 1048576 layers") != std::string::npos);
  const std::string norms(4 * 12, '\0');
  CHECK(message(header(2, 1, 3) + norms).find("found groups of 3 in rows of 4") !=
        std::string::npos);
  CHECK(message(header(2, 1, -1) + norms).find("found groups of -1") != std::string::npos);
  CHECK(message(header(2, 1, 4) + norms).find("the codes of a matrix of 5x4") != std::string::npos);
}

TEST_CASE("a safetensors folder loads, and is refused when any part of it is damaged") {
  const Folder folder;
  const std::string whole = small_safetensors();
  folder.write("config.json", kConfig);
  folder.write("model.safetensors", whole);
  REQUIRE(refusal(folder.path()).empty());
  for (std::size_t size = 1; size < whole.size(); size += 3) {
    folder.write("model.safetensors", whole.substr(0, size));
    REQUIRE_FALSE(refusal(folder.path()).empty());
  }
  const auto message = [&](const std::string& bytes) {
    folder.write("model.safetensors", bytes);
    return refusal(folder.path());
  };
  CHECK(message(raw(~std::uint64_t{0}) + whole.substr(8))
            .find("found a header of 18446744073709551615 bytes") != std::string::npos);
  CHECK(message(replaced(whole, "\"F32\"", "\"I64\""))
            .find("found type 'I64' of 'model.embed_tokens.weight'") != std::string::npos);
  CHECK(message(replaced(whole, "[5,4]", "[4,4]")).find("found data offsets [0,80]") !=
        std::string::npos);
  CHECK(message(replaced(whole, "[5,4]", "[-5,4")).find("no JSON object") != std::string::npos);
  CHECK(message(replaced(whole, "[0,80]", "[80,0]")).find("found data offsets [80,0]") !=
        std::string::npos);
  CHECK(message(replaced(whole, "q_proj", "x_proj"))
            .find("found tensor 'model.layers.0.self_attn.x_proj.weight'") != std::string::npos);
  CHECK(message(replaced(whole, "layers.0.mlp.down", "layers.7.mlp.down"))
            .find("found weight 'block.7.ffn.down'") != std::string::npos);
}

TEST_CASE("a config.json with faults tells all of them") {
  const Folder folder;
  folder.write("model.safetensors", small_safetensors());
  const auto message = [&](const std::string& text) {
    folder.write("config.json", text);
    return refusal(folder.path());
  };
  CHECK(message("{").find("found no JSON") != std::string::npos);
  CHECK(message("[1]").find("found JSON that is no object") != std::string::npos);
  CHECK(message(std::string(100'000, '[')).find("found no JSON") != std::string::npos);
  CHECK(message(replaced(kConfig, "\"llama\"", "\"lama\"")).find("did you mean 'llama'") !=
        std::string::npos);
  const std::string both =
      message(replaced(replaced(kConfig, "\"hidden_size\": 4", "\"hidden_size\": -4"),
                       "\"vocab_size\": 5", "\"vocab_size\": \"5\""));
  CHECK(both.find("found 'hidden_size' of -4; expected 1 to") != std::string::npos);
  CHECK(both.find("found 'vocab_size' of \"5\"; expected 1 to") != std::string::npos);
  CHECK(message(replaced(kConfig, "\"vocab_size\"",
                         "\"rope_scaling\": {\"type\": \"ntk2\"}, \"vocab_size\""))
            .find("found 'rope_scaling' of type 'ntk2'") != std::string::npos);
}

TEST_CASE("an index that points out of its folder is refused") {
  const Folder folder;
  folder.write("config.json", kConfig);
  folder.write("model.safetensors.index.json",
               R"({"weight_map": {"model.norm.weight": "../secret.safetensors"}})");
  CHECK(refusal(folder.path()).find("found file '../secret.safetensors'") != std::string::npos);
}

TEST_CASE("token tables that are damaged or of another kind are refused") {
  const Folder folder;
  const std::string good = raw(std::int32_t{3}) + raw(0.0F) + raw(std::int32_t{2}) + "ab";
  CHECK(read_llama2c_tokens(folder.write("t.bin", good), 1).tokens ==
        std::vector<std::string>{"ab"});
  CHECK_THROWS_AS(read_llama2c_tokens(folder.write("t.bin", good), 2), InputError);
  CHECK_THROWS_AS(
      read_llama2c_tokens(folder.write("t.bin", raw(3) + raw(0.0F) + raw(-2) + "ab"), 1),
      InputError);
  TokenTable table;
  CHECK_THROWS_AS(Tokenizer(table), InputError);
  table.kind = "t5";
  table.tokens = {"a"};
  table.scores = {0.0F};
  CHECK_THROWS_AS(Tokenizer(table), InputError);
}

TEST_CASE("the pair with the best score is merged first, the leftmost of equals") {
  TokenTable table;
  table.kind = "llama";
  table.tokens = {"a", "b", "ab", "ba", "aba", " ", " a"};
  table.scores = {-1.0F, -1.0F, -3.0F, -2.0F, -1.0F, -9.0F, -20.0F};
  table.space_prefix = true;
  const Tokenizer tokenizer(table);
  // " abab": "ba" beats "ab"; then "aba" (from a + ba) beats " a"; the last b stays.
  CHECK(tokenizer.encode("abab") == std::vector<std::int32_t>{5, 4, 1});
  CHECK(tokenizer.encode("aa") == std::vector<std::int32_t>{6, 0});
}

TEST_CASE("safetensors of 8-bit floats are read as they are") {
  for (const auto& [theirs, type] :
       {std::pair{"F8_E4M3", DType::kFloat8E4m3fn}, {"F8_E5M2", DType::kFloat8E5m2}}) {
    const Folder folder;
    folder.write("config.json", kConfig);
    folder.write("model.safetensors", small_safetensors(theirs));
    const Model model = load_model(folder.path());
    const WeightMatrix& down = model.weights.at("block.0.ffn.down");
    REQUIRE(down.shape == Shape{4, 6});
    std::vector<float> row(6);
    down.row(2, row);
    for (int i = 0; i < 6; ++i) {
      CHECK(row[static_cast<std::size_t>(i)] ==
            float8_to_float(type, static_cast<std::uint8_t>(12 + i)));
    }
  }
}
