// Do transformed graphs compute what they should, and cost what they should?
#include "models/arch/build_graph.hpp"
#include "models/graph/cost.hpp"
#include "models/graph/passes.hpp"
#include "models/kernels/executor.hpp"
#include "models/kernels/generate.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <functional>

using namespace joulesim;
using namespace joulesim::models;

namespace {

using Pass = std::function<OperatorGraph(const OperatorGraph&)>;

const std::vector<std::int32_t> kTokens = {1, 17, 99, 4, 4, 63, 120, 0, 35};

// Families that differ in what there is to merge.
std::vector<ModelSpec> families() {
  std::vector<ModelSpec> specs(6, small_llama());
  specs[0].id = "llama";
  specs[1].id = "tied, blocks twice";
  specs[1].tied = true;
  specs[1].layer_repeat = 2;
  ModelSpec& gpt = specs[2];
  gpt.id = "layer norm, biases, no gate";
  gpt.norm = NormKind::kLayer;
  gpt.norm_bias = gpt.qkv_bias = gpt.output_bias = gpt.ffn_bias = gpt.head_bias = true;
  gpt.position = PositionKind::kLearned;
  gpt.position_rows = 32;
  gpt.gated = false;
  gpt.activation = Activation::kGeluTanh;
  specs[3].id = "parallel";
  specs[3].parallel_block = true;
  specs[4].id = "sandwich and head norms";
  specs[4].sandwich_norm = specs[4].qk_norm = true;
  specs[5].id = "experts";
  specs[5].experts.experts = 4;
  specs[5].experts.active = 2;
  return specs;
}

FloatArray outputs(const Model& model, const Pass& pass, std::int64_t decoded = 0) {
  const auto unit = make_datapath("fp32");
  Executor executor(model, *unit);
  const auto first = static_cast<std::int64_t>(kTokens.size()) - decoded;
  Phase phase = Phase::prefill(first);
  phase.all_logits = true;
  FloatArray result = executor.run(pass(build_graph(model.spec, phase)),
                                   std::span(kTokens).first(static_cast<std::size_t>(first)));
  for (std::int64_t i = first; i < first + decoded; ++i) {
    const FloatArray row = executor.run(pass(build_graph(model.spec, Phase::decode(i))),
                                        std::span(kTokens).subspan(static_cast<std::size_t>(i), 1));
    result.values.insert(result.values.end(), row.values.begin(), row.values.end());
    ++result.rows;
  }
  return result;
}

OperatorGraph unchanged(const OperatorGraph& graph) { return graph; }

double largest_difference(const FloatArray& a, const FloatArray& b) {
  REQUIRE(a.values.size() == b.values.size());
  double largest = 0.0;
  for (std::size_t i = 0; i < a.values.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(a.values[i]) - b.values[i]));
  }
  return largest;
}

std::int64_t count(const OperatorGraph& graph, OpKind kind) {
  return std::count_if(graph.ops().begin(), graph.ops().end(),
                       [&](const Op& op) { return op.kind == kind; });
}

}  // namespace

TEST_CASE("fused graphs compute the same bits, with fewer bytes between fewer operators") {
  const std::vector<std::pair<const char*, Pass>> passes = {
      {"qkv", fuse_qkv},   {"gate_up", fuse_gate_up},   {"rope", fuse_rope},
      {"norm", fuse_norm}, {"residual", fuse_residual}, {"residual_norm", fuse_residual_norm},
      {"all", fuse_all},
  };
  for (const ModelSpec& spec : families()) {
    const Model model = random_model(spec, 21);
    const FloatArray plain = outputs(model, unchanged, 2);
    const OperatorGraph graph = build_graph(spec, Phase::prefill(9));
    const GraphTotals before = totals_of(graph);
    for (const auto& [name, pass] : passes) {
      INFO(spec.id << ", " << name);
      CHECK(outputs(model, pass, 2).values == plain.values);
      const GraphTotals after = totals_of(pass(graph));
      CHECK(after.parameters == before.parameters);
      CHECK(after.weight_bytes == before.weight_bytes);
      CHECK(after.cost.macs == before.cost.macs);
      CHECK(after.cost.vector_flops == before.cost.vector_flops);
      CHECK(after.cost.weight_bytes == before.cost.weight_bytes);
      CHECK(after.cost.kv_read_bytes == before.cost.kv_read_bytes);
      const std::int64_t removed = static_cast<std::int64_t>(graph.ops().size()) -
                                   static_cast<std::int64_t>(pass(graph).ops().size());
      if (removed > 0) {
        CHECK(after.cost.bytes() < before.cost.bytes());
      } else {
        CHECK(after.cost == before.cost);
      }
    }
  }
}

