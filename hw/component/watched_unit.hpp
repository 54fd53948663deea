// A plug-in's compute unit, watched: what it answers is held against what the engine relies on, and
// what it throws is told apart from a bug of the product.
//
// Models:      forwards everything; programs move only streams that their work has, take no
//              negative time and joules, and have joules by the unit's causes; ports and buffers
//              exist.
// Leaves out:  whether the answers are right; memory that the plug-in damages.
// Checked by:  tests/plugin/plugin.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"

#include <memory>
#include <string>

namespace joulesim::hw {

// Throws InputError, which names the plug-in, where the unit breaks the interface.
std::shared_ptr<const ComputeUnit> watched(std::shared_ptr<const ComputeUnit> unit,
                                           const std::string& plugin);

}  // namespace joulesim::hw
