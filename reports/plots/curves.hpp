// Plots with two continuous axes: curves over time, and the roofline.
//
// Checked by: tests/unit/reports_plots.cpp.
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/result.hpp"

namespace joulesim::reports {

// Attainable rate against operations per byte, with the longest operators on it.
void plot_roofline(Script& script, const Result& result);

// One plot per chart of the timeline; bandwidth against the peak of its memory tier.
void plot_charts(Script& script, const Result& result);

// At most about `most` points that keep every peak and trough a reader could see.
std::vector<std::pair<double, double>> thinned(const std::vector<double>& x,
                                               const std::vector<double>& y, std::size_t most);

}  // namespace joulesim::reports
