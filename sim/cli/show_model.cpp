// show: a model's size, and what each operator of a step costs.
#include "sim/cli/show_model.hpp"

#include "models/arch/build_graph.hpp"
#include "models/graph/cost.hpp"
#include "models/kernels/onnx_lift.hpp"
#include "reports/terminal/text.hpp"
#include "sim/cli/show_training.hpp"
#include "sim/engine/scenario.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace joulesim::cli {
namespace {

using Json = nlohmann::ordered_json;

std::string bytes(std::int64_t n) { return format(Bytes(static_cast<double>(n))); }

void print_json(const models::ModelSpec& spec,
                const std::vector<models::PublishedAccuracy>& published,
                const models::OperatorGraph& graph, const models::GraphTotals& totals,
                const models::Phase& phase) {
  Json ops = Json::array();
  for (const models::Op& op : graph.ops()) {
    const models::OpCost cost = models::cost_of(graph, op);
    ops.push_back({{"name", op.name},
                   {"kind", models::name_of(op.kind)},
                   {"macs", cost.macs},
                   {"flops", cost.flops()},
                   {"bytes", cost.bytes()}});
  }
  Json accuracy = Json::array();
  for (const models::PublishedAccuracy& a : published) {
    accuracy.push_back({{"benchmark", a.benchmark},
                        {"shots", a.shots},
                        {"value", a.value},
                        {"weights", a.weights.empty() ? spec.formats.linear.name : a.weights},
                        {"source", a.source}});
  }
  std::cout << Json{{"model", spec.id},
                    {"parameters", totals.parameters},
                    {"weight_bytes", totals.weight_bytes},
                    {"kv_bytes_per_token", totals.kv_bytes_per_token},
                    {"batch", phase.batch},
                    {"new_tokens", phase.new_tokens},
                    {"past_tokens", phase.past},
                    {"flops_per_token", totals.cost.flops()},
                    {"accuracy", accuracy},
                    {"operators", ops}}
                   .dump(2)
            << "\n";
}

void print_accuracy(const models::ModelFile& file) {
  for (const models::PublishedAccuracy& a : file.accuracy) {
    std::cout << fmt::format("{:<20}{:.1f} %, {}-shot, of {} weights\n", a.benchmark + " ",
                             100 * a.value, a.shots,
                             a.weights.empty() ? file.spec.formats.linear.name : a.weights);
  }
}

// Whole numbers in full: a width of 11008 is not 11000.
std::string text_of(const AnyQuantity& value) {
  constexpr double kExact = 1e15;
  return value.dim == Dim{} && value.si == std::round(value.si) && std::fabs(value.si) < kExact
             ? fmt::format("{:.0f}", value.si)
             : format(value);
}

void print_operators(const models::OperatorGraph& graph) {
  std::cout << fmt::format("{:<28} {:<12} {:>14} {:>12} {:>12}\n", "operator (first block, rest)",
                           "kind", "MACs", "weights", "KV read");
  for (const models::Op& op : graph.ops()) {
    if (op.block > 0) {
      continue;
    }
    const models::OpCost cost = models::cost_of(graph, op);
    std::cout << fmt::format("{:<28} {:<12} {:>14} {:>12} {:>12}\n", op.name,
                             models::name_of(op.kind), cost.macs, bytes(cost.weight_bytes),
                             bytes(cost.kv_read_bytes));
  }
}

}  // namespace

