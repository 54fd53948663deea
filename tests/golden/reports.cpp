// What people read, byte for byte: terminal text, Markdown, a plot script, the skeleton of a page.
#include "reports/data/tables.hpp"
#include "reports/html/report.hpp"
#include "reports/plots/plots.hpp"
#include "reports/result/files.hpp"
#include "reports/result/result_json.hpp"
#include "reports/terminal/summary.hpp"
#include "tests/unit/reports_sample.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <sstream>

using namespace joulesim::reports;

namespace {

// The first differing line, enough to see what moved.
std::string difference(const std::string& expected, const std::string& actual) {
  std::istringstream a(expected);
  std::istringstream b(actual);
  std::string left;
  std::string right;
  for (int line = 1;; ++line) {
    const bool more_left = static_cast<bool>(std::getline(a, left));
    const bool more_right = static_cast<bool>(std::getline(b, right));
    if (!more_left && !more_right) {
      return "only line ends differ";
    }
    if (left != right || more_left != more_right) {
      return "line " + std::to_string(line) + "\n- " + (more_left ? left : "(end)") + "\n+ " +
             (more_right ? right : "(end)");
    }
  }
}

// Compares with tests/golden/reports/NAME; on a difference writes golden/reports/NAME.actual in the
// build folder, to be copied over when the change is meant.
void check_golden(const std::string& name, const std::string& actual) {
  const std::string path = std::string(JOULESIM_SOURCE_DIR) + "/tests/golden/reports/" + name;
  const std::string written = "golden/reports/" + name + ".actual";
  const std::string expected =
      std::filesystem::exists(path) ? read_text(path, 16U << 20U) : std::string();
  if (expected != actual) {
    write_atomically(written, actual);
    FAIL(path << " differs from " << written << " at " << difference(expected, actual));
  }
  SUCCEED();
}

// A page without the style sheet and the script, which change for looks alone.
std::string skeleton(std::string page) {
  for (const auto& [begin, end] :
       {std::pair<std::string, std::string>{"<style>", "</style>"}, {"<script>", "</script>"}}) {
    const auto from = page.find(begin);
    const auto to = page.find(end);
    REQUIRE(from != std::string::npos);
    REQUIRE(to != std::string::npos);
    page.erase(from + begin.size(), to - from - begin.size());
  }
  return page;
}

}  // namespace

TEST_CASE("the terminal summary of a phone reads as agreed") {
  check_golden("summary_phone.txt", terminal_summary(phone_result()));
}

TEST_CASE("the terminal summary of a fleet reads as agreed") {
  check_golden("summary_fleet.txt", terminal_summary(fleet_result()));
}

TEST_CASE("the terminal comparison reads as agreed") {
  check_golden("comparison.txt", terminal_comparison({phone_result(), fleet_result()}));
}

TEST_CASE("the Markdown summary reads as agreed") {
  check_golden("summary_phone.md", summary_markdown(phone_result()));
}

TEST_CASE("the LaTeX comparison reads as agreed") {
  check_golden("comparison.tex", comparison_latex({phone_result(), fleet_result()}));
}

TEST_CASE("the result file of a fleet is written as agreed") {
  check_golden("result_fleet.json", to_json(fleet_result()));
}

TEST_CASE("the plot script of a fleet is written as agreed") {
  Script script;
  plot_result(script, fleet_result());
  check_golden("plots_fleet.gp", script.text());
}

TEST_CASE("the skeleton of a report page is as agreed") {
  check_golden("report_phone.html", skeleton(html_report(phone_result(), {})));
}

TEST_CASE("the skeleton of a comparison page is as agreed") {
  check_golden("comparison.html",
               skeleton(html_comparison({phone_result(), fleet_result()}, {}, nullptr)));
}
