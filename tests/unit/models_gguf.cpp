// Damaged and hostile GGUF files: every one is refused with a message, none crashes or allocates
// wildly.
#include "models/import/gguf.hpp"
#include "models/import/model.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace joulesim;
using namespace joulesim::models;

namespace {

// A file that lives as long as the object.
class Scratch {
 public:
  explicit Scratch(std::span<const std::byte> bytes)
      : path_(std::filesystem::temp_directory_path() /
              ("joulesim_gguf_" + std::to_string(::getpid()) + ".gguf")) {
    std::ofstream out(path_, std::ios::binary);
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() { std::filesystem::remove(path_); }
  [[nodiscard]] std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

// The message with which a file is refused; empty when it loads.
std::string refusal(std::span<const std::byte> bytes) {
  const Scratch file(bytes);
  try {
    load_model(file.path());
    return "";
  } catch (const InputError& error) {
    const std::string text = error.diagnostics().render();
    CHECK(text.find(file.path()) != std::string::npos);
    return text;
  }
}

std::vector<std::byte> small_file() {
  ModelSpec spec = small_llama();
  spec.hidden = 32;
  spec.head_dim = 8;
  spec.rotary = 8;
  spec.vocab = 8;
  spec.stack.assign(1, {4, 2, 32});
  Model model = random_model(spec, 1);
  model.tokens.kind = "llama";
  model.tokens.tokens = {"<unk>", "<s>", "</s>", "a", "b", "c", "d", "e"};
  model.tokens.scores.assign(8, 0.0F);
  return gguf_bytes(model, *find_format("q8_0"));
}

template <class T>
void put(std::vector<std::byte>& bytes, std::size_t at, T value) {
  std::memcpy(bytes.data() + at, &value, sizeof(T));
}

// Offset just after the text `key`.
std::size_t after(const std::vector<std::byte>& bytes, const std::string& key) {
  const std::string_view all(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t at = all.find(key);
  REQUIRE(at != std::string_view::npos);
  return at + key.size();
}

void check_refused(const std::vector<std::byte>& bytes, const std::string& words) {
  const std::string text = refusal(bytes);
  INFO(text);
  CHECK(text.find(words) != std::string::npos);
}

}  // namespace

TEST_CASE("the intact small file loads") { CHECK(refusal(small_file()).empty()); }

TEST_CASE("a GGUF file cut off anywhere is refused") {
  const std::vector<std::byte> whole = small_file();
  // Every byte of the header and directory, then steps through the data.
  const std::size_t header = after(whole, "token_embd.weight") + 64;
  for (std::size_t size = 1; size < whole.size(); size += size < header ? 1 : 97) {
    const std::string text = refusal(std::span(whole).first(size));
    if (text.empty()) {
      FAIL("loaded the first " << size << " of " << whole.size() << " bytes");
    }
  }
}

TEST_CASE("a GGUF file with one changed byte is refused or loads, and never does harm") {
  const std::vector<std::byte> whole = small_file();
  const std::size_t header = after(whole, "token_embd.weight") + 64;
  std::size_t refused = 0;
  for (std::size_t at = 0; at < header; ++at) {
    for (const std::uint8_t value : {std::uint8_t{0}, std::uint8_t{255}, std::uint8_t{128}}) {
      std::vector<std::byte> bytes = whole;
      bytes[at] = std::byte{value};
      refused += refusal(bytes).empty() ? 0U : 1U;
    }
  }
  CHECK(refused > header);
}

TEST_CASE("a GGUF file of random bytes after the magic is refused") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 200; ++round) {
    std::vector<std::byte> bytes(8 + random() % 4096);
    for (std::byte& byte : bytes) {
      byte = static_cast<std::byte>(random() & 255U);
    }
    put<std::uint32_t>(bytes, 0, 0x46554747);
    put<std::uint32_t>(bytes, 4, 3);
    CHECK_FALSE(refusal(bytes).empty());
  }
}

TEST_CASE("messages of refused GGUF files say where, what was found and what was expected") {
  const std::vector<std::byte> whole = small_file();
  std::vector<std::byte> bytes = whole;
  put<std::uint32_t>(bytes, 0, 0x12345678);
  check_refused(bytes, "offset 0: found no known model format; expected \"GGUF\"");

  bytes = whole;
  put<std::uint32_t>(bytes, 4, 1);
  check_refused(bytes, "offset 4: found version 1; expected 2 or 3");

  bytes = whole;
  put<std::uint64_t>(bytes, 8, ~std::uint64_t{0});
  check_refused(bytes, "offset 8: found 18446744073709551615 tensors; expected at most");

  bytes = whole;
  put<std::uint64_t>(bytes, 16, std::uint64_t{1} << 60U);
  check_refused(bytes, "offset 16: found 1152921504606846976 key-values; expected at most");

  bytes = whole;  // the number of token texts
  put<std::uint64_t>(bytes, after(bytes, "tokenizer.ggml.tokens") + 8, std::uint64_t{1} << 40U);
  check_refused(bytes, "found 1099511627776 items of 'tokenizer.ggml.tokens'; expected at most");

  bytes = whole;
  put<std::uint32_t>(bytes, after(bytes, "llama.block_count") + 4, 4'000'000'000U);
  check_refused(bytes, "found 'llama.block_count' of 4000000000; expected 1 to");

  bytes = whole;
  put<std::uint32_t>(bytes, after(bytes, "llama.attention.head_count") + 4, 3);
  check_refused(bytes, "layer 0: found 3 heads; expected a multiple of 2 key-value heads");

  bytes = whole;  // n_dims, then the first dimension
  put<std::uint64_t>(bytes, after(bytes, "token_embd.weight") + 4, ~std::uint64_t{0});
  check_refused(bytes, "found a dimension of 18446744073709551615 of 'token_embd.weight'");

  bytes = whole;
  put<std::uint32_t>(bytes, after(bytes, "token_embd.weight"), 77);
  check_refused(bytes, "found 77 dimensions of 'token_embd.weight'; expected 1 to 4");

  bytes = whole;
  put<std::uint32_t>(bytes, after(bytes, "token_embd.weight") + 20, 99);
  check_refused(bytes, "found tensor type 99 of 'token_embd.weight'; expected one of 0 (fp32)");

  bytes = whole;
  put<std::uint64_t>(bytes, after(bytes, "token_embd.weight") + 24, std::uint64_t{1} << 62U);
  check_refused(bytes, "expected it to end within the");

  bytes = whole;
  put<char>(bytes, after(bytes, "blk.0.ffn_down.weigh"), 'x');
  check_refused(bytes, "found tensor 'blk.0.ffn_down.weighx'; expected only tensors of the model");

  bytes = whole;
  std::memcpy(bytes.data() + after(bytes, "general.architecture") + 4 + 8, "lamba", 5);
  check_refused(bytes, "found architecture 'lamba'; expected one of llama, qwen2, ");
}

TEST_CASE("paths that are no model files are refused") {
  for (const char* path : {"/nowhere/model.gguf", "/tmp", "/dev/null"}) {
    CHECK_THROWS_AS(load_model(path), InputError);
  }
}
