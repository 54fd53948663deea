#include "reports/html/assets.hpp"
#include "reports/html/page.hpp"
#include "reports/html/report.hpp"
#include "reports/html/sheet.hpp"
#include "reports/plots/plots.hpp"
#include "tests/unit/reports_sample.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <set>

using namespace joulesim::reports;
using Json = nlohmann::ordered_json;
using Names = std::vector<std::string>;

namespace {

PlotSet some_plots() {
  PlotSet set;
  for (const char* name :
       {"energy", "where", "operators", "roofline", "time_bandwidth", "time_power"}) {
    set.files.push_back({name, "A plot", "<?xml?><svg><g id='gpDot'/></svg>"});
  }
  return set;
}

}  // namespace

TEST_CASE("every name of the report template has data, and all data is used") {
  for (const Result& r : {phone_result(), fleet_result(), odd_result(), Result{}}) {
    CHECK(missing_names(kReportTemplate, report_data(r, some_plots())) == Names{});
    CHECK(missing_names(kReportTemplate, report_data(r, {})) == Names{});
  }
  CHECK(unused_names(kReportTemplate, report_data(phone_result(), some_plots())) == Names{});
}

TEST_CASE("every name of the comparison template has data, and all data is used") {
  const auto link = [](const Result& r) { return r.name + "/report.html"; };
  const Json data = comparison_data({phone_result(), fleet_result()}, some_plots(), link);
  CHECK(missing_names(kComparisonTemplate, data) == Names{});
  CHECK(unused_names(kComparisonTemplate, data) == Names{});
}

TEST_CASE("a sheet shows its words, tables and those of its plots that there are") {
  Sheet sheet;
  sheet.title = "a<b";
  sheet.cards = {{"rate", "1.5", "GB/s", "of 2"}};
  sheet.warnings = {"careful"};
  SheetSection section{"one", "One", {"Some words."}, {"energy", "absent"}, {}};
  section.tables = {{"Rows", {"name", "value"}, {{{"x", {}}, {"2.5 ns", 2.5e-9}}}}};
  sheet.sections = {section};
  const Json data = sheet_data(sheet, some_plots());
  CHECK(missing_names(kSheetTemplate, data) == Names{});
  CHECK(unused_names(kSheetTemplate, data) == Names{});
  const std::string page = html_sheet(sheet, some_plots());
  for (const char* piece : {"a&lt;b", "careful", "Some words.", "id=\"plot-energy\"", "2.5 ns",
                            "<td class=\"n\" data-v=\"2.5e-09\">", "<h3>Rows</h3>"}) {
    INFO(piece);
    CHECK(page.find(piece) != std::string::npos);
  }
  CHECK(page.find("plot-where") == std::string::npos);
}

TEST_CASE("a misspelt name in a template is found") {
  const Json data = {{"rows", Json::array({{{"name", "x"}}})}};
  CHECK(missing_names("{{#rows}}{{name}}{{/rows}}", data) == Names{});
  CHECK(missing_names("{{#rows}}{{nmae}}{{/rows}}", data) == Names{"rows/nmae"});
  CHECK(missing_names("{{#rwos}}{{name}}{{/rwos}}", data) == Names{"rwos"});
  CHECK(missing_names("{{#rows}}{{name}}", data).size() == 1);
  CHECK(missing_names("{{/rows}}", data).size() == 1);
  CHECK_THROWS_AS(fill("{{nothing}}", data), std::logic_error);
}

TEST_CASE("odd characters reach the page as text") {
  const std::string page = html_report(odd_result(), {});
  CHECK(page.find("a<b") == std::string::npos);
  CHECK(page.find("a&lt;b &amp; &quot;c&quot;") != std::string::npos);
}

TEST_CASE("a page needs nothing from outside") {
  std::string page = html_report(phone_result(), draw_result(phone_result()));
  // SVG's name spaces look like addresses but are names, which no browser asks for.
  for (const std::string space :
       {"xmlns=\"http://www.w3.org/2000/svg\"", "xmlns:xlink=\"http://www.w3.org/1999/xlink\""}) {
    for (auto at = page.find(space); at != std::string::npos; at = page.find(space)) {
      page.erase(at, space.size());
    }
  }
  for (const char* mark : {"http:", "https:", "//", "@import", "src="}) {
    INFO(mark);
    CHECK(page.find(mark) == std::string::npos);
  }
}

TEST_CASE("ids of a page with plots are unique") {
  const std::string page = html_report(phone_result(), draw_result(phone_result()));
  std::set<std::string> seen;
  std::size_t count = 0;
  for (const char* mark : {" id=\"", " id='"}) {
    const std::string opening = mark;
    for (auto at = page.find(mark); at != std::string::npos; at = page.find(mark, at + 1)) {
      const auto from = at + opening.size();
      const std::string id = page.substr(from, page.find(opening.back(), from) - from);
      INFO(id);
      CHECK(seen.insert(id).second);
      ++count;
    }
  }
  CHECK(count > 50);
}

TEST_CASE("the page tells the headline figures with their ranges") {
  const std::string page = html_report(phone_result(), {});
  CHECK(page.find("82.6<small>tokens/s</small>") != std::string::npos);
  CHECK(page.find("79.9 – 84.0 tokens/s") != std::string::npos);
  CHECK(page.find("Decode waits for DRAM") != std::string::npos);
}
