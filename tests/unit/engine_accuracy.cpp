// Is a published accuracy carried with its flag, and are its figures per joule, byte and dollar the
// quotients that they are named after?
#include "models/arch/model_file.hpp"
#include "sim/engine/compose.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/prepare.hpp"
#include "sim/engine/run.hpp"
#include "sim/engine/scenario.hpp"
#include "tests/unit/phone_run.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

const std::string kCommon = "common_sense_8_mobilellm_0_shot";

double value(const reports::Result& result, const std::string& name) {
  REQUIRE(result.metric(name) != nullptr);
  return result.metric(name)->value.si;
}

std::string faults(const std::string& accuracy) {
  const std::string path = std::string(JOULESIM_SOURCE_DIR) + "/models/zoo/bert_base.toml";
  const std::string text = ConfigFile::read(path).text();
  ConfigFile file = ConfigFile::parse(text + accuracy, "bert_base.toml");
  try {
    (void)models::read_model_file(file);
  } catch (const InputError& fault) {
    return fault.diagnostics().render();
  }
  return {};
}

}  // namespace

TEST_CASE("an accuracy that was judged with other weights says so and counts as assumed") {
  const reports::Result result = testing::phone_run({});
  CHECK(value(result, "accuracy." + kCommon) == Approx(0.513));
  CHECK(result.metric("accuracy." + kCommon)->assumed_share == 1);
  CHECK(result.metric("accuracy_per_joule." + kCommon)->assumed_share == 1);
  const auto fact = std::find_if(result.model.begin(), result.model.end(),
                                 [](const auto& f) { return f.name == "accuracy_" + kCommon; });
  REQUIRE(fact != result.model.end());
  CHECK(fact->label.find("published for fp16") != std::string::npos);
}

TEST_CASE("the same weights carry no flag") {
  const reports::Result result =
      testing::phone_run({"model.weights=\"fp16\"", "model.embedding=\"fp16\""});
  CHECK(result.metric("accuracy." + kCommon)->assumed_share == 0);
  CHECK(result.metric("accuracy_per_joule." + kCommon)->assumed_share ==
        result.metric("energy.per_token")->assumed_share);
}

TEST_CASE("accuracy over costs is the quotient, with the cost's range turned round") {
  const reports::Result result = testing::phone_run({});
  const reports::Metric& joules = *result.metric("energy.per_token");
  const reports::Metric& per_joule = *result.metric("accuracy_per_joule." + kCommon);
  CHECK(per_joule.value.si * joules.value.si == Approx(0.513));
  REQUIRE(per_joule.low);
  REQUIRE(joules.high);
  CHECK(*per_joule.low * *joules.high == Approx(0.513));
  CHECK(*per_joule.high * *joules.low == Approx(0.513));
  const auto dram = std::find_if(result.memory.begin(), result.memory.end(),
                                 [](const auto& row) { return row.tier == "dram"; });
  REQUIRE(dram != result.memory.end());
  CHECK(value(result, "accuracy_per_byte." + kCommon) * (dram->read + dram->written) ==
        Approx(0.513));
}

TEST_CASE("other layers than were judged have no published accuracy") {
  const reports::Result result = testing::phone_run({"model.layer_repeat=2"});
  CHECK(result.metric("accuracy." + kCommon) == nullptr);
  CHECK(std::any_of(result.limits.begin(), result.limits.end(), [](const std::string& limit) {
    return limit.find("accuracy published") != std::string::npos;
  }));
}

TEST_CASE("a wrong table of accuracies is refused with its place") {
  const std::string good =
      "\n[[accuracy]]\nbenchmark = \"MMLU\"\nshots = 5\nvalue = { value = \"40 %\", source = "
      "\"dims\" }\n";
  CHECK(faults(good).empty());
  CHECK(faults(good + good).find("found 'MMLU' twice") != std::string::npos);
  std::string more = good;
  more.replace(more.find("40 %"), 4, "400 %");
  CHECK(faults(more).find("found more than 100 %") != std::string::npos);
  CHECK(faults("\n[[accuracy]]\nbenchmark = \"MMLU\"\nshots = 5\n").find("value") !=
        std::string::npos);
}
