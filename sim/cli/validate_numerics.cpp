// validate numerics: the kernels against other engines' outputs.
#include "models/kernels/expected_outputs.hpp"
#include "sim/cli/commands.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <iostream>

namespace joulesim::cli {
namespace {

nlohmann::ordered_json json_of(const models::ExpectedRow& row) {
  nlohmann::ordered_json json{{"case", row.name},
                              {"model", row.model},
                              {"datapath", row.datapath},
                              {"positions", row.positions},
                              {"max_abs_error", row.max_abs_error},
                              {"rms_error", row.rms_error},
                              {"judged_by", row.judged_by},
                              {"tolerance", row.tolerance},
                              {"greedy_equal", row.greedy_equal},
                              {"passed", row.passed},
                              {"skipped", row.skipped}};
  if (!row.fault.empty()) {
    json["fault"] = row.fault;
  }
  return json;
}

}  // namespace

int validate_numerics(const Common& common, const ValidateArguments& arguments) {
  const std::vector<models::ExpectedRow> rows =
      arguments.data.empty() ? models::check_generated_models()
                             : models::check_expected_outputs(arguments.data);
  const auto passed = std::count_if(rows.begin(), rows.end(),
                                    [](const models::ExpectedRow& row) { return row.passed; });
  const auto skipped = std::count_if(rows.begin(), rows.end(),
                                     [](const models::ExpectedRow& row) { return row.skipped; });
  const auto count = static_cast<std::ptrdiff_t>(rows.size()) - skipped;
  const bool all = passed == count && count > 0;
  double worst = 0.0;
  for (const models::ExpectedRow& row : rows) {
    if (row.judged_by == "max") {
      worst = std::max(worst, row.max_abs_error);
    }
  }
  if (common.json) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const models::ExpectedRow& row : rows) {
      list.push_back(json_of(row));
    }
    std::cout << nlohmann::ordered_json{{"cases", list},
                                        {"passed", passed},
                                        {"count", count},
                                        {"skipped", skipped},
                                        {"largest_exact_error", worst}}
                     .dump(2)
              << "\n";
    return all ? 0 : 3;
  }
  std::cout << fmt::format("{:<58} {:<11} {:>10} {:>10} {:>12} {:>7}  {}\n", "case", "datapath",
                           "max error", "RMS", "tolerance", "greedy", "verdict");
  for (const models::ExpectedRow& row : rows) {
    if (!row.fault.empty()) {
      std::cout << fmt::format("{:<58} {}\n", row.name, row.fault);
      continue;
    }
    std::cout << fmt::format("{:<58} {:<11} {:>10.2e} {:>10.2e} {:>4} {:>7.1e} {:>7}  {}\n",
                             row.name, row.datapath, row.max_abs_error, row.rms_error,
                             row.judged_by, row.tolerance,
                             row.greedy_equal    ? "equal"
                             : row.greedy_counts ? "differs"
                                                 : "(other)",
                             row.passed ? "holds" : "does not hold");
  }
  std::cout << fmt::format("\n{} of {} cases hold; largest error of exact arithmetic {:.2e}\n",
                           passed, count, worst);
  return all ? 0 : 3;
}

}  // namespace joulesim::cli
