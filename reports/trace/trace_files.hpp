// A trace as files: for ui.perfetto.dev in its own protobuf, and as value changes for wave viewers.
//
// Checked by: tests/unit/reports_trace.cpp (read back), tests/cli/trace.cpp (of a run).
#pragma once

#include "reports/result/trace.hpp"

#include <string>

namespace joulesim::reports {

// perfetto.protos.Trace: a process for the run, a track for each unit and for the phases, a counter
// track for each value. Times are whole nanoseconds.
std::string perfetto_trace(const Trace& trace);

// IEEE 1364 value change dump: a bit for each track that is 1 while a span is open on it, a real
// for each counter. Times are whole picoseconds.
std::string vcd_trace(const Trace& trace);

}  // namespace joulesim::reports
