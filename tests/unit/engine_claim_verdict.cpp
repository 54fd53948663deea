// Verdicts from values, ranges and tolerances.
#include "sim/engine/claim_verdict.hpp"
#include "tests/unit/claim_figure.hpp"

#include <catch2/catch.hpp>

namespace joulesim::engine {
namespace {

using reports::Claim;
using reports::ClaimFigure;
using reports::Expectation;
using reports::Judged;
using reports::Verdict;
using reports::testing::figure_of;
using reports::testing::joules;

Judged verdict_of(ClaimFigure figure) {
  judge(figure);
  return figure.judged;
}

Claim judged_claim(std::vector<ClaimFigure> figures) {
  Claim claim;
  claim.figures = std::move(figures);
  judge(claim);
  return claim;
}

}  // namespace

TEST_CASE("a figure holds within its factor, on both sides") {
  CHECK(verdict_of(figure_of(10, 12)).verdict == Verdict::holds);
  CHECK(verdict_of(figure_of(12, 10)).verdict == Verdict::holds);
  const Judged off = verdict_of(figure_of(10, 30));
  CHECK(off.verdict == Verdict::off_by);
  CHECK(off.factor == Approx(3));
  CHECK(words_of(off) == "off by ×3");
  CHECK(verdict_of(figure_of(30, 10)).factor == Approx(3));
}

TEST_CASE("a figure whose range reaches the statement holds at the end of its range") {
  ClaimFigure figure = figure_of(10, 30);
  figure.low = joules(5);
  figure.high = joules(25);
  const Judged judged = verdict_of(figure);
  CHECK(judged.verdict == Verdict::holds);
  CHECK(judged.by_range);
  figure.high = joules(20);
  CHECK(verdict_of(figure).verdict == Verdict::off_by);
}

TEST_CASE("a comparison that comes out the other way is contradicted") {
  ClaimFigure figure = figure_of(10, std::nullopt);
  Expectation least;
  least.at_least = joules(20);
  figure.readings = {least};
  CHECK(verdict_of(figure).verdict == Verdict::contradicted);
  figure.value = joules(21);
  CHECK(verdict_of(figure).verdict == Verdict::holds);
  Expectation most;
  most.at_most = joules(20);
  figure.readings = {most};
  CHECK(verdict_of(figure).verdict == Verdict::contradicted);
  figure.low = joules(19);
  figure.high = joules(30);
  CHECK(verdict_of(figure).by_range);
}

TEST_CASE("where a statement disagrees with itself, the nearer reading is named") {
  ClaimFigure figure = figure_of(130, 14);
  Expectation other;
  other.figure = joules(143);
  other.says = "2 GW / 14";
  figure.readings.push_back(other);
  const Judged judged = verdict_of(figure);
  CHECK(judged.verdict == Verdict::off_by);
  CHECK(judged.supported == 1);
  CHECK_THAT(judged_claim({figure}).reason,
             Catch::Contains("supports the other reading") && Catch::Contains("2 GW / 14"));
}

TEST_CASE("a claim has the verdict of its worst figure; figures without a statement do not count") {
  const Claim claim =
      judged_claim({figure_of(10, 10), figure_of(10, 40), figure_of(10, 20), figure_of(1, {})});
  CHECK(claim.judged.factor == Approx(4));
  CHECK(headline(claim)->readings[0].figure->si == 40);
  CHECK(judged_claim({figure_of(1, {})}).judged.verdict == Verdict::not_decidable);
  Claim fixed = claim;
  fixed.fixed = Verdict::not_yet;
  fixed.reason = "because";
  judge(fixed);
  CHECK(fixed.judged.verdict == Verdict::not_yet);
  CHECK(fixed.reason == "because");
}

}  // namespace joulesim::engine
