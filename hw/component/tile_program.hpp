// What a compute unit makes of a work: tiles to load, compute and store, run-length coded.
//
// Executed by TileEngine (SystemC: loads of later tiles overlap the computing of earlier ones, as
// far as the unit's buffers go) and summed in closed form by the analytic level.
#pragma once

#include "sim/base/quantity.hpp"

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::hw {

// Bytes of one work stream that every tile of a run moves.
struct TileMove {
  std::size_t stream = 0;
  std::uint64_t bytes = 0;
};

struct TileRun {
  std::int64_t count = 1;  // equal tiles
  std::vector<TileMove> loads, stores;
  std::int64_t compute_ps = 0;
  // Joules per tile, one per cause of the unit (ComputeUnit::causes()).
  std::vector<double> joules;
};

struct TileProgram {
  std::size_t work = 0;       // index of the work in the step
  std::int64_t start_ps = 0;  // launch or issue, before the first tile computes
  std::int64_t idle_ps = 0;   // of it, the unit has nothing to run: its host is late
  std::int64_t drain_ps = 0;  // pipeline emptying after the last tile
  // What the requests that it has in flight draw from memory at most; zero: what the port gives.
  Bandwidth draw;
  bool loads_after_start = false;  // loads are issued by the started kernel, not ahead of it
  std::vector<TileRun> runs;
  std::string limit = "arithmetic";  // what paces the computing: "arithmetic", "l2 delivery", …
  std::string mapping;  // the choice made, for the report: "128x128 tiles, 2 waves, split-K 4"

  [[nodiscard]] std::int64_t compute_ps() const {
    std::int64_t sum = 0;
    for (const TileRun& run : runs) {
      sum += run.count * run.compute_ps;
    }
    return sum;
  }
};

}  // namespace joulesim::hw
