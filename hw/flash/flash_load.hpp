// Askers that keep a number of reads in flight on a bare store: what a benchmark of a drive does.
//
// Models:      closed loop: each asker asks again when it is answered; addresses in order, or
//              uniform over a range.
// Leaves out:  the operating system (see file_reader.hpp).
// Checked by:  tests/anchors/flash.cpp.
#pragma once

#include "hw/flash/flash_array.hpp"

#include <cstdint>

namespace joulesim::hw {

struct FlashLoad {
  std::uint64_t chunk = 4096;  // bytes of a read
  std::size_t depth = 1;       // in flight
  bool random = true;
  std::uint64_t range = 64'000'000'000;  // over which random reads are spread
  std::uint64_t reads = 8000;            // a quarter of them before measuring
  std::uint64_t seed = 7;
};

struct FlashLoadResult {
  Bandwidth rate;
  Frequency reads;
  Time latency;   // mean
  Energy energy;  // of the measured reads, standing power included
  Time time;
  FlashCounters counters;
};

FlashLoadResult run_load(const FlashSpec& spec, const FlashLoad& load);

}  // namespace joulesim::hw
