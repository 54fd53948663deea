#include "hw/runtime/runtime.hpp"

namespace joulesim::hw {

RuntimeSpec runtime_from(const ConfigNode& part) {
  RuntimeSpec spec;
  spec.name = part.text("part");
  spec.title = part.text("title");
  const ConfigNode cost = part.table("cost");
  const auto launch = cost.figure<Time>("launch");
  const auto step = cost.figure<Time>("step");
  spec.launch = launch.value;
  spec.step_overhead = step.value;
  spec.launch_low = launch.low.value_or(launch.value);
  spec.launch_high = launch.high.value_or(launch.value);
  spec.step_low = step.low.value_or(step.value);
  spec.step_high = step.high.value_or(step.value);
  spec.assumed = (launch.source && launch.source->assumed());
  const ConfigNode graph = part.table("graph");
  spec.fuse_vector_work = graph.flag("fuses_vector_work");
  spec.prefetch_weights = graph.flag("prefetches_weights");
  return spec;
}

}  // namespace joulesim::hw
