#include "sim/engine/machine.hpp"

#include "hw/runtime/runtime.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::engine {
namespace {

void add_bases(const ConfigFile& file, std::vector<DigestedFile>& files) {
  for (const auto& base : file.bases()) {
    files.push_back({base->path, fnv1a(base->text)});
  }
}

// Reads parts by name for one device and keeps everything they said.
class PartReader {
 public:
  PartReader(const Library& library, Machine& machine, std::string device)
      : library_(library), machine_(machine), device_(std::move(device)) {}

  // The part that `key` of `node` names, read by `read`; nothing (and a fault) when that fails.
  template <class Read>
  auto get(const ConfigNode& node, const std::string& key, const std::string& role,
           const Read& read) -> std::optional<decltype(read(node))> {
    const std::string name = node.text(key);
    if (name.empty()) {
      return std::nullopt;
    }
    const std::optional<LibraryEntry> entry = library_.part_for(name, device_);
    if (!entry) {
      std::vector<std::string> names;
      for (const std::string& model : library_.registry().models(role)) {
        for (const std::string& part : library_.part_names(model)) {
          names.push_back(part);
        }
      }
      node.error(key, fmt::format("unknown part '{}'{}", name, did_you_mean(name, names)));
      return std::nullopt;
    }
    try {
      ConfigFile file = library_.read(entry->path);
      file.set_owner(entry->id);
      const std::string model = file.root().text("model");
      const hw::ComponentKind* kind = library_.registry().find(model);
      if (kind == nullptr) {
        file.root().error("model", library_.unknown_kind(model));
        throw InputError(file.diagnostics());
      }
      if (kind->role != role) {
        node.error(key, fmt::format("part '{}' is a {}; expected a {}", name, kind->role, role));
        return std::nullopt;
      }
      auto value = read(file.root());
      file.require_ok();
      machine_.warnings.append(file.diagnostics());
      machine_.figures.insert(machine_.figures.end(), file.figures().begin(), file.figures().end());
      machine_.files.push_back({entry->path, fnv1a(file.text())});
      add_bases(file, machine_.files);
      if (const LoadedPlugin* plugin = library_.plugin_of(model)) {
        machine_.add_plugin(*plugin);
      }
      return value;
    } catch (const InputError& fault) {
      faults_.append(fault.diagnostics());
      return std::nullopt;
    }
  }

  [[nodiscard]] const Diagnostics& faults() const { return faults_; }

