// In a result of any scenario at any level, is every joule in the rows, in the total, and under
// the power curve?
#include "reports/result/result.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/run.hpp"

#include <catch2/catch.hpp>

#include <set>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

reports::Result result_of(const std::string& scenario, std::vector<std::string> settings,
                          bool what_if = false, const std::string& folder = "demo") {
  static const Library library = Library::open();
  settings.insert(settings.end(), {"workload.prompt_tokens=16", "workload.generate_tokens=5"});
  RunOptions options;
  options.what_if = what_if;
  return run_scenario(library,
                      read_scenario(std::string(JOULESIM_SOURCE_DIR) + "/scenarios/" + folder +
                                        "/" + scenario + ".toml",
                                    settings),
                      options);
}

void conserves(const reports::Result& result) {
  double rows = 0;
  std::set<std::string> kinds;
  std::set<std::string> lines;
  for (const reports::EnergyRow& row : result.energy) {
    CAPTURE(row.phase, row.component, row.cause);
    CHECK(row.joules >= 0);
    CHECK(row.assumed_share >= 0);
    CHECK(row.assumed_share <= 1 + 1e-12);
    CHECK(lines.insert(row.phase + "/" + row.component + "/" + row.cause).second);
    rows += row.joules;
    kinds.insert(row.spent);
  }
  REQUIRE(rows > 0);
  CHECK(result.energy_total == Approx(rows).epsilon(1e-9));
  CHECK(result.energy_integral == Approx(rows).epsilon(1e-9));
  CHECK(kinds.count("movement") == 1);
  CHECK(kinds.count("arithmetic") == 1);
  CHECK(kinds.count("static") == 1);
  CHECK(kinds.count("loss") == 1);
}

}  // namespace

TEST_CASE("a phone's result conserves energy at the analytic level") {
  conserves(result_of("mobilellm_125m_int8", {"engine.fidelity=analytic"}));
  conserves(result_of("llama_2_7b_int4_flash", {"engine.fidelity=analytic"}));
}
TEST_CASE("a phone's result conserves energy at train level") {
  conserves(result_of("mobilellm_125m_int8", {}));
}
TEST_CASE("shared layers and ternary weights conserve energy at train level") {
  conserves(result_of("mobilellm_125m_ls_int8", {"machine.display_on=false"}));
  conserves(result_of("bitnet_3b_ternary", {}));
}
TEST_CASE("a server's result conserves energy at the analytic and at train level") {
  conserves(result_of("search_fleet_h100", {"engine.fidelity=analytic"}));
  conserves(result_of("search_fleet_h100", {"model.use=llama_3_2_1b"}));
}

TEST_CASE("two units at once and units in the memory conserve energy") {
  conserves(result_of("llama_3_8b_phone_gpu_npu", {"model.use=llama_3_2_1b"}, false, "kinds"));
  conserves(result_of("llama_3_1_8b_phone_pim", {"model.use=llama_3_2_1b"}, false, "kinds"));
}

TEST_CASE("one input alone moves a figure no further than all of them together") {
  for (const std::string scenario : {"mobilellm_125m_int8", "llama_2_7b_int4_flash"}) {
    const reports::Result result = result_of(scenario, {"engine.fidelity=analytic"}, true);
    REQUIRE(result.sensitivity.size() > 4);
    std::set<std::string> moved;
    const reports::SensitivityRow* before = nullptr;
    for (const reports::SensitivityRow& row : result.sensitivity) {
      CAPTURE(scenario, row.metric, row.input, row.low, row.high);
      const reports::Metric* metric = result.metric(row.metric);
      REQUIRE(metric != nullptr);
      const double value = metric->value.si;
      const double rounding = 1e-9 * value;
      CHECK(row.low <= value + rounding);
      CHECK(row.high >= value - rounding);
      CHECK(row.low >= *metric->low - rounding);
      CHECK(row.high <= *metric->high + rounding);
      if (before != nullptr && before->metric == row.metric) {
        CHECK(row.high - row.low <= before->high - before->low + rounding);
      }
      before = &row;
      moved.insert(row.metric);
    }
    CHECK(moved == std::set<std::string>{"decode.tokens_per_second", "energy.per_token"});
  }
}
