#include "models/arch/build_graph.hpp"
#include "models/import/gguf.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace joulesim;
using namespace joulesim::models;

namespace {

const std::vector<std::int32_t> kTokens = {1, 17, 99, 4, 4, 63, 120, 0, 35};

// Whatever holds of one kind of kernels holds of the other.
const std::vector<EvalOptions> kKernels = {{"fp32", false, 1}, {"fp32", true, 1}};

FloatArray prefill(const Model& model, std::span<const std::int32_t> tokens,
                   const EvalOptions& options = {}) {
  return evaluate(model, tokens, 0, options).logits;
}

// Every variant of the family that the kernels know.
std::vector<ModelSpec> variants() {
  std::vector<ModelSpec> specs;
  specs.push_back(small_llama());
  const auto variant = [&](const char* id) -> ModelSpec& {
    specs.push_back(small_llama());
    specs.back().id = id;
    return specs.back();
  };
  variant("tied and shared").tied = true;
  specs.back().layer_repeat = 2;
  ModelSpec& gpt = variant("layer norm, biases, learned positions");
  gpt.norm = NormKind::kLayer;
  gpt.norm_bias = gpt.qkv_bias = gpt.output_bias = gpt.ffn_bias = gpt.head_bias = true;
  gpt.position = PositionKind::kLearned;
  gpt.position_rows = 32;
  gpt.gated = false;
  gpt.activation = Activation::kGeluTanh;
  variant("parallel, partial rotary").parallel_block = true;
  specs.back().rotary = 8;
  specs.back().rope_layout = RopeLayout::kHalves;
  ModelSpec& gemma = variant("sandwich norm, windows, soft caps, scaled embedding");
  gemma.sandwich_norm = gemma.qk_norm = gemma.scaled_embedding = true;
  gemma.window = 4;
  gemma.global_every = 2;
  gemma.attention_soft_cap = 5.0;
  gemma.logit_soft_cap = 3.0;
  ModelSpec& bitnet = variant("sub-norms, squared relu");
  bitnet.sub_norm = true;
  bitnet.activation = Activation::kRelu2;
  ModelSpec& mixture = variant("mixture of experts");
  mixture.experts.experts = 4;
  mixture.experts.active = 2;
  variant("ALiBi").position = PositionKind::kAlibi;
  variant("widths that differ by layer").stack = {{4, 2, 96}, {2, 1, 64}, {6, 3, 128}};
  return specs;
}

}  // namespace

TEST_CASE("prefilling n tokens gives the logits of n decode steps") {
  for (const ModelSpec& spec : variants()) {
    INFO(spec.id);
    const Model model = random_model(spec, 11);
    for (const EvalOptions& kernels : kKernels) {
      const FloatArray at_once = prefill(model, kTokens, kernels);
      const auto unit = make_unit(kernels);
      Executor executor(model, *unit);
      for (std::size_t i = 0; i < kTokens.size(); ++i) {
        const OperatorGraph graph = build_graph(spec, Phase::decode(static_cast<std::int64_t>(i)));
        const FloatArray row = executor.run(graph, std::span(kTokens).subspan(i, 1));
        for (std::size_t k = 0; k < row.columns; ++k) {
          REQUIRE(row.values[k] == at_once.values[i * at_once.columns + k]);
        }
      }
    }
  }
}

TEST_CASE("the fast path is near the reference in every variant of the family") {
  for (const ModelSpec& spec : variants()) {
    INFO(spec.id);
    const Model model = random_model(spec, 18);
    const Comparison difference =
        compare(prefill(model, kTokens, kKernels[1]), prefill(model, kTokens, kKernels[0]));
    CHECK(difference.max_abs_error < 2e-5);
    CHECK(difference.max_abs_error > 0.0);
    CHECK(difference.top1_agreement == 1.0);
    CHECK(prefill(model, kTokens, {"fp32", false, 3}).values == prefill(model, kTokens).values);
  }
}

TEST_CASE("prefilling in two parts gives the logits of one") {
  const Model model = random_model(small_llama(), 12);
  const FloatArray at_once = prefill(model, kTokens);
  const auto unit = make_unit({});
  Executor executor(model, *unit);
  executor.run(build_graph(model.spec, Phase::prefill(4)), std::span(kTokens).first(4));
  const FloatArray last =
      executor.run(build_graph(model.spec, Phase::prefill(5, 4)), std::span(kTokens).subspan(4));
  REQUIRE(last.rows == 1);
  for (std::size_t k = 0; k < last.columns; ++k) {
    CHECK(last.values[k] == at_once.values[8 * at_once.columns + k]);
  }
}