 private:
  const Library& library_;
  Machine& machine_;
  std::string device_;  // its file, beside which parts of its own may lie
  Diagnostics faults_;
};

// Dies of other sizes, two channels to a die or two modules to a channel are common, more than that
// is a slip of units or of the number of channels.
void check_capacity(const ConfigNode& memory, const Machine& machine) {
  constexpr double kLeast = 1.0 / 8;
  constexpr double kMost = 32;
  const Bytes all = machine.dram.capacity.value * static_cast<double>(machine.channels);
  const double ratio = machine.capacity.value / all;
  if (ratio < kLeast || ratio > kMost) {
    memory.warning("capacity",
                   fmt::format("'capacity' is {}, and {} channels of '{}' have {}; is it right?",
                               format(machine.capacity.value), machine.channels, machine.dram.name,
                               format(all)));
  }
}

void read_memory(const ConfigNode& root, PartReader& parts, Machine& machine) {
  const ConfigNode memory = root.table("memory");
  const auto dram = parts.get(memory, "part", "memory",
                              [](const ConfigNode& part) { return hw::DramPart::from(part); });
  machine.channels = memory.whole("channels", 1, 4096);
  machine.interleave = memory.whole("interleave_bytes", 32, 1 << 20);
  machine.capacity = memory.figure<Bytes>("capacity");
  machine.usable_share = memory.count("usable_share");
  machine.memory_rail = memory.text("rail");
  machine.stated_bandwidth = memory.figure_if<Bandwidth>("peak");
  if (dram) {
    machine.dram = *dram;
    constexpr double kTolerance = 0.01;
    if (machine.stated_bandwidth && memory.ok()) {
      const double ratio = machine.stated_bandwidth->value / machine.peak_bandwidth();
      if (std::fabs(ratio - 1) > kTolerance) {
        memory.error("peak", fmt::format("'peak' is {}, but {} channels of '{}' give {}; expected "
                                         "them to agree within 1 %",
                                         format(machine.stated_bandwidth->value), machine.channels,
                                         dram->name, format(machine.peak_bandwidth())));
      }
    }
  }
  if (dram && !dram->energy) {
    memory.warning("part", fmt::format("'{}' has no energies, only timing; a run of this device "
                                       "needs a part that has both",
                                       dram->name));
  }
  if (dram && memory.ok()) {
    check_capacity(memory, machine);
  }
  if (machine.usable_share.value > 1) {
    memory.error("usable_share", "'usable_share' is more than 1; expected a share of the capacity");
  }
}

// A figure that the part's model derives where its file gives none stands among the others.
void add_derived(const ConfigNode& node, const hw::ComputeUnit& unit, Machine& machine) {
  const Sourced<Power> active = unit.active_power();
  if (!active.source || active.region.file != nullptr || active.value <= Power(0)) {
    return;
  }
  const auto bound = [](const std::optional<Power>& q) {
    return q ? std::optional(any(*q)) : std::nullopt;
  };
  Figure figure;
  figure.owner = node.text("part");
  figure.key = "power.active";
  figure.value = any(active.value);
  figure.low = bound(active.low);
  figure.high = bound(active.high);
  figure.source = active.source;
  figure.region = node.region("part");
  const auto last = std::find_if(machine.figures.rbegin(), machine.figures.rend(),
                                 [&](const Figure& f) { return f.owner == figure.owner; });
  machine.figures.insert(last.base(), std::move(figure));
}

void read_units(const ConfigNode& root, const Library& library, PartReader& parts,
                Machine& machine) {
  for (const ConfigNode& node : root.tables("unit")) {
    MachineUnit unit;
    unit.name = node.text("name");
    unit.rail = node.text("rail");
    unit.default_runtime = node.text("runtime");
    const auto loaded = parts.get(node, "part", "unit", [&](const ConfigNode& part) {
      return library.registry().find(part.text("model"))->make_unit(part);
    });
    if (machine.unit(unit.name) != nullptr) {
      node.error("name", fmt::format("two units are called '{}'", unit.name));
    }
    if (loaded) {
      unit.unit = *loaded;
      add_derived(node, *unit.unit, machine);
    }
    machine.units.push_back(std::move(unit));
  }
  if (machine.units.empty()) {
    root.error("", "the device has no compute unit; expected at least one [[unit]]");
  }
}

// [cache.ways]: units that may fill some of the ways only.
void read_cache_ways(const ConfigNode& cache, Machine& machine) {
  const auto node = cache.table_if("ways");
  if (!node) {
    return;
  }
  for (const std::string& name : node->keys()) {
    const std::int64_t ways = node->integer(name, 1, hw::SetCache::kMostWays);
    if (machine.unit(name) == nullptr) {
      std::vector<std::string> names;
      for (const MachineUnit& unit : machine.units) {
        names.push_back(unit.name);
      }
      node->error(name,
                  fmt::format("the device has no unit '{}'{}", name, did_you_mean(name, names)));
    }
    if (machine.cache && ways > machine.cache->ways) {
      node->error(name, fmt::format("'{}' is {}, and the cache has {} ways", name, ways,
                                    machine.cache->ways));
    }
    machine.cache_ways[name] = static_cast<int>(ways);
  }
}

void check_rails(const ConfigNode& root, const Machine& machine) {
  if (!machine.supply) {
    return;
  }
  std::vector<std::string> rails;
  for (const auto& rail : machine.supply->rails) {
    rails.push_back(rail.name);
  }
  const auto check = [&](const std::string& user, const std::string& rail) {
    if (!rail.empty() && machine.supply->find(rail) == nullptr) {
      root.error("supply",
                 fmt::format("{} hangs on rail '{}', which supply '{}' does not have{}", user, rail,
                             machine.supply->name, did_you_mean(rail, rails)));
    }
  };
  check("memory", machine.memory_rail);
  check("cache", machine.cache_rail);
  check("storage", machine.storage_rail);
  check("display", machine.display_rail);
  check("rest", machine.rest_rail);
  for (const MachineUnit& unit : machine.units) {
    check("unit " + unit.name, unit.rail);
  }
  for (const MachineLink& link : machine.links) {
    check("link " + link.name, link.rail);
  }
}

// Everything that a device file says, with its parts.
void read_keys(const Library& library, const ConfigNode& root, ConfigFile* file, PartReader& parts,
               Machine& machine) {
  machine.id = root.text("device");
  machine.title = root.text("title");
  machine.kind = root.choice("kind", {"phone", "tablet", "laptop", "desktop", "board", "server"});
  machine.aliases = root.texts("aliases");
  if (file != nullptr) {
    file->set_owner(machine.id);
  }
  read_memory(root, parts, machine);
  read_units(root, library, parts, machine);
  if (const auto node = root.table_if("cache")) {
    machine.cache = parts.get(*node, "part", "cache",
                              [](const ConfigNode& p) { return hw::SramSpec::from(p); });
    machine.cache_rail = node->text("rail");
    read_cache_ways(*node, machine);
  }
  if (const auto node = root.table_if("storage")) {
    machine.storage = parts.get(*node, "part", "storage",
                                [](const ConfigNode& p) { return hw::FlashSpec::from(p); });
    machine.storage_rail = node->text("rail");
    if (node->has("system")) {
      machine.storage_system =
          parts.get(*node, "system", "storage_system",
                    [](const ConfigNode& p) { return hw::StorageSystemSpec::from(p); });
    }
  }
  if (const auto node = root.table_if("display")) {
    machine.display = parts.get(*node, "part", "display",
                                [](const ConfigNode& p) { return hw::DisplaySpec::from(p); });
    machine.display_rail = node->text("rail");
  }
  if (const auto node = root.table_if("battery")) {
    machine.battery = parts.get(*node, "part", "battery",
                                [](const ConfigNode& p) { return hw::BatterySpec::from(p); });
  }
  if (const auto node = root.table_if("supply")) {
    machine.supply = parts.get(*node, "part", "supply",
                               [](const ConfigNode& p) { return hw::SupplySpec::from(p); });
  }
  if (const auto node = root.table_if("rest")) {
    machine.rest = parts.get(*node, "part", "rest",
                             [](const ConfigNode& p) { return hw::BaseLoadSpec::from(p); });
    machine.rest_rail = node->text_if("rail").value_or("");
    machine.rest_share = node->count("share");
    machine.rest_activity = node->count("activity");
  }
  if (const auto node = root.table_if("wall")) {
    machine.wall = parts.get(*node, "part", "supply",
                             [](const ConfigNode& p) { return hw::SupplySpec::from(p); });
    if (machine.wall && machine.wall->rails.size() != 1) {
      node->error("part", fmt::format("supply '{}' has {} rails; expected one for the whole device",
                                      machine.wall->name, machine.wall->rails.size()));
    }
  }
  for (const ConfigNode& node : root.tables("link")) {
    MachineLink link;
    link.name = node.text("name");
    link.rail = node.text("rail");
    if (auto spec = parts.get(node, "part", "link",
                              [](const ConfigNode& p) { return hw::LinkSpec::from(p); })) {
      link.spec = std::move(*spec);
      machine.links.push_back(std::move(link));
    }
  }
  check_rails(root, machine);
}

Machine read_machine(const Library& library, ConfigFile& file) {
  Machine machine;
  PartReader parts(library, machine, file.path());
  read_keys(library, file.root(), &file, parts, machine);
  file.finish();
  Diagnostics faults = file.diagnostics();
  faults.append(parts.faults());
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  machine.figures.insert(machine.figures.begin(), file.figures().begin(), file.figures().end());
  machine.warnings.append(file.diagnostics());
  machine.files.insert(machine.files.begin(), {file.path(), fnv1a(file.text())});
  add_bases(file, machine.files);
  return machine;
}

}  // namespace

