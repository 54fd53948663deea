// Curves of the claims ledger: a figure over an open input, with the statement's point.
//
// Checked by: tests/unit/reports_claims.cpp, tests/cli/claims.cpp.
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/claim.hpp"

#include <string>
#include <vector>

namespace joulesim::reports {

// "claim_A7_0": letters, digits and _ only.
std::string claim_plot_name(const Claim& claim, std::size_t index);

PlotSet claim_plots(const std::vector<Claim>& claims);

}  // namespace joulesim::reports
