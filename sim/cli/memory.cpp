// memory: one memory part driven with an address trace, at the level of detail asked for.
#include "hw/dram/energy.hpp"
#include "hw/dram/part.hpp"
#include "hw/dram/trace_run.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/memory_run.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace joulesim::cli {
namespace {

using Json = nlohmann::ordered_json;

double nanoseconds(Time t) { return t.si() * 1e9; }

Json latency_json(const std::optional<Time>& latency) {
  return latency ? Json(nanoseconds(*latency)) : Json(nullptr);
}

// What the part does not say about a state that the run was in; empty: nothing.
std::string energy_gap(const hw::DramPart& part, const MemoryRun& run) {
  const bool open_sleep = run.activity.active_power_down > Time(0);
  return part.energy && open_sleep && !part.energy->active_power_down
             ? fmt::format("part '{}' has no power in power-down with open rows", part.name)
             : std::string();
}

// The device's own joules; what controller and interface of the host add is told apart.
void add_energy(Json& out, const hw::DramPart& part, const MemoryRun& run) {
  if (!part.energy) {
    out["energy"] = nullptr;
    out["energy_reason"] = fmt::format("part '{}' has no energy figures", part.name);
    return;
  }
  if (const std::string reason = energy_gap(part, run); !reason.empty()) {
    out["energy"] = nullptr;
    out["energy_reason"] = reason;
    return;
  }
  const DeviceEnergy energy = energy_of(part, run);
  out["energy"] = energy.device.si();
  out["energy_unit"] = "J";
  out["energy_pj_per_bit"] =
      energy.device.si() * 1e12 / (8.0 * static_cast<double>(run.requests * hw::kRequestBytes));
  Json parts = Json::object();
  for (const hw::DramEnergyShare& share : energy.shares) {
    parts[share.cause] = share.energy.si();
  }
  out["energy_by_cause"] = std::move(parts);
  out["power_w"] = run.time.si() > 0 ? energy.device.si() / run.time.si() : 0;
  out["host_energy"] = part.host ? Json(energy.host.si()) : Json(nullptr);
}

Json to_json(const hw::DramPart& part, const MemoryArguments& arguments, const MemoryRun& run) {
  const hw::DramCounters& c = run.counters;
  Json out;
  out["part"] = part.name;
  out["trace"] = run.trace;
  out["mapping"] = run.mapping;
  out["detail"] = arguments.detail;
  out["policy"] = arguments.policy;
  out["refresh"] = arguments.refresh;
  out["channels"] = arguments.channels;
  out["requests"] = run.requests;
  out["request_bytes"] = hw::kRequestBytes;
  out["cycles"] = run.cycles;
  out["tck_ns"] = static_cast<double>(part.timing.tCK_fs) * 1e-6;
  out["time_ns"] = nanoseconds(run.time);
  out["gbps"] = run.bandwidth.si() * 1e-9;
  out["pct_peak"] = 100 * run.share_of_peak;
  out["avg_read_latency_ns"] = latency_json(run.read_latency);
  out["max_read_latency_ns"] = latency_json(run.read_latency_max);
  out["row_hits"] = c.row_hits;
  out["row_misses"] = c.row_misses;
  out["row_conflicts"] = c.row_conflicts;
  out["activates"] = c.activates;
  out["precharges"] = c.precharges;
  out["auto_precharges"] = c.auto_precharges;
  out["refreshes"] = c.refreshes + c.bank_refreshes + c.same_bank_refreshes;
  const auto clocks = [&part](hw::Clock n) {
    return static_cast<double>(n) * static_cast<double>(part.timing.tCK_fs) * 1e-6;
  };
  out["power_downs"] = c.power_downs;
  out["self_refreshes"] = c.self_refreshes;
  out["active_power_down_ns"] = clocks(c.active_power_down_clocks);
  out["power_down_ns"] = clocks(c.power_down_clocks);
  out["self_refresh_ns"] = clocks(c.self_refresh_clocks);
  out["reads"] = c.reads;
  out["writes"] = c.writes;
  out["forwarded_reads"] = c.forwarded;
  out["coalesced_writes"] = c.coalesced;
  out["turnarounds"] = c.turnarounds;
  add_energy(out, part, run);
  out["simulated_share"] = static_cast<double>(run.simulated_bursts) /
                           static_cast<double>(std::max<std::uint64_t>(run.bursts, 1));
  out["time_half_width"] = run.half_width ? Json(*run.half_width) : Json(nullptr);
  out["warnings"] = run.warnings;
  return out;
}

std::string latency_text(const std::optional<Time>& latency) {
  return latency ? format(*latency) : "not followed at this level";
}

std::string summary(const hw::DramPart& part, const MemoryArguments& arguments,
                    const MemoryRun& run) {
  const hw::DramCounters& c = run.counters;
  const std::string channels =
      arguments.channels == 1 ? std::string() : fmt::format(", {} channels", arguments.channels);
  std::string out = fmt::format("{}, {}{}\n{} requests of {}, level {}\n\n", part.title,
                                run.mapping, channels, run.requests, run.trace, arguments.detail);
  const auto line = [&out](const std::string& name, const std::string& value) {
    out += fmt::format("  {:<14}{}\n", name, value);
  };
  line("time", fmt::format("{}, {} clocks", format(run.time), run.cycles));
  line("bandwidth",
       fmt::format("{}, {:.1f} % of peak", format(run.bandwidth), 100 * run.share_of_peak));
  line("read latency", fmt::format("{} on average, {} at most", latency_text(run.read_latency),
                                   latency_text(run.read_latency_max)));
  line("rows", fmt::format("{} hits, {} misses, {} conflicts, {} activates", c.row_hits,
                           c.row_misses, c.row_conflicts, c.activates));
  line("refreshes", std::to_string(c.refreshes + c.bank_refreshes + c.same_bank_refreshes));
  if (const std::string gap = energy_gap(part, run); !gap.empty()) {
    line("energy", "unknown: " + gap);
  } else if (part.energy) {
    const DeviceEnergy energy = energy_of(part, run);
    line("energy", fmt::format("{} in the devices, {:.2f} pJ/bit", format(energy.device),
                               energy.device.si() * 1e12 /
                                   (8.0 * static_cast<double>(run.requests * hw::kRequestBytes))));
  } else {
    line("energy", "unknown: the part has no energy figures");
  }
  if (run.half_width) {
    line("sampled", fmt::format("{:.2f} % of the bursts, 95 % interval ± {:.2f} % of the time",
                                100.0 * static_cast<double>(run.simulated_bursts) /
                                    static_cast<double>(run.bursts),
                                100 * *run.half_width));
  }
  return out;
}

}  // namespace

int memory(const Common& common, const MemoryArguments& arguments) {
  const hw::DramPart part = find_dram_part(arguments.part);
  const MemoryRun run = run_memory(part, arguments);
  if (!common.quiet) {
    for (const std::string& warning : run.warnings) {
      std::cerr << "warning: " << warning << "\n";
    }
  }
  if (!arguments.out.empty()) {
    write_memory_report(part, arguments, run);
  }
  if (arguments.summary && !common.json) {
    std::cout << summary(part, arguments, run);
  } else {
    std::cout << to_json(part, arguments, run).dump(2) << "\n";
  }
  return 0;
}

}  // namespace joulesim::cli
