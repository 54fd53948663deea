// A run's timeline for viewers, from the steps that were simulated.
//
// Models:      the prefill, then a stretch for each simulated context of decode; at the start of
// each
//              stretch one step with its segments and operators as they were simulated or replayed,
//              then the step's mean until the next stretch. Operators of one kind in a segment are
//              one span, in the order of their first. Power is the result's own curve.
// Leaves out:  single DRAM commands; waiting of a unit inside an operator.
// Checked by:  tests/cli/trace.cpp.
#pragma once

#include "reports/result/result.hpp"
#include "reports/result/trace.hpp"
#include "sim/engine/run.hpp"

namespace joulesim::engine {

reports::Trace trace_of(const Prepared& prepared, const Simulated& simulated,
                        const reports::Result& result);

}  // namespace joulesim::engine
