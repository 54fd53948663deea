#include "sim/engine/scenario.hpp"

#include "hw/component/unit_group.hpp"
#include "models/graph/format.hpp"
#include "models/kernels/linear.hpp"
#include "sim/engine/library.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

namespace joulesim::engine {
namespace {

constexpr std::array<const char*, 3> kLevels = {"analytic", "train", "burst"};

std::optional<std::string> format_if(const ConfigNode& node, const std::string& key) {
  auto name = node.text_if(key);
  if (name && !models::find_format(*name)) {
    node.error(key, fmt::format("unknown number format '{}'; expected one of {}{}", *name,
                                fmt::join(models::format_names(), ", "),
                                did_you_mean(*name, models::format_names())));
    return std::nullopt;
  }
  return name;
}

bool has_weights(const std::string& model) {
  const std::filesystem::path path(model);
  return path.extension() == ".gguf" || path.extension() == ".bin" ||
         path.extension() == ".safetensors";
}

std::vector<models::Transform> read_transforms(const ConfigNode& node) {
  std::vector<models::Transform> transforms;
  for (const std::string& text : node.texts("transform")) {
    try {
      transforms.push_back(models::parse_transform(text));
    } catch (const InputError& fault) {
      for (const Diagnostic& diagnostic : fault.diagnostics().all()) {
        node.error("transform", diagnostic.message);
      }
    }
  }
  return transforms;
}

FleetWish read_fleet(const ConfigNode& node) {
  FleetWish fleet;
  fleet.requests = node.quantity<Frequency>("requests");
  fleet.utilisation = node.number("utilisation", 0.001, 1);
  fleet.peak_to_mean = node.number("peak_to_mean", 1, 1000);
  fleet.pue = node.number("pue", 1, 10);
  fleet.grid = node.quantity<CarbonIntensity>("grid");
  fleet.price = node.quantity<EnergyPrice>("electricity_price");
  return fleet;
}

const std::vector<std::string>& policy_names() {
  static const std::vector<std::string> names = {"load_once", "stream", "pinned_layers",
                                                 "neuron_window"};
  return names;
}

void read_neurons(const ConfigNode& node, StorageWish& wish) {
  mapping::NeuronWindow window;
  window.active = node.number("active", 0.0001, 1);
  window.kept = node.number("kept", 0, 1);
  window.fresh = node.number("fresh", 0, 1);
  window.bundled = node.flag_if("bundled").value_or(true);
  wish.neurons_from = node.text("source");
  if (node.ok() && window.fresh > window.active) {
    node.error("fresh", fmt::format("'fresh' is {}, and 'active' only {}; expected a part of the "
                                    "neurons that a token uses",
                                    window.fresh, window.active));
  }
  if (node.ok() && window.active - window.fresh > window.kept) {
    node.error("kept", fmt::format("'kept' is {}; expected at least the {:.4g} of the neurons that "
                                   "a token uses and does not read",
                                   window.kept, window.active - window.fresh));
  }
  wish.neurons = window;
}

// `in_flash`: what [machine] says about where weights live.
StorageWish read_storage(const ConfigNode& node, const ConfigNode& machine,
                         const std::optional<std::string>& weights_in) {
  using Policy = StorageWish::Policy;
  StorageWish wish;
  const std::string policy = node.choice("policy", policy_names());
  for (std::size_t i = 0; i < policy_names().size(); ++i) {
    wish.policy = policy == policy_names()[i] ? static_cast<Policy>(i) : wish.policy;
  }
  if (const auto path = node.choice_if("path", {"direct", "read", "mmap"})) {
    wish.path = *path == "direct" ? hw::FilePath::direct
                : *path == "read" ? hw::FilePath::read
                                  : hw::FilePath::mmap;
  }
  wish.threads = static_cast<int>(node.integer_if("threads", 1, 256).value_or(wish.threads));
  wish.budget = node.quantity_if<Bytes>("budget");
  if (const auto neurons = node.table_if("neurons")) {
    read_neurons(*neurons, wish);
  }
  if (node.ok() && wish.policy == Policy::neuron_window && !wish.neurons) {
    node.error("policy",
               "'neuron_window' needs a table [storage.neurons] with 'active', 'kept', "
               "'fresh' and their 'source'");
  }
  if (node.ok() && wish.policy != Policy::neuron_window && wish.neurons) {
    node.error("neurons",
               fmt::format("policy '{}' keeps no neurons; expected 'neuron_window'", policy));
  }
  if (node.ok() && wish.policy == Policy::pinned_layers && !wish.budget) {
    node.error("policy", "'pinned_layers' needs a 'budget', such as \"1.5 GB\"");
  }
  const bool caches =
      wish.policy == Policy::pinned_layers ||
      (wish.policy == Policy::stream && wish.path && *wish.path != hw::FilePath::direct);
  if (node.ok() && wish.budget && !caches) {
    node.error("budget",
               "nothing is kept under this policy and path; expected 'pinned_layers', or "
               "'stream' by 'read' or 'mmap'");
  }
  const bool streams = wish.policy != Policy::load_once;
  if (node.ok() && weights_in && (*weights_in == "flash") != streams) {
    machine.error("weights_in",
                  fmt::format("found '{}' beside the storage policy '{}'; expected '{}'",
                              *weights_in, policy, streams ? "flash" : "dram"));
  }
  return wish;
}

UnitSplit read_split(const ConfigNode& node) {
  UnitSplit split;
  split.with = node.text("with");
  split.rows = node.choice_if("by", {"columns", "rows"}).value_or("columns") == "rows";
  const std::vector<std::string> kinds{std::string(hw::name_of(hw::PlacedKind::product)),
                                       std::string(hw::name_of(hw::PlacedKind::small_product))};
  for (const std::string& kind : node.texts("kinds")) {
    if (std::find(kinds.begin(), kinds.end(), kind) == kinds.end()) {
      node.error("kinds", fmt::format("found '{}'; expected {}{}", kind, fmt::join(kinds, ", "),
                                      did_you_mean(kind, kinds)));
    }
    split.kinds.push_back(kind);
  }
  if (split.kinds.empty()) {
    split.kinds = kinds;
  }
  constexpr double kLeast = 0.001;
  split.share = node.number_if("share", kLeast, 1 - kLeast);
  split.handover = node.quantity_if<Time>("handover");
  return split;
}

}  // namespace

const char* name_of(StorageWish::Policy policy) {
  return policy_names().at(static_cast<std::size_t>(policy)).c_str();
}

const char* name_of(FidelityLevel level) { return kLevels.at(static_cast<std::size_t>(level)); }

std::map<std::string, std::int64_t> parse_dims(const std::vector<std::string>& dims) {
  std::map<std::string, std::int64_t> sizes;
  Diagnostics faults;
  for (const std::string& text : dims) {
    const std::size_t at = text.rfind('=');
    const std::string digits = at == std::string::npos ? "" : text.substr(at + 1);
    constexpr std::size_t kMostDigits = 12;
    const bool whole = !digits.empty() && digits.size() <= kMostDigits &&
                       digits.find_first_not_of("0123456789") == std::string::npos;
    if (at == 0 || !whole) {
      faults.error("--dim", fmt::format("found '{}'; expected NAME=SIZE", text));
    } else if (!sizes.emplace(text.substr(0, at), std::stoll(digits)).second) {
      faults.error("--dim",
                   fmt::format("found '{}' twice; expected each name once", text.substr(0, at)));
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return sizes;
}

bool is_model_file(const std::string& name) {
  return name.ends_with(".gguf") || name.ends_with(".bin") || name.ends_with(".safetensors") ||
         name.ends_with(".onnx") || name.ends_with(".toml") || name.ends_with(".json") ||
         name.find('/') != std::string::npos;
}

Scenario read_scenario(const std::string& path, const std::vector<std::string>& settings,
                       const std::vector<std::string>& dims, const Library* library) {
  ConfigFile file = ConfigFile::read(path);
  for (const std::string& setting : settings) {
    file.set(setting);
  }
  Scenario scenario;
  scenario.path = path;
  scenario.text = file.text();
  for (const std::string& setting : settings) {
    scenario.text += "\n--set " + setting;
  }
  for (const std::string& dim : dims) {
    scenario.text += "\n--dim " + dim;
  }
  const ConfigNode root = file.root();
  read_scenario_keys(root, scenario);
  for (const auto& [symbol, size] : parse_dims(dims)) {
    scenario.dims[symbol] = size;
  }
  if (library != nullptr) {
    // Names too, so that one run shows all faults.
    if (!scenario.model.empty() && library->model(scenario.model) == nullptr &&
        !is_model_file(scenario.model)) {
      root.table("model").error("use", library->unknown_model(scenario.model));
    }
    if (!scenario.device.empty() &&
        !library->device_path(scenario.device, scenario.device_place.file->path)) {
      root.table("machine").error("device", library->unknown_device(scenario.device));
    }
  }
  file.require_ok();
  return scenario;
}

void read_scenario_keys(const ConfigNode& root, Scenario& scenario) {
  scenario.id = root.text("scenario");
  scenario.title = root.text("title");
  scenario.question = root.text("question");
  const bool plain = !scenario.id.empty() &&
                     scenario.id.find_first_not_of(
                         "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") ==
                         std::string::npos &&
                     scenario.id.front() != '.';
  if (root.has("scenario") && !plain) {
    root.error("scenario", fmt::format("found the name '{}'; expected letters, digits, '_', '-' "
                                       "and '.', because results are stored under it",
                                       scenario.id));
  }

  const ConfigNode model = root.table("model");
  scenario.model = model.text("use");
  scenario.model_place = model.region("use");
  scenario.weights = format_if(model, "weights");
  scenario.embedding = format_if(model, "embedding");
  scenario.activations = format_if(model, "activations");
  scenario.kv_cache = format_if(model, "kv_cache");
  scenario.layer_repeat = model.integer_if("layer_repeat", 1, 64);
  if (const auto table = model.table_if("dims")) {
    for (const std::string& symbol : table->keys()) {
      constexpr std::int64_t kMost = std::int64_t{1} << 40;
      scenario.dims[symbol] = table->integer(symbol, 0, kMost);
    }
  }
  scenario.transforms = read_transforms(model);
  scenario.transform_place = model.region("transform");

  const ConfigNode machine = root.table("machine");
  scenario.device = machine.text("device");
  scenario.device_place = machine.region("device");
  constexpr std::int64_t kMostDevices = 64;
  scenario.devices = machine.integer_if("devices", 1, kMostDevices).value_or(1);
  scenario.devices_place = machine.region("devices");
  scenario.unit = machine.text_if("unit");
  scenario.unit_place = machine.region("unit");
  scenario.runtime = machine.text_if("runtime");
  scenario.runtime_place = machine.region("runtime");
  const std::optional<std::string> weights_in = machine.text_if("weights_in");
  scenario.weights_in = weights_in.value_or("dram");
  scenario.weights_place = machine.region("weights_in");
  scenario.display_on = machine.flag_if("display_on").value_or(false);
  if (const auto placed = machine.table_if("placement")) {
    for (int i = 0; i < hw::kPlacedKinds; ++i) {
      const std::string kind(hw::name_of(static_cast<hw::PlacedKind>(i)));
      if (const auto unit = placed->text_if(kind)) {
        scenario.units.units.emplace_back(kind, *unit);
      }
    }
    constexpr std::int64_t kMostRows = 1 << 20;
    scenario.units.small_rows =
        placed->integer_if("small_rows", 1, kMostRows).value_or(scenario.units.small_rows);
    scenario.units.handover = placed->quantity_if<Time>("handover");
    scenario.units_place = placed->region();
  }

  if (const auto split = machine.table_if("split")) {
    scenario.split = read_split(*split);
    scenario.split_place = split->region();
  }

  constexpr std::int64_t kLargestTile = 1024;
  constexpr std::int64_t kMostStages = 32;
  for (const ConfigNode& tile : machine.tables("tile")) {
    const auto small = [](const std::optional<std::int64_t>& v) {
      return v ? std::optional<int>(static_cast<int>(*v)) : std::nullopt;
    };
    PinnedTile pinned;
    hw::TilePin& pin = pinned.tile;
    pin.label = tile.text("operator");
    pin.rows = static_cast<int>(tile.integer("rows", 1, kLargestTile));
    pin.columns = static_cast<int>(tile.integer("columns", 1, kLargestTile));
    pin.stages = small(tile.integer_if("stages", 1, kMostStages));
    pin.split = small(tile.integer_if("split", 1, kMostStages));
    if (const auto phase = tile.choice_if("phase", {"prefill", "decode"})) {
      pinned.prefill = *phase == "prefill";
      pinned.decode = *phase == "decode";
    }
    scenario.tiles.push_back(std::move(pinned));
    scenario.tiles_place = tile.region();
  }

  scenario.storage_place = scenario.weights_place;
  if (const auto node = root.table_if("storage")) {
    scenario.storage = read_storage(*node, machine, weights_in);
    scenario.storage_place = node->region();
    if (scenario.storage.policy != StorageWish::Policy::load_once) {
      scenario.weights_in = "flash";
    }
  } else if (scenario.weights_in == "flash") {
    scenario.storage.policy = StorageWish::Policy::stream;
  }

  const ConfigNode workload = root.table("workload");
  constexpr std::int64_t kLongest = 1 << 24;
  scenario.prompt_tokens = workload.integer("prompt_tokens", 1, kLongest);
  scenario.generate_tokens = workload.integer("generate_tokens", 1, kLongest);
  scenario.batch = workload.integer_if("batch", 1, 65536).value_or(1);
  scenario.workload_place = workload.region();

  if (const auto node = root.table_if("battery")) {
    BatteryWish battery;
    battery.tokens_per_second = node->quantity_if<TokenRate>("tokens_per_second");
    scenario.battery = battery;
    scenario.battery_place = node->region();
  }
  if (const auto node = root.table_if("fleet")) {
    scenario.fleet = read_fleet(*node);
  }
  // `numerics` is the section's older name.
  for (const char* section : {"quality", "numerics"}) {
    if (const auto node = root.table_if(section)) {
      scenario.quality =
          read_quality(*node, scenario.path, has_weights(scenario.model) ? scenario.model : "");
    }
  }
  if (const auto node = root.table_if("claim")) {
    scenario.claim = read_claim(*node);
  }
  if (const auto node = root.table_if("engine")) {
    const std::vector<std::string> names(kLevels.begin(), kLevels.end());
    if (const auto level = node->choice_if("fidelity", names)) {
      for (std::size_t i = 0; i < names.size(); ++i) {
        if (names[i] == *level) {
          scenario.fidelity = static_cast<FidelityLevel>(i);
        }
      }
    }
    scenario.memoise = node->choice_if("blocks", {"memo", "all"}).value_or("memo") == "memo";
    scenario.seed = static_cast<std::uint64_t>(node->integer_if("seed").value_or(1));
    scenario.samples = node->integer_if("samples", 100, 1'000'000).value_or(0);
  }
}

}  // namespace joulesim::engine
