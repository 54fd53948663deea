#include "models/arch/build_graph.hpp"
#include "models/graph/builder.hpp"
#include "models/graph/cost.hpp"

#include <catch2/catch.hpp>

using namespace joulesim::models;

namespace {

ModelSpec tiny() {
  ModelSpec spec;
  spec.id = "tiny";
  spec.hidden = 8;
  spec.head_dim = 4;
  spec.vocab = 10;
  spec.max_context = 64;
  spec.stack = {{2, 1, 12}, {2, 1, 12}};
  spec.norm_epsilon = 1e-5;
  spec.rope_base = 10000.0;
  spec.rotary = 4;
  spec.formats = uniform_formats(*find_format("fp16"));
  return spec;
}

const Op& op_named(const OperatorGraph& graph, const std::string& name) {
  for (const Op& op : graph.ops()) {
    if (op.name == name) {
      return op;
    }
  }
  throw std::out_of_range(name);
}

OpCost cost(const OperatorGraph& graph, const std::string& name) {
  return cost_of(graph, op_named(graph, name));
}

}  // namespace

TEST_CASE("costs of one prefill of 3 tokens after 2 are as worked out by hand") {
  const OperatorGraph graph = build_graph(tiny(), Phase::prefill(3, 2));
  const OpCost query = cost(graph, "block.0.attn.query");
  CHECK(query.macs == 3 * 8 * 8);
  CHECK(query.weight_bytes == 8 * 8 * 2);
  CHECK(query.activation_in_bytes == 3 * 8 * 2);
  CHECK(query.activation_out_bytes == 3 * 8 * 2);
  CHECK(cost(graph, "block.0.attn.key").macs == 3 * 8 * 4);

  const OpCost append = cost(graph, "block.1.attn.cache");
  CHECK(append.kv_write_bytes == 2 * 3 * 4 * 2);  // key and value, 3 tokens, one head of 4
  CHECK(append.kv_read_bytes == 0);

  // Queries see 3, 4 and 5 positions; two heads; scores and weighted sum.
  const OpCost attention = cost(graph, "block.0.attn.attention");
  CHECK(attention.macs == 2 * 2 * 4 * (3 + 4 + 5));
  CHECK(attention.kv_read_bytes == 2 * 5 * 4 * 2);
  CHECK(attention.vector_flops == 2 * 12 * 6);

  const OpCost embedding = cost(graph, "embedding");
  CHECK(embedding.weight_bytes == 3 * 8 * 2);  // three rows, not the table
  CHECK(embedding.activation_in_bytes == 3 * 4);

  const OpCost head = cost(graph, "head");  // the last token only
  CHECK(head.macs == 10 * 8);
  CHECK(head.weight_bytes == 10 * 8 * 2);
  CHECK(cost(graph, "last_token").activation_in_bytes == 8 * 2);
}

TEST_CASE("a batch multiplies activations and cache, not weights") {
  const OperatorGraph one = build_graph(tiny(), Phase::decode(5));
  const OperatorGraph four = build_graph(tiny(), Phase::decode(5, 4));
  const OpCost a = cost(one, "block.0.ffn.down");
  const OpCost b = cost(four, "block.0.ffn.down");
  CHECK(b.macs == 4 * a.macs);
  CHECK(b.weight_bytes == a.weight_bytes);
  CHECK(b.activation_in_bytes == 4 * a.activation_in_bytes);
  CHECK(cost(four, "block.0.attn.attention").kv_read_bytes ==
        4 * cost(one, "block.0.attn.attention").kv_read_bytes);
}

TEST_CASE("pairs of causal attention are the sum over queries") {
  Attributes a;
  for (a.past = 0; a.past < 6; ++a.past) {
    for (a.new_tokens = 1; a.new_tokens < 6; ++a.new_tokens) {
      for (a.window = 0; a.window < 9; ++a.window) {
        std::int64_t expected = 0;
        for (std::int64_t i = 1; i <= a.new_tokens; ++i) {
          const std::int64_t visible = a.past + i;
          expected += a.window == 0 ? visible : std::min(visible, a.window);
        }
        CHECK(attention_pairs(a) == expected);
      }
    }
  }
}

TEST_CASE("experts reached grow from the active ones to all") {
  CHECK(experts_reached(8, 2, 1) == 2);
  CHECK(experts_reached(8, 2, 2) == 4);  // 8 (1 - 0.75^2) = 3.5, rounded
  CHECK(experts_reached(8, 2, 1000) == 8);
  CHECK(experts_reached(128, 8, 1) == 8);
}

TEST_CASE("tying counts the table once in storage and twice in use") {
  ModelSpec spec = tiny();
  const GraphTotals untied = totals_of(build_graph(spec, Phase::decode(0)));
  spec.tied = true;
  const GraphTotals tied = totals_of(build_graph(spec, Phase::decode(0)));
  CHECK(untied.parameters - tied.parameters == 10 * 8);
  CHECK(untied.weight_bytes - tied.weight_bytes == 10 * 8 * 2);
  CHECK(untied.cost == tied.cost);
}

TEST_CASE("a mixture of experts reads the experts that are reached") {
  ModelSpec spec = tiny();
  spec.experts.experts = 4;
  spec.experts.active = 1;
  const OperatorGraph graph = build_graph(spec, Phase::decode(0));
  const OpCost gate = cost(graph, "block.0.ffn.gate");
  CHECK(gate.weight_bytes == 12 * 8 * 2);
  CHECK(gate.macs == 12 * 8);
  CHECK(totals_of(graph).parameters ==
        2 * 10 * 8 + 8 + 2 * (2 * 8 + 8 * 8 * 2 + 2 * 4 * 8 + 4 * 8 + 4 * 3 * 12 * 8));
}
