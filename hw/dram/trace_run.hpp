// One channel of a part driven by an address trace: in order, as fast as the channel accepts.
//
// Models:      `burst`: every command (the exact channel). `train`: long runs of one direction in
//              closed form and at their pace, anything else as `sampled`. `sampled`: the exact
//              channel on stretches spread over the trace, the rest at the rates measured there,
//              until the 95 % interval of the rate is within half a per cent.
// Leaves out:  time stamps: the trace has none. Requests may come at a fixed interval instead.
// Checked by:  tests/oracle/dram_reference.cpp, tests/laws/dram_laws.cpp.
#pragma once

#include "hw/dram/channel.hpp"
#include "hw/dram/energy.hpp"
#include "hw/dram/part.hpp"
#include "hw/dram/trace_file.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::hw {

enum class TraceDetail : std::uint8_t { burst, train, sampled };

struct TraceOptions {
  TraceDetail detail = TraceDetail::burst;
  std::string mapping;  // empty: the part's own
  bool refresh = true;
  // Policies instead of those that the part's file names; unset: the part's.
  std::optional<WriteDrain> drain;
  std::optional<PagePolicy> page;
  std::optional<Time> page_timeout;
  std::optional<RefreshPolicy> refresh_mode;
  std::optional<IdlePolicy> idle;
  std::optional<Time> idle_after;
  std::optional<Time> interval;  // of arrivals; unset: as fast as the channel accepts
  bool serial = false;           // one burst under way at a time (burst detail only)
  Scheduler scheduler = Scheduler::frfcfs;
  bool portable = false;  // as on a machine without wide instructions
  bool profile = false;   // TraceResult::profile is wanted (burst detail only)
};

// What a run looked like over time, in bursts.
struct TraceProfile {
  Clock slot_clocks = 1;
  std::vector<std::uint64_t> read, written;  // column commands issued in each slot
  std::vector<std::uint64_t> latency;        // reads that took so many clocks
};

// How sure a sampled time is.
struct SampleQuality {
  std::size_t stretches = 0;
  double half_width = 0;  // of the 95 % confidence interval, as a share of the time
};

struct TraceResult {
  std::int64_t cycles = 0;  // clocks until the last response; half clocks on a half-clock part
  Time time;
  Bandwidth bandwidth;
  double share_of_peak = 0;
  // Acceptance to the end of the data, over bursts; unset where the level does not follow requests.
  std::optional<Time> read_latency, read_latency_max;
  DramCounters counters;
  DramActivity activity;
  std::uint64_t bursts = 0, simulated_bursts = 0;
  std::optional<SampleQuality> sampled;  // set when the time was extrapolated
  std::optional<TraceProfile> profile;
};

// Throws InputError for a mapping or a policy that the part does not have.
TraceResult run_trace(const DramPart& part, Trace trace, const TraceOptions& options);

// Adds counts up.
void accumulate(DramCounters& sum, const DramCounters& c);

// The controller that a part's reference results were made with: 32 + 32 entries for each
// pseudo-channel that shares the command buses.
ControllerPolicy reference_policy(const DramPart& part);

}  // namespace joulesim::hw
