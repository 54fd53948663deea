// Do quantisers keep what they promise, and is the one that looks at inputs better for it?
#include "models/arch/build_graph.hpp"
#include "models/import/codec.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/quality.hpp"
#include "models/transform/activations.hpp"
#include "models/transform/quantise.hpp"
#include "models/transform/sample.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace joulesim;
using namespace joulesim::models;

namespace {

double uniform(std::mt19937_64& bits) { return static_cast<double>(bits() >> 11U) * 0x1.0p-53; }

// Inputs whose columns are mixtures of a few sources, as those of a trained model are.
InputStatistics mixed_inputs(std::int64_t columns, std::int64_t rows, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  const auto n = static_cast<std::size_t>(columns);
  const std::size_t sources = n / 4;
  std::vector<double> mix(sources * n);
  for (double& value : mix) {
    value = 2.0 * uniform(bits) - 1.0;
  }
  InputStatistics inputs;
  inputs.columns = columns;
  inputs.rows = rows;
  inputs.products.assign(n * n, 0.0);
  inputs.magnitudes.assign(n, 1.0);
  for (std::int64_t r = 0; r < rows; ++r) {
    std::vector<double> x(n);
    for (std::size_t s = 0; s < sources; ++s) {
      const double strength = 2.0 * uniform(bits) - 1.0;
      for (std::size_t i = 0; i < n; ++i) {
        x[i] += strength * mix[s * n + i];
      }
    }
    for (std::size_t i = 0; i < n; ++i) {
      x[i] += 0.1 * (2.0 * uniform(bits) - 1.0);
    }
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t k = 0; k < n; ++k) {
        inputs.products[i * n + k] += x[i] * x[k];
      }
    }
  }
  return inputs;
}

std::vector<float> random_weights(Shape shape, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::vector<float> values(static_cast<std::size_t>(shape.elements()));
  for (float& value : values) {
    value = static_cast<float>(uniform(bits) + uniform(bits) + uniform(bits) - 1.5);
  }
  return values;
}

std::vector<float> values_of(const RoundedMatrix& rounded, const IntegerFormat& format) {
  std::vector<float> values;
  const auto columns = static_cast<std::size_t>(rounded.shape.columns);
  const std::size_t group = format.group > 0 ? static_cast<std::size_t>(format.group) : columns;
  const std::size_t groups = (columns + group - 1) / group;
  for (std::size_t i = 0; i < rounded.codes.size(); ++i) {
    values.push_back(
        value_of(rounded.scales[i / columns * groups + i % columns / group], rounded.codes[i]));
  }
  return values;
}

}  // namespace

TEST_CASE("GPTQ loses less of a layer's output than rounding to nearest, at every width") {
  const Shape shape{48, 96};
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    const std::vector<float> weights = random_weights(shape, seed);
    const InputStatistics inputs = mixed_inputs(shape.columns, 400, seed + 10);
    for (const int bits : {2, 3, 4, 8}) {
      for (const char* kind : {"", "_g32", "_g32_zp"}) {
        const Format name = known_format("int" + std::to_string(bits) + kind);
        const IntegerFormat format = integer_format_of(name).value();
        for (const bool act_order : {false, true}) {
          INFO(name.name << " seed " << seed << (act_order ? " act-order" : ""));
          RoundingOptions options;
          options.act_order = act_order;
          const auto nearest = values_of(round_to_nearest(format, shape, weights, options), format);
          const auto gptq =
              values_of(round_by_gptq(format, shape, weights, inputs, options), format);
          CHECK(output_error(shape, weights, gptq, inputs) <
                0.9 * output_error(shape, weights, nearest, inputs));
        }
      }
    }
  }
}

TEST_CASE("with inputs that tell nothing of each other, GPTQ is rounding to nearest") {
  const Shape shape{8, 64};
  const std::vector<float> weights = random_weights(shape, 5);
  InputStatistics inputs;
  inputs.columns = 64;
  inputs.rows = 64;
  inputs.products.assign(64 * 64, 0.0);
  for (std::size_t i = 0; i < 64; ++i) {
    inputs.products[i * 65] = 3.0;
  }
  const IntegerFormat format = integer_format_of(known_format("int4_g32")).value();
  CHECK(round_by_gptq(format, shape, weights, inputs, {}).codes ==
        round_to_nearest(format, shape, weights, {}).codes);
}

