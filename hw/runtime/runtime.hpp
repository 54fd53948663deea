// A software stack as a part (hw/runtime/*.toml): what it costs to start work, and what it fuses.
//
// Models:      launch cost per operator, host work per step, fusion of vector work, loading of
// weights ahead. Leaves out:  graph capture, batching policies, memory pools.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "sim/base/config.hpp"

namespace joulesim::hw {

inline constexpr const char* kRuntimeModel = "runtime";

RuntimeSpec runtime_from(const ConfigNode& part);

}  // namespace joulesim::hw
