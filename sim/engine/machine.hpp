// A whole device, resolved: parts by name plus what only the device knows (hw/device/*.toml).
#pragma once

#include "hw/battery/battery.hpp"
#include "hw/component/compute_unit.hpp"
#include "hw/display/display.hpp"
#include "hw/dram/part.hpp"
#include "hw/flash/flash.hpp"
#include "hw/flash/storage_system.hpp"
#include "hw/link/link.hpp"
#include "hw/power/power.hpp"
#include "hw/sram/sram.hpp"
#include "sim/engine/library.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct DigestedFile {
  std::string path;
  std::string fnv1a;
};

struct MachineUnit {
  std::string name;  // "npu", "gpu", "cpu"
  std::shared_ptr<const hw::ComputeUnit> unit;
  std::string rail;
  std::string default_runtime;
};

struct MachineLink {
  std::string name;
  std::string rail;
  hw::LinkSpec spec;
};

struct Machine {
  std::string id, title, kind;
  std::vector<std::string> aliases;

  hw::DramPart dram;
  std::int64_t channels = 0;
  std::int64_t interleave = 256;  // bytes
  Sourced<Bytes> capacity;
  Sourced<double> usable_share;
  std::optional<Sourced<Bandwidth>> stated_bandwidth;
  std::string memory_rail;

  std::optional<hw::SramSpec> cache;
  std::string cache_rail;
  std::map<std::string, int> cache_ways;  // by unit: how many it may fill; absent: all
  std::optional<hw::FlashSpec> storage;
  std::string storage_rail;
  std::optional<hw::StorageSystemSpec> storage_system;  // what the operating system charges
  std::vector<MachineUnit> units;
  std::optional<hw::DisplaySpec> display;
  std::string display_rail;
  std::optional<hw::BatterySpec> battery;
  std::optional<hw::SupplySpec> supply;
  std::optional<hw::BaseLoadSpec> rest;
  std::string rest_rail;               // empty: behind the wall supply only
  Sourced<double> rest_share;          // of the base load that belongs to this device
  Sourced<double> rest_activity;       // between its idle and busy power while the device works
  std::optional<hw::SupplySpec> wall;  // from the socket to all of the above
  std::vector<MachineLink> links;

  std::vector<Figure> figures;
  std::vector<DigestedFile> files;
  std::vector<LoadedPlugin> plugins;  // whose kinds its parts are of
  Diagnostics warnings;               // of the device file and its parts

  [[nodiscard]] Bandwidth peak_bandwidth() const {
    return dram.peak.value * static_cast<double>(channels);
  }
  void add_plugin(const LoadedPlugin& plugin);  // once
  [[nodiscard]] const MachineUnit* unit(const std::string& name) const;
  // What a unit may fill of the cache.
  [[nodiscard]] hw::CacheClient cache_client(const std::string& unit) const;
};

// Throws InputError with every fault of the device file and of all its parts.
Machine load_machine(const Library& library, const std::string& name, const Region& where);
Machine load_machine_file(const Library& library, const std::string& path);
// Asks a file for all that a device may say, for its schema.
void read_machine_keys(const Library& library, const ConfigNode& root);

// A part that is not a device's business: a software stack.
struct LoadedRuntime {
  hw::RuntimeSpec spec;
  std::vector<Figure> figures;
  DigestedFile file;
};
LoadedRuntime load_runtime(const Library& library, const std::string& name, const Region& where);

// Checks one part file on its own, whatever its kind.
void check_part(const Library& library, ConfigFile& file);

std::string fnv1a(const std::string& text);

}  // namespace joulesim::engine
