#include "models/arch/build_graph.hpp"
#include "models/arch/model_file.hpp"
#include "models/graph/cost.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <set>

using namespace joulesim;
using namespace joulesim::models;

namespace {

ModelFile zoo(const std::string& id) {
  return read_model_file(std::string(JOULESIM_SOURCE_DIR) + "/models/zoo/" + id + ".toml");
}

std::set<std::uint64_t> signatures(const OperatorGraph& graph) {
  std::set<std::uint64_t> found;
  for (const Block& block : graph.blocks()) {
    found.insert(block.signature);
  }
  return found;
}

}  // namespace

TEST_CASE("equal blocks have one signature, which shapes and formats change") {
  ModelSpec spec = zoo("mobilellm_125m").spec;
  const OperatorGraph decode = build_graph(spec, Phase::decode(100));
  REQUIRE(decode.blocks().size() == 30);
  CHECK(signatures(decode).size() == 1);
  CHECK(signatures(build_graph(spec, Phase::decode(100))) == signatures(decode));
  CHECK(signatures(build_graph(spec, Phase::decode(101))) != signatures(decode));
  set_linear_format(spec, *find_format("int8"));
  CHECK(signatures(build_graph(spec, Phase::decode(100))) != signatures(decode));
  CHECK(signatures(build_graph(zoo("openelm_270m").spec, Phase::decode(100))).size() == 16);
}

TEST_CASE("layer sharing doubles the work and the cache but not the weights") {
  const ModelSpec shared = zoo("mobilellm_ls_125m").spec;
  const OperatorGraph twice = build_graph(shared, Phase::decode(64));
  const OperatorGraph once = build_graph(zoo("mobilellm_125m").spec, Phase::decode(64));
  const OperatorGraph deep =
      build_graph(zoo("mobilellm_125m_60l_nonshared").spec, Phase::decode(64));
  CHECK(totals_of(twice).parameters == totals_of(once).parameters);
  CHECK(totals_of(twice).weight_bytes == totals_of(once).weight_bytes);
  CHECK(totals_of(twice).cost == totals_of(deep).cost);
  CHECK(totals_of(twice).kv_bytes == 2 * totals_of(once).kv_bytes);
  REQUIRE(twice.blocks().size() == 60);
  for (const Block& block : twice.blocks()) {
    CHECK(block.shares_weights_with_previous == (block.index % 2 == 1));
  }
  CHECK(signatures(twice) == signatures(once));
}

TEST_CASE("weight bytes are conserved: storages together, and uses together") {
  for (const char* id :
       {"mobilellm_ls_350m", "llama_2_7b", "llama_3_2_1b", "bitnet_b1_58_3b", "mixtral_8x7b"}) {
    INFO(id);
    const OperatorGraph graph = build_graph(zoo(id).spec, Phase::decode(10));
    std::set<StorageId> seen;
    std::int64_t bytes = 0;
    for (const Tensor& tensor : graph.tensors()) {
      if (tensor.kind == TensorKind::kWeight && seen.insert(tensor.storage).second) {
        bytes += tensor.bytes();
      }
    }
    CHECK(bytes == totals_of(graph).weight_bytes);
    OpCost sum;
    std::size_t ops = 0;
    for (const Block& block : graph.blocks()) {
      for (const OpId id_of_op : block.ops) {
        sum += cost_of(graph, graph.op(id_of_op));
        ++ops;
      }
    }
    for (const Op& op : graph.ops()) {
      if (op.block < 0) {
        sum += cost_of(graph, op);
        ++ops;
      }
    }
    CHECK(ops == graph.ops().size());
    CHECK(sum == totals_of(graph).cost);
  }
}

TEST_CASE("a decode step of a dense model costs about two operations per weight") {
  const OperatorGraph graph = build_graph(zoo("llama_2_7b").spec, Phase::decode(0));
  const GraphTotals totals = totals_of(graph);
  const double embedding = 32000.0 * 4096.0;
  const double expected = 2.0 * (static_cast<double>(totals.parameters) - embedding);
  CHECK(static_cast<double>(totals.cost.flops()) == Approx(expected).epsilon(0.01));
  CHECK(totals.kv_bytes_per_token == 32 * 2 * 4096 * 2);
}

TEST_CASE("BitNet stores ternary linears, reads int8 activations and has the two further norms") {
  const OperatorGraph graph = build_graph(zoo("bitnet_b1_58_3b").spec, Phase::decode(0));
  int ternary = 0;
  int sub_norms = 0;
  for (const Op& op : graph.ops()) {
    if (op.kind == OpKind::kMatmul &&
        graph.tensor(op.inputs[1]).format.element == Element::kTernary) {
      ++ternary;
      CHECK(graph.tensor(op.inputs[0]).format.element == Element::kInt8);
    }
    sub_norms += op.name.ends_with("sub_norm") ? 1 : 0;
  }
  CHECK(ternary == 26 * 7);
  CHECK(sub_norms == 26 * 2);
  // 2-bit codes: a quarter byte per linear weight, and one scale per matrix.
  const std::int64_t linear = 26LL * (4LL * 3200 * 3200 + 3LL * 3200 * 8640);
  const std::int64_t others = 2LL * (32002LL * 3200 + 26LL * (3 * 3200 + 8640) + 3200);
  CHECK(totals_of(graph).weight_bytes == linear / 4 + 26 * 7 * 4 + others);
}

TEST_CASE("a spec that contradicts itself is refused with all its faults") {
  ModelSpec spec = zoo("llama_2_7b").spec;
  spec.stack[3].kv_heads = 5;
  spec.rotary = 129;
  try {
    build_graph(spec, Phase::decode(0));
    FAIL("built a graph");
  } catch (const InputError& error) {
    const std::string text = error.diagnostics().render();
    CHECK(text.find("layer 3: found 32 heads; expected a multiple of 5") != std::string::npos);
    CHECK(text.find("found 129 rotary elements") != std::string::npos);
  }
}

TEST_CASE("faults of a model file are told at their places, all at once") {
  ConfigFile file = ConfigFile::parse(R"(model = "wrong"
title = "Wrong"
[sources]
me = { kind = "assumed", title = "none", reason = "a test" }
[shape]
source = "me"
layers = 2
hidden = 64
heads = 100000
head_dim = 16
ffn = 128
vocab = 100
max_context = 128
tied = false
typo = 3
[attention]
source = "me"
rope_base = 10000
[block]
source = "me"
norm = "rsm"
norm_epsilon = 1e-5
gated = true
activation = "silu"
[formats]
linear = "int4_g3z"
activation = "fp16"
)",
                                      "wrong.toml");
  try {
    read_model_file(file);
    FAIL("read a wrong file");
  } catch (const InputError& error) {
    const std::string text = error.diagnostics().render();
    INFO(text);
    CHECK(text.find("wrong.toml:9:9: error: ") != std::string::npos);
    CHECK(text.find("wrong.toml:15:1: error: unknown key 'typo'") != std::string::npos);
    CHECK(text.find("wrong.toml:21:8: error: 'norm' is 'rsm'") != std::string::npos);
    CHECK(text.find("did you mean 'rms'") != std::string::npos);
    CHECK(text.find("wrong.toml:26:10: error: found format 'int4_g3z'") != std::string::npos);
    CHECK(error.diagnostics().error_count() == 4);
  }
}