TEST_CASE("columns that never see an input, and inputs of low rank, are no obstacle") {
  const Shape shape{8, 64};
  const std::vector<float> weights = random_weights(shape, 6);
  InputStatistics inputs = mixed_inputs(64, 3, 7);  // rank 3 at most
  for (std::size_t i = 0; i < 64; ++i) {
    inputs.products[5 * 64 + i] = inputs.products[i * 64 + 5] = 0.0;
  }
  const IntegerFormat format = integer_format_of(known_format("int3_g32")).value();
  for (const double damping : {0.0, 0.01}) {
    const RoundedMatrix rounded =
        round_by_gptq(format, shape, weights, inputs, {false, false, damping});
    for (const float value : values_of(rounded, format)) {
      CHECK(std::isfinite(value));
    }
  }
}

TEST_CASE("a search over clipping never loses more than the extremes do") {
  const Shape shape{32, 64};
  const std::vector<float> weights = random_weights(shape, 8);
  for (const char* name : {"int2_g32", "int3", "int4_g32_zp"}) {
    const IntegerFormat format = integer_format_of(known_format(name)).value();
    double loss[2] = {0.0, 0.0};
    for (const bool clip : {false, true}) {
      const auto values =
          values_of(round_to_nearest(format, shape, weights, {clip, false, 0.0}), format);
      for (std::size_t i = 0; i < values.size(); ++i) {
        loss[clip ? 1 : 0] += std::pow(values[i] - weights[i], 2.0);
      }
    }
    INFO(name);
    CHECK(loss[1] < loss[0]);
  }
}

TEST_CASE("packed matrices decode to what their codes stand for, GGUF types included") {
  for (const char* name : {"int4_g32", "int8_g32", "int3_g32", "int4_g32_zp", "int2", "int5_g64"}) {
    for (const std::int64_t columns : {64, 100}) {
      INFO(name << " " << columns);
      const Shape shape{5, columns};
      const std::vector<float> weights = random_weights(shape, 9);
      const Format format = known_format(name);
      const IntegerFormat integers = integer_format_of(format).value();
      const RoundedMatrix rounded = round_to_nearest(integers, shape, weights, {});
      const WeightMatrix packed = pack(format, rounded);
      CHECK(packed.all() == values_of(rounded, integers));
      CHECK(packed.data.size() ==
            static_cast<std::size_t>(packed.format.bytes(shape.rows, shape.columns)));
      const bool gguf =
          columns == 64 && (std::string(name) == "int4_g32" || std::string(name) == "int8_g32");
      CHECK((packed.format.name.front() == 'q') == gguf);
    }
  }
}

TEST_CASE("a quantised model keeps its shape; eight bits change its logits little, fewer more") {
  const Model model = random_model(small_llama(), 41);
  const std::vector<std::vector<std::int32_t>> text = sample(model, 4, 32, 1);
  const auto unit = make_datapath("fp32");
  const auto reference = logits_of(model, *unit, text);
  double before = 0.0;
  for (const int bits : {8, 6, 4, 3, 2}) {
    QuantiseOptions options;
    options.bits = bits;
    options.group = 32;
    const Model small = quantise(model, options, {});
    CHECK(weight_faults(small).empty());
    CHECK(small.weights.at("embedding").format == model.weights.at("embedding").format);
    const Judgement judged = judge(text, reference, logits_of(small, *unit, text));
    INFO(bits);
    CHECK(judged.kl_divergence > before);
    before = judged.kl_divergence;
  }
  QuantiseOptions eight;
  eight.bits = 8;
  eight.embedding = known_format("q8_0");
  const Model small = quantise(model, eight, {});
  CHECK(small.weights.at("head").format.name == "q8_0");
  CHECK(judge(text, reference, logits_of(small, *unit, text)).kl_divergence < 1e-2);
}

TEST_CASE("ternary weights are -1, 0 and 1 times one number per matrix") {
  const Model model = random_model(small_llama(), 42);
  QuantiseOptions options;
  options.method = Method::kTernary;
  const Model small = quantise(model, options, {});
  for (const auto& [name, weight] : small.weights) {
    if (!is_linear_weight(name, weight.shape)) {
      continue;
    }
    INFO(name);
    CHECK(weight.format.name == "ternary");
    const std::vector<float> original = model.weights.at(name).all();
    double sum = 0.0;
    for (const float value : original) {
      sum += std::fabs(value);
    }
    const auto mean = static_cast<float>(sum / static_cast<double>(original.size()));
    for (const float value : weight.all()) {
      CHECK((value == 0.0F || std::fabs(value) == Approx(mean)));
    }
  }
}

