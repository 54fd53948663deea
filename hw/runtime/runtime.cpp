#include "hw/runtime/runtime.hpp"

namespace joulesim::hw {

namespace {

Harness harness_from(const ConfigNode& node) {
  Harness harness;
  harness.frameworks = node.texts("frameworks");
  harness.methods = node.texts("methods");
  harness.sources = node.texts("sources");
  const std::string clock = node.choice("clock", {"kernel", "device", "host"});
  harness.clock = clock == "kernel" ? Harness::Clock::kernel
                  : clock == "host" ? Harness::Clock::host
                                    : Harness::Clock::device;
  if (harness.clock == Harness::Clock::host) {
    harness.call = node.figure<Time>("call").value;
    harness.vector_call = node.figure<Time>("vector_call").value;
  }
  constexpr std::int64_t kMostCopies = 1 << 10;
  harness.weight_copies = static_cast<int>(node.integer("weight_copies", 1, kMostCopies));
  harness.keeps_caches = node.flag("keeps_caches");
  harness.writes_kv = node.flag("writes_kv");
  harness.random_weights = node.choice("weights", {"random", "zeros"}) == "random";
  return harness;
}

}  // namespace

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
  if (const auto kernels = part.table_if("kernels")) {
    spec.kernel_gap = kernels->figure<Time>("gap").value;
    spec.fused_attention = kernels->flag("fused_attention");
    spec.direct_collectives = kernels->flag_if("direct_collectives").value_or(false);
  } else {
    spec.kernel_gap = spec.launch;
  }
  if (const auto harness = part.table_if("harness")) {
    spec.harness = harness_from(*harness);
  }
  return spec;
}

}  // namespace joulesim::hw
