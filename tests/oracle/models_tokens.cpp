// Token tables of real models against the ids that their makers' tokenizers give.
#include "models/import/model.hpp"
#include "models/import/tokenizer.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace joulesim::models;

namespace {

const std::string kFolder = std::string(JOULESIM_DATA_DIR) + "/models/gguf_vocab_only";

std::string text_of(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// Test strings stand between lines "__ggml_vocab_test__".
std::vector<std::string> inputs_of(const std::filesystem::path& path) {
  const std::string text = text_of(path);
  const std::string mark = "\n__ggml_vocab_test__\n";
  std::vector<std::string> inputs;
  std::size_t at = 0;
  for (std::size_t next = text.find(mark); next != std::string::npos; next = text.find(mark, at)) {
    inputs.push_back(text.substr(at, next - at));
    at = next + mark.size();
  }
  return inputs;
}

}  // namespace

TEST_CASE("every token table of a real model gives the expected ids") {
  if (!std::filesystem::exists(kFolder)) {
    WARN("skipped: no " << kFolder);
    return;
  }
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() == ".gguf") {
      files.push_back(entry.path());
    }
  }
  std::sort(files.begin(), files.end());
  REQUIRE(!files.empty());
  for (const auto& file : files) {
    INFO(file);
    const Tokenizer tokenizer(load_tokens(file.string()));
    const std::vector<std::string> inputs = inputs_of(file.string() + ".inp");
    std::ifstream expected(file.string() + ".out");
    REQUIRE(inputs.size() > 30);
    for (const std::string& input : inputs) {
      std::string line;
      REQUIRE(std::getline(expected, line));
      std::istringstream numbers(line);
      std::vector<std::int32_t> ids;
      for (std::int32_t id = 0; numbers >> id;) {
        ids.push_back(id);
      }
      INFO("text: " << input);
      CHECK(tokenizer.encode(input, false) == ids);
    }
  }
}
