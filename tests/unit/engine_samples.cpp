// Do draws from all ranges lie within the worst ends, repeat for a seed, and stay away without a
// wish for them?
#include "reports/result/result_json.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/run.hpp"
#include "sim/engine/scenario.hpp"
#include "tests/unit/phone_run.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

const std::vector<std::string> kDrawn = {"energy.per_token",      "decode.tokens_per_second",
                                         "decode.time_per_token", "energy.per_request",
                                         "power.average",         "battery.hours"};

}  // namespace

TEST_CASE("nine draws in ten lie within the worst ends, on both sides of the value") {
  const reports::Result result = testing::phone_run({"engine.samples=2000"});
  CHECK(result.samples == 2000);
  for (const std::string& name : kDrawn) {
    INFO(name);
    const reports::Metric* m = result.metric(name);
    REQUIRE(m != nullptr);
    REQUIRE(m->p5);
    REQUIRE(m->p95);
    CHECK(*m->p5 > *m->low);
    CHECK(*m->p95 < *m->high);
    CHECK(*m->p5 < m->value.si);
    CHECK(*m->p95 > m->value.si);
    // Ranges that are drawn one by one do not add up at their ends.
    CHECK(*m->p95 - *m->p5 < 0.9 * (*m->high - *m->low));
  }
  CHECK_FALSE(result.metric("memory.footprint")->p5);
}

TEST_CASE("draws are in the result's file and come back from it") {
  const reports::Result result = testing::phone_run({"engine.samples=100"});
  const reports::Result back = reports::from_json(reports::to_json(result), "result.json");
  CHECK(back.samples == 100);
  CHECK(back.metric("energy.per_token")->p5 == result.metric("energy.per_token")->p5);
  CHECK(back.metric("energy.per_token")->p95 == result.metric("energy.per_token")->p95);
  CHECK_FALSE(back.metric("memory.footprint")->p5);
}

TEST_CASE("a seed gives the same draws, another one others that agree") {
  const auto p95 = [](const std::string& seed) {
    const reports::Result result =
        testing::phone_run({"engine.samples=2000", "engine.seed=" + seed});
    return *result.metric("energy.per_token")->p95;
  };
  const double one = p95("1");
  CHECK(one == p95("1"));
  const double two = p95("2");
  CHECK(one != two);
  CHECK(two == Approx(one).epsilon(0.03));
}

TEST_CASE("without a wish nothing is drawn, and too few draws are refused") {
  const reports::Result result = testing::phone_run({});
  CHECK(result.samples == 0);
  CHECK_FALSE(result.metric("energy.per_token")->p5);
  CHECK_THROWS_AS(testing::phone_run({"engine.samples=10"}), InputError);
}
