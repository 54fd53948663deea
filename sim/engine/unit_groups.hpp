// Units of a machine that work on one model: placed operators, and products on two at once.
//
// Checked by: tests/unit/engine_placement.cpp, tests/unit/split_step.cpp.
#pragma once

#include "sim/engine/prepare.hpp"

namespace joulesim::engine {

// Makes the scenario's unit the first of a group with all others of the machine. Throws InputError
// with every fault of [machine.placement] and [machine.split].
void form_group(const Library& library, Prepared& prepared);

}  // namespace joulesim::engine
