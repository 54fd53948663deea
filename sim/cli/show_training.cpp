#include "sim/cli/show_training.hpp"

#include "models/arch/build_graph.hpp"
#include "models/graph/passes.hpp"
#include "models/graph/training.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/quantity.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <functional>
#include <iostream>

namespace joulesim::cli {
namespace {

struct Way {
  const char* name;
  std::function<models::OperatorGraph(const models::OperatorGraph&)> pass;
  models::TrainingOptions options;
};

}  // namespace

void show_training(const Common& common, const models::ModelSpec& spec) {
  constexpr std::int64_t kLongest = 2048;
  constexpr std::int64_t kRank = 16;
  constexpr double kScale = 2.0;
  const std::int64_t tokens = std::min(kLongest, spec.max_context);
  const models::OperatorGraph graph =
      models::build_graph(spec, {.batch = 1, .new_tokens = tokens, .past = 0, .all_logits = true});
  models::TrainingOptions frozen;
  frozen.adapters_only = true;
  const std::vector<Way> ways = {
      {"all weights", [](const models::OperatorGraph& g) { return g; }, {}},
      {"reversible blocks", models::make_reversible, {}},
      {"adapters of rank 16",
       [](const models::OperatorGraph& g) { return models::attach_lora(g, kRank, kScale); },
       frozen},
  };
  nlohmann::ordered_json json{{"model", spec.id}, {"tokens", tokens}, {"ways", {}}};
  const auto bytes = [](std::int64_t n) { return format(Bytes(static_cast<double>(n))); };
  std::string text = fmt::format(
      "{}: one step over {} tokens\n\n{:<22} {:>14} {:>14} {:>12} "
      "{:>12} {:>12}\n",
      spec.title, tokens, "", "operations", "trained", "activations", "optimiser", "memory");
  for (const Way& way : ways) {
    models::TrainingCost cost;
    try {
      cost = models::training_cost(way.pass(graph), way.options);
    } catch (const InputError& fault) {
      const std::string reason = fault.diagnostics().all().front().message;
      json["ways"].push_back({{"name", way.name}, {"refused", reason}});
      text += fmt::format("{:<22} {}\n", way.name, reason);
      continue;
    }
    json["ways"].push_back({{"name", way.name},
                            {"forward_flops", cost.forward_flops},
                            {"backward_flops", cost.backward_flops},
                            {"recompute_flops", cost.recompute_flops},
                            {"trained_parameters", cost.trained_parameters},
                            {"stored_activation_bytes", cost.stored_bytes},
                            {"working_activation_bytes", cost.working_bytes},
                            {"gradient_bytes", cost.gradient_bytes},
                            {"optimiser_bytes", cost.optimiser_bytes},
                            {"weight_bytes", cost.weight_bytes},
                            {"memory_bytes", cost.memory()}});
    text += fmt::format("{:<22} {:>14} {:>14} {:>12} {:>12} {:>12}\n", way.name,
                        format(Flops(static_cast<double>(cost.flops()))), cost.trained_parameters,
                        bytes(cost.stored_bytes + cost.working_bytes), bytes(cost.optimiser_bytes),
                        bytes(cost.memory()));
  }
  std::cout << (common.json ? json.dump(2) + "\n" : text);
}

}  // namespace joulesim::cli
