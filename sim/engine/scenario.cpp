#include "sim/engine/scenario.hpp"

#include "models/graph/format.hpp"
#include "models/kernels/linear.hpp"

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

NumericsWish read_numerics(const ConfigNode& node, const std::string& scenario_path) {
  NumericsWish numerics;
  const std::filesystem::path file = node.text("file");
  numerics.file = file.is_absolute()
                      ? file.string()
                      : (std::filesystem::path(scenario_path).parent_path() / file).string();
  for (const std::int64_t token : node.integers("tokens")) {
    numerics.tokens.push_back(token);
  }
  if (node.ok() && numerics.tokens.empty()) {
    node.error("tokens", "there are no tokens; expected a list of token ids");
  }
  numerics.greedy = node.integer_if("greedy", 0, 100000).value_or(0);
  numerics.datapaths = node.texts("datapaths");
  const std::vector<std::string> known = models::datapath_names();
  for (const std::string& datapath : numerics.datapaths) {
    if (std::find(known.begin(), known.end(), datapath) == known.end()) {
      node.error("datapaths", fmt::format("unknown datapath '{}'; expected {}{}", datapath,
                                          fmt::join(known, ", "), did_you_mean(datapath, known)));
    }
  }
  if (numerics.datapaths.empty()) {
    node.error("datapaths",
               fmt::format("there is no datapath; expected some of {}", fmt::join(known, ", ")));
  }
  return numerics;
}

}  // namespace

const char* name_of(FidelityLevel level) { return kLevels.at(static_cast<std::size_t>(level)); }

Scenario read_scenario(const std::string& path, const std::vector<std::string>& settings) {
  ConfigFile file = ConfigFile::read(path);
  for (const std::string& setting : settings) {
    file.set(setting);
  }
  const ConfigNode root = file.root();
  Scenario scenario;
  scenario.path = path;
  scenario.text = file.text();
  for (const std::string& setting : settings) {
    scenario.text += "\n--set " + setting;
  }
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

  const ConfigNode machine = root.table("machine");
  scenario.device = machine.text("device");
  scenario.device_place = machine.region("device");
  scenario.unit = machine.text_if("unit");
  scenario.unit_place = machine.region("unit");
  scenario.runtime = machine.text_if("runtime");
  scenario.runtime_place = machine.region("runtime");
  scenario.weights_in = machine.text_if("weights_in").value_or("dram");
  scenario.weights_place = machine.region("weights_in");
  scenario.display_on = machine.flag_if("display_on").value_or(false);

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
  if (const auto node = root.table_if("numerics")) {
    scenario.numerics = read_numerics(*node, path);
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
  }
  file.require_ok();
  return scenario;
}

}  // namespace joulesim::engine
