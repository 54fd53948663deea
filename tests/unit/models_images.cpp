// Networks over an image: do sides, channels, counts and bytes follow from the layers, and are
// layers that do not fit each other refused?
#include "models/arch/build_graph.hpp"
#include "models/arch/model_file.hpp"
#include "models/graph/cost.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace joulesim;
using namespace joulesim::models;

namespace {

std::string file_of(const std::string& layers) {
  return R"(model = "t"
title = "t"
[sources]
s = { kind = "assumed", title = "t", reason = "test" }
[image]
source = "s"
side = 9
channels = 3
[[image.stage]]
layers = [)" +
         layers + R"(]
[formats]
linear = "int8"
activation = "int8"
norm = "int8"
)";
}

OperatorGraph graph_of(const std::string& layers, std::int64_t batch = 1) {
  ConfigFile file = ConfigFile::parse(file_of(layers), "t.toml");
  const ModelFile model = read_model_file(file);
  return build_graph(model.spec, Phase::prefill(1, 0, batch));
}

std::string fault_of(const std::string& layers) {
  try {
    (void)graph_of(layers);
  } catch (const InputError& fault) {
    return fault.diagnostics().render();
  }
  return {};
}

Shape output_of(const OperatorGraph& graph) {
  return graph.tensor(graph.ops().back().outputs.front()).shape;
}

}  // namespace

TEST_CASE("a convolution's output and products follow from kernel, stride and borders") {
  const OperatorGraph padded =
      graph_of(R"({ kind = "convolution", width = 8, kernel = 3, stride = 2 })");
  CHECK(output_of(padded) == Shape{25, 8});
  CHECK(cost_of(padded, padded.ops().front()).macs == 25 * 8 * 27);
  CHECK(totals_of(padded).parameters == 8 * 27 + 8);
  CHECK(cost_of(padded, padded.ops().front()).activation_in_bytes == 81 * 3);
  const OperatorGraph bare =
      graph_of(R"({ kind = "convolution", width = 8, kernel = 3, stride = 2, padded = false })", 2);
  CHECK(output_of(bare) == Shape{2 * 16, 8});
}

TEST_CASE("a channel's own kernel counts a multiplication and an addition a tap, and its bias") {
  const OperatorGraph graph = graph_of(R"({ kind = "depthwise", kernel = 3 })");
  CHECK(output_of(graph) == Shape{81, 3});
  CHECK(cost_of(graph, graph.ops().front()).macs == 0);
  CHECK(cost_of(graph, graph.ops().front()).vector_flops == 81 * 3 * (2 * 9 + 1));
  CHECK(totals_of(graph).parameters == 3 * 9 + 3);
}

TEST_CASE("branches stand side by side, are added, and end in scores") {
  const OperatorGraph graph = graph_of(R"(
  { kind = "convolution", width = 4, name = "a" },
  { kind = "convolution", width = 6, kernel = 1, kernel_width = 3, of = ["in"] },
  { kind = "convolution", width = 6, kernel = 3, kernel_width = 1, name = "b" },
  { kind = "concat", of = ["a", "b"], name = "ab" },
  { kind = "convolution", width = 10, kernel = 3, name = "c" },
  { kind = "add", of = ["ab", "c"] },
  { kind = "pool", kernel = 3, stride = 3 },
  { kind = "mean" },
  { kind = "dense", width = 5 })");
  CHECK(output_of(graph) == Shape{1, 5});
  CHECK(totals_of(graph).parameters ==
        (4 * 3 + 4) + (6 * 9 + 6) + (6 * 18 + 6) + (10 * 90 + 10) + (5 * 10 + 5));
}

TEST_CASE("layers that do not fit are refused with what was expected") {
  CHECK_THAT(fault_of(R"({ kind = "add", of = ["in"] })"), Catch::Contains("expected two to add"));
  CHECK_THAT(fault_of(R"({ kind = "pool", kernel = 3, of = ["nobody"] })"),
             Catch::Contains("takes 'nobody'"));
  CHECK_THAT(fault_of(R"({ kind = "convolution", kernel = 3 })"),
             Catch::Contains("expected the channels"));
  CHECK_THAT(fault_of(R"({ kind = "convolution", width = 2, kernel = 11, padded = false })"),
             Catch::Contains("leaves a square image"));
  CHECK_THAT(fault_of(R"({ kind = "convulsion", width = 2 })"),
             Catch::Contains("did you mean 'convolution'?"));
  CHECK_THAT(fault_of(R"(
  { kind = "convolution", width = 2, stride = 2, name = "a" },
  { kind = "concat", of = ["a", "in"] })"),
             Catch::Contains("expected equal ones"));
}
