#include "sim/engine/prepare.hpp"

#include "models/arch/model_file.hpp"
#include "models/import/model.hpp"
#include "sim/engine/devices.hpp"
#include "sim/engine/kernel_query.hpp"
#include "sim/engine/pinned_tiles.hpp"
#include "sim/engine/unit_groups.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

namespace joulesim::engine {
namespace {

// Runs a part of the preparation; its faults join the others.
template <class Work>
void gather(Diagnostics& faults, const Work& work) {
  try {
    work();
  } catch (const InputError& fault) {
    faults.append(fault.diagnostics());
  }
}

// Formats that a scenario names instead of the description's.
void set_formats(const Scenario& scenario, models::ModelSpec& spec) {
  if (scenario.weights) {
    models::set_linear_format(spec, *models::find_format(*scenario.weights));
  }
  if (scenario.embedding) {
    spec.formats.embedding = *models::find_format(*scenario.embedding);
    spec.formats.head = spec.formats.embedding;
    spec.format_of.erase("embedding");
    spec.format_of.erase("head");
  }
  if (scenario.activations) {
    // A float format is what passes between operators; an integer one is what linear layers read.
    const models::Format format = *models::find_format(*scenario.activations);
    spec.formats.linear_input = format;
    if (format.element <= models::Element::kBf16) {
      spec.formats.activation = format;
    }
  }
  if (scenario.kv_cache) {
    spec.formats.kv_cache = *models::find_format(*scenario.kv_cache);
  }
  if (scenario.layer_repeat) {
    spec.layer_repeat = *scenario.layer_repeat;
  }
}

void require_positions(const Scenario& scenario, const models::ModelSpec& spec) {
  if (!spec.causal && scenario.generate_tokens != 1) {
    Diagnostics diagnostics;
    diagnostics.error(scenario.workload_place,
                      fmt::format("found {} tokens to generate; expected 1: '{}' keeps no past, "
                                  "so its answer is one pass over the prompt",
                                  scenario.generate_tokens, spec.title));
    throw InputError(std::move(diagnostics));
  }
  const bool one_pass = !spec.causal;  // the answer takes no position
  const std::int64_t last = scenario.prompt_tokens + (one_pass ? 0 : scenario.generate_tokens);
  if (last > spec.max_context) {
    Diagnostics diagnostics;
    diagnostics.error(scenario.workload_place,
                      fmt::format("prompt and answer need {} positions; '{}' has {}", last,
                                  spec.title, spec.max_context));
    throw InputError(std::move(diagnostics));
  }
}

void take_model_file(const std::string& path, Prepared& prepared) {
  const models::ModelFile file = models::read_model_file(path);
  prepared.model = file.spec;
  prepared.model_figures = file.figures;
  prepared.accuracy = file.accuracy;
  prepared.files.push_back({path, fnv1a(file.text)});
}

void load_model(const Library& library, Prepared& prepared, const models::ModelSpec* given) {
  const Scenario& scenario = prepared.scenario;
  if (given != nullptr) {
    prepared.model = *given;
  } else if (const models::ZooEntry* entry = library.model(scenario.model)) {
    take_model_file(entry->path, prepared);
  } else if (is_model_file(scenario.model)) {
    const auto path =
        std::filesystem::path(scenario.path).parent_path() / std::filesystem::path(scenario.model);
    if (path.extension() == ".toml") {
      take_model_file(shown_path(path), prepared);
    } else {
      if (is_exported(path)) {
        prepared.exported = load_exported(scenario, shown_path(path));
        prepared.model = described(*prepared.exported, scenario);
      } else {
        prepared.model = models::load_model_spec(shown_path(path));
      }
      std::ifstream in(std::filesystem::is_directory(path) ? path / "config.json" : path,
                       std::ios::binary);
      std::ostringstream text;
      text << in.rdbuf();
      prepared.files.push_back({shown_path(path), fnv1a(text.str())});
    }
  } else {
    Diagnostics diagnostics;
    diagnostics.error(scenario.model_place, library.unknown_model(scenario.model));
    throw InputError(std::move(diagnostics));
  }
  if (!prepared.exported && !scenario.dims.empty()) {
    Diagnostics diagnostics;
    diagnostics.error(scenario.model_place,
                      fmt::format("found sizes of dimensions with '{}'; expected them with an "
                                  "exported graph (.onnx) alone",
                                  scenario.model));
    throw InputError(std::move(diagnostics));
  }
  models::ModelSpec& spec = prepared.model;
  prepared.file_formats = spec.formats;
  const std::int64_t repeat = spec.layer_repeat;
  if (!prepared.exported) {
    set_formats(scenario, spec);
  }
  prepared.reshaped = !scenario.transforms.empty() || spec.layer_repeat != repeat;
  require_positions(scenario, spec);
}
void load_device(const Library& library, Prepared& prepared) {
  const Scenario& scenario = prepared.scenario;
  prepared.machine = load_machine(library, scenario.device, scenario.device_place);
  Diagnostics faults;
  std::vector<std::string> names;
  for (const MachineUnit& unit : prepared.machine.units) {
    names.push_back(unit.name);
  }
  const std::string wanted = scenario.unit.value_or(names.front());
  prepared.unit = prepared.machine.unit(wanted);
  if (prepared.unit == nullptr) {
    faults.error(scenario.unit_place,
                 fmt::format("'{}' has no unit '{}'; expected {}{}", prepared.machine.title, wanted,
                             fmt::join(names, ", "), did_you_mean(wanted, names)));
    throw InputError(std::move(faults));
  }
  prepared.runtime = load_runtime(
      library, scenario.runtime.value_or(prepared.unit->default_runtime), scenario.runtime_place);
  if (!scenario.units.units.empty() || scenario.split) {
    form_group(library, prepared);
  }
}

// Where no unit of the machine has a float type, the integers that a scenario names for activations
// pass between operators as well, and through attention.
void keep_to_integers(Prepared& prepared) {
  const std::optional<std::string>& wish = prepared.scenario.activations;
  if (!wish || models::find_format(*wish)->element != models::Element::kInt8) {
    return;
  }
  for (const MachineUnit& unit : prepared.machine.units) {
    for (const hw::DataType type : unit.unit->types()) {
      if (type == hw::DataType::fp16 || type == hw::DataType::bf16 || type == hw::DataType::fp32) {
        return;
      }
    }
  }
  models::ModelSpec& spec = prepared.model;
  spec.formats.activation = *models::find_format(*wish);
  if (!prepared.scenario.kv_cache) {
    spec.formats.kv_cache = spec.formats.activation;
  }
}

std::vector<mapping::MemoryTier> tiers_of(const Machine& machine, bool fits) {
  // Twice the memory for what is known to have run: the share left to a model is a guess.
  constexpr double kTwice = 2;
  std::vector<mapping::MemoryTier> tiers;
  tiers.push_back({"dram", machine.dram.name, machine.capacity.value,
                   (fits ? kTwice : machine.usable_share.value) * machine.capacity.value, true});
  if (machine.storage) {
    tiers.push_back({"flash", machine.storage->name, machine.storage->capacity.value,
                     machine.storage->capacity.value, false});
  }
  return tiers;
}

constexpr std::size_t kFlashTier = 1;

mapping::PlacementWish placement_wish(const Scenario& scenario) {
  const StorageWish& storage = scenario.storage;
  mapping::PlacementWish wish;
  wish.weights = scenario.weights_in;
  wish.window = storage.neurons;
  if (storage.policy == StorageWish::Policy::pinned_layers) {
    wish.pinned = *storage.budget;
  }
  const bool page_cache = storage.policy == StorageWish::Policy::stream && storage.path &&
                          *storage.path != hw::FilePath::direct;
  if (page_cache) {
    wish.file_cache = storage.budget;
    wish.file_cache_takes_rest = !storage.budget;
  }
  return wish;
}

// What reads the file while tokens are made, and before.
void set_file_uses(Prepared& prepared) {
  const Scenario& scenario = prepared.scenario;
  const Machine& machine = prepared.machine;
  if (!machine.storage || !machine.storage_system) {
    if (scenario.weights_in == "flash") {
      Diagnostics faults;
      faults.error(scenario.storage_place,
                   fmt::format("'{}' says nothing about how its operating system reads files; "
                               "expected 'system' in the device's [storage]",
                               machine.title));
      throw InputError(std::move(faults));
    }
    return;
  }
  const StorageWish& storage = scenario.storage;
  FileUse use;
  use.threads = storage.threads;
  const mapping::TierUse& memory = prepared.placement.use.front();
  const mapping::TierUse& store = prepared.placement.use[kFlashTier];
  if (store.weights > Bytes(0)) {
    use.path = storage.path.value_or(hw::FilePath::direct);
    use.file_bytes = static_cast<std::uint64_t>(store.weights.si());
    for (const auto& [name, place] : prepared.placement.storages) {
      if (place.tier == static_cast<int>(kFlashTier)) {
        use.file_bytes = std::max(use.file_bytes, place.base + place.bytes);
      }
    }
    use.page_cache = memory.file_cache;
    prepared.file = use;
  }
  if (memory.weights > Bytes(0)) {
    use.path = storage.path.value_or(hw::FilePath::read);
    use.file_bytes = static_cast<std::uint64_t>(memory.weights.si());
    use.page_cache = Bytes(0);
    prepared.load = use;
  }
}

// Contexts at which decode is simulated; between them every counter is nearly straight.
std::vector<std::int64_t> contexts_of(std::int64_t first, std::int64_t tokens) {
  const std::int64_t last = first + tokens - 1;
  std::vector<std::int64_t> contexts{first};
  if (tokens > 2) {
    contexts.push_back((first + last) / 2);
  }
  if (tokens > 1) {
    contexts.push_back(last);
  }
  return contexts;
}

std::vector<double> weights_of(const std::vector<std::int64_t>& contexts, std::int64_t tokens) {
  std::vector<double> weights(contexts.size(), 0);
  if (contexts.size() == 1) {
    weights[0] = static_cast<double>(tokens);
    return weights;
  }
  for (std::int64_t position = contexts.front(); position < contexts.front() + tokens; ++position) {
    std::size_t k = 0;
    while (k + 2 < contexts.size() && position > contexts[k + 1]) {
      ++k;
    }
    const double share = static_cast<double>(position - contexts[k]) /
                         static_cast<double>(contexts[k + 1] - contexts[k]);
    weights[k] += 1 - share;
    weights[k + 1] += share;
  }
  return weights;
}

}  // namespace

models::OperatorGraph graph_of(const Prepared& prepared, const models::Phase& phase) {
  const models::OperatorGraph graph =
      prepared.exported
          ? models::onnx::lift(prepared.exported->model, phase, prepared.exported->settings)
          : models::build_graph(prepared.model, phase);
  if (prepared.scenario.transforms.empty()) {
    return graph;
  }
  try {
    return models::apply(graph, prepared.scenario.transforms);
  } catch (const InputError& fault) {
    Diagnostics diagnostics;
    for (const Diagnostic& diagnostic : fault.diagnostics().all()) {
      diagnostics.error(prepared.scenario.transform_place, diagnostic.message);
    }
    throw InputError(std::move(diagnostics));
  }
}

mapping::StepPlan replan(const Prepared& prepared, const PlannedStep& step, std::int64_t batch,
                         const Machine& machine, const hw::ComputeUnit& unit,
                         const hw::RuntimeSpec& runtime) {
  models::Phase phase = step.phase;
  phase.batch = batch;
  const models::OperatorGraph graph = graph_of(prepared, phase);
  return mapping::plan_step(graph, prepared.placement, unit,
                            with_pins(prepared.scenario, runtime, step.context == 0),
                            prepared.scenario.unit_place, memory_view(machine));
}

namespace {

std::unique_ptr<Prepared> prepare_all(const Library& library, const Scenario& scenario,
                                      const models::ModelSpec* model) {
  auto prepared = std::make_unique<Prepared>();
  prepared->scenario = scenario;
  prepared->files.push_back({scenario.path, fnv1a(scenario.text)});
  Diagnostics faults;
  gather(faults, [&] { load_model(library, *prepared, model); });
  gather(faults, [&] { load_device(library, *prepared); });
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  keep_to_integers(*prepared);
  Machine& machine = prepared->machine;
  (void)machine.dram.require_energy();
  if (scenario.battery && !machine.battery) {
    faults.error(scenario.battery_place,
                 fmt::format("'{}' has no battery; expected a device with one", machine.title));
    throw InputError(std::move(faults));
  }
  prepared->files.insert(prepared->files.end(), machine.files.begin(), machine.files.end());
  prepared->files.push_back(prepared->runtime.file);
  for (DigestedFile& file : prepared->files) {
    file.path = library.stored_name(file.path);
  }
  for (const LoadedPlugin& plugin : machine.plugins) {
    prepared->files.push_back({std::filesystem::path(plugin.path).filename(), plugin.fnv1a});
  }
  prepared->tiers = tiers_of(machine, scenario.fits);
  const models::ModelSpec whole = prepared->model;
  if (scenario.devices > 1) {
    share_out(*prepared);
  }

  const std::int64_t positions = scenario.prompt_tokens + scenario.generate_tokens;
  const models::ModelSpec& spec = prepared->model;
  const auto decode_at = [&](std::int64_t context) {
    return models::decode_phase(spec, scenario.prompt_tokens, context, scenario.batch);
  };
  const models::Phase prefill_phase = models::prefill_phase(spec, scenario.prompt_tokens);
  const models::OperatorGraph prefill = graph_of(*prepared, prefill_phase);
  const models::OperatorGraph last = graph_of(*prepared, decode_at(positions - 1));
  prepared->placement = mapping::place(last, prefill, positions, prepared->tiers,
                                       placement_wish(scenario), scenario.storage_place);
  set_file_uses(*prepared);

  // Operators that the unit lacks run on another one of the machine, where there is any that has
  // them; else the refusals stand.
  if (scenario.units.units.empty() && !scenario.split && machine.units.size() > 1) {
    try {
      for (const auto& graph : {&prefill, &last}) {
        (void)mapping::plan_step(*graph, prepared->placement, *prepared->unit->unit,
                                 prepared->runtime.spec, scenario.unit_place);
      }
    } catch (const InputError&) {
      form_group(library, *prepared);
    }
  }
  const hw::ComputeUnit& unit = *prepared->unit->unit;
  const hw::RuntimeSpec& runtime = prepared->runtime.spec;
  const auto plan = [&](const models::OperatorGraph& graph, const models::Phase& phase,
                        std::string name, std::int64_t context) {
    PlannedStep step;
    step.phase = phase;
    step.name = std::move(name);
    step.context = context;
    step.totals = models::totals_of(graph);
    step.plan = at_place(scenario, [&] {
      return mapping::plan_step(graph, prepared->placement, unit,
                                with_pins(scenario, runtime, context == 0), scenario.unit_place,
                                memory_view(prepared->machine));
    });
    return step;
  };
  prepared->prefill =
      plan(prefill, prefill_phase, fmt::format("prefill of {}", scenario.prompt_tokens), 0);
  prepared->prefill.new_tokens = scenario.prompt_tokens;
  const std::vector<std::int64_t> contexts =
      contexts_of(scenario.prompt_tokens, scenario.generate_tokens);
  for (const std::int64_t context : contexts) {
    const models::Phase phase = decode_at(context);
    prepared->decode.push_back(
        plan(graph_of(*prepared, phase), phase, fmt::format("decode at {}", context), context));
  }
  check_pins(*prepared);
  // An encoder's weights are the model's too, though no decode step reads them.
  for (PlannedStep& step : prepared->decode) {
    step.totals.parameters = prepared->prefill.totals.parameters;
    step.totals.weight_bytes = prepared->prefill.totals.weight_bytes;
  }
  prepared->decode_weight = weights_of(contexts, scenario.generate_tokens);
  prepared->whole = prepared->decode.back().totals;
  if (scenario.devices > 1) {
    prepared->whole = models::totals_of(models::build_graph(whole, prepared->decode.back().phase));
  }
  return prepared;
}

}  // namespace

std::unique_ptr<Prepared> prepare(const Library& library, const Scenario& scenario) {
  return prepare_all(library, scenario, nullptr);
}

std::unique_ptr<Prepared> prepare(const Library& library, const Scenario& scenario,
                                  const models::ModelSpec& model) {
  return prepare_all(library, scenario, &model);
}

}  // namespace joulesim::engine
