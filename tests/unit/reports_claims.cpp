// The claims ledger as a list and as a page.
#include "reports/html/claims.hpp"
#include "reports/html/page.hpp"
#include "reports/result/claim.hpp"
#include "tests/unit/claim_figure.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

namespace joulesim::reports {
namespace {

using testing::figure_of;
using testing::joules;

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

TEST_CASE("the list gives value, range and statement in the figure's unit") {
  ClaimFigure figure = figure_of(3600, 7200, 3);
  figure.unit = "Wh";
  figure.low = joules(1800);
  figure.high = joules(3600 * 2);
  figure.judged.verdict = Verdict::holds;
  Claim claim = claim_of({figure});
  claim.judged = figure.judged;
  const auto list = nlohmann::json::parse(claims_json({claim}));
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
  claim.judged = claim.figures[0].judged = {Verdict::off_by, 3};
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
