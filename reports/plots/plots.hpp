// The plots of one result, and of several side by side.
//
// Checked by: tests/unit/reports_plots.cpp, tests/golden/reports.cpp.
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/result.hpp"

#include <string>
#include <vector>

namespace joulesim::reports {

// energy, where, operators, roofline, and one plot per chart of the timeline (power, bandwidth,
// battery, …); what the result holds nothing of is left out.
void plot_result(Script& script, const Result& result);
PlotSet draw_result(const Result& result);

// "time_power" for ("time", "power"): letters, digits and _ only.
std::string file_name(const std::string& prefix, const std::string& name);

// Bars per metric that at least two results have (speed, energy by component, battery, …).
void plot_comparison(Script& script, const std::vector<Result>& results);
PlotSet draw_comparison(const std::vector<Result>& results);

}  // namespace joulesim::reports
