// Do pruned models compute what masked ones do, and do adapters merge?
#include "models/arch/build_graph.hpp"
#include "models/graph/cost.hpp"
#include "models/graph/passes.hpp"
#include "models/kernels/evaluate.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/generate.hpp"
#include "models/transform/lora.hpp"
#include "models/transform/prune.hpp"
#include "models/transform/sample.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace joulesim;
using namespace joulesim::models;

namespace {

const std::vector<std::int32_t> kTokens = {1, 17, 99, 4, 4, 63, 120, 0, 35};

double largest_difference(const FloatArray& a, const FloatArray& b) {
  REQUIRE(a.values.size() == b.values.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(a.values[i]) - b.values[i]));
  }
  return largest;
}

FloatArray logits(const Model& model) { return evaluate(model, kTokens).logits; }

FloatArray run(const OperatorGraph& graph, const Model& model) {
  const auto unit = make_datapath("fp32");
  Executor executor(model, *unit);
  return executor.run(graph, kTokens);
}

}  // namespace

TEST_CASE("a pruned model is smaller and computes what the masked one computes") {
  std::vector<ModelSpec> specs(3, small_llama());
  specs[1].tied = true;
  specs[1].layer_repeat = 2;
  specs[2].norm = NormKind::kLayer;
  specs[2].norm_bias = specs[2].qkv_bias = specs[2].ffn_bias = true;
  specs[2].gated = false;
  for (std::size_t family = 0; family < specs.size(); ++family) {
    const Model model = random_model(specs[family], 51);
    const auto text = sample(model, 2, 16, 1);
    std::vector<PruneOptions> all(4);
    all[0].heads = 1;
    all[1].neurons = 40;
    all[2].channels = family == 2 ? 0 : 24;
    all[3] = {1, 17, family == 2 ? 0 : 5, {}};
    for (const PruneOptions& options : all) {
      INFO("family " << family << ": " << options.heads << " heads, " << options.neurons
                     << " neurons, " << options.channels << " channels");
      for (const bool calibrated : {true, false}) {
        const Pruned pruned =
            prune(model, options, calibrated ? text : std::vector<std::vector<std::int32_t>>{});
        CHECK(weight_faults(pruned.small).empty());
        CHECK(weight_faults(pruned.masked).empty());
        const double changed = largest_difference(logits(pruned.masked), logits(model));
        CHECK((changed > 1e-3) == (options.heads + options.neurons + options.channels > 0));
        CHECK(largest_difference(logits(pruned.small), logits(pruned.masked)) < 2e-5);
      }
    }
  }
}

TEST_CASE("cutting the graph gives the graph of the smaller model") {
  const Model model = random_model(small_llama(), 52);
  const Pruned pruned = prune(model, {1, 32, 16, {}}, {});
  const OperatorGraph graph = build_graph(model.spec, Phase::decode(5));
  const Axes axes(graph);
  std::vector<Cut> cuts;
  const auto first = [](std::int64_t n) {
    std::vector<std::int64_t> kept(static_cast<std::size_t>(n));
    for (std::size_t i = 0; i < kept.size(); ++i) {
      kept[i] = static_cast<std::int64_t>(i);
    }
    return kept;
  };
  std::vector<int> seen;
  const auto cut_columns = [&](TensorId id, std::int64_t left) {
    const int axis = axes.columns_of(id);
    if (std::find(seen.begin(), seen.end(), axis) == seen.end()) {
      seen.push_back(axis);
      cuts.push_back({axis, graph.tensor(id).shape.columns, first(left)});
    }
  };
  for (const Op& op : graph.ops()) {
    if (op.kind == OpKind::kAttention) {
      cut_columns(op.inputs[0], 2 * 16);
      cut_columns(op.inputs[1], 16);
    } else if (op.role == Role::kDown) {
      cut_columns(op.inputs[0], 64);
      cut_columns(op.outputs[0], 48);
    }
  }
  CHECK(cuts.size() == 3 * 3 + 1);
  const OperatorGraph small = cut(graph, axes, cuts);
  ModelSpec spec = pruned.small.spec;
  spec.norm_epsilon = model.spec.norm_epsilon;  // the weights' business
  const OperatorGraph wanted = build_graph(spec, Phase::decode(5));
  CHECK(totals_of(small).parameters == totals_of(wanted).parameters);
  CHECK(totals_of(small).cost == totals_of(wanted).cost);
  CHECK(totals_of(small).kv_bytes == totals_of(wanted).kv_bytes);
  REQUIRE(small.ops().size() == wanted.ops().size());
  for (std::size_t i = 0; i < small.blocks().size(); ++i) {
    CHECK(small.blocks()[i].signature == wanted.blocks()[i].signature);
  }
}

