#include "hw/cpu/cpu_spec.hpp"

namespace joulesim::hw {

CpuClusterSpec CpuClusterSpec::from(const ConfigNode& part) {
  CpuClusterSpec spec;
  spec.part = part.text("part");
  spec.title = part.text("title");
  for (const auto& [name, node] : part.table("core").children()) {
    CoreKind kind;
    kind.name = name;
    kind.count = node.whole("count", 1, 1 << 12);
    kind.slow = node.flag_if("slow").value_or(false);
    kind.clock = node.figure<Frequency>("clock");
    kind.misses = node.count("misses");
    kind.arithmetic = Arithmetic::from(node);
    kind.vector_ops_per_cycle = node.table("vector").count("ops_per_cycle");
    spec.cores.push_back(std::move(kind));
  }
  if (spec.cores.empty() || spec.cores.front().slow) {
    part.error("core",
               "found no kind of core for kernels; expected [core.NAME], the fastest first");
  }
  spec.vector_energy = part.table("vector").figure<EnergyPerOp>("energy");
  spec.control_energy = part.table("control").figure<EnergyPerOp>("energy");
  const ConfigNode cache = part.table("cache");
  spec.cache = cache.figure<Bytes>("capacity");
  spec.line = cache.figure<Bytes>("line");
  spec.cache_energy = cache.figure<EnergyPerByte>("energy");
  const ConfigNode memory = part.table("memory");
  spec.latency = memory.figure<Time>("latency");
  spec.fabric = memory.figure<Bandwidth>("bandwidth");
  const ConfigNode power = part.table("power");
  spec.idle = power.figure_or_zero<Power>("idle");
  spec.active = power.figure<Power>("active");
  return spec;
}

Bandwidth CpuClusterSpec::core_bandwidth(const CoreKind& kind) const {
  return kind.misses.value * line.value / latency.value;
}

}  // namespace joulesim::hw
