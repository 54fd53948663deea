// Equal segments of a step: which are played, which replay another, and how far the played ones lie
// apart.
//
// Checked by: tests/oracle/engine_fidelity.cpp (memoised against all blocks).
#pragma once

#include "sim/engine/step_runner.hpp"

namespace joulesim::engine {

// Which segments are played and which replay another.
struct Schedule {
  std::vector<SegmentActivity> segments;
  std::int64_t blocks = 0, played_blocks = 0;
};
Schedule schedule_of(const StepJob& job);

// Spread between played segments of one key, the first one left out: it starts from a cold
// pipeline.
void measure_spread(const StepJob& job, StepActivity& step);

}  // namespace joulesim::engine
