// Simulates one step (a prefill, or a decode of one token per sequence) on a machine.
//
// `train` and `burst` elaborate the machine in SystemC: compute unit, system cache, memory
// controller, flash and display, and play the step's tile programs. Segments (transformer blocks)
// of equal key, that is equal work, equal cache behaviour, are played three times; the others
// replay the last one, and the spread between the played ones is the error bar. `analytic` sums the
// same tile programs in closed form.
//
// One SystemC elaboration per process: simulate_step must run in a process of its own (see
// worker_pool.hpp).
//
// Checked by: tests/oracle/engine_fidelity.cpp (train against burst, memo against all blocks,
// analytic).
#pragma once

#include "sim/engine/activity.hpp"
#include "sim/engine/file_use.hpp"
#include "sim/engine/machine.hpp"
#include "sim/engine/scenario.hpp"
#include "sim/engine/shards.hpp"
#include "sim/mapping/step.hpp"

#include <string>

namespace joulesim::engine {

struct StepJob {
  std::string name;  // "decode at 128"
  const Machine* machine = nullptr;
  const MachineUnit* unit = nullptr;
  hw::RuntimeSpec runtime;
  const mapping::StepPlan* plan = nullptr;
  FidelityLevel fidelity = FidelityLevel::train;
  bool memoise = true;
  bool warm = false;  // the step before was the same: its tail is in the cache
  bool display_on = false;
  StepReduces reduces;          // between the devices that share the step
  std::optional<FileUse> file;  // weights are read from the store
};

// What the stack's kernels draw from the memory behind a system cache: its share of what the unit's
// requests in flight could.
inline Bandwidth drawn_from_memory(const StepJob& job) {
  return job.unit->unit->memory_bandwidth() * job.runtime.use.stream_share;
}

StepActivity simulate_step(const StepJob& job);

}  // namespace joulesim::engine
