// Starting gnuplot and judging what it did.
//
// Checked by: tests/unit/reports_plots.cpp.
#pragma once

#include <string>

namespace joulesim::reports {

// Runs `gnuplot script` in the folder. A missing program, a non-zero status or a run of more than a
// minute is an InputError that carries gnuplot's own words.
void run_gnuplot(const std::string& folder, const std::string& script);

}  // namespace joulesim::reports
