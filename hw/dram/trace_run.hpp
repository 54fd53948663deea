// One channel of a part driven by an address trace: in order, as fast as the channel accepts.
//
// Models:      `burst`: every command (the exact channel). `train`: runs of the trace in closed
// form,
//              writes held back and drained between the controller's watermarks. `sampled`: the
//              exact channel on stretches spread over the trace, the rest at the rates measured
//              there, until the 95 % interval of the rate is within half a per cent.
// Leaves out:  time stamps: the trace has none.
// Checked by:  tests/oracle/dram_reference.cpp, tests/oracle/dram_trace_levels.cpp.
#pragma once

#include "hw/dram/channel.hpp"
#include "hw/dram/energy.hpp"
#include "hw/dram/part.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::hw {

struct TraceRequest {
  std::uint64_t address = 0;
  bool write = false;
};

enum class TraceDetail : std::uint8_t { burst, train, sampled };

struct TraceOptions {
  TraceDetail detail = TraceDetail::burst;
  std::string mapping;  // empty: the part's own
  bool refresh = true;
  bool serial = false;  // one burst under way at a time (burst detail only)
  std::uint64_t request_bytes = 64;
  Scheduler scheduler = Scheduler::frfcfs;
};

struct TraceResult {
  std::int64_t cycles = 0;  // clocks until the last response; half clocks on a half-clock part
  Time time;
  Bandwidth bandwidth;
  double share_of_peak = 0;
  Time read_latency, read_latency_max;  // acceptance to the end of the data, over bursts
  DramCounters counters;
  DramActivity activity;
  std::uint64_t bursts = 0, simulated_bursts = 0;
};

// Throws InputError for a mapping that the part does not have.
TraceResult run_trace(const DramPart& part, const std::vector<TraceRequest>& trace,
                      const TraceOptions& options);

// The controller that a part's reference results were made with: 32 + 32 entries for each
// pseudo-channel that shares the command buses.
ControllerPolicy reference_policy(const DramPart& part);

}  // namespace joulesim::hw