void print_figures(const Common& common, const std::string& title,
                   const std::vector<Figure>& figures) {
  if (common.json) {
    Json list = Json::array();
    for (const Figure& f : figures) {
      Json row{{"owner", f.owner},
               {"key", f.key},
               {"value", f.value.si},
               {"unit", si_unit(f.value.dim)},
               {"text", format(f.value)}};
      if (f.low) {
        row["low"] = f.low->si;
        row["high"] = f.high->si;
      }
      if (f.source) {
        row["source"] = f.source->title;
        row["kind"] = f.source->kind;
        row["detail"] = f.source->detail;
      }
      row["place"] = f.region.where();
      list.push_back(std::move(row));
    }
    std::cout << Json{{"title", title}, {"figures", list}}.dump(2) << "\n";
    return;
  }
  std::cout << title << "\n";
  std::string owner;
  std::size_t key = 0;
  std::size_t value = 0;
  for (const Figure& f : figures) {
    key = std::max(key, f.key.size());
    value = std::max(value, reports::columns(text_of(f.value)));
  }
  for (const Figure& f : figures) {
    if (f.owner != owner) {
      owner = f.owner;
      std::cout << "\n" << owner << "\n";
    }
    const std::string text = text_of(f.value);
    const std::string pad(value - reports::columns(text), ' ');
    std::string range;
    if (f.low) {
      range = fmt::format(" [{} … {}]", text_of(*f.low), text_of(*f.high));
    }
    std::cout << fmt::format("  {:<{}}  {}{}  {}: {}{}\n", f.key, key, pad, text,
                             f.source ? f.source->kind : "", f.source ? f.source->title : "",
                             range);
  }
}

void show_model(const Common& common, const ShowArguments& arguments,
                const models::ModelFile& file) {
  const models::ModelSpec& spec = file.spec;
  if (arguments.training) {
    show_training(common, spec);
    return;
  }
  const std::int64_t context =
      std::max<std::int64_t>(1, std::min<std::int64_t>(128, spec.max_context - 1));
  const models::Phase phase = models::decode_phase(spec, context, context);
  const models::OperatorGraph graph = models::build_graph(spec, phase);
  if (arguments.dot) {
    std::cout << graph.dot();
    return;
  }
  models::GraphTotals totals = models::totals_of(graph);
  // An encoder's weights are read once per request, by no decode step.
  const models::GraphTotals whole =
      models::totals_of(models::build_graph(spec, models::whole_phase(spec)));
  totals.parameters = whole.parameters;
  totals.weight_bytes = whole.weight_bytes;
  if (common.json) {
    print_json(spec, file.accuracy, graph, totals, phase);
    return;
  }
  print_figures(common, spec.title, file.figures);
  std::cout << fmt::format(
      "\nparameters          {}\nweights             {} ({})\nKV cache per token  {}\n"
      "operations a token  {} at context {}\n\n",
      totals.parameters, bytes(totals.weight_bytes), spec.formats.linear.name,
      bytes(totals.kv_bytes_per_token), format(Flops(static_cast<double>(totals.cost.flops()))),
      context);
  if (!file.accuracy.empty()) {
    print_accuracy(file);
    std::cout << "\n";
  }
  print_operators(graph);
}

void show_exported(const Common& common, const ShowArguments& arguments) {
  namespace onnx = models::onnx;
  if (arguments.training) {
    throw InputError(
        "found --training; expected a description: an exported graph has no "
        "backward pass");
  }
  const onnx::Model model = onnx::load_model(arguments.thing);
  onnx::LiftSettings settings;
  settings.sizes = engine::parse_dims(arguments.dims);
  const models::Phase phase = onnx::natural_phase(model, settings.sizes);
  const models::OperatorGraph graph = onnx::lift(model, phase, settings);
  if (arguments.dot) {
    std::cout << graph.dot();
    return;
  }
  const models::ModelSpec spec = onnx::described(graph);
  const models::GraphTotals totals = models::totals_of(graph);
  if (common.json) {
    print_json(spec, {}, graph, totals, phase);
    return;
  }
  std::cout << fmt::format(
      "{}\n\nparameters          {}\nweights             {} ({})\nKV cache per token  {}\n"
      "layers              {}, hidden {}\noperations a step   {} for {} token{} of {} sequence{} "
      "after {}\n\n",
      spec.title, totals.parameters, bytes(totals.weight_bytes), spec.formats.linear.name,
      bytes(totals.kv_bytes_per_token), spec.stored_layers(), spec.hidden,
      format(Flops(static_cast<double>(totals.cost.flops()))), phase.new_tokens,
      phase.new_tokens == 1 ? "" : "s", phase.batch, phase.batch == 1 ? "" : "s", phase.past);
  print_operators(graph);
}

}  // namespace joulesim::cli
