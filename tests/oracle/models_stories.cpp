// Logits and greedy continuations of small real models, against other engines' outputs.
#include "models/arch/build_graph.hpp"
#include "models/graph/cost.hpp"
#include "models/import/llama2c.hpp"
#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/import/tokenizer.hpp"
#include "models/kernels/evaluate.hpp"
#include "tests/material.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>

using namespace joulesim::models;

namespace {

using joulesim::material::absent;

const std::string kModels = std::string(JOULESIM_DATA_DIR) + "/models/";

struct Expected {
  std::vector<std::int32_t> prompt;
  std::vector<std::int32_t> greedy;
  FloatArray logits;
};

Expected expected(const std::string& name) {
  std::ifstream file(kModels + "expected/" + name + ".json");
  const auto json = nlohmann::json::parse(file);
  return {json.at("prompt_ids"), json.at("greedy_ids"),
          read_npy(kModels + "expected/" + name + ".logits.npy")};
}

double largest_difference(const FloatArray& a, const FloatArray& b) {
  REQUIRE(a.columns == b.columns);
  double largest = 0.0;
  for (std::size_t i = 0; i < std::min(a.values.size(), b.values.size()); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(a.values[i]) - b.values[i]));
  }
  return largest;
}

void check_against(const std::string& file, const std::string& name) {
  INFO(file << " against " << name);
  if (absent(kModels + file)) {
    return;
  }
  const Expected reference = expected(name);
  const Model model = load_model(kModels + file);
  const EvalResult result =
      evaluate(model, reference.prompt, static_cast<std::int64_t>(reference.greedy.size()));
  CHECK(result.greedy_ids == reference.greedy);
  CHECK(result.logits.rows == reference.prompt.size() + reference.greedy.size() - 1);
  CHECK(result.logits.rows >= reference.logits.rows);
  const double difference = largest_difference(result.logits, reference.logits);
  INFO("largest difference " << difference);
  CHECK(difference < 1e-3);
}

}  // namespace

TEST_CASE("fp32 logits of a trained model equal an independent engine's") {
  check_against("gguf/stories260K-F32.gguf", "stories260K.p0.F32.run_c");
}

TEST_CASE("16-bit and 8-bit to 4-bit block formats decode as another engine decodes them") {
  for (const std::string format :
       {"stories260K-F16", "stories260K-BF16", "stories260K-ffn192-Q8_0", "stories260K-ffn192-Q4_0",
        "stories260K-ffn192-Q4_1", "stories260K-ffn192-Q5_0", "stories260K-ffn192-Q5_1"}) {
    check_against("gguf/" + format + ".gguf", "stories260K.p0." + format + ".dequant_fp32");
  }
}

TEST_CASE("files that mix formats decode as another engine decodes them") {
  for (const std::string format : {"stories260K-Q4_K_M-fallback", "stories260K-Q6_K-fallback"}) {
    check_against("gguf/" + format + ".gguf", "stories260K.p0." + format + ".dequant_fp32");
  }
}

TEST_CASE("super-block formats decode as another engine decodes them") {
  for (const std::string format : {"rand1M-F16", "rand1M-Q2_K", "rand1M-Q3_K_M", "rand1M-Q4_K_M",
                                   "rand1M-Q5_K_M", "rand1M-Q6_K", "rand1M-IQ4_NL"}) {
    check_against("gguf/" + format + ".gguf", "rand1M.p0." + format + ".dequant_fp32");
  }
}

TEST_CASE("every container of the same weights gives the same logits") {
  for (const char* file :
       {"llama2c/stories260K.bin", "llama2c/stories260K-v1.bin", "hf/stories260K"}) {
    check_against(file, "stories260K.p0.F32.run_c");
  }
  check_against("hf/stories260K-bf16-sharded", "stories260K.p0.bf16_safetensors.run_c");
}

