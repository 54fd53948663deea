// Do the cheaper levels say what the dearer ones say, and does sharing layers pay as it should?
#include "sim/base/diagnostics.hpp"
#include "tests/oracle/engine_scenarios.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;
using namespace joulesim::engine::testing;

namespace {

struct Case {
  std::string scenario;
  std::vector<std::string> settings;
};

// One decode step and a short prefill each; the phone's GPU draws as much as the DRAM gives, its
// neural engine less.
const Case kPhoneNpu{"mobilellm_125m_int8",
                     {"workload.prompt_tokens=32", "workload.generate_tokens=1"}};
const Case kPhoneGpu{"mobilellm_125m_int8",
                     {"workload.prompt_tokens=32", "workload.generate_tokens=1", "machine.unit=gpu",
                      "machine.display_on=false", "model.activations=fp16"}};
const Case kLarge{
    "llama_2_7b_int4",
    {"workload.prompt_tokens=32", "workload.generate_tokens=1", "machine.display_on=false"}};
const Case kH100{"search_fleet_h100",
                 {"model.use=llama_3_2_1b", "workload.prompt_tokens=64",
                  "workload.generate_tokens=1", "workload.batch=4"}};

Run run(const Case& which, std::vector<std::string> more = {}) {
  std::vector<std::string> settings = which.settings;
  settings.insert(settings.end(), more.begin(), more.end());
  return simulated(which.scenario, settings);
}

void compare(const std::string& what, const Run& level, const Run& judge, double most_time,
             double most_energy) {
  for (const bool decode : {true, false}) {
    const StepActivity& a = decode ? level.decode() : level.simulated.prefill;
    const StepActivity& b = decode ? judge.decode() : judge.simulated.prefill;
    const double time = deviation(a.total.duration.si(), b.total.duration.si());
    const double energy = deviation(level.energy(a).si(), judge.energy(b).si());
    INFO(what << ", " << (decode ? "decode" : "prefill") << ": time " << 100 * time << " %, energy "
              << 100 * energy << " %");
    CHECK(std::fabs(time) <= most_time);
    CHECK(std::fabs(energy) <= most_energy);
    if (std::getenv("JOULESIM_SHOW_DEVIATIONS") != nullptr) {
      WARN(what << ", " << (decode ? "decode" : "prefill") << ": time " << 100 * time
                << " %, energy " << 100 * energy << " %");
    }
  }
}

void train_against_burst(const Case& which) {
  const Run train = run(which, {"engine.fidelity=train"});
  const Run burst = run(which, {"engine.fidelity=burst"});
  compare("train against burst", train, burst, 0.01, 0.02);
}
// Where equal blocks differ by more than a set spread the engine plays them all by itself.
void memo_against_all(const Case& which, bool replays) {
  const Run memo = run(which);
  const Run all = run(which, {"engine.blocks=all"});
  CHECK((memo.decode().blocks_simulated < all.decode().blocks_simulated) == replays);
  CHECK(all.decode().blocks_simulated == all.decode().blocks);
  compare("memoised against all blocks", memo, all, 0.003, 0.003);
}
void analytic_against_train(const Case& which) {
  const Run analytic = run(which, {"engine.fidelity=analytic"});
  const Run train = run(which);
  compare("analytic against train", analytic, train, 0.12, 0.12);
}

double dram_read(const Run& r) { return r.decode().total.dram.read.si(); }

Case phone(const std::string& scenario) { return {scenario, kPhoneNpu.settings}; }

Run without_cache(const Case& which) {
  auto scenario = prepared(which.scenario, which.settings);
  scenario->machine.cache.reset();
  return simulated(std::move(scenario));
}

}  // namespace

TEST_CASE("trains stay within a per cent of bursts on the phone's neural engine") {
  train_against_burst(kPhoneNpu);
}
TEST_CASE("trains stay within a per cent of bursts where the phone's DRAM is the limit") {
  train_against_burst(kPhoneGpu);
}
TEST_CASE("trains stay within a per cent of bursts on an H100") { train_against_burst(kH100); }

TEST_CASE("replayed blocks stand for all blocks on the phone's neural engine") {
  memo_against_all(kLarge, true);
}
TEST_CASE("replayed blocks stand for all blocks where the phone's DRAM is the limit") {
  memo_against_all(kPhoneGpu, true);
}
TEST_CASE("replayed blocks stand for all blocks on an H100") { memo_against_all(kH100, true); }

TEST_CASE("the closed form stays near trains on the phone's neural engine") {
  analytic_against_train(kPhoneNpu);
}
TEST_CASE("the closed form stays near trains where the phone's DRAM is the limit") {
  analytic_against_train(kPhoneGpu);
}
TEST_CASE("the closed form stays near trains on an H100") { analytic_against_train(kH100); }

TEST_CASE("blocks that share weights move the bytes of half the depth, by what the cache holds") {
  const Run half = simulated(prepared(kPhoneNpu.scenario, kPhoneNpu.settings));
  const Run shared = run(phone("mobilellm_125m_ls_int8"));
  const Run deep = run(phone("mobilellm_125m_60l_int8"));
  REQUIRE(shared.decode().blocks == deep.decode().blocks);
  REQUIRE(shared.decode().blocks == 2 * half.decode().blocks);
  CAPTURE(dram_read(half), dram_read(shared), dram_read(deep));
  CHECK(dram_read(shared) < 0.7 * dram_read(deep));
  CHECK(std::fabs(deviation(dram_read(shared), dram_read(half))) <= 0.05);
  CHECK(shared.decode().total.duration < deep.decode().total.duration);
}

TEST_CASE("without the cache sharing blocks saves nothing") {
  const Run shared = without_cache(phone("mobilellm_125m_ls_int8"));
  const Run deep = without_cache(phone("mobilellm_125m_60l_int8"));
  CAPTURE(dram_read(shared), dram_read(deep));
  CHECK(std::fabs(deviation(dram_read(shared), dram_read(deep))) <= 0.02);
  CHECK(std::fabs(deviation(shared.decode().total.duration.si(),
                            deep.decode().total.duration.si())) <= 0.02);
}

TEST_CASE("a result's bytes do not depend on the number of workers") {
  const auto text = [](int workers) {
    const Run r = simulated(prepared(kPhoneNpu.scenario, kPhoneNpu.settings), workers);
    return to_json(r.simulated.prefill) + to_json(r.decode());
  };
  const std::string one = text(1);
  CHECK(one.size() > 1000);
  CHECK(one == text(2));
}
