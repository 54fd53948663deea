// Latency of reads against the bandwidth that is asked for: how full a channel may be before
// waiting dominates.
//
// Models:      one channel at burst level; bursts arrive at random instants (exponential distances,
//              from a fixed seed) at a given mean rate, whatever became of the earlier ones, and
//              wait outside the buffers when these are full.
// Leaves out:  the path between client and controller, clients that wait for their own reads.
// Checked by:  tests/oracle/dram_loaded_latency.cpp (idle latency, order, saturation).
#pragma once

#include "hw/dram/channel.hpp"
#include "hw/dram/part.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <vector>

namespace joulesim::hw {

struct LoadPoint {
  Bandwidth offered, achieved;
  Time mean, p99;  // arrival to the end of the data
};

enum class LoadPattern : std::uint8_t {
  stream,  // consecutive bursts
  random,  // bursts anywhere
};

// One point per share of the peak, in the order given. Points beyond what the channel sustains
// have latencies that grow with the length of the run: `achieved` falls behind `offered` there.
std::vector<LoadPoint> loaded_latency(const DramPart& part, const ControllerPolicy& policy,
                                      LoadPattern pattern, const std::vector<double>& shares);

}  // namespace joulesim::hw
