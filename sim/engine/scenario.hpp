// What a person asks: a model on a machine doing some work, and what to make of it. Read from
// scenarios/*.toml; every input is visible in the file and in the result.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "hw/flash/storage_system.hpp"
#include "models/graph/passes.hpp"
#include "sim/base/config.hpp"
#include "sim/base/quantity.hpp"
#include "sim/engine/claim.hpp"
#include "sim/engine/quality.hpp"
#include "sim/mapping/placement.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace joulesim::engine {

enum class FidelityLevel : std::uint8_t { analytic, train, burst };
const char* name_of(FidelityLevel level);

struct FleetWish {
  Frequency requests;       // mean rate
  double utilisation = 0;   // of the devices that are switched on
  double peak_to_mean = 1;  // devices are sized for the peak
  double pue = 1;
  CarbonIntensity grid;
  EnergyPrice price;
};

struct BatteryWish {
  std::optional<TokenRate> tokens_per_second;  // paced use; absent: as fast as it goes
};

// How weights come from the store: [storage] of a scenario.
struct StorageWish {
  enum class Policy : std::uint8_t {
    load_once,      // into memory before the first token
    stream,         // every step, through the page cache where the path has one
    pinned_layers,  // as many as the budget holds are in memory, the others stream
    neuron_window,  // feed-forward neurons that recent tokens used are kept, others are read
  };
  Policy policy = Policy::load_once;
  std::optional<hw::FilePath> path;
  int threads = 4;              // that read at the same time
  std::optional<Bytes> budget;  // of memory: page cache, or pinned weights
  std::optional<mapping::NeuronWindow> neurons;
  std::string neurons_from;  // where their shares are from
};

const char* name_of(StorageWish::Policy policy);

// Which unit runs which operators: [machine.placement] of a scenario. What is not named runs on the
// scenario's unit.
struct UnitPlacement {
  // By kind: "products", "small_products" (of few rows), "attention", "vectors".
  std::vector<std::pair<std::string, std::string>> units;
  std::int64_t small_rows = 8;
  std::optional<Time> handover;  // from one unit to another; none: as the program assumes
};

// Products on two units at once: [machine.split] of a scenario.
struct UnitSplit {
  std::string with;                // the unit beside the one that runs them
  bool rows = false;               // cut by rows instead of columns
  std::vector<std::string> kinds;  // of products, as in a placement
  std::optional<double> share;     // of the other unit; none: as large as ends both together
  std::optional<Time> handover;    // none: as the program assumes
};

struct PinnedTile {
  hw::TilePin tile;
  bool prefill = true, decode = true;  // the phases that it holds in
};

struct Scenario {
  std::string id, title, question;
  std::string path, text;

  std::string model;  // zoo name, or the path of a model file
  std::optional<std::string> weights, embedding, activations, kv_cache;
  std::optional<std::int64_t> layer_repeat;
  std::map<std::string, std::int64_t> dims;   // of an exported graph: sizes of its symbols
  std::vector<models::Transform> transforms;  // of every step's graph, in this order

  std::string device;
  std::optional<std::string> unit, runtime;
  UnitPlacement units;
  std::optional<UnitSplit> split;
  std::vector<PinnedTile> tiles;    // prescribed for products on a GPU
  std::int64_t devices = 1;         // equal ones of a node that share every layer
  bool fits = false;                // memory is taken to hold the model: somebody has run it
  std::string weights_in = "dram";  // or "flash": something streams
  StorageWish storage;
  bool display_on = false;

  std::int64_t prompt_tokens = 0, generate_tokens = 0, batch = 1;

  FidelityLevel fidelity = FidelityLevel::train;
  bool memoise = true;
  std::uint64_t seed = 1;
  std::int64_t samples = 0;  // draws from the inputs' ranges; 0: none

  std::optional<BatteryWish> battery;
  std::optional<FleetWish> fleet;
  std::optional<QualityWish> quality;
  std::optional<ClaimWish> claim;  // that this scenario is to judge

  // Places of inputs, for messages about them.
  Region model_place, transform_place, device_place, devices_place, unit_place, units_place,
      split_place, runtime_place, weights_place, workload_place, battery_place, storage_place,
      tiles_place;
};

class Library;

// A model by the path of its file, not by its name in the library.
bool is_model_file(const std::string& name);

// Throws InputError with every fault, with a library also of names that it does not have.
// `settings` are "a.b=value" from the command line, `dims` "symbol=size" there.
Scenario read_scenario(const std::string& path, const std::vector<std::string>& settings,
                       const std::vector<std::string>& dims = {}, const Library* library = nullptr);

// What the file says, without the command line and without names of the library.
void read_scenario_keys(const ConfigNode& root, Scenario& scenario);

// "symbol=size", each once. Throws InputError with every fault.
std::map<std::string, std::int64_t> parse_dims(const std::vector<std::string>& dims);

}  // namespace joulesim::engine
