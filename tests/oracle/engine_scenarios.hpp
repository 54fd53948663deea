// Scenarios of the repository with settings, simulated in worker processes.
#pragma once

#include "sim/engine/booking.hpp"
#include "sim/engine/compose.hpp"
#include "sim/engine/run.hpp"

#include <memory>
#include <string>
#include <vector>

namespace joulesim::engine::testing {

struct Run {
  std::unique_ptr<Prepared> prepared;
  Simulated simulated;

  [[nodiscard]] const StepActivity& decode() const { return simulated.decode.front(); }
  [[nodiscard]] Energy energy(const StepActivity& step) const {
    return total_of(costs_of(
        step.total, {&prepared->machine, prepared->unit, prepared->scenario.display_on, true}));
  }
};

inline std::unique_ptr<Prepared> prepared(const std::string& scenario,
                                          const std::vector<std::string>& settings) {
  static const Library library = Library::open();
  const std::string path =
      std::string(JOULESIM_SOURCE_DIR) + "/scenarios/demo/" + scenario + ".toml";
  return prepare(library, read_scenario(path, settings));
}

inline Run simulated(std::unique_ptr<Prepared> scenario, int workers = 0) {
  RunOptions options;
  options.workers = workers;
  options.what_if = false;
  Run run;
  run.prepared = std::move(scenario);
  run.simulated = simulate(*run.prepared, options);
  return run;
}

inline Run simulated(const std::string& scenario, const std::vector<std::string>& settings) {
  return simulated(prepared(scenario, settings));
}

inline double deviation(double value, double reference) { return value / reference - 1; }

}  // namespace joulesim::engine::testing
