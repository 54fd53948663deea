// Tiles that a scenario prescribes for products on a GPU ([[machine.tile]]), instead of the choice
// that a vendor's library would make.
//
// Checked by: tests/unit/engine_placement.cpp.
#pragma once

#include "sim/engine/prepare.hpp"

#include <functional>

namespace joulesim::engine {

// A prescribed tile that the unit cannot run is a fault of the scenario: it gets its place there.
mapping::StepPlan at_place(const Scenario& scenario,
                           const std::function<mapping::StepPlan()>& plan);

// The software stack with the tiles that hold in a step: a prefill, which has no context yet, or
// one of decode.
hw::RuntimeSpec with_pins(const Scenario& scenario, const hw::RuntimeSpec& runtime, bool prefill);

// Every tile is of a product that the model has, on a unit that takes tiles; else InputError.
void check_pins(const Prepared& prepared);

}  // namespace joulesim::engine
