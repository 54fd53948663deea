// Runs a scenario: prepares it, simulates its steps in worker processes, and makes the result.
#pragma once

#include "models/kernels/evaluate.hpp"
#include "reports/result/result.hpp"
#include "sim/engine/activity.hpp"
#include "sim/engine/prepare.hpp"

#include <functional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct RunOptions {
  int workers = 0;           // 0: one per processor
  bool cross_check = false;  // also run the next higher level (train for analytic, burst for train)
  bool what_if = true;       // re-simulate with a doubled part, for the bottleneck
  std::function<void(std::size_t, std::size_t)> progress;
};

// One change of the machine and what it does to a decode step.
struct WhatIfRun {
  std::string change;
  std::string component;  // what was made better
  Time step;
};

// A decode step in closed form with the rates of one part of the machine at the ends of their
// ranges.
struct CornerRun {
  std::string part;  // "rates of the gpu"
  Time slowest, fastest;
};

// Everything that was simulated for a scenario.
struct Simulated {
  StepActivity prefill;
  std::vector<StepActivity> decode;
  StepActivity decode_analytic, prefill_analytic;  // empty when the level is analytic itself
  StepActivity decode_checked, prefill_checked;    // the higher level; empty without a cross-check
  FidelityLevel checked_level = FidelityLevel::train;
  std::size_t middle = 0;  // the decode step that what-ifs and checks were run at
  std::vector<WhatIfRun> what_if;
  // Times with every rate of unit and software stack at the slow and the fast end of its range;
  // nought without such runs.
  Time decode_slowest, decode_fastest, prefill_slowest, prefill_fastest;
  // The same in closed form, one part of the machine after the other, and with all at their values.
  std::vector<CornerRun> corners;
  Time decode_closed_form;
  std::vector<QualityRun> quality;
};

Simulated simulate(const Prepared& prepared, const RunOptions& options);

// Pure: what the simulation says about the scenario's questions.
reports::Result compose(const Prepared& prepared, const Simulated& simulated);

reports::Result run_scenario(const Library& library, const Scenario& scenario,
                             const RunOptions& options);

}  // namespace joulesim::engine