const MachineUnit* Machine::unit(const std::string& name) const {
  for (const MachineUnit& candidate : units) {
    if (candidate.name == name) {
      return &candidate;
    }
  }
  return nullptr;
}

hw::CacheClient Machine::cache_client(const std::string& unit) const {
  hw::CacheClient client;
  if (const auto found = cache_ways.find(unit);
      found != cache_ways.end() && found->second < hw::SetCache::kMostWays) {
    client.ways = (std::uint64_t{1} << static_cast<unsigned>(found->second)) - 1;
  }
  return client;
}

void read_machine_keys(const Library& library, const ConfigNode& root) {
  Machine machine;
  PartReader parts(library, machine, "");
  read_keys(library, root, nullptr, parts, machine);
}

Machine load_machine_file(const Library& library, const std::string& path) {
  ConfigFile file = library.read(path);
  return read_machine(library, file);
}

Machine load_machine(const Library& library, const std::string& name, const Region& where) {
  const std::optional<std::string> path =
      library.device_path(name, where.file ? where.file->path : "");
  if (!path) {
    Diagnostics diagnostics;
    diagnostics.error(where, library.unknown_device(name));
    throw InputError(std::move(diagnostics));
  }
  return load_machine_file(library, *path);
}

LoadedRuntime load_runtime(const Library& library, const std::string& name, const Region& where) {
  const LibraryEntry* entry = library.part(name);
  if (entry == nullptr || entry->kind != hw::kRuntimeModel) {
    Diagnostics diagnostics;
    diagnostics.error(where,
                      fmt::format("unknown runtime '{}'{}", name,
                                  did_you_mean(name, library.part_names(hw::kRuntimeModel))));
    throw InputError(std::move(diagnostics));
  }
  ConfigFile file = library.read(entry->path);
  file.set_owner(entry->id);
  (void)file.root().text("model");
  LoadedRuntime runtime;
  runtime.spec = hw::runtime_from(file.root());
  file.require_ok();
  runtime.figures = file.figures();
  runtime.file = {entry->path, fnv1a(file.text())};
  return runtime;
}

void check_part(const Library& library, ConfigFile& file) {
  const std::string model = file.root().text("model");
  const hw::ComponentKind* kind = library.registry().find(model);
  if (kind == nullptr) {
    if (!model.empty()) {
      file.root().error("model", library.unknown_kind(model));
    }
    throw InputError(file.diagnostics());
  }
  kind->check(file.root());
  file.require_ok();
}

void Machine::add_plugin(const LoadedPlugin& plugin) {
  for (const LoadedPlugin& known : plugins) {
    if (known.path == plugin.path) {
      return;
    }
  }
  plugins.push_back(plugin);
}

std::string fnv1a(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  }
  return fmt::format("{:016x}", hash);
}

}  // namespace joulesim::engine
