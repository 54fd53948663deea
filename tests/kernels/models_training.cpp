// Does a training step cost what the graph says, with and without reversible blocks and adapters?
#include "models/arch/build_graph.hpp"
#include "models/graph/cost.hpp"
#include "models/graph/passes.hpp"
#include "models/graph/training.hpp"
#include "models/kernels/generate.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

using namespace joulesim;
using namespace joulesim::models;

namespace {

OperatorGraph step_of(const ModelSpec& spec, std::int64_t tokens = 16) {
  return build_graph(spec, {.batch = 2, .new_tokens = tokens, .past = 0, .all_logits = true});
}

}  // namespace

TEST_CASE("a training step is three forward passes of its products") {
  const OperatorGraph graph = step_of(small_llama());
  const GraphTotals totals = totals_of(graph);
  const TrainingCost cost = training_cost(graph);
  CHECK(cost.forward_flops == totals.cost.flops());
  CHECK(cost.recompute_flops == 0);
  std::int64_t attention = 0;
  for (const Op& op : graph.ops()) {
    attention += op.kind == OpKind::kAttention ? cost_of(graph, op).macs : 0;
  }
  // Four operations per MAC of a product, five per MAC of attention, vector work besides.
  const std::int64_t products = 4 * (totals.cost.macs - attention) + 5 * attention;
  CHECK(cost.backward_flops > products);
  CHECK(cost.backward_flops <= products + 2 * totals.cost.vector_flops);
  CHECK(cost.trained_parameters == totals.parameters);
  CHECK(cost.optimiser_bytes == 12 * totals.parameters);
  CHECK(cost.gradient_bytes == 4 * totals.parameters);
}

TEST_CASE("activations kept in a llama block are those worked out by hand") {
  ModelSpec spec = small_llama();
  spec.stack.resize(1);
  const std::int64_t rows = 2 * 16;
  // x, its norm, q, k, v as rotated and cached, attention's result and row statistics, x after it,
  // its norm, gate, up, gated; then the stream's end and its norm for the head.
  const std::int64_t elements = 64 + 64 + 64 + 32 + 32 + 64 + 64 + 64 + 96 + 96 + 96 + 64 + 64;
  CHECK(training_cost(step_of(spec)).stored_bytes == 4 * rows * elements + 4 * rows * 4);
}

TEST_CASE("reversible blocks keep two streams however many there are, and compute twice") {
  ModelSpec spec = small_llama();
  std::int64_t before = 0;
  for (const std::size_t layers : {2U, 4U, 8U}) {
    spec.stack.assign(layers, {4, 2, 96});
    const OperatorGraph plain = step_of(spec);
    const OperatorGraph reversible = make_reversible(plain);
    CHECK(is_reversible(reversible));
    CHECK_FALSE(is_reversible(plain));
    const TrainingCost a = training_cost(plain);
    const TrainingCost b = training_cost(reversible);
    CHECK((before == 0 || b.stored_bytes == before));
    before = b.stored_bytes;
    CHECK(b.stored_bytes + b.working_bytes < a.stored_bytes);
    std::int64_t inside = 0;
    for (const Op& op : reversible.ops()) {
      inside += op.block >= 0 ? cost_of(reversible, op).flops() : 0;
    }
    CHECK(b.recompute_flops == inside);
    CHECK(b.trained_parameters == a.trained_parameters);
  }
}

TEST_CASE("adapters alone have few gradients, and products before them no weight gradients") {
  const OperatorGraph graph = attach_lora(step_of(small_llama()), 4, 2.0);
  const TrainingCost all = training_cost(graph);
  TrainingOptions options;
  options.adapters_only = true;
  const TrainingCost adapters = training_cost(graph, options);
  CHECK(adapters.forward_flops == all.forward_flops);
  CHECK(adapters.backward_flops < all.backward_flops);
  CHECK(adapters.trained_parameters == 3 * (4 * (64 + 64) + 4 * (64 + 32)));  // query, value
  CHECK(adapters.optimiser_bytes == 12 * adapters.trained_parameters);
  CHECK(adapters.stored_bytes < all.stored_bytes);
}

TEST_CASE("merging kernels changes nothing of what training must keep") {
  const OperatorGraph graph = step_of(small_llama());
  const TrainingCost plain = training_cost(graph);
  const TrainingCost fused = training_cost(fuse_all(graph));
  CHECK(fused.flops() == plain.flops());
  CHECK(fused.stored_bytes == plain.stored_bytes);
}

TEST_CASE("a step with a cache, and operators without a way back, are refused") {
  CHECK_THROWS_AS(training_cost(build_graph(small_llama(), Phase::decode(4))), InputError);
  ModelSpec mixture = small_llama();
  mixture.experts.experts = 4;
  mixture.experts.active = 2;
  CHECK_THROWS_WITH(training_cost(step_of(mixture)), Catch::Contains("block.0.ffn.choice"));
}
