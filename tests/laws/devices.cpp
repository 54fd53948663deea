// Do several devices that share every layer obey the laws of sharing, at every level?
#include "reports/result/result.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/run.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

const Library& library() {
  static const Library opened = Library::open();
  return opened;
}

Scenario scenario_with(std::vector<std::string> settings) {
  settings.insert(settings.end(), {"model.use=llama_3_1_8b", "workload.prompt_tokens=256",
                                   "workload.generate_tokens=5", "workload.batch=8"});
  return read_scenario(
      std::string(JOULESIM_SOURCE_DIR) + "/scenarios/kinds/llama_3_1_70b_8_h100.toml", settings);
}

reports::Result result_of(int devices, const std::string& level) {
  RunOptions options;
  options.what_if = false;
  return run_scenario(
      library(),
      scenario_with({"machine.devices=" + std::to_string(devices), "engine.fidelity=" + level}),
      options);
}

double value(const reports::Result& result, const std::string& name) {
  for (const reports::Metric& metric : result.metrics) {
    if (metric.name == name) {
      return metric.value.si;
    }
  }
  FAIL("no metric " << name);
  return 0;
}

}  // namespace

TEST_CASE("more devices are faster, by less than their number, and hold less each") {
  for (const char* level : {"analytic", "train"}) {
    reports::Result fewer = result_of(1, level);
    for (const int devices : {2, 4, 8}) {
      CAPTURE(level, devices);
      reports::Result more = result_of(devices, level);
      for (const char* time : {"decode.time_per_token", "prefill.time_to_first_token"}) {
        CAPTURE(time);
        CHECK(value(more, time) < value(fewer, time));
        CHECK(value(more, time) > value(fewer, time) / 2);
      }
      CHECK(value(more, "memory.footprint") < 0.6 * value(fewer, "memory.footprint"));
      CHECK(value(more, "memory.footprint") > 0.45 * value(fewer, "memory.footprint"));
      CHECK(value(more, "power.average") > value(fewer, "power.average"));
      CHECK(value(more, "power.average") < 2 * value(fewer, "power.average"));
      CHECK(value(more, "energy.per_token") > value(fewer, "energy.per_token"));
      fewer = std::move(more);
    }
  }
}

TEST_CASE("energy of several devices is all in the rows and under the curve") {
  const reports::Result result = result_of(4, "analytic");
  double rows = 0;
  bool links = false;
  for (const reports::EnergyRow& row : result.energy) {
    rows += row.joules;
    links = links || (row.component == "nvlink" && row.cause == "transfer" && row.joules > 0);
  }
  CHECK(links);
  CHECK(result.energy_total == Approx(rows).epsilon(1e-9));
  CHECK(result.energy_integral == Approx(rows).epsilon(1e-9));
  double decode = 0;
  double operators = 0;
  for (const reports::OperatorRow& row : result.operators) {
    operators += row.phase == "decode" ? row.seconds : 0;
    decode += row.name == kAllReduce && row.phase == "decode" ? row.seconds : 0;
  }
  CHECK(decode > 0);
  CHECK(decode < operators);
}

TEST_CASE("one device with the key is what it is without") {
  const Scenario one = scenario_with({"machine.devices=1", "engine.fidelity=analytic"});
  Scenario without = one;
  without.devices = Scenario().devices;
  RunOptions options;
  options.what_if = false;
  const reports::Result a = run_scenario(library(), one, options);
  const reports::Result b = run_scenario(library(), without, options);
  CHECK(value(a, "decode.time_per_token") == value(b, "decode.time_per_token"));
  CHECK(a.energy_total == b.energy_total);
  for (const reports::OperatorRow& row : a.operators) {
    CHECK(row.name != kAllReduce);
  }
}

TEST_CASE("devices that cannot share are refused with the place") {
  const auto refusal = [&](const std::vector<std::string>& settings) {
    try {
      (void)prepare(library(), scenario_with(settings));
    } catch (const InputError& fault) {
      return fault.diagnostics().all().front().message;
    }
    return std::string();
  };
  CHECK(refusal({"machine.devices=3"}).find("do not divide over 3 devices") != std::string::npos);
  CHECK(refusal({"machine.devices=2", "machine.device=iphone_15_pro", "model.weights=int4"})
            .find("no link to another of its kind") != std::string::npos);
  CHECK(refusal({"machine.devices=4"}).empty());
}

TEST_CASE("a unit whose host is late keeps no clocks running meanwhile") {
  const auto run = [](const std::string& stack, const std::string& level) {
    RunOptions options;
    options.what_if = false;
    return run_scenario(library(),
                        scenario_with({"machine.devices=8", "machine.runtime=" + stack,
                                       "engine.fidelity=" + level}),
                        options);
  };
  const auto clocks = [](const reports::Result& result) {
    double joules = 0;
    for (const reports::EnergyRow& row : result.energy) {
      joules += row.phase == "decode" && row.cause == "clocks" ? row.joules : 0;
    }
    REQUIRE(joules > 0);
    return joules;
  };
  for (const std::string level : {"analytic", "train"}) {
    CAPTURE(level);
    const reports::Result soon = run("vllm_cuda_graph", level);
    const reports::Result late = run("vllm_2023", level);
    const double longer =
        value(late, "decode.time_per_token") / value(soon, "decode.time_per_token");
    CHECK(longer > 2);
    CHECK(clocks(late) < 0.75 * longer * clocks(soon));
    CHECK(value(late, "power.average") < value(soon, "power.average"));
  }
}

TEST_CASE("a machine of integers alone runs a model whose activations are integers throughout") {
  const std::string path =
      std::string(JOULESIM_SOURCE_DIR) + "/scenarios/kinds/qwen2_5_1_5b_hailo_10h.toml";
  RunOptions options;
  options.what_if = false;
  const reports::Result result =
      run_scenario(library(), read_scenario(path, {"engine.fidelity=analytic"}), options);
  CHECK(value(result, "decode.tokens_per_second") > 5);
  // Keys and values are bytes: 28 layers of two heads of 128, twice.
  CHECK(value(result, "memory.kv_cache") == Approx(28.0 * 2 * 128 * 2 * 384).epsilon(0.01));
  CHECK_THROWS_AS(run_scenario(library(), read_scenario(path, {"model.activations=fp16"}), options),
                  InputError);
}
