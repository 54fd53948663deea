// prune: a model file without some of its heads, neurons, channels or layers.
#include "models/transform/prune.hpp"

#include "models/kernels/evaluate.hpp"
#include "models/kernels/quality.hpp"
#include "reports/result/files.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/quantity.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/model_file.hpp"
#include "sim/cli/text_source.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <iostream>

namespace joulesim::cli {
namespace {

std::int64_t parameters_of(const models::Model& model) {
  std::int64_t count = 0;
  for (const auto& [name, weight] : model.weights) {
    count += weight.shape.elements();
  }
  return count;
}

}  // namespace

int prune(const Common& common, const PruneArguments& arguments) {
  const models::Model model = load_for_text(arguments.model, arguments.text);
  const Text calibration =
      text_of(model, arguments.text.calibration, arguments.text, arguments.text.seed);
  const Text text = text_of(model, arguments.text.text, arguments.text, arguments.text.seed + 1);
  const models::Pruned pruned = models::prune(
      model, {arguments.heads, arguments.neurons, arguments.channels, arguments.layers},
      calibration.windows);
  const auto unit = models::make_unit({});
  const auto reference = models::logits_of(model, *unit, text.windows);
  const models::Judgement before = models::judge(text.windows, reference, reference);
  const models::Judgement after =
      models::judge(text.windows, reference, models::logits_of(pruned.small, *unit, text.windows));
  write_model(pruned.small, arguments.out);
  if (common.json) {
    std::cout << nlohmann::ordered_json{{"model", arguments.model},
                                        {"out", arguments.out},
                                        {"parameters_before", parameters_of(model)},
                                        {"parameters", parameters_of(pruned.small)},
                                        {"calibration", calibration.description},
                                        {"text", text.description},
                                        {"perplexity_before", before.perplexity},
                                        {"numerics.perplexity", after.perplexity},
                                        {"numerics.kl_divergence", after.kl_divergence},
                                        {"numerics.top1_agreement", after.top1_agreement}}
                     .dump(2)
              << "\n";
    return 0;
  }
  std::cout << fmt::format(
      "{}: {} parameters instead of {}\nperplexity {:.4g} instead of {:.4g}, KL divergence {:.3g} "
      "nats, top-1 agreement {:.1f} % on {}\n",
      arguments.out, parameters_of(pruned.small), parameters_of(model), after.perplexity,
      before.perplexity, after.kl_divergence, 100 * after.top1_agreement, text.description);
  return 0;
}

}  // namespace joulesim::cli
