// Verdicts on public statements, from values, ranges and stated tolerances alone.
//
// Models:     a number holds within a factor, or when the range of the simulated one reaches it; it
//             is off by their ratio otherwise. A bound that the value is on the wrong side of,
//             range included, is contradicted. A claim has the verdict of its worst figure, unless
//             its file says that none can be reached, and why.
// Checked by: tests/unit/engine_claim_verdict.cpp.
#pragma once

#include "reports/result/claim.hpp"

namespace joulesim::engine {

// Fills in what the figure's readings come to; the reading that the value is nearest to.
void judge(reports::ClaimFigure& figure);

// The same for all figures, the claim's verdict, its leading figure and its reason.
void judge(reports::Claim& claim);

}  // namespace joulesim::engine
