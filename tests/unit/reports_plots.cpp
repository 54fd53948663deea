#include "reports/plots/curves.hpp"
#include "reports/plots/plots.hpp"
#include "reports/plots/run_gnuplot.hpp"
#include "reports/result/files.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/unit/reports_fixture.hpp"
#include "tests/unit/reports_sample.hpp"

#include <boost/property_tree/ptree.hpp>
#include <boost/property_tree/xml_parser.hpp>
#include <catch2/catch.hpp>

#include <cstdlib>
#include <filesystem>
#include <sstream>

using namespace joulesim;
using namespace joulesim::reports;
using Catch::Contains;

namespace {

std::vector<std::string> names_of(const PlotSet& set) {
  std::vector<std::string> out;
  for (const PlotFile& file : set.files) {
    out.push_back(file.name);
  }
  return out;
}

}  // namespace

TEST_CASE("a phone gets a plot of everything that its result holds") {
  const PlotSet set = draw_result(phone_result());
  CHECK(names_of(set) == std::vector<std::string>{"energy", "where", "operators", "roofline",
                                                  "time_power", "time_bandwidth", "time_battery",
                                                  "tornado_speed", "tornado_energy", "flow"});
}

TEST_CASE("plots have the same bytes every time") {
  const PlotSet first = draw_result(phone_result());
  const PlotSet second = draw_result(phone_result());
  CHECK(first.script == second.script);
  for (std::size_t i = 0; i < first.files.size(); ++i) {
    CHECK(first.files[i].svg == second.files[i].svg);
  }
}

TEST_CASE("labels with odd characters appear as they are in well-formed SVG") {
  const PlotSet set = draw_result(odd_result());
  REQUIRE(set.files.size() == 10);
  for (const PlotFile& file : set.files) {
    INFO(file.name);
    std::istringstream in(file.svg);
    boost::property_tree::ptree tree;
    CHECK_NOTHROW(boost::property_tree::read_xml(in, tree));
    CHECK(file.svg.find('\x1b') == std::string::npos);
  }
  CHECK_THAT(set.find("energy")->svg, Contains("a&lt;b &amp; \"c\" _{x}^2 @y |z|"));
}

TEST_CASE("a percent sign in a tic label is doubled for gnuplot") {
  CHECK(quoted_tic("100 %d") == "'100 %%d'");
  CHECK(quoted("it's") == "'it''s'");
  CHECK(quoted("µµµµ", 2) == "'µµ…'");
}

TEST_CASE("a result without rows makes no plots and needs no gnuplot") {
  const WithoutGnuplot without;
  Result r;
  const PlotSet set = draw_result(r);
  CHECK(set.files.empty());
}

TEST_CASE("a missing gnuplot is an error that says what to install") {
  const WithoutGnuplot without;
  CHECK_THROWS_AS(draw_result(phone_result()), InputError);
  CHECK_THROWS_WITH(draw_result(phone_result()), Contains("gnuplot-nox"));
}

TEST_CASE("what gnuplot complains of is passed on") {
  const Folder folder("gnuplot-complains");
  write_atomically((folder.path / "bad.gp").string(), "set nonsense\n");
  CHECK_THROWS_WITH(run_gnuplot(folder.path.string(), "bad.gp"), Contains("nrecognized option"));
}

TEST_CASE("extreme numbers do not break the plots") {
  Result r = phone_result();
  r.energy.front().joules = 1e300;
  r.energy_total = 1e300;
  r.operators.front().seconds = 1e-300;
  r.operators.back().ops = 1e300;
  for (double& y : r.timeline.front().y) {
    y = 0;
  }
  CHECK_NOTHROW(draw_result(r));
}

TEST_CASE("thinning keeps the highest and the lowest sample") {
  std::vector<double> x;
  std::vector<double> y;
  for (int i = 0; i < 100000; ++i) {
    x.push_back(i);
    y.push_back(i == 54321 ? 9 : (i == 777 ? -9 : 0));
  }
  const auto points = thinned(x, y, 900);
  CHECK(points.size() <= 902);
  const auto [low, high] =
      std::minmax_element(points.begin(), points.end(),
                          [](const auto& a, const auto& b) { return a.second < b.second; });
  CHECK(low->second == -9);
  CHECK(high->second == 9);
  CHECK(high->first == 54321);
  CHECK(thinned({0, 1, 2}, {5, 6, 7}, 900).size() == 3);
}

TEST_CASE("a comparison plots what at least two results have") {
  Result other = phone_result();
  other.name = "other";
  const auto names = names_of(draw_comparison({phone_result(), other, fleet_result()}));
  CHECK(names.front() == "energy_per_token");
  CHECK(std::find(names.begin(), names.end(), "pareto") != names.end());
  CHECK(std::find(names.begin(), names.end(), "metric_decode_tokens_per_second") != names.end());
  CHECK(std::find(names.begin(), names.end(), "metric_battery_hours") != names.end());
  CHECK(std::find(names.begin(), names.end(), "metric_fleet_power") == names.end());
}

TEST_CASE("values far apart become dots on a logarithmic axis, near ones bars") {
  Result near = phone_result();
  near.name = "near";
  Result far = near;
  far.metrics.front().value.si *= 1000;
  Script script;
  plot_comparison(script, {near, near});
  CHECK_THAT(script.text(), !Contains("set logscale x\n"));
  Script other;
  plot_comparison(other, {near, far});
  CHECK_THAT(other.text(), Contains("set logscale x\n"));
}

TEST_CASE("curves in prefixed units are drawn on the right scale against the peak of their tier") {
  Result r = phone_result();
  r.timeline = {
      {"dram_bandwidth", "in a step", "time", "ms", "bandwidth", "GB/s", {0, 2000}, {10, 20}}};
  Script script;
  plot_charts(script, r);
  CHECK_THAT(script.text(), Contains("set xlabel 'time (s)'") && Contains("2 20\n") &&
                                Contains("peak of dram, 51.2 GB/s"));
}

TEST_CASE("roofs of equal height share a line") {
  Result r = phone_result();
  r.roofs = {{"npu int8", "dram", 8e12, 5e10}, {"npu fp16", "dram", 8e12, 5e10}};
  Script script;
  plot_roofline(script, r);
  CHECK_THAT(script.text(), Contains("'npu int8, fp16 on dram'"));
}

TEST_CASE("two plots of one name are a bug") {
  Script script;
  script.begin("a", "A", 100);
  script.draw({});
  CHECK_THROWS_AS(script.begin("a", "A", 100), std::logic_error);
}
