// A result, or several side by side, as text for a terminal.
//
// Checked by: tests/golden/reports.cpp.
#pragma once

#include "reports/result/result.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace joulesim::reports {

struct TerminalOptions {
  bool colour = false;
  std::size_t width = 100;
};

std::string terminal_summary(const Result& result, const TerminalOptions& options = {});

// Metrics as rows, results as columns, each with its ratio to the first.
std::string terminal_comparison(const std::vector<Result>& results,
                                const TerminalOptions& options = {});

}  // namespace joulesim::reports
