#include "sim/engine/run.hpp"

#include "models/import/model.hpp"
#include "sim/engine/devices.hpp"
#include "sim/engine/step_runner.hpp"
#include "sim/engine/worker_pool.hpp"

#include <fmt/format.h>

#include <memory>

namespace joulesim::engine {
namespace {

// What-if machines live as long as the jobs that use them.
struct Variant {
  std::string change, component;
  Machine machine;
  MachineUnit unit;
  hw::RuntimeSpec runtime;
  mapping::StepPlan plan;
};

std::vector<std::unique_ptr<Variant>> variants_of(const Prepared& prepared,
                                                  const PlannedStep& step) {
  constexpr double kTwice = 2;
  std::vector<std::unique_ptr<Variant>> variants;
  const auto add = [&](std::string change, std::string component, const auto& modify) {
    auto variant = std::make_unique<Variant>();
    variant->change = std::move(change);
    variant->component = std::move(component);
    variant->machine = prepared.machine;
    variant->unit = *prepared.unit;
    variant->runtime = prepared.runtime.spec;
    modify(*variant);
    variant->plan = replan(prepared, step, prepared.scenario.batch, variant->machine,
                           *variant->unit.unit, variant->runtime);
    variants.push_back(std::move(variant));
  };
  const hw::ComputeUnit& unit = *prepared.unit->unit;
  const std::string port = prepared.unit->name + " memory access";
  add("DRAM channels × 2", "dram", [&](Variant& v) { v.machine.channels *= 2; });
  add(port + " × 2", "port", [&](Variant& v) { v.unit.unit = unit.scaled(1, kTwice); });
  add("DRAM and " + port + " × 2", "memory path", [&](Variant& v) {
    v.machine.channels *= 2;
    v.unit.unit = unit.scaled(1, kTwice);
    if (v.machine.cache) {
      v.machine.cache->bandwidth.value *= kTwice;
    }
  });
  add(fmt::format("{} arithmetic × 2", prepared.unit->name), prepared.unit->name,
      [&](Variant& v) { v.unit.unit = unit.scaled(kTwice, 1); });
  if (prepared.runtime.spec.launch > Time(0) || prepared.runtime.spec.step_overhead > Time(0)) {
    add("launch and host cost ÷ 2", "runtime", [&](Variant& v) {
      v.runtime.launch /= kTwice;
      v.runtime.kernel_gap /= kTwice;
      v.runtime.step_overhead /= kTwice;
    });
  }
  if (prepared.scenario.devices > 1) {
    add("link between devices × 2", "link", [&](Variant& v) {
      for (MachineLink& link : v.machine.links) {
        link.spec.bandwidth.value *= kTwice;
        link.spec.latency.value /= kTwice;
      }
    });
  }
  if (prepared.machine.storage && prepared.scenario.weights_in == "flash") {
    add("flash bandwidth × 2", "flash", [&](Variant& v) {
      hw::FlashSpec& flash = *v.machine.storage;
      flash.channels *= 2;
      flash.link.value *= kTwice;
      flash.queue_depth *= 2;
      if (flash.command_interval) {
        flash.command_interval->value /= kTwice;
      }
    });
    add("reading of the weights' file × 2", "storage path", [&](Variant& v) {
      hw::StorageSystemSpec& system = *v.machine.storage_system;
      for (Sourced<Time>* cost : {&system.call, &system.command, &system.take_in, &system.fault}) {
        cost->value /= kTwice;
      }
      for (Sourced<Bytes>* window :
           {&system.read_window, &system.fault_maps, &system.fault_reads}) {
        window->value *= kTwice;
      }
      system.copy.value *= kTwice;
    });
  }
  return variants;
}

// Parts of a machine whose rates have ranges.
struct Moved {
  bool unit = true, stack = true, cache = true, storage = true;
};

// The scenario's own machine with the rates of these parts at one end of their ranges.
std::unique_ptr<Variant> corner_of(const Prepared& prepared, hw::Corner corner,
                                   const Moved& moved = {}) {
  auto variant = std::make_unique<Variant>();
  variant->machine = prepared.machine;
  variant->unit = *prepared.unit;
  variant->runtime = prepared.runtime.spec;
  const bool fast = corner == hw::Corner::fastest;
  if (moved.unit) {
    variant->unit.unit = prepared.unit->unit->at_corner(corner);
  }
  if (moved.stack) {
    hw::RuntimeSpec& runtime = variant->runtime;
    runtime.launch = fast ? runtime.launch_low : runtime.launch_high;
    runtime.step_overhead = fast ? runtime.step_low : runtime.step_high;
  }
  if (moved.cache && variant->machine.cache) {
    hw::move_to_corner(variant->machine.cache->bandwidth, corner);
    hw::move_to_corner(variant->machine.cache->latency, corner, false);
  }
  if (moved.storage && variant->machine.storage) {
    variant->machine.storage = variant->machine.storage->at_corner(fast);
  }
  if (moved.storage && variant->machine.storage_system) {
    hw::StorageSystemSpec& system = *variant->machine.storage_system;
    for (Sourced<Time>* cost : {&system.call, &system.command, &system.take_in, &system.fault}) {
      hw::move_to_corner(*cost, corner, false);
    }
    hw::move_to_corner(system.copy, corner);
    hw::move_to_corner(system.read_window, corner);
    hw::move_to_corner(system.fault_reads, corner);
  }
  return variant;
}

// One part after the other, in closed form: what each of them alone does to a decode step.
std::vector<CornerRun> corners_of(const Prepared& prepared, const PlannedStep& step, StepJob job) {
  job.fidelity = FidelityLevel::analytic;
  const auto time_at = [&](hw::Corner corner, const Moved& moved) {
    const auto variant = corner_of(prepared, corner, moved);
    const mapping::StepPlan plan = replan(prepared, step, prepared.scenario.batch, variant->machine,
                                          *variant->unit.unit, variant->runtime);
    job.machine = &variant->machine;
    job.unit = &variant->unit;
    job.runtime = variant->runtime;
    job.plan = &plan;
    return simulate_step(job).total.duration;
  };
  std::vector<CornerRun> out;
  const auto add = [&](const std::string& part, const Moved& moved) {
    out.push_back({part, time_at(hw::Corner::slowest, moved), time_at(hw::Corner::fastest, moved)});
  };
  add("rates of the " + prepared.unit->name, {true, false, false, false});
  add("cost of the software stack", {false, true, false, false});
  if (prepared.machine.cache) {
    add("rate of the system cache", {false, false, true, false});
  }
  if (prepared.file) {
    add("rates of the storage", {false, false, false, true});
  }
  return out;
}

}  // namespace

Simulated simulate(const Prepared& prepared, const RunOptions& options) {
  const Scenario& scenario = prepared.scenario;
  Simulated simulated;
  simulated.middle = prepared.decode.size() / 2;
  const PlannedStep& middle = prepared.decode[simulated.middle];

  const auto base_job = [&](const PlannedStep& step, bool warm) {
    StepJob job;
    job.name = step.name;
    job.machine = &prepared.machine;
    job.unit = prepared.unit;
    job.runtime = prepared.runtime.spec;
    job.plan = &step.plan;
    job.fidelity = scenario.fidelity;
    job.memoise = scenario.memoise;
    job.warm = warm;
    job.display_on = scenario.display_on;
    job.file = prepared.file;
    job.reduces = reduces_of(prepared, step);
    return job;
  };
  std::vector<StepJob> jobs;
  jobs.push_back(base_job(prepared.prefill, false));
  for (const PlannedStep& step : prepared.decode) {
    jobs.push_back(base_job(step, true));
  }
  const std::size_t first_check = jobs.size();
  const bool check = options.cross_check && scenario.fidelity != FidelityLevel::burst;
  simulated.checked_level =
      scenario.fidelity == FidelityLevel::analytic ? FidelityLevel::train : FidelityLevel::burst;
  if (check) {
    for (const auto& [step, warm] :
         {std::pair(&prepared.prefill, false), std::pair(&middle, true)}) {
      StepJob job = base_job(*step, warm);
      job.fidelity = simulated.checked_level;
      jobs.push_back(job);
    }
  }
  const std::size_t first_variant = jobs.size();
  const auto variants =
      options.what_if ? variants_of(prepared, middle) : std::vector<std::unique_ptr<Variant>>();
  for (const auto& variant : variants) {
    StepJob job = base_job(middle, true);
    job.name = variant->change;
    job.machine = &variant->machine;
    job.unit = &variant->unit;
    job.runtime = variant->runtime;
    job.plan = &variant->plan;
    jobs.push_back(job);
  }

  // Slowest and fastest, prefill and decode.
  const std::size_t first_corner = jobs.size();
  std::vector<std::unique_ptr<Variant>> corners;
  std::vector<std::unique_ptr<mapping::StepPlan>> corner_plans;
  if (options.what_if) {
    for (const hw::Corner corner : {hw::Corner::slowest, hw::Corner::fastest}) {
      corners.push_back(corner_of(prepared, corner));
      Variant& variant = *corners.back();
      for (const PlannedStep* step : {&prepared.prefill, &middle}) {
        corner_plans.push_back(std::make_unique<mapping::StepPlan>(
            replan(prepared, *step, step == &middle ? scenario.batch : 1, variant.machine,
                   *variant.unit.unit, variant.runtime)));
        StepJob job = base_job(*step, step == &middle);
        job.name += corner == hw::Corner::slowest ? ", slowest" : ", fastest";
        job.machine = &variant.machine;
        job.unit = &variant.unit;
        job.runtime = variant.runtime;
        job.plan = corner_plans.back().get();
        jobs.push_back(job);
      }
    }
  }

  std::vector<WorkerJob> work;
  for (const StepJob& job : jobs) {
    work.push_back({scenario.id + ", " + job.name, [&job] {
                      StepActivity step = simulate_step(job);
                      // Blocks that differ by more than this must not stand for each other.
                      constexpr double kLargestSpread = 0.005;
                      const bool differ =
                          step.spread_time > kLargestSpread || step.spread_energy > kLargestSpread;
                      return (differ && step.blocks > step.blocks_simulated ? "retry" : "") +
                             to_json(step);
                    }});
  }
  std::vector<std::string> texts = run_in_workers(work, options.workers, options.progress);
  std::vector<WorkerJob> again;
  std::vector<std::size_t> again_index;
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (texts[i].starts_with("retry")) {
      jobs[i].memoise = false;
      again.push_back({work[i].name + ", all blocks",
                       [&job = jobs[i]] { return to_json(simulate_step(job)); }});
      again_index.push_back(i);
    }
  }
  const std::vector<std::string> replaced = run_in_workers(again, options.workers, nullptr);
  for (std::size_t i = 0; i < replaced.size(); ++i) {
    texts[again_index[i]] = replaced[i];
  }

