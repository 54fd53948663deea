// Results as CSV (for programs), Markdown (for notes and reviews) and LaTeX (for papers).
//
// Checked by: tests/unit/reports_data.cpp.
#pragma once

#include "reports/result/result.hpp"

#include <string>
#include <vector>

namespace joulesim::reports {

// metric,value,unit,low,high,assumed_share,label: SI base units, numbers that read back exactly.
std::string metrics_csv(const Result& result);

// scenario,metric,value,unit,low,high,assumed_share,ratio_to_first
std::string comparison_csv(const std::vector<Result>& results);

std::string summary_markdown(const Result& result);
std::string comparison_markdown(const std::vector<Result>& results);

// A tabular in the style of booktabs; texts of files cannot become commands.
std::string comparison_latex(const std::vector<Result>& results);

}  // namespace joulesim::reports
