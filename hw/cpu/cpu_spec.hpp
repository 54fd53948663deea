// A processor's cores as its part file describes them.
//
//   [core.performance]            # kinds of core, the fastest first; `slow = true` marks those
//   that count  = { … }                # stacks leave to the rest of the system clock  = { value =
//   "3.2 GHz", … }   # with all of them at work misses = { … }                # cache lines that
//   one core keeps under way to memory [core.performance.arithmetic.int8]  # MACs per cycle of one
//   core: SIMD pipes, dot products, macs_per_cycle = { … }              # matrix instructions
//   [core.performance.vector]
//   ops_per_cycle  = { … }        # 32-bit lanes per clock
//   [cache]  capacity, line, energy     # last level before the memory's fabric
//   [memory] latency, bandwidth         # of a miss under load; that all cores together draw
//
// Checked by: tests/lint (every part is read), tests/timing/cpu.cpp.
#pragma once

#include "hw/component/arithmetic.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::hw {

struct CoreKind {
  std::string name;
  std::int64_t count = 0;
  bool slow = false;
  Sourced<Frequency> clock;
  Sourced<double> misses;
  Arithmetic arithmetic;                 // MACs per cycle of one core
  Sourced<double> vector_ops_per_cycle;  // of one core
};

struct CpuClusterSpec {
  std::string part, title;
  std::vector<CoreKind> cores;
  Sourced<EnergyPerOp> vector_energy, control_energy;
  Sourced<Bytes> cache, line;
  Sourced<EnergyPerByte> cache_energy;
  Sourced<Time> latency;
  Sourced<Bandwidth> fabric;  // that all cores together draw
  Sourced<Power> idle, active;

  static CpuClusterSpec from(const ConfigNode& part);
  // What the outstanding misses of one core draw.
  [[nodiscard]] Bandwidth core_bandwidth(const CoreKind& kind) const;
};

}  // namespace joulesim::hw