  simulated.prefill = step_from_json(texts[0]);
  for (std::size_t i = 0; i < prepared.decode.size(); ++i) {
    simulated.decode.push_back(step_from_json(texts[1 + i]));
  }
  if (check) {
    simulated.prefill_checked = step_from_json(texts[first_check]);
    simulated.decode_checked = step_from_json(texts[first_check + 1]);
  }
  for (std::size_t i = 0; i < variants.size(); ++i) {
    const StepActivity step = step_from_json(texts[first_variant + i]);
    simulated.what_if.push_back({variants[i]->change, variants[i]->component, step.total.duration});
  }
  if (!corners.empty()) {
    const auto time_of = [&](std::size_t i) {
      return step_from_json(texts[first_corner + i]).total.duration;
    };
    simulated.prefill_slowest = time_of(0);
    simulated.decode_slowest = time_of(1);
    simulated.prefill_fastest = time_of(2);
    simulated.decode_fastest = time_of(3);
  }
  if (options.what_if) {
    StepJob job = base_job(middle, true);
    simulated.corners = corners_of(prepared, middle, job);
    job.fidelity = FidelityLevel::analytic;
    simulated.decode_closed_form = simulate_step(job).total.duration;
  }
  if (scenario.fidelity != FidelityLevel::analytic) {
    StepJob job = base_job(prepared.prefill, false);
    job.fidelity = FidelityLevel::analytic;
    simulated.prefill_analytic = simulate_step(job);
    job = base_job(middle, true);
    job.fidelity = FidelityLevel::analytic;
    simulated.decode_analytic = simulate_step(job);
  }
  if (scenario.quality) {
    simulated.quality = judge(*scenario.quality);
  }
  return simulated;
}

reports::Result run_scenario(const Library& library, const Scenario& scenario,
                             const RunOptions& options) {
  const auto prepared = prepare(library, scenario);
  return compose(*prepared, simulate(*prepared, options));
}

}  // namespace joulesim::engine
