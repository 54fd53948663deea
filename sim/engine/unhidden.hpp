// What nothing in a step hides: the host's work, and what the devices that share the step exchange.
#pragma once

#include "sim/engine/step_runner.hpp"

namespace joulesim::engine {

// Adds both to the step, behind its programs.
void add_unhidden(const StepJob& job, StepActivity& step);

}  // namespace joulesim::engine