TEST_CASE("sequences of a batch do not see each other") {
  for (const ModelSpec& spec : variants()) {
    INFO(spec.id);
    const Model model = random_model(spec, 13);
    const std::vector<std::int32_t> both = {5, 6, 7, 100, 101, 102};
    const auto unit = make_unit({});
    Executor executor(model, *unit);
    executor.run(build_graph(spec, Phase::prefill(3, 0, 2)), both);
    const std::vector<std::int32_t> next = {8, 103};
    const FloatArray rows = executor.run(build_graph(spec, Phase::decode(3, 2)), next);
    REQUIRE(rows.rows == 2);
    const FloatArray first = prefill(model, std::vector<std::int32_t>{5, 6, 7, 8});
    const FloatArray second = prefill(model, std::vector<std::int32_t>{100, 101, 102, 103});
    for (std::size_t k = 0; k < rows.columns; ++k) {
      REQUIRE(rows.values[k] == first.values[3 * rows.columns + k]);
      REQUIRE(rows.values[rows.columns + k] == second.values[3 * rows.columns + k]);
    }
  }
}

TEST_CASE("a shared layer computes what two equal layers compute") {
  ModelSpec shared = small_llama();
  shared.stack.resize(1);
  shared.layer_repeat = 2;
  const Model one = random_model(shared, 14);
  Model two = one;
  two.spec.layer_repeat = 1;
  two.spec.stack.resize(2, shared.stack[0]);
  for (const auto& [name, weight] : one.weights) {
    if (name.starts_with("block.0.")) {
      two.weights.emplace("block.1." + name.substr(8), weight);
    }
  }
  CHECK(weight_faults(two).empty());
  CHECK(prefill(one, kTokens).values == prefill(two, kTokens).values);
}

TEST_CASE("a written model reads back with the same logits") {
  Model model = random_model(small_llama(), 15);
  model.spec.norm_epsilon =
      double{static_cast<float>(model.spec.norm_epsilon)};  // as the file holds it
  for (const char* name : {"fp32", "fp16", "bf16", "q8_0", "q4_0"}) {
    INFO(name);
    const Format format = *find_format(name);
    const std::string path = (std::filesystem::temp_directory_path() /
                              ("joulesim_trip_" + std::to_string(::getpid()) + ".gguf"))
                                 .string();
    const std::vector<std::byte> bytes = gguf_bytes(model, format);
    {
      std::ofstream out(path, std::ios::binary);
      out.write(reinterpret_cast<const char*>(bytes.data()),
                static_cast<std::streamsize>(bytes.size()));
    }
    const Model back = load_model(path);
    std::filesystem::remove(path);
    Model rounded = model;  // the same weights, encoded without a file
    for (auto& [key, weight] : rounded.weights) {
      if (weight.shape.rows > 1) {
        weight = WeightMatrix::encode(format, weight.shape, weight.all());
      }
    }
    CHECK(back.spec.stack == model.spec.stack);
    CHECK(prefill(back, kTokens).values == prefill(rounded, kTokens).values);
  }
}

TEST_CASE("greedy continuation feeds back what it chose") {
  const Model model = random_model(small_llama(), 16);
  const EvalResult result = evaluate(model, kTokens, 6);
  REQUIRE(result.greedy_ids.size() == 6);
  std::vector<std::int32_t> forced = kTokens;
  forced.insert(forced.end(), result.greedy_ids.begin(), result.greedy_ids.end() - 1);
  CHECK(prefill(model, forced).values == result.logits.values);
}

TEST_CASE("the same seed makes the same model, another seed another") {
  const ModelSpec spec = small_llama();
  CHECK(random_model(spec, 1).weights.at("head").all() ==
        random_model(spec, 1).weights.at("head").all());
  CHECK(random_model(spec, 1).weights.at("head").all() !=
        random_model(spec, 2).weights.at("head").all());
}

TEST_CASE("tokens and positions out of range are refused") {
  Model model = random_model(variants()[2], 17);
  CHECK_THROWS_AS(evaluate(model, std::vector<std::int32_t>{128}), InputError);
  CHECK_THROWS_AS(evaluate(model, std::vector<std::int32_t>{-1}), InputError);
  CHECK_THROWS_AS(evaluate(model, std::vector<std::int32_t>{}), InputError);
  CHECK_THROWS_AS(evaluate(model, std::vector<std::int32_t>(33, 1)), InputError);
  CHECK_THROWS_AS(evaluate(model, std::vector<std::int32_t>{1}, 0, {"int9"}), InputError);
  model.weights.erase("head");
  CHECK_THROWS_AS(evaluate(model, std::vector<std::int32_t>{1}), InputError);
}
