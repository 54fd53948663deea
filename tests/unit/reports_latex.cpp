// Is the LaTeX table one that TeX can read, whatever texts a result has?
#include "reports/data/tables.hpp"
#include "tests/unit/reports_sample.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <sstream>
#include <string>

using namespace joulesim::reports;

namespace {

// Signs with a meaning to TeX that are not written as a command or as themselves.
std::size_t live(const std::string& text, char sign) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    count += text[i] == sign && (i == 0 || text[i - 1] != '\\') ? 1U : 0U;
  }
  return count;
}

}  // namespace

TEST_CASE("every row of a LaTeX comparison has a cell a result, and groups are closed") {
  for (const std::size_t copies : {1U, 2U, 5U}) {
    const std::vector<Result> results(copies, phone_result());
    std::istringstream lines(comparison_latex(results));
    std::size_t rows = 0;
    for (std::string line; std::getline(lines, line);) {
      if (line.ends_with("\\\\")) {
        INFO(line);
        CHECK(live(line, '&') == copies);
        CHECK(live(line, '{') == live(line, '}'));
        CHECK(live(line, '$') % 2 == 0);
        ++rows;
      }
    }
    CHECK(rows > 5);
  }
}

TEST_CASE("texts of a result cannot become TeX commands") {
  Result result = phone_result();
  result.name = "\\input{/etc/passwd}_$&#%^~{}\n\\end{tabular}";
  result.metrics.front().label = "100 % & \\write18{ls}";
  const std::string text = comparison_latex({result});
  INFO(text);
  CHECK(text.find("\\input") == std::string::npos);
  CHECK(text.find("\\write") == std::string::npos);
  CHECK(text.find("\\textbackslash{}input\\{/etc/passwd\\}\\_\\$\\&\\#\\%") != std::string::npos);
  CHECK(text.find("\\end{tabular}") == text.rfind("\\end{tabular}"));
  CHECK(text.find("100 \\% \\& ") != std::string::npos);
}
