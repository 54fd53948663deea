#include "sim/cli/memory_reference.hpp"

#include "reports/result/files.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/engine/library.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <filesystem>
#include <map>

namespace joulesim::cli {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::json;

// Bounds in per cent.
constexpr double kCycles = 0.02;
constexpr double kCyclesMergedWrites = 0.1;
constexpr double kLatency = 0.5;
constexpr double kEnergy = 3;

constexpr std::size_t kLargestFile = std::size_t{64} << 20U;

Json read_file(const std::string& dir) {
  for (const fs::path& path : {fs::path(dir) / "memory_reference.json",
                               fs::path(dir) / "reference" / "memory_reference.json"}) {
    std::error_code none;
    if (fs::is_regular_file(path, none)) {
      try {
        return Json::parse(reports::read_text(path.string(), kLargestFile));
      } catch (const Json::exception& fault) {
        throw InputError(path.string() + ": " + fault.what());
      }
    }
  }
  throw InputError(
      fmt::format("found no memory_reference.json in '{}' or its folder 'reference'; "
                  "expected reference answers there",
                  dir));
}

// Which part, scheduler and mapping a configuration of the reference stands for.
struct Setting {
  std::string part, policy, mapping;
  bool same_controller = false;
};

bool starts(const std::string& text, const std::string& piece) { return text.rfind(piece, 0) == 0; }
bool ends(const std::string& text, const std::string& piece) {
  return text.size() >= piece.size() &&
         text.compare(text.size() - piece.size(), piece.size(), piece) == 0;
}

std::optional<Setting> setting_of(const std::string& config, const std::string& mapping) {
  if (starts(config, "r2_")) {
    std::string part = config.substr(3);
    const bool row_hit = ends(part, "_rowhit");
    if (row_hit) {
      part.resize(part.size() - std::string("_rowhit").size());
    }
    return Setting{part, row_hit ? "frfcfs_row_hit" : "frfcfs", mapping, true};
  }
  // DRAMsim3's controller is another one: its joules are compared, its clocks only shown.
  if (config == "ds3_ddr4_3200_al_bglow") {
    return Setting{"ddr4_3200", "frfcfs", "ro_ra_ba_co_bg", false};
  }
  if (config == "ds3_ddr4_3200_al_cocol") {
    return Setting{"ddr4_3200", "frfcfs", "ro_ra_ba_bg_co", false};
  }
  return std::nullopt;
}

double percent(double ours, double theirs) { return 100 * (ours - theirs) / theirs; }

}  // namespace

std::vector<ReferenceRow> read_reference(const std::string& dir,
                                         std::vector<std::string>& skipped) {
  const Json file = read_file(dir);
  const engine::Library library = engine::Library::open();
  std::vector<ReferenceRow> rows;
  std::map<std::string, int> left_out;
  try {
    for (const Json& row : file.at("results")) {
      ReferenceRow out;
      out.simulator = row.at("sim");
      out.config = row.value("config", "");
      out.trace = row.at("trace");
      out.mode = row.at("mode");
      const auto setting = setting_of(out.config, row.value("mapping", ""));
      if (!setting) {
        ++left_out[out.simulator + " " + out.config + ": a controller that is not modelled"];
        continue;
      }
      if (library.part(setting->part) == nullptr) {
        ++left_out[out.simulator + " " + out.config + ": no part of that name"];
        continue;
      }
      if (out.mode != "max" && out.mode != "serial") {
        ++left_out[out.simulator + " " + out.config + ": injection '" + out.mode + "'"];
        continue;
      }
      out.same_controller = setting->same_controller;
      out.requests = row.at("requests");
      out.cycles = row.at("cycles");
      out.latency_ns = row.value("avg_read_latency_ns", 0.0);
      out.energy_j = row.value("energy_uJ", 0.0) * 1e-6;
      out.activates = row.value("act_cmds", 0.0);
      out.refreshes = row.value("ref_cmds", 0.0);
      out.percent_peak = row.value("pct_peak", 0.0);
      out.arguments.part = setting->part;
      out.arguments.policy = setting->policy;
      out.arguments.mapping = setting->mapping;
      out.arguments.generate = out.trace;
      out.arguments.serial = out.mode == "serial";
      rows.push_back(std::move(out));
    }
  } catch (const Json::exception& fault) {
    throw InputError(
        fmt::format("{}: a row of the reference lacks something: {}", dir, fault.what()));
  }
  for (const auto& [what, count] : left_out) {
    skipped.push_back(fmt::format("{} ({} rows)", what, count));
  }
  return rows;
}

ReferenceAnswer answer(const ReferenceRow& row) {
  const hw::DramPart part = find_dram_part(row.arguments.part);
  MemoryArguments arguments = row.arguments;
  arguments.most = row.requests;
  const MemoryRun run = run_memory(part, arguments);
  ReferenceAnswer out;
  out.cycles = static_cast<double>(run.cycles);
  out.latency_ns = run.read_latency ? run.read_latency->si() * 1e9 : 0;
  out.percent_peak = 100 * run.share_of_peak;
  out.merges_writes = run.counters.coalesced + run.counters.forwarded > 0;
  if (part.energy) {
    out.energy_j = energy_of(part, run).device.si();
    // The same requests in the reference's own time and with its own activates and refreshes.
    MemoryRun theirs = run;
    theirs.time = Time(row.cycles * static_cast<double>(part.timing.tCK_fs) * 1e-15);
    theirs.activity.activates = row.activates;
    theirs.activity.refreshes = row.refreshes;
    const double longer = theirs.time / run.time;
    theirs.activity.active *= longer;
    theirs.activity.standby *= longer;
    out.energy_at_theirs_j = energy_of(part, theirs).device.si();
  }
  return out;
}

ReferenceVerdict judge(const ReferenceRow& row, const ReferenceAnswer& answer) {
  ReferenceVerdict out;
  out.cycles = percent(answer.cycles, row.cycles);
  if (row.latency_ns > 0 && answer.latency_ns > 0) {
    out.latency = percent(answer.latency_ns, row.latency_ns);
  }
  if (row.energy_j > 0 && answer.energy_j > 0) {
    out.energy = percent(answer.energy_j, row.energy_j);
    out.energy_at_theirs = percent(answer.energy_at_theirs_j, row.energy_j);
  }
  if (row.same_controller) {
    const double bound = answer.merges_writes ? kCyclesMergedWrites : kCycles;
    if (std::fabs(*out.cycles) > bound) {
      out.broken.push_back(
          fmt::format("clocks off by {:+.4f} %, more than {} %", *out.cycles, bound));
    }
    if (out.latency && std::fabs(*out.latency) > kLatency) {
      out.broken.push_back(
          fmt::format("latency off by {:+.2f} %, more than {} %", *out.latency, kLatency));
    }
  }
  if (out.energy_at_theirs && std::fabs(*out.energy_at_theirs) > kEnergy) {
    out.broken.push_back(fmt::format("energy of the same events off by {:+.2f} %, more than {} %",
                                     *out.energy_at_theirs, kEnergy));
  }
  return out;
}

}  // namespace joulesim::cli
