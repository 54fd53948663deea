// Verdicts from values, ranges and tolerances; the ledger's page.
#include "reports/html/claims.hpp"
#include "reports/html/page.hpp"
#include "reports/result/claim.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace joulesim::reports {
namespace {

AnyQuantity joules(double si) { return {si, kJoule}; }

ClaimFigure figure_of(double value, std::optional<double> said, double within = 1.25) {
  ClaimFigure figure;
  figure.id = "energy";
  figure.label = "Energy";
  figure.formula = "base.energy.per_request";
  figure.value = joules(value);
  if (said) {
    Expectation expected;
    expected.figure = joules(*said);
    expected.within = within;
    figure.readings.push_back(expected);
  }
  return figure;
}

Claim claim_of(std::vector<ClaimFigure> figures) {
  Claim claim;
  claim.id = "X1";
  claim.statement = "An answer takes nine watt-hours.";
  claim.source = "X: an article";
  claim.sentence = "It takes less.";
  claim.figures = std::move(figures);
  return claim;
}

}  // namespace

TEST_CASE("a figure holds within its factor, on both sides") {
  CHECK(judge_figure(figure_of(10, 12)).verdict == Verdict::holds);
  CHECK(judge_figure(figure_of(12, 10)).verdict == Verdict::holds);
  const Judged off = judge_figure(figure_of(10, 30));
  CHECK(off.verdict == Verdict::off_by);
  CHECK(off.factor == Approx(3));
  CHECK(words_of(off) == "off by ×3");
  CHECK(judge_figure(figure_of(30, 10)).factor == Approx(3));
}

TEST_CASE("a figure whose range reaches the statement holds at the end of its range") {
  ClaimFigure figure = figure_of(10, 30);
  figure.low = joules(5);
  figure.high = joules(25);
  const Judged judged = judge_figure(figure);
  CHECK(judged.verdict == Verdict::holds);
  CHECK(judged.by_range);
  figure.high = joules(20);
  CHECK(judge_figure(figure).verdict == Verdict::off_by);
}

TEST_CASE("a comparison that comes out the other way is contradicted") {
  ClaimFigure figure = figure_of(10, std::nullopt);
  Expectation least;
  least.at_least = joules(20);
  figure.readings = {least};
  CHECK(judge_figure(figure).verdict == Verdict::contradicted);
  figure.value = joules(21);
  CHECK(judge_figure(figure).verdict == Verdict::holds);
  Expectation most;
  most.at_most = joules(20);
  figure.readings = {most};
  CHECK(judge_figure(figure).verdict == Verdict::contradicted);
  figure.low = joules(19);
  figure.high = joules(30);
  CHECK(judge_figure(figure).by_range);
}

TEST_CASE("where a statement disagrees with itself, the nearer reading is named") {
  ClaimFigure figure = figure_of(130, 14);
  Expectation other;
  other.figure = joules(143);
  other.says = "2 GW / 14";
  figure.readings.push_back(other);
  const Judged judged = judge_figure(figure);
  CHECK(judged.verdict == Verdict::off_by);
  CHECK(judged.supported == 1);
  CHECK_THAT(reason_of(claim_of({figure})),
             Catch::Contains("supports the other reading") && Catch::Contains("2 GW / 14"));
}

TEST_CASE("a claim has the verdict of its worst figure; figures without a statement do not count") {
  const Claim claim =
      claim_of({figure_of(10, 10), figure_of(10, 40), figure_of(10, 20), figure_of(1, {})});
  CHECK(judge_claim(claim).factor == Approx(4));
  CHECK(headline(claim)->readings[0].figure->si == 40);
  CHECK(judge_claim(claim_of({figure_of(1, {})})).verdict == Verdict::not_decidable);
  Claim fixed = claim;
  fixed.fixed = Verdict::not_yet;
  fixed.reason = "because";
  CHECK(judge_claim(fixed).verdict == Verdict::not_yet);
  CHECK(reason_of(fixed) == "because");
}

TEST_CASE("the list gives value, range and statement in the figure's unit") {
  ClaimFigure figure = figure_of(3600, 7200, 3);
  figure.unit = "Wh";
  figure.low = joules(1800);
  figure.high = joules(3600 * 2);
  const auto list = nlohmann::json::parse(claims_json({claim_of({figure})}));
  REQUIRE(list.size() == 1);
  CHECK(list[0].at("id") == "X1");
  CHECK(list[0].at("value") == Approx(1));
  CHECK(list[0].at("low") == Approx(0.5));
  CHECK(list[0].at("high") == Approx(2));
  CHECK(list[0].at("expected") == Approx(2));
  CHECK(list[0].at("unit") == "Wh");
  CHECK(list[0].at("verdict") == "holds");
  CHECK(list[0].at("figures").size() == 1);
}

TEST_CASE("the page shows what it was told, escaped, and its template uses every name") {
  Claim claim = claim_of({figure_of(10, 30)});
  claim.statement = "<script>alert(1)</script>";
  claim.inputs = {{"people", "People", "census & more", {8e9, {}}, {}, {}}};
  claim.runs = {{"base", "a <b>run</b>", "train", {"workload.batch=\"1\""}}};
  claim.open = {"the rest"};
  const std::string page = claims_page({claim}, {}, "0.1");
  CHECK_THAT(page, !Catch::Contains("<script>alert"));
  CHECK_THAT(page, Catch::Contains("&lt;script&gt;alert(1)"));
  CHECK_THAT(page, Catch::Contains("census &amp; more"));
  CHECK_THAT(page, Catch::Contains("off by ×3"));
  CHECK_THAT(page, Catch::Contains("Not yet simulated: the rest"));
}

}  // namespace joulesim::reports
