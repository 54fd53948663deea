#include "reports/result/view.hpp"
#include "tests/unit/reports_sample.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

using namespace joulesim::reports;

TEST_CASE("components add up to the request, largest first") {
  const Result r = phone_result();
  const auto groups = energy_by_component(r);
  double sum = 0;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    sum += groups[i].joules;
    CHECK((i == 0 || groups[i - 1].joules >= groups[i].joules));
    double parts = 0;
    for (const EnergySegment& s : groups[i].segments) {
      parts += s.joules;
    }
    CHECK(parts == Approx(groups[i].joules));
  }
  CHECK(sum == Approx(r.energy_total));
  CHECK(groups.front().name == "dram");
}

TEST_CASE("kinds of spending add up to the request in the order of legends") {
  const Result r = phone_result();
  const auto spent = energy_by_spending(r);
  double sum = 0;
  for (std::size_t i = 0; i < spent.size(); ++i) {
    sum += spent[i].joules;
    CHECK(spent[i].spent == spent_kinds()[i]);
  }
  CHECK(sum == Approx(r.energy_total));
}

TEST_CASE("a fleet's figures head its answer, a phone's speed heads its own") {
  const Result fleet = fleet_result();
  const Result phone = phone_result();
  CHECK(headline(fleet, 8).front()->name == "fleet.energy_per_year");
  CHECK(headline(phone, 8).front()->name == "decode.tokens_per_second");
  CHECK(headline(phone, 3).size() == 3);
}

TEST_CASE("metrics that nobody ordered are still shown") {
  Result r = phone_result();
  r.metrics.push_back({"custom.figure", "Custom", {1, {}}, {}, {}, 0, ""});
  const auto names = all_metric_names({r, fleet_result()});
  CHECK(std::find(names.begin(), names.end(), "custom.figure") != names.end());
  CHECK(std::set<std::string>(names.begin(), names.end()).size() == names.size());
}

TEST_CASE("ratios below a tenth read as divisions") {
  Metric first{"m", "M", {100, {}}, {}, {}, 0, ""};
  Metric other = first;
  other.value.si = 4;
  CHECK(ratio_text(&first, &other) == "÷ 25.0");
  other.value.si = 171;
  CHECK(ratio_text(&first, &other) == "× 1.71");
  CHECK(ratio_text(nullptr, &other).empty());
}

TEST_CASE("busy times that are rounding only are left out") {
  Result r = phone_result();
  r.time.push_back({"decode", "npu", "drain", 1e-18, 1e-15});
  CHECK(time_rows(r).size() == r.time.size() - 1);
}

TEST_CASE("curves of one first word and unit share a chart") {
  const Result r = phone_result();
  const auto all = charts(r);
  REQUIRE(all.size() == 3);
  CHECK(all[0].name == "power");
  CHECK(all[0].curves.size() == 3);
  CHECK(all[1].name == "bandwidth");
  CHECK(all[2].name == "battery");
}

TEST_CASE("the longest operators of a phase come first") {
  const auto rows = operators_of(phone_result(), "decode");
  REQUIRE(rows.size() == 12);
  CHECK(rows.front().name == "ffn.down");
  CHECK(main_phase(phone_result()) == "decode");
}
