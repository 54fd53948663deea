// Self-contained pages: one result, or several side by side, with plots drawn beforehand.
//
// Checked by: tests/unit/reports_html.cpp, tests/golden/reports.cpp.
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/result.hpp"

#include <nlohmann/json_fwd.hpp>

#include <functional>
#include <string>
#include <vector>

namespace joulesim::reports {

std::string html_report(const Result& result, const PlotSet& plots);
nlohmann::ordered_json report_data(const Result& result, const PlotSet& plots);

// `link` gives the address of a result's own page relative to the comparison; empty for none.
using Link = std::function<std::string(const Result&)>;
std::string html_comparison(const std::vector<Result>& results, const PlotSet& plots,
                            const Link& link);
nlohmann::ordered_json comparison_data(const std::vector<Result>& results, const PlotSet& plots,
                                       const Link& link);

// The plot as an element of a page: without XML head, with ids of its own.
std::string figure(const PlotFile& plot);

}  // namespace joulesim::reports
