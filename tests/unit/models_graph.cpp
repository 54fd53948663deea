#include "models/graph/builder.hpp"
#include "models/graph/graph.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace joulesim::models;

namespace {

const Format kFp16 = *find_format("fp16");

Op make(OpKind kind, const std::string& name, std::vector<TensorId> inputs) {
  Op op;
  op.kind = kind;
  op.name = name;
  op.inputs = std::move(inputs);
  return op;
}

// x -> two matmuls -> gated activation -> matmul -> add x
std::optional<OperatorGraph> diamond(std::vector<std::string>& faults,
                                     std::int64_t down_width = 8) {
  GraphBuilder builder("diamond");
  const TensorId x = builder.add_input("x", {4, 8}, kFp16);
  const TensorId gate = builder.apply_one(
      make(OpKind::kMatmul, "gate", {x, builder.add_weight("g", {16, 8}, kFp16)}), kFp16);
  const TensorId up = builder.apply_one(
      make(OpKind::kMatmul, "up", {x, builder.add_weight("u", {16, 8}, kFp16)}), kFp16);
  Op product = make(OpKind::kGatedActivation, "product", {gate, up});
  product.attributes.activation = Activation::kSilu;
  const TensorId y = builder.apply_one(product, kFp16);
  const TensorId down = builder.apply_one(
      make(OpKind::kMatmul, "down", {y, builder.add_weight("d", {down_width, 16}, kFp16)}), kFp16);
  builder.apply_one(make(OpKind::kAdd, "residual", {x, down}), kFp16, TensorKind::kOutput);
  return builder.finish(faults);
}

std::vector<int> values(std::span<const OpId> ids) {
  std::vector<int> result;
  for (const OpId id : ids) {
    result.push_back(id.value);
  }
  return result;
}

}  // namespace

TEST_CASE("a graph knows its schedule and its neighbours") {
  std::vector<std::string> faults;
  const auto graph = diamond(faults);
  REQUIRE(faults.empty());
  CHECK(values(graph->order()) == std::vector<int>{0, 1, 2, 3, 4});
  CHECK(values(graph->predecessors(OpId{2})) == std::vector<int>{0, 1});
  CHECK(values(graph->successors(OpId{2})) == std::vector<int>{3});
  CHECK(values(graph->predecessors(OpId{0})).empty());
  CHECK(graph->tensor(graph->op(OpId{2}).outputs[0]).shape == Shape{4, 16});
  CHECK(graph->tensors_of(TensorKind::kWeight).size() == 3);
}

TEST_CASE(
    "a shape that does not fit is told with the operator, what was found and what was expected") {
  std::vector<std::string> faults;
  CHECK_FALSE(diamond(faults, 7).has_value());
  REQUIRE(faults.size() == 1);
  CHECK(faults[0] == "residual: found a second operand of 4x7; expected 4x8");
}

TEST_CASE("operators may be added in any order and a cycle is refused") {
  for (const bool cyclic : {false, true}) {
    GraphBuilder builder("loop");
    const TensorId x = builder.add_input("x", {1, 2}, kFp16);
    const TensorId a = builder.add_tensor("a", TensorKind::kActivation, {1, 2}, kFp16);
    const TensorId b = builder.add_tensor("b", TensorKind::kActivation, {1, 2}, kFp16);
    Op second = make(OpKind::kAdd, "second", {x, a});
    second.outputs = {b};
    Op first = make(OpKind::kAdd, "first", {x, cyclic ? b : x});
    first.outputs = {a};
    builder.add_op(second);
    builder.add_op(first);
    std::vector<std::string> faults;
    const auto graph = builder.finish(faults);
    if (cyclic) {
      CHECK_FALSE(graph.has_value());
      CHECK(faults ==
            std::vector<std::string>{"loop: found a cycle through 2 operators; expected none"});
    } else {
      REQUIRE(graph.has_value());
      CHECK(values(graph->order()) == std::vector<int>{1, 0});
    }
  }
}

TEST_CASE("a tensor written twice or never is refused") {
  GraphBuilder builder("wiring");
  const TensorId x = builder.add_input("x", {1, 2}, kFp16);
  const TensorId lost = builder.add_tensor("lost", TensorKind::kActivation, {1, 2}, kFp16);
  const TensorId out = builder.add_tensor("out", TensorKind::kOutput, {1, 2}, kFp16);
  for (const char* name : {"first", "second"}) {
    Op op = make(OpKind::kAdd, name, {x, lost});
    op.outputs = {out};
    builder.add_op(op);
  }
  std::vector<std::string> faults;
  CHECK_FALSE(builder.finish(faults).has_value());
  CHECK(faults ==
        std::vector<std::string>{"second: found 'out' written a second time; expected one writer",
                                 "first: found 'lost' read but never written; expected a writer",
                                 "second: found 'lost' read but never written; expected a writer"});
}

TEST_CASE("tensor numbers from outside the graph are refused") {
  GraphBuilder builder("numbers");
  builder.add_input("x", {1, 2}, kFp16);
  Op op = make(OpKind::kActivation, "act", {TensorId{7}});
  op.outputs = {TensorId{0}};
  builder.add_op(op);
  std::vector<std::string> faults;
  CHECK_FALSE(builder.finish(faults).has_value());
  CHECK(faults ==
        std::vector<std::string>{"act: found input tensor 7; expected a tensor of the graph"});
}

TEST_CASE("the DOT text names every operator and every edge's shape") {
  std::vector<std::string> faults;
  const std::string dot = diamond(faults)->dot();
  CHECK(dot.find("digraph") == 0);
  for (const char* text :
       {"gate", "gated_activation", "residual", "0->2", "1->2", "2->3", "3->4", "4x16 fp16"}) {
    INFO(text);
    CHECK(dot.find(text) != std::string::npos);
  }
}
