// A vendor's export against the same model described by its dimensions: operators and their costs.
#include "models/arch/build_graph.hpp"
#include "models/graph/cost.hpp"
#include "models/import/model.hpp"
#include "models/import/onnx_model.hpp"
#include "models/kernels/onnx_lift.hpp"
#include "tests/material.hpp"

#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <map>

using namespace joulesim::models;
namespace fs = std::filesystem;

namespace {

using joulesim::material::absent;

const fs::path kModels = fs::path(JOULESIM_DATA_DIR) / "models";

struct Sum {
  int operators = 0;
  std::int64_t macs = 0;
  std::int64_t weight_bytes = 0;
  friend bool operator==(const Sum&, const Sum&) = default;
};

std::map<OpKind, Sum> sums_of(const OperatorGraph& graph) {
  std::map<OpKind, Sum> sums;
  for (const Op& op : graph.ops()) {
    if (op.kind == OpKind::kGeneric) {
      continue;  // positions and masks, which a description does not spell out
    }
    const OpCost cost = cost_of(graph, op);
    Sum& sum = sums[op.kind];
    ++sum.operators;
    sum.macs += cost.macs;
    sum.weight_bytes += cost.weight_bytes;
  }
  return sums;
}

std::int64_t generic_flops(const OperatorGraph& graph) {
  std::int64_t flops = 0;
  for (const Op& op : graph.ops()) {
    flops += op.kind == OpKind::kGeneric ? cost_of(graph, op).flops() : 0;
  }
  return flops;
}

}  // namespace

TEST_CASE("an exported llama costs what its description costs, operator kind by operator kind") {
  const fs::path export_path = kModels / "onnx" / "stories260K_with_past.onnx";
  if (absent(export_path)) {
    return;
  }
  const onnx::Model model = onnx::load_model(export_path.string());
  const Model described = load_model((kModels / "gguf" / "stories260K-F32.gguf").string());
  for (const Phase& phase : {Phase{1, 10, 0, true}, Phase{1, 1, 64, true}, Phase{3, 1, 17, true}}) {
    INFO("batch " << phase.batch << ", new " << phase.new_tokens << ", past " << phase.past);
    const OperatorGraph lifted = onnx::lift(model, phase);
    const OperatorGraph expected = build_graph(described.spec, phase);
    const auto found_sums = sums_of(lifted);
    for (const auto& [kind, sum] : sums_of(expected)) {
      INFO(name_of(kind));
      REQUIRE(found_sums.contains(kind));
      CHECK(found_sums.at(kind).operators == sum.operators);
      CHECK(found_sums.at(kind).macs == sum.macs);
      CHECK(found_sums.at(kind).weight_bytes == sum.weight_bytes);
    }
    CHECK(lifted.blocks().size() == expected.blocks().size());
    const auto total = static_cast<double>(totals_of(expected).cost.flops());
    const auto found = static_cast<double>(totals_of(lifted).cost.flops() - generic_flops(lifted));
    CHECK(found == Approx(total).epsilon(0.001));
    CHECK(static_cast<double>(totals_of(lifted).cost.flops()) == Approx(total).epsilon(0.02));
    CHECK(totals_of(lifted).kv_bytes_per_token == totals_of(expected).kv_bytes_per_token);
  }
}

TEST_CASE("other exports lift: their attentions and norms are found") {
  struct Case {
    const char* file;
    std::size_t attentions;
    std::size_t norms;
  };
  for (const auto& [file, attentions, norms] :
       {Case{"bert_toy_optimized.onnx", 5, 12}, Case{"gpt2_megatron.onnx", 1, 3},
        Case{"gpt2_past.onnx", 12, 25}, Case{"bert_tiny_sst2_encoder.onnx", 2, 4},
        Case{"stories260K_with_past_dynq8.onnx", 5, 11},
        Case{"ch_PP-OCRv4_rec_infer.onnx", 2, 5}}) {
    const fs::path path = kModels / "onnx" / file;
    if (absent(path)) {
      return;
    }
    INFO(file);
    const onnx::Model model = onnx::load_model(path.string());
    onnx::LiftSettings settings;
    for (const onnx::ValueInfo& input : model.graph.inputs) {
      if (input.shape.size() == 4 && !input.shape[3].value && input.name == "x") {
        settings.sizes = {{input.shape[0].symbol, 1}, {input.shape[3].symbol, 256}};
        if (!input.shape[2].value) {
          settings.sizes[input.shape[2].symbol] = 48;
        }
      }
    }
    const OperatorGraph graph =
        onnx::lift(model, onnx::natural_phase(model, settings.sizes), settings);
    std::map<OpKind, std::size_t> kinds;
    for (const Op& op : graph.ops()) {
      ++kinds[op.kind];
    }
    CHECK(kinds[OpKind::kAttention] == attentions);
    CHECK(kinds[OpKind::kLayerNorm] + kinds[OpKind::kRmsNorm] == norms);
  }
}
