// Runs every scenario that carries a [claim], with its further runs and curves, and judges the
// claims from the results.
//
// Equal runs are simulated once. Checked by: tests/cli/claims.cpp.
#pragma once

#include "reports/result/claim.hpp"
#include "sim/engine/library.hpp"

#include <functional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct LedgerOptions {
  int workers = 0;                // 0: one per processor
  std::vector<std::string> only;  // ids; empty: all
  std::function<void(std::size_t, std::size_t)> progress;
};

// In order of the claims' ids. Throws InputError with the faults of all claims.
std::vector<reports::Claim> judge_claims(const Library& library, const LedgerOptions& options);

}  // namespace joulesim::engine
