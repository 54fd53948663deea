// storage: one store, alone or behind an operating system, driven by reads.
#include "hw/flash/flash_load.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/file_use.hpp"
#include "sim/engine/library.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace joulesim::cli {
namespace {

using Json = nlohmann::ordered_json;

template <class Spec>
Spec load_part(const engine::Library& library, const std::string& name, const std::string& model,
               const std::string& option) {
  const engine::LibraryEntry* entry = library.part(name);
  if (entry == nullptr || entry->kind != model) {
    throw InputError(fmt::format("{}: unknown part '{}'{}", option, name,
                                 did_you_mean(name, library.part_names(model))));
  }
  ConfigFile file = ConfigFile::read(entry->path);
  file.set_owner(entry->id);
  Spec spec = Spec::from(file.root());
  file.require_ok();
  return spec;
}

std::uint64_t bytes_of(const std::string& option, const std::string& text) {
  AnyQuantity quantity;
  try {
    quantity = parse_quantity(text);
  } catch (const std::invalid_argument& fault) {
    throw InputError(fmt::format("{}: {}", option, fault.what()));
  }
  constexpr double kMost = 1e15;
  if (quantity.dim != kByte || !(quantity.si >= 1) || quantity.si > kMost) {
    throw InputError(
        fmt::format("{}: found '{}'; expected a size such as \"4 KiB\"", option, text));
  }
  return static_cast<std::uint64_t>(quantity.si);
}

Json drive_bare(const hw::FlashSpec& flash, const StorageArguments& arguments, std::uint64_t chunk,
                std::uint64_t range) {
  hw::FlashLoad load;
  load.chunk = chunk;
  load.depth = static_cast<std::size_t>(arguments.depth);
  load.random = arguments.random;
  load.range = range;
  load.reads = std::clamp<std::uint64_t>(range / chunk, 64, 40000);
  const hw::FlashLoadResult result = hw::run_load(flash, load);
  return {{"gbps", result.rate.si() / 1e9},
          {"reads_per_second", result.reads.si()},
          {"avg_latency_us", result.latency.si() * 1e6},
          {"energy_pj_per_bit", result.energy.si() / (result.rate * result.time).si() / 8 * 1e12},
          {"power_w", (result.energy / result.time).si()},
          {"pages_sensed", result.counters.senses},
          {"table_reads", result.counters.map_reads}};
}

Json drive_path(const hw::FlashSpec& flash, const hw::StorageSystemSpec& system,
                const StorageArguments& arguments, std::uint64_t chunk, std::uint64_t range) {
  engine::FileUse use;
  use.path = arguments.path == "read"   ? hw::FilePath::read
             : arguments.path == "mmap" ? hw::FilePath::mmap
                                        : hw::FilePath::direct;
  use.threads = arguments.depth;
  use.file_bytes = range;
  hw::FlashArray array(flash);
  hw::ResidencyCache pages = engine::make_page_cache(system, use);
  hw::FileReader reader(system, use.path, use.threads, array, range, engine::missing_from(pages));
  std::uint64_t bytes = range;
  if (arguments.random) {
    const std::uint64_t count = std::clamp<std::uint64_t>(range / chunk / 4, 16, 20000);
    const std::uint64_t stride = std::max(chunk, range / count / chunk * chunk);
    bytes = count * chunk;
    for (std::uint64_t i = 0; i < count; ++i) {
      reader.submit(i, hw::scattered_chunk(0, stride, chunk, i), 0);
    }
  } else {
    reader.submit(0, {0, range}, 0);
  }
  const Time time(static_cast<double>(reader.finish()) * 1e-12);
  const hw::FileCounters& counters = reader.counters();
  Ledger ledger;
  array.spend(array.counters(), flash.name, Time(0), time, ledger);
  const Time processor(static_cast<double>(counters.processor) * 1e-12);
  return {{"gbps", static_cast<double>(bytes) / time.si() / 1e9},
          {"reads_per_second", static_cast<double>(counters.commands) / time.si()},
          {"energy_pj_per_bit", (ledger.total() + system.core.value * processor).si() /
                                    (8 * static_cast<double>(bytes)) * 1e12},
          {"processor_share", processor / time},
          {"calls", counters.calls},
          {"faults", counters.faults},
          {"commands", counters.commands},
          {"fetched", counters.fetched},
          {"copied", counters.copied}};
}

}  // namespace

int storage(const Common& common, const StorageArguments& arguments) {
  const engine::Library library = engine::Library::open(common.plugins);
  const auto flash = load_part<hw::FlashSpec>(library, arguments.part, "flash", "--part");
  const std::uint64_t chunk = bytes_of("--chunk", arguments.chunk);
  const std::uint64_t range = bytes_of("--range", arguments.range);
  if (chunk > range) {
    throw InputError(
        fmt::format("--chunk: {} is more than the range of {}", arguments.chunk, arguments.range));
  }
  Json json{{"part", flash.name},
            {"pattern", arguments.random ? "random" : "sequential"},
            {"chunk", chunk},
            {"depth", arguments.depth}};
  if (arguments.system.empty()) {
    if (!arguments.path.empty()) {
      throw InputError("--path: a path is an operating system's; expected --system too");
    }
    json.update(drive_bare(flash, arguments, chunk, range));
  } else {
    const auto system = load_part<hw::StorageSystemSpec>(library, arguments.system,
                                                         hw::kStorageSystemModel, "--system");
    json["system"] = system.name;
    json["path"] = arguments.path.empty() ? "direct" : arguments.path;
    json.update(drive_path(flash, system, arguments, chunk, range));
  }
  json["sequential_limit"] = flash.sequential_limit();
  if (common.json) {
    std::cout << json.dump(2) << "\n";
    return 0;
  }
  std::cout << fmt::format("{}: {}\n", flash.name, flash.title);
  for (const auto& [key, value] : json.items()) {
    if (key != "part") {
      std::cout << fmt::format("  {:<18} {}\n", key,
                               value.is_number_float() ? fmt::format("{:.4g}", value.get<double>())
                               : value.is_string()     ? value.get<std::string>()
                                                       : value.dump());
    }
  }
  return 0;
}

}  // namespace joulesim::cli