TEST_CASE("GPTQ runs through every family of dense blocks, all layers at once or in turn") {
  std::vector<ModelSpec> specs(3, small_llama());
  specs[1].gated = false;
  specs[1].layer_repeat = 2;
  specs[2].parallel_block = true;
  for (const ModelSpec& spec : specs) {
    const Model model = random_model(spec, 43);
    const auto text = sample(model, 6, 32, 2);
    for (const bool in_turn : {true, false}) {
      QuantiseOptions options;
      options.method = Method::kGptq;
      options.bits = 3;
      options.group = 32;
      options.in_turn = in_turn;
      const Model small = quantise(model, options, text);
      CHECK(weight_faults(small).empty());
      for (const auto& [name, weight] : small.weights) {
        CHECK((weight.format.name == "int3_g32") == is_linear_weight(name, weight.shape));
      }
    }
  }
  ModelSpec mixture = small_llama();
  mixture.experts.experts = 4;
  mixture.experts.active = 2;
  QuantiseOptions options;
  options.method = Method::kGptq;
  const Model model = random_model(mixture, 44);
  CHECK_THROWS_AS(quantise(model, options, {{1, 2, 3}}), InputError);
  CHECK_THROWS_AS(quantise(random_model(small_llama(), 44), options, {}), InputError);
  options.bits = 7;
  CHECK_THROWS_AS(quantise(random_model(small_llama(), 44), options, {{1, 2, 3}}), InputError);
  CHECK_THROWS_WITH(find_method("gtpq"), Catch::Contains("did you mean 'gptq'"));
}

TEST_CASE("inputs rounded row by row lose less than with scales fixed before; both keep routers") {
  const Model model = random_model(small_llama(), 45);
  const auto text = sample(model, 4, 32, 3);
  const auto exact = make_datapath("fp32");
  const auto reference = logits_of(model, *exact, text);
  const auto loss = [&](Datapath& unit) {
    return judge(text, reference, logits_of(model, unit, text)).kl_divergence;
  };
  InputRecorder recorder(*exact, {}, false);
  CHECK(loss(recorder) == 0.0);  // recording changes nothing
  RoundedInputs by_row(*exact, 8);
  RoundedInputs fixed(*exact, 8, recorder.statistics());
  RoundedInputs narrow(*exact, 4);
  CHECK(loss(by_row) > 0.0);
  CHECK(loss(by_row) < loss(fixed));
  CHECK(loss(fixed) < loss(narrow));
}

TEST_CASE("windows follow each other and start with the begin token where the text does") {
  const std::vector<std::int32_t> text = {1, 10, 11, 12, 13, 14};
  const auto windows = windows_of(text, 3, 1);
  REQUIRE(windows.size() == 3);
  CHECK(windows[0] == std::vector<std::int32_t>{1, 10, 11});
  CHECK(windows[2] == std::vector<std::int32_t>{1, 14});
  CHECK(windows_of(text, 4, -1).size() == 2);
  CHECK_THROWS_AS(windows_of(std::vector<std::int32_t>{1}, 4, 1), InputError);
}

TEST_CASE("perplexity of even odds is the vocabulary, and of the same logits no divergence") {
  const std::vector<std::vector<std::int32_t>> windows = {{0, 1, 2}};
  const std::vector<FloatArray> even = {{3, 8, std::vector<float>(24, 0.5F)}};
  const Judgement judged = judge(windows, even, even);
  CHECK(judged.scored == 2);
  CHECK(judged.perplexity == Approx(8.0));
  CHECK(judged.kl_divergence == Approx(0.0).margin(1e-12));
  CHECK(judged.top1_agreement == 1.0);
}

TEST_CASE("samples are the same for a seed, differ for another, and follow the model") {
  const Model model = random_model(small_llama(), 46);
  const auto a = sample(model, 3, 20, 7);
  CHECK(a == sample(model, 3, 20, 7));
  CHECK(a != sample(model, 3, 20, 8));
  // Nearly frozen, what is drawn is the greedy continuation.
  const auto cold = sample(model, 1, 10, 9, 1e-4);
  const EvalResult greedy = evaluate(model, std::vector<std::int32_t>{cold[0][0]}, 9);
  CHECK(std::vector<std::int32_t>(cold[0].begin() + 1, cold[0].end()) == greedy.greedy_ids);
  CHECK_THROWS_AS(sample(model, 1, 65, 1), InputError);
}
