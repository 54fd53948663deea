// The claims ledger as one page: verdicts in a table, then each claim with its figures, curves,
// inputs and runs.
//
// Checked by: tests/unit/reports_claims.cpp.
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/claim.hpp"

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

namespace joulesim::reports {

nlohmann::ordered_json claims_data(const std::vector<Claim>& claims, const PlotSet& plots,
                                   const std::string& version);
std::string claims_page(const std::vector<Claim>& claims, const PlotSet& plots,
                        const std::string& version);

// DIR/{claims.html,claims.json} and DIR/plots.
void write_claims(const std::vector<Claim>& claims, const std::string& version,
                  const std::string& dir);

}  // namespace joulesim::reports
