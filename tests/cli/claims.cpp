// validate claims: the list, the page, and what is refused.
#include "tests/cli/program.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <set>
#include <string>

namespace {

using joulesim::cli::exchanged;
using joulesim::cli::Outcome;
using joulesim::cli::small_scenario;
using joulesim::cli::Workplace;
using Json = nlohmann::json;

std::string small_claim() {
  return small_scenario() + R"(
[claim]
id        = "X7"
statement = "A <b>phone</b> says ten thousand tokens a second."
source    = "X: an article"
sentence  = "It says {speed}, and {more} with twice the answer."

[claim.inputs.times]
value  = "1"
range  = ["0.5", "2"]
source = "guessed"

[claim.runs.longer]
set = ["workload.generate_tokens=8"]

[claim.figures.speed]
label    = "Speed"
value    = "times * base.decode.tokens_per_second"
unit     = "ktokens/s"
expected = "10 ktokens/s"
within   = 1.5

[claim.figures.more]
label = "Speed with twice the answer"
value = "longer.decode.tokens_per_second"

[claim.curves.answer]
label  = "Speed over the answer"
over   = "workload.generate_tokens"
values = ["4", "8", "12"]
figure = "speed"
)";
}

}  // namespace

TEST_CASE("a claim in a scenario of one's own is simulated, judged, listed and shown") {
  const Workplace place;
  place.write("scenarios/mine.toml", small_claim());
  const Outcome outcome = place.run("validate claims --only X7 --json --out o");
  INFO(outcome.err);
  REQUIRE(outcome.status == 0);
  const Json list = Json::parse(outcome.out);
  REQUIRE(list.size() == 1);
  const Json& row = list[0];
  for (const char* key : {"id", "statement", "source", "metric", "value", "low", "high", "unit",
                          "expected", "verdict", "reason"}) {
    INFO(key);
    CHECK(row.contains(key));
  }
  CHECK(row.at("unit") == "ktokens/s");
  CHECK(row.at("expected") == Approx(10));
  CHECK(row.at("verdict").get<std::string>().starts_with("off by ×"));
  CHECK(row.at("low").get<double>() < row.at("value").get<double>());
  CHECK(row.at("value").get<double>() < row.at("high").get<double>());
  const std::string page = place.read("o/claims.html");
  CHECK(page.find("<b>phone") == std::string::npos);
  CHECK(page.find("&lt;b&gt;phone") != std::string::npos);
  CHECK(page.find("<svg") != std::string::npos);
  CHECK(Json::parse(place.read("o/claims.json")) == list);

  const Outcome again = place.run("validate claims --only X7 --json --out p -j 1");
  CHECK(again.out == outcome.out);
}

TEST_CASE("claims that are unknown or name what is not there are refused, and nothing is written") {
  const Workplace place;
  const Outcome unknown = place.run("validate claims --only Z99 --out o");
  CHECK(unknown.status == 1);
  CHECK(unknown.err.find("there is no claim 'Z99'") != std::string::npos);
  place.write("scenarios/mine.toml",
              exchanged(small_claim(), "longer.decode.tokens_per_second", "longer.speed"));
  const Outcome wrong = place.run("validate claims --only X7 --out o");
  CHECK(wrong.status == 1);
  CHECK(wrong.err.find("'longer.speed', which is not here") != std::string::npos);
  CHECK(place.files().size() == 2);  // the scenario and its folder
}

TEST_CASE("every claim of the ledger has an id of its own") {
  const Workplace place;
  std::set<std::string> ids;
  for (const auto& entry : std::filesystem::directory_iterator(
           std::filesystem::path(JOULESIM_SOURCE_DIR) / "scenarios" / "claims")) {
    INFO(entry.path());
    const std::string text = joulesim::cli::read_file(entry.path());
    const auto at = text.find("\nid        = \"");
    REQUIRE(at != std::string::npos);
    const auto begin = text.find('"', at) + 1;
    CHECK(ids.insert(text.substr(begin, text.find('"', begin) - begin)).second);
  }
  CHECK(ids.size() == 38);
}
