// How long does the simulator take for one decode token of Llama-2-7B in int4 on an iPhone 13 Pro?
#include "sim/engine/step_runner.hpp"
#include "sim/engine/worker_pool.hpp"
#include "tests/oracle/engine_scenarios.hpp"

#include <catch2/catch.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <string>
#include <sys/resource.h>
#include <vector>

using namespace joulesim;
using namespace joulesim::engine;
using namespace joulesim::engine::testing;

namespace {

double cpu_seconds() {
  double sum = 0;
  for (const int who : {RUSAGE_SELF, RUSAGE_CHILDREN}) {
    rusage usage{};
    ::getrusage(who, &usage);
    sum += static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
           1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
  }
  return sum;
}

void measure(const std::string& what, const std::function<std::string()>& work) {
  const auto begin = std::chrono::steady_clock::now();
  const double cpu = cpu_seconds();
  const std::string note = work();
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;
  std::printf("%-34s wall %8.2f s   cpu %8.2f s   %s\n", what.c_str(), wall.count(),
              cpu_seconds() - cpu, note.c_str());
  std::fflush(stdout);
}

}  // namespace

TEST_CASE("one decode token of Llama-2-7B in int4 on an iPhone 13 Pro", "[step]") {
  const auto scenario = prepared("llama_2_7b_int4", {"workload.generate_tokens=1"});
  for (const FidelityLevel level : {FidelityLevel::train, FidelityLevel::burst}) {
    for (const bool memoise : {true, false}) {
      measure(std::string(name_of(level)) + (memoise ? ", memoised" : ", all blocks"), [&] {
        StepJob job;
        job.name = "decode";
        job.machine = &scenario->machine;
        job.unit = scenario->unit;
        job.runtime = scenario->runtime.spec;
        job.plan = &scenario->decode.front().plan;
        job.fidelity = level;
        job.memoise = memoise;
        job.warm = true;
        job.display_on = scenario->scenario.display_on;
        const auto texts =
            run_in_workers({{"decode", [&] { return to_json(simulate_step(job)); }}}, 1, nullptr);
        const StepActivity step = step_from_json(texts.front());
        CHECK(step.total.duration > Time(0));
        return "simulated " + format(step.total.duration) + ", " +
               std::to_string(step.blocks_simulated) + " of " + std::to_string(step.blocks) +
               " blocks played";
      });
    }
  }
}

TEST_CASE("all scenarios of the demo", "[demo]") {
  measure("demo, all scenarios, 2 workers", [] {
    static const Library library = Library::open();
    int scenarios = 0;
    for (const auto& entry : std::filesystem::directory_iterator(std::string(JOULESIM_SOURCE_DIR) +
                                                                 "/scenarios/demo")) {
      if (entry.path().extension() == ".toml") {
        RunOptions options;
        options.workers = 2;
        CHECK(
            run_scenario(library, read_scenario(entry.path().string(), {}), options).energy_total >
            0);
        ++scenarios;
      }
    }
    return std::to_string(scenarios) + " scenarios with their what-if runs";
  });
}