TEST_CASE("merging query, key and value reads their input once instead of three times") {
  const ModelSpec spec = small_llama();
  const OperatorGraph graph = build_graph(spec, Phase::prefill(9));
  const OperatorGraph fused = fuse_qkv(graph);
  CHECK(count(fused, OpKind::kFused) == 3);
  const auto saved = totals_of(graph).cost.bytes() - totals_of(fused).cost.bytes();
  CHECK(saved == 3 * 2 * 9 * 64 * 4);  // blocks, reads saved, rows, columns, fp32
}

TEST_CASE("everything merged: a llama block is five kernels and its cache") {
  const OperatorGraph fused = fuse_all(build_graph(small_llama(), Phase::decode(4)));
  for (const Block& block : fused.blocks()) {
    // qkv with norm and rope, cache, attention, out with residual, gate and up with norm, down
    CHECK(block.ops.size() == 6);
    CHECK(block.signature == fused.blocks().front().signature);
  }
  CHECK(fused.ops().size() == 3 * 6 + 2);  // embedding; head with the last norm
}

TEST_CASE("tied embeddings: one storage fewer, equal outputs when both held the same") {
  Model model = random_model(small_llama(), 22);
  model.weights.at("head") = model.weights.at("embedding");
  const OperatorGraph graph = build_graph(model.spec, Phase::decode(0));
  const OperatorGraph tied = tie_embeddings(graph);
  CHECK(totals_of(graph).parameters - totals_of(tied).parameters == 128 * 64);
  CHECK(totals_of(tied).cost == totals_of(graph).cost);  // traffic is per use
  CHECK(outputs(model, tie_embeddings).values == outputs(model, unchanged).values);
  ModelSpec spec = model.spec;
  spec.tied = true;
  CHECK(totals_of(build_graph(spec, Phase::decode(0))).parameters == totals_of(tied).parameters);
}

TEST_CASE("shared blocks compute what copied weights compute") {
  ModelSpec spec = small_llama();
  spec.stack.resize(4, spec.stack[0]);
  const Model model = random_model(spec, 23);
  Model copied = model;
  for (const auto& [name, weight] : model.weights) {
    for (const auto& [from, to] : {std::pair("block.0.", "block.1."), {"block.2.", "block.3."}}) {
      if (name.starts_with(from)) {
        copied.weights.at(to + name.substr(8)) = weight;
      }
    }
  }
  const Pass share = [](const OperatorGraph& graph) { return share_blocks(graph, 2); };
  CHECK(outputs(model, share, 3).values == outputs(copied, unchanged, 3).values);
  const OperatorGraph graph = build_graph(spec, Phase::decode(5));
  const OperatorGraph shared = share(graph);
  CHECK(totals_of(shared).cost == totals_of(graph).cost);
  ModelSpec twice = small_llama();
  twice.stack.resize(2);
  twice.layer_repeat = 2;
  CHECK(totals_of(shared).parameters == totals_of(build_graph(twice, Phase::decode(5))).parameters);
  CHECK(shared.blocks()[1].shares_weights_with_previous);
  CHECK_FALSE(shared.blocks()[2].shares_weights_with_previous);
  spec.stack[1].ffn = 64;
  CHECK_THROWS_AS(share(build_graph(spec, Phase::decode(5))), InputError);
}

TEST_CASE("a narrower key-value cache holds fewer bytes and loses as little as its bits allow") {
  const Model model = random_model(small_llama(), 24);
  const FloatArray plain = outputs(model, unchanged, 3);
  double before = 0.0;
  for (const char* format : {"fp16", "int8_head", "int8", "fp8_e4m3", "int4_head", "int3_head"}) {
    INFO(format);
    const Pass pass = [&](const OperatorGraph& graph) { return quantise_kv_cache(graph, format); };
    const double error = largest_difference(outputs(model, pass, 3), plain);
    if (std::string(format) == "fp16") {
      CHECK(error < 5e-3);
      continue;
    }
    CHECK(error > 0.0);
    CHECK(error < (std::string(format) == "int3_head" ? 3.0 : 1.0));
    before = std::max(before, error);
  }
  const OperatorGraph graph = build_graph(model.spec, Phase::decode(7));
  // Two heads of 16: codes and one fp16 scale each, for keys and values of three blocks.
  CHECK(totals_of(quantise_kv_cache(graph, "int8_head")).kv_bytes == 8 * 3 * 2 * 2 * (16 + 2));
  CHECK(totals_of(quantise_kv_cache(graph, "int4_head")).kv_bytes == 8 * 3 * 2 * 2 * (8 + 2));
  CHECK(totals_of(quantise_kv_cache(graph, "fp8_e4m3")).kv_bytes == 8 * 3 * 2 * 2 * 16);
  CHECK_THROWS_AS(quantise_kv_cache(graph, "int9"), InputError);
}

