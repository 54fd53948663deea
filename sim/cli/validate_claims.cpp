// validate claims: public statements beside what is simulated for them.
#include "reports/html/claims.hpp"
#include "reports/terminal/progress.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/claim_ledger.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <iostream>
#include <map>

namespace joulesim::cli {

int validate_claims(const Common& common, const ValidateArguments& arguments) {
  const engine::Library library = engine::Library::open(common.plugins);
  reports::ProgressBar bar("claims", common.quiet);
  engine::LedgerOptions options;
  options.workers = arguments.jobs;
  options.only = arguments.only;
  options.progress = [&](std::size_t done, std::size_t all) {
    bar.update(static_cast<double>(done) / static_cast<double>(all));
  };
  const std::vector<reports::Claim> claims = engine::judge_claims(library, options);
  const std::string out = arguments.out.empty() ? "out/claims" : arguments.out;
  reports::write_claims(claims, JOULESIM_VERSION, out);
  if (common.json) {
    std::cout << reports::claims_json(claims);
    return 0;
  }
  std::map<reports::Verdict, int> verdicts;
  for (const reports::Claim& claim : claims) {
    ++verdicts[claim.judged.verdict];
    std::cout << fmt::format("{:<4} {}\n     {}\n     {}\n", claim.id,
                             reports::words_of(claim.judged), claim.statement, claim.sentence);
    if (!claim.reason.empty()) {
      std::cout << fmt::format("     {}\n", claim.reason);
    }
    std::cout << "\n";
  }
  for (const auto& [verdict, count] : verdicts) {
    std::cout << fmt::format("{} {}\n", count, reports::name_of(verdict));
  }
  std::cout << "report: " << (std::filesystem::path(out) / "claims.html").string() << "\n";
  return 0;
}

}  // namespace joulesim::cli