TEST_CASE(
    "the int8 group datapath on int8 weights equals an integer engine but for ties in rounding") {
  const std::string file = "llama2c/stories260K-ffn192-q80.bin";
  if (absent(kModels + file)) {
    return;
  }
  const Expected reference = expected("stories260K.p0.q80v2.runq_c");
  const EvalResult result =
      evaluate(load_model(kModels + file), reference.prompt, 48, {"int8_group"});
  CHECK(result.greedy_ids == reference.greedy);
  const Comparison difference = compare(reference.logits, result.logits);
  INFO("rms " << difference.rms_error << ", max " << difference.max_abs_error);
  CHECK(difference.rms_error < 0.02);
  CHECK(difference.max_abs_error < 0.15);
}

TEST_CASE("text becomes the tokens that another engine made of it, and back") {
  if (absent(kModels + "gguf/stories260K-F32.gguf")) {
    return;
  }
  const Expected reference = expected("stories260K.p0.F32.run_c");
  const Model model = load_model(kModels + "gguf/stories260K-F32.gguf");
  for (const TokenTable& table :
       {model.tokens, read_llama2c_tokens(kModels + "llama2c/tok512.bin", 512)}) {
    const Tokenizer tokenizer(table);
    CHECK(tokenizer.encode("One day, Tom and his dog") == reference.prompt);
    CHECK(tokenizer.decode(reference.prompt) == "One day, Tom and his dog");
    CHECK(tokenizer.decode(reference.greedy) ==
          ", Max, went to the park with his mom. They saw a big box with a big box. Max was very "
          "happy. "
          "He wanted to play with the box.");
    for (const std::string text :
         {"", "a", "  two  spaces ", "caf\u00e9 \u4e16\u754c \U0001F600", "\xff\xfe", "x\ny"}) {
      INFO(text);
      CHECK(tokenizer.decode(tokenizer.encode(text)) == text);
    }
  }
}

TEST_CASE("dimension files without weights give the published parameter counts") {
  struct Row {
    const char* file;
    double parameters;
  };
  for (const Row row :
       {Row{"meta-llama__Llama-3.1-8B", 8'030'261'248.0},
        Row{"meta-llama__Llama-3.1-70B", 70.554e9}, Row{"Qwen__Qwen3-32B", 32.762e9},
        Row{"Qwen__Qwen3-30B-A3B-Instruct-2507", 30.53e9},
        Row{"mistralai__Mixtral-8x7B-v0.1", 46.70e9},
        Row{"microsoft__Phi-mini-MoE-instruct", 7.6e9}}) {
    const std::string path = std::string("hf/configs_only/") + row.file + ".json";
    if (absent(kModels + path)) {
      return;
    }
    INFO(row.file);
    const GraphTotals totals =
        totals_of(build_graph(load_model_spec(kModels + path), Phase::decode(0)));
    CHECK(static_cast<double>(totals.parameters) == Approx(row.parameters).epsilon(0.01));
  }
}

TEST_CASE("datapaths stay near the reference on a trained model, the wider ones nearer") {
  if (absent(kModels + "gguf/stories260K-F32.gguf")) {
    return;
  }
  const Expected reference = expected("stories260K.p0.F32.run_c");
  const Model model = load_model(kModels + "gguf/stories260K-F32.gguf");
  const auto against = [&](const std::string& datapath) {
    const EvalResult result = evaluate(model, reference.prompt, 48, {datapath});
    INFO(datapath << ": max " << result.comparison->max_abs_error << ", rms "
                  << result.comparison->rms_error << ", KL " << result.comparison->kl_divergence
                  << ", top-1 " << result.comparison->top1_agreement);
    CHECK(std::isfinite(result.comparison->kl_divergence));
    return *result.comparison;
  };
  const Comparison fp16 = against("fp16");
  const Comparison int8 = against("int8_systolic");
  const Comparison int4 = against("int4_group");
  CHECK(fp16.rms_error < 0.02);
  CHECK(fp16.top1_agreement == 1.0);
  CHECK(int8.rms_error > fp16.rms_error);
  CHECK(int8.rms_error < 0.5);
  CHECK(int8.top1_agreement >= 0.9);
  CHECK(int4.rms_error > int8.rms_error);
  CHECK(int4.top1_agreement >= 0.8);
}
