#include "sim/engine/unhidden.hpp"

#include <fmt/format.h>

namespace joulesim::engine {

void add_unhidden(const StepJob& job, StepActivity& step) {
  const double units =
      static_cast<double>(job.machine->channels) * job.machine->dram.organisation.units;
  const auto after = [&](OperatorActivity op, Bytes link_moved) {
    Activity activity;
    activity.duration = op.exposed;
    activity.waiting = job.unit == job.machine->unit("cpu") ? Time(0) : op.exposed;
    activity.dram.standby = units * op.exposed;
    activity.link_moved = link_moved;
    activity.operators.push_back(std::move(op));
    if (activity.duration > Time(0)) {
      step.total.add(activity, 1);
    }
  };
  OperatorActivity host;
  host.label = "host step";
  host.exposed = host.starting = job.runtime.step_overhead;
  after(std::move(host), Bytes(0));
  const ReduceCost reduced = cost_of(job.reduces, *job.machine, job.runtime);
  OperatorActivity reducing;
  reducing.label = kAllReduce;
  reducing.count = job.reduces.count;
  reducing.exposed = reduced.time;
  after(std::move(reducing), reduced.moved);
  if (!reduced.algorithm.empty()) {
    step.mappings.push_back(
        fmt::format("{}: {} over {} devices", kAllReduce, reduced.algorithm, job.reduces.devices));
  }
}

}  // namespace joulesim::engine
