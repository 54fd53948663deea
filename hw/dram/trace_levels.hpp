// The levels of detail of run_trace: each fills cycles, counters, latency and what was simulated.
#pragma once

#include "hw/dram/trace_feed.hpp"
#include "hw/dram/trace_run.hpp"

#include <string>

namespace joulesim::hw {

void run_burst(const DramPart& part, TraceFeed feed, const ControllerPolicy& policy,
               TraceResult& r);
void run_sampled(const DramPart& part, const TraceFeed& feed, const ControllerPolicy& policy,
                 TraceResult& r);
void run_train(const DramPart& part, Trace trace, const std::string& mapping_name,
               const ControllerPolicy& policy, TraceResult& r);

// Whether the trace is long runs of consecutive requests of one direction, which train level serves
// in closed form; the last one may be short.
bool long_runs(Trace trace);

DramCounters scaled(const DramCounters& c, double f);
DramCounters difference(const DramCounters& a, const DramCounters& b);

}  // namespace joulesim::hw