TEST_CASE("classes that an operator holds fixed are refused by its name") {
  ModelSpec spec = small_llama();
  spec.experts.experts = 4;
  spec.experts.active = 2;
  const OperatorGraph graph = build_graph(spec, Phase::decode(5));
  const Axes axes(graph);
  for (const Op& op : graph.ops()) {
    if (op.kind == OpKind::kTopK) {
      const std::vector<Cut> cuts = {{axes.columns_of(op.inputs[0]), 4, {0, 1}}};
      CHECK_THROWS_WITH(cut(graph, axes, cuts), Catch::Contains(op.name));
      return;
    }
  }
  FAIL("a mixture has a router");
}

TEST_CASE("a model without some layers is the graph without their blocks") {
  ModelSpec spec = small_llama();
  spec.stack = {{4, 2, 96}, {2, 1, 64}, {6, 3, 128}, {4, 2, 32}};
  const Model model = random_model(spec, 53);
  PruneOptions options;
  options.layers = {1, 2};
  const Pruned pruned = prune(model, options, {});
  CHECK(pruned.small.spec.stack.size() == 2);
  CHECK(weight_faults(pruned.small).empty());
  Phase phase = Phase::prefill(9);
  phase.all_logits = true;
  const OperatorGraph shorter = drop_blocks(build_graph(spec, phase), options.layers);
  CHECK(shorter.blocks().size() == 2);
  CHECK(shorter.blocks()[1].index == 1);
  const FloatArray expected = run(shorter, model);
  const FloatArray found = logits(pruned.small);
  REQUIRE(found.values.size() == expected.values.size());
  for (std::size_t i = 0; i < found.values.size(); ++i) {
    CHECK(found.values[i] == Approx(expected.values[i]).margin(1e-4));
  }
}

TEST_CASE("more than there is cannot be pruned") {
  const Model model = random_model(small_llama(), 54);
  for (const PruneOptions& wrong :
       {PruneOptions{2, 0, 0, {}}, PruneOptions{0, 96, 0, {}}, PruneOptions{0, 0, 64, {}},
        PruneOptions{0, 0, 0, {3}}, PruneOptions{0, 0, 0, {0, 1, 2}}, PruneOptions{-1, 0, 0, {}}}) {
    CHECK_THROWS_AS(prune(model, wrong, {}), InputError);
  }
  ModelSpec layer_norm = small_llama();
  layer_norm.norm = NormKind::kLayer;
  CHECK_THROWS_AS(prune(random_model(layer_norm, 1), {0, 0, 8, {}}, {}), InputError);
}

TEST_CASE("merged adapters compute what attached ones compute") {
  for (const bool everywhere : {false, true}) {
    const Model model = random_model(small_llama(), 55);
    const double scale = 2.0;
    const std::vector<std::string> layers =
        everywhere ? std::vector<std::string>{"attn.query", "attn.key", "attn.value", "attn.out",
                                              "ffn.gate",   "ffn.up",   "ffn.down"}
                   : std::vector<std::string>{"attn.query", "attn.value"};
    const Model adapted = with_random_adapters(model, 4, layers, 6);
    Phase phase = Phase::prefill(9);
    phase.all_logits = true;
    const OperatorGraph graph = attach_lora(build_graph(model.spec, phase), 4, scale, everywhere);
    const FloatArray attached = run(graph, adapted);
    const Model merged = merge_adapters(adapted, scale);
    CHECK(weight_faults(merged).empty());
    CHECK(largest_difference(attached, logits(model)) > 0.1);
    CHECK(largest_difference(attached, logits(merged)) < 2e-5);
  }
  Model half = with_random_adapters(random_model(small_llama(), 56), 4, {"attn.query"}, 6);
  half.weights.erase("block.1.attn.query.lora_b");
  CHECK_THROWS_AS(merge_adapters(half, 1.0), InputError);
}
