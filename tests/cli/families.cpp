// Models that are no plain decoders, by the same commands.
#include "tests/cli/program.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <string>

namespace {

using joulesim::cli::exchanged;
using joulesim::cli::Outcome;
using joulesim::cli::small_scenario;
using joulesim::cli::Workplace;
using Json = nlohmann::json;

Outcome works(const Workplace& place, const std::string& arguments) {
  Outcome outcome = place.run(arguments);
  INFO("joulesim " << arguments << "\nstdout: " << outcome.out << "\nstderr: " << outcome.err);
  REQUIRE(outcome.status == 0);
  return outcome;
}

Json result_of(const Workplace& place, const std::string& model) {
  std::string scenario = exchanged(small_scenario(), "mobilellm_125m", model);
  if (model == "bert_base") {
    scenario = exchanged(scenario, "generate_tokens = 4", "generate_tokens = 1");
  }
  place.write("s.toml", scenario);
  works(place, "run s.toml --no-plots --quiet --fidelity analytic");
  return Json::parse(place.read("out/small/result.json"));
}

double metric(const Json& result, const std::string& name) {
  return result.at("metrics").at(name).at("value").get<double>();
}

}  // namespace

TEST_CASE("state-space, recurrent, encoding and translating models run as scenarios") {
  const Workplace place;
  for (const char* model :
       {"mamba_130m", "rwkv_4_169m", "rwkv_5_0_4b", "bert_base", "whisper_base", "opt_350m"}) {
    INFO(model);
    const Json result = result_of(place, model);
    CHECK(metric(result, "decode.tokens_per_second") > 0);
    CHECK(metric(result, "energy.per_token") > 0);
  }
}

TEST_CASE("an encoder answers once") {
  const Workplace place;
  place.write("s.toml", exchanged(small_scenario(), "mobilellm_125m", "bert_base"));
  const Outcome outcome = place.run("run s.toml --no-plots");
  CHECK(outcome.status == 1);
  CHECK(outcome.err.find("expected 1") != std::string::npos);
}

TEST_CASE("a config.json alone is shown and run") {
  const std::string folder = std::string(JOULESIM_DATA_DIR) + "/models/hf/configs_only";
  if (!std::filesystem::exists(folder)) {
    WARN("skipped: no " << folder);
    return;
  }
  const Workplace place;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    const std::string path = std::filesystem::canonical(entry.path()).string();
    INFO(path);
    const Json shown = Json::parse(works(place, "show '" + path + "' --json").out);
    CHECK(shown.at("parameters").get<std::int64_t>() > 7'000'000'000);
  }
  const std::string small =
      std::filesystem::canonical(folder).string() + "/microsoft__Phi-mini-MoE-instruct.json";
  std::string scenario = exchanged(small_scenario(), "mobilellm_125m", small);
  scenario = exchanged(scenario, "iphone_13", "h100_sxm_80gb");
  scenario = exchanged(scenario, "unit   = \"npu\"\n", "");
  place.write("s.toml", scenario);
  works(place, "run s.toml --no-plots --quiet --fidelity analytic");
}

TEST_CASE("a prompt in text becomes tokens, and what follows becomes text") {
  const std::string path = std::string(JOULESIM_DATA_DIR) + "/models/gguf/stories260K-F32.gguf";
  if (!std::filesystem::exists(path)) {
    WARN("skipped: no " << path);
    return;
  }
  const Workplace place;
  const Json json = Json::parse(
      works(place, "eval '" + path + "' --prompt 'One day, Tom and his dog' --greedy 8 --json")
          .out);
  CHECK(json.at("tokens") == Json({1, 385, 328, 432, 274, 287, 269, 345, 400, 428}));
  CHECK(json.at("greedy_text") == ", Max, went to");
  CHECK(place.run("eval '" + path + "'").status == 1);
  CHECK(place.run("eval '" + path + "' --prompt a --tokens 1").status == 1);
}

TEST_CASE("validate numerics holds on generated models and on the folder of expected outputs") {
  const Workplace place;
  const Json own = Json::parse(works(place, "validate numerics --json").out);
  CHECK(own.at("passed") == own.at("count"));
  CHECK(place.run("validate numerics --data /nowhere").status == 1);
}
