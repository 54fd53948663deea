// One memory part and one trace, from arguments to figures: what `memory` and `validate memory`
// share.
#pragma once

#include "hw/dram/energy.hpp"
#include "hw/dram/part.hpp"
#include "hw/dram/trace_run.hpp"
#include "sim/cli/commands.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::cli {

// All channels together: times are those of the slowest, counts are sums.
struct MemoryRun {
  std::string trace, mapping;
  std::uint64_t requests = 0, bursts = 0, simulated_bursts = 0;
  std::int64_t cycles = 0;
  Time time;
  Bandwidth bandwidth;
  double share_of_peak = 0;
  std::optional<Time> read_latency, read_latency_max;
  hw::DramCounters counters;
  hw::DramActivity activity;
  std::optional<double> half_width;  // of the time's 95 % interval, when it is extrapolated
  std::optional<hw::TraceProfile> profile;
  std::vector<std::string> warnings;
};

struct DeviceEnergy {
  Energy device, host;  // host: controller and interface, where the part has figures for them
  std::vector<hw::DramEnergyShare> shares;
};

// A part by name or by file; InputError when it is none or no DRAM.
hw::DramPart find_dram_part(const std::string& name);

MemoryRun run_memory(const hw::DramPart& part, const MemoryArguments& arguments);
DeviceEnergy energy_of(const hw::DramPart& part, const MemoryRun& run);

// DIR/report.html and DIR/plots.
void write_memory_report(const hw::DramPart& part, const MemoryArguments& arguments,
                         const MemoryRun& run);

}  // namespace joulesim::cli
