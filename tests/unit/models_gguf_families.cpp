// Two ways to the same model: its family's config.json, and a GGUF file of its architecture with
// the names, the fused matrices and the order of rows that such files have.
#include "models/import/model.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/unit/small_families.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>
#include <utility>

using namespace joulesim;
using namespace joulesim::models;
namespace fs = std::filesystem;

namespace {

Model trip(const Model& model, const std::string& architecture) {
  const fs::path path =
      fs::temp_directory_path() / ("joulesim_family_" + std::to_string(::getpid()) + ".gguf");
  const std::vector<std::byte> bytes = gguf_bytes(model, known_format("fp32"), architecture);
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()),
             static_cast<std::streamsize>(bytes.size()));
  Model back = load_model(path.string());
  fs::remove(path);
  return back;
}

// As a file holds it.
double rounded(double value) { return double{static_cast<float>(value)}; }

}  // namespace

TEST_CASE("a model of every architecture computes the same from its GGUF file") {
  const std::vector<std::pair<std::string, std::string>> kPairs = {
      {"llama", "llama"},
      {"mistral", "llama"},
      {"mixtral", "llama"},
      {"qwen2", "qwen2"},
      {"qwen3", "qwen3"},
      {"qwen2_moe", "qwen2moe"},
      {"qwen3_moe", "qwen3moe"},
      {"gemma", "gemma"},
      {"gemma2", "gemma2"},
      {"phi", "phi2"},
      {"phi3", "phi3"},
      {"gpt2", "gpt2"},
      {"gpt_bigcode", "starcoder"},
      {"starcoder2", "starcoder2"},
      {"gpt_neox", "gptneox"},
      {"gptj", "gptj"},
      {"falcon", "falcon"},
      {"bloom", "bloom"},
      {"mpt", "mpt"},
      {"stablelm", "stablelm"},
      {"nemotron", "nemotron"},
      {"cohere", "command-r"},
      {"olmo", "olmo"},
      {"olmo2", "olmo2"},
      {"olmoe", "olmoe"},
      {"granite", "granite"},
  };
  const std::vector<std::string> families = hugging_face_families();
  const std::vector<std::int32_t> tokens = {3, 17, 44, 5, 9, 61, 8};
  for (const auto& [family, architecture] : kPairs) {
    INFO(family << " as " << architecture);
    REQUIRE(std::find(families.begin(), families.end(), family) != families.end());
    testing::Json config = testing::small(family);
    if (architecture == "olmoe" || architecture == "qwen2moe" || architecture == "qwen3moe") {
      config["mlp_only_layers"] = testing::Json::array();
    }
    if (architecture == "mpt") {
      config["attn_config"] = {{"alibi", true}};  // as its files have it
    }
    ModelSpec spec = testing::spec_of(config);
    spec.norm_epsilon = rounded(spec.norm_epsilon);
    spec.rope_base = rounded(spec.rope_base);
    if (spec.activation == Activation::kGelu) {
      spec.activation = Activation::kGeluTanh;  // as engines compute a GGUF file's gelu
    }
    const Model model = random_model(spec, 21);
    const Model back = trip(model, architecture);
    CHECK(back.spec.stack == spec.stack);
    CHECK(back.spec.activation == spec.activation);
    const EvalResult expected = evaluate(model, tokens, 0, {"fp32", true, 1});
    const EvalResult found = evaluate(back, tokens, 0, {"fp32", true, 1});
    REQUIRE(found.logits.values.size() == expected.logits.values.size());
    for (std::size_t i = 0; i < expected.logits.values.size(); ++i) {
      REQUIRE(found.logits.values[i] == Approx(expected.logits.values[i]).margin(2e-5));
    }
  }
}

TEST_CASE("what an architecture's files have no name for is refused") {
  const Model model = random_model(testing::spec_of(testing::small("mamba")), 1);
  CHECK_THROWS_AS(gguf_bytes(model, known_format("fp32")), InputError);
  CHECK_THROWS_AS(gguf_bytes(random_model(small_llama(), 1), known_format("fp32"), "lama"),
                  InputError);
}
