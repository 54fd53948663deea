#include "sim/engine/exported.hpp"

#include "models/graph/format.hpp"

#include <fmt/format.h>

#include <filesystem>

namespace joulesim::engine {

bool is_exported(const std::string& path) {
  return std::filesystem::path(path).extension() == ".onnx";
}

std::shared_ptr<const ExportedModel> load_exported(const Scenario& scenario,
                                                   const std::string& path) {
  Diagnostics faults;
  const auto format = [](const std::optional<std::string>& name) {
    return name ? models::find_format(*name) : std::nullopt;
  };
  auto exported = std::make_shared<ExportedModel>();
  models::onnx::LiftSettings& settings = exported->settings;
  settings.sizes = scenario.dims;
  settings.weights = format(scenario.weights);
  settings.embedding = format(scenario.embedding);
  settings.activation = format(scenario.activations);
  settings.kv_cache = format(scenario.kv_cache);
  if (settings.activation && settings.activation->element > models::Element::kBf16) {
    faults.error(scenario.model_place,
                 fmt::format("found activations in '{}'; expected fp32, fp16 or bf16: an exported "
                             "graph says itself where it quantises",
                             settings.activation->name));
  }
  if (scenario.layer_repeat) {
    faults.error(scenario.model_place,
                 "found 'layer_repeat'; expected none with an exported graph, whose layers are "
                 "what the file says");
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  exported->model = models::onnx::load_model(path);
  return exported;
}

models::ModelSpec described(const ExportedModel& exported, const Scenario& scenario) {
  const bool cached = models::onnx::has_past(exported.model);
  const models::Phase phase =
      cached ? models::Phase::decode(scenario.prompt_tokens + scenario.generate_tokens - 1,
                                     scenario.batch)
             : models::Phase::prefill(scenario.prompt_tokens, 0, scenario.batch);
  models::ModelSpec spec =
      models::onnx::described(models::onnx::lift(exported.model, phase, exported.settings));
  spec.causal = cached;
  return spec;
}

}  // namespace joulesim::engine
