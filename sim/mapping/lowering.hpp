// A step's works as programs of its unit, and of a partner where a group of units splits products.
//
// Models:      each work on the unit in front of the memory; equal products cut alike.
// Leaves out:  splits in front of no known memory.
// Checked by:  tests/unit/split_step.cpp, tests/unit/mapping.cpp.
#pragma once

#include "sim/mapping/step.hpp"

namespace joulesim::mapping {

// Fills the programs of a plan that has works and segments; the parts of works that are split go
// behind the works.
void lower_all(const hw::ComputeUnit& unit, const hw::RuntimeSpec& runtime,
               const hw::MemoryView& memory, StepPlan& plan);

}  // namespace joulesim::mapping
