// What every kernel model knows of the machine it runs on, in plain numbers of SI units.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "hw/component/kernel.hpp"
#include "hw/gpu/gpu_constants.hpp"
#include "hw/gpu/gpu_spec.hpp"

#include <algorithm>
#include <cmath>
#include <string>

namespace joulesim::hw {

struct KernelMachine {
  const SimtGpuSpec* spec = nullptr;
  MemoryView memory;
  Frequency clock;
  GpuConstants constants;
};

// Bytes between the chip and its memory, by what they are.
struct KernelTraffic {
  double weights = 0, inputs = 0, keys = 0, outputs = 0;
  [[nodiscard]] double all() const { return weights + inputs + keys + outputs; }
};

// What a kernel, or the several kernels of one operator, came to.
struct KernelRun {
  Time time;    // first block issued to last one retired, summed over kernels
  Time fixed;   // part of it that neither the SMs' work nor the memory's overlaps: starts, tails
  Time loop;    // work of the SMs that overlaps with the memory's
  Time stream;  // work of the memory, alone; in one kernel time = fixed + max(loop, stream)
  int kernels = 1;
  KernelTraffic dram;
  Bytes l2;         // moved
  double macs = 0;  // executed, padding included
  double vector_ops = 0;
  std::string bound;
  std::string mapping;

  // Runs one after the other.
  void then(const KernelRun& next) {
    bound = next.time > time ? next.bound : bound;
    mapping = next.time > time || mapping.empty() ? next.mapping : mapping;
    time += next.time;
    fixed += next.fixed;
    loop += next.loop;
    stream += next.stream;
    kernels += next.kernels;
    dram.weights += next.dram.weights;
    dram.inputs += next.dram.inputs;
    dram.keys += next.dram.keys;
    dram.outputs += next.dram.outputs;
    l2 += next.l2;
    macs += next.macs;
    vector_ops += next.vector_ops;
  }
};

// Rates and latencies at a clock.
struct ChipRates {
  explicit ChipRates(const KernelMachine& machine)
      : sms(static_cast<double>(machine.spec->sms)),
        clock(machine.clock.si()),
        stream(std::min(machine.memory.stream.si(), machine.spec->memory.value.si())),
        dram(std::min(
            machine.memory.stream.si() * (decoupled(machine) ? 1 : machine.constants.dram_share),
            machine.spec->memory.value.si())),
        l2(machine.spec->l2_bandwidth.value.si()),
        launch(machine.constants.launch_cycles / clock),
        port(machine.spec->sm_port.value.si() * clock),
        l2_size(machine.spec->l2.value.si()),
        dram_latency(machine.spec->memory_latency.value.si() * machine.constants.loaded_latency),
        l2_latency(machine.spec->l2_latency.value.si() * machine.constants.loaded_latency) {}
  // Behind a system cache its controller, not the chip's slices, spreads requests over channels.
  static bool decoupled(const KernelMachine& machine) {
    return machine.memory.behind_cache && machine.spec->port.value > machine.spec->memory.value;
  }
  // `stream`: of the memory when all blocks walk on in step; `dram`: when tiles jump.
  double sms, clock, stream, dram, l2, launch, port, l2_size, dram_latency, l2_latency;
};

inline double ceil_div(double a, double b) { return std::ceil(a / b); }

// The share of a buffer that a cache still holds when it passes again. What a miss replaces is as
// good as random: between two visits of a line every other line's miss spares it with the chance
// exp(-1 / lines), so that the share h found solves h = exp(-(1 - h) passing / capacity).
inline double found_share(Bytes passing, Bytes cache) {
  constexpr double kUsable = 0.7;  // of the capacity, for one buffer
  constexpr int kRounds = 60;
  const double times = passing / (kUsable * cache);
  if (times <= 1) {
    return 1;
  }
  double found = 0;
  for (int i = 0; i < kRounds; ++i) {
    found = std::exp(-(1 - found) * times);
  }
  return found;
}

// The smaller of two rates that queue behind each other: less than either near their crossing.
inline double joint_rate(double a, double b) {
  constexpr double kSharpness = 4;
  return std::pow(std::pow(a, -kSharpness) + std::pow(b, -kSharpness), -1 / kSharpness);
}

}  // namespace joulesim::hw