TEST_CASE("adapters add their product to the output, and their cost to the graph") {
  Model model = random_model(small_llama(), 25);
  const Pass attach = [](const OperatorGraph& graph) { return attach_lora(graph, 4, 2.0, true); };
  const OperatorGraph adapted = attach(build_graph(model.spec, Phase::decode(0)));
  const Format fp32 = known_format("fp32");
  Model zero = model;
  std::int64_t parameters = 0;
  for (const Storage& storage : adapted.storages()) {
    if (storage.kind == TensorKind::kWeight && storage.name.find(".lora_") != std::string::npos) {
      parameters += storage.shape.elements();
      const std::vector<float> none(static_cast<std::size_t>(storage.shape.elements()), 0.0F);
      zero.weights.emplace(storage.name, WeightMatrix::encode(fp32, storage.shape, none));
    }
  }
  CHECK(outputs(zero, attach, 2).values == outputs(model, unchanged, 2).values);
  const GraphTotals before = totals_of(build_graph(model.spec, Phase::decode(0)));
  const GraphTotals after = totals_of(adapted);
  CHECK(after.parameters - before.parameters == parameters);
  CHECK(after.cost.macs - before.cost.macs == parameters);  // one multiplication each
}

TEST_CASE("reversible blocks give back what they were given") {
  const Model model = random_model(small_llama(), 26);
  const OperatorGraph forward = make_reversible(
      build_graph(model.spec, {.batch = 1, .new_tokens = 9, .past = 0, .all_logits = true}));
  const auto unit = make_datapath("fp32");
  Executor executor(model, *unit);
  const FloatArray logits = executor.run(forward, kTokens);
  CHECK(largest_difference(logits, outputs(model, unchanged)) > 0.01);  // another function
  const OperatorGraph there_and_back = with_inverse(forward);
  executor.forget();
  const FloatArray start = executor.run(there_and_back, kTokens);
  const WeightMatrix& table = model.weights.at("embedding");
  std::vector<float> row(64);
  for (std::size_t t = 0; t < kTokens.size(); ++t) {
    table.row(kTokens[t], row);
    for (std::size_t k = 0; k < row.size(); ++k) {
      REQUIRE(start.values[t * row.size() + k] == Approx(row[k]).margin(1e-5));
    }
  }
  CHECK_THROWS_AS(with_inverse(build_graph(model.spec, Phase::decode(0))), InputError);
  ModelSpec parallel = model.spec;
  parallel.parallel_block = true;
  CHECK_THROWS_AS(make_reversible(build_graph(parallel, Phase::decode(0))), InputError);
}

TEST_CASE("transforms are known by name, and wrong ones are refused with the nearest") {
  for (const std::string& name : transform_names()) {
    INFO(name);
    const Transform transform = parse_transform(name);
    ModelSpec spec = small_llama();
    spec.stack.resize(2);
    const OperatorGraph graph = build_graph(spec, Phase::decode(3));
    CHECK(!apply(graph, {&transform, 1}).ops().empty());
  }
  CHECK_THROWS_WITH(parse_transform("fuse_qvk"), Catch::Contains("did you mean 'fuse_qkv'"));
  CHECK_THROWS_AS(parse_transform("share_blocks"), InputError);
  CHECK_THROWS_AS(parse_transform("share_blocks:two"), InputError);
  CHECK_THROWS_AS(parse_transform("fuse_qkv:2"), InputError);
  CHECK_THROWS_AS(parse_transform(""), InputError);
}

TEST_CASE("passes leave alone what they do not know") {
  // A mixture's experts are no plain products: nothing of its feed-forward is merged.
  ModelSpec spec = small_llama();
  spec.experts.experts = 4;
  spec.experts.active = 2;
  const OperatorGraph graph = build_graph(spec, Phase::decode(3));
  CHECK(totals_of(fuse_gate_up(graph)).cost == totals_of(graph).cost);
  CHECK(fuse_gate_up(graph).ops().size() == graph.ops().size());
}
