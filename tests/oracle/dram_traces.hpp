// The reference traces, by the name that the memory tests know them under.
#pragma once

#include "hw/dram/trace_patterns.hpp"
#include "hw/dram/trace_run.hpp"

namespace joulesim::hw::testing {

using hw::make_trace;

}  // namespace joulesim::hw::testing
