// The analytic level: a step's tile programs summed in closed form.
//
// Models:      every operator takes the longest of computing and moving its bytes at the sustained
// rates, plus
//              start, first access and drain; cache residency; the same counters as the simulated
//              levels.
// Leaves out:  contention, bank conflicts, loads that run ahead across operators.
// Checked by:  tests/oracle/engine_fidelity.cpp (against the train level).
#pragma once

#include "sim/engine/step_runner.hpp"

#include <vector>

namespace joulesim::engine {

// Fills the activity of every segment.
void closed_form(const StepJob& job, std::vector<SegmentActivity>& segments);

}  // namespace joulesim::engine
