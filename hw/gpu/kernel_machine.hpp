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

// What a kernel, or the several kernels of one operator, came to.
struct KernelRun {
  Time time;     // first block issued to last one retired, summed over kernels
  Time on_chip;  // the same with an infinitely fast memory
  int kernels = 1;
  Bytes dram, l2;   // moved
  double macs = 0;  // executed, padding included
  double vector_ops = 0;
  std::string bound;
  std::string mapping;

  // Runs one after the other.
  void then(const KernelRun& next) {
    bound = next.time > time ? next.bound : bound;
    mapping = next.time > time || mapping.empty() ? next.mapping : mapping;
    time += next.time;
    on_chip += next.on_chip;
    kernels += next.kernels;
    dram += next.dram;
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
        dram(machine.memory.stream.si() * machine.constants.dram_share),
        l2(machine.spec->l2_bandwidth.value.si()),
        port(machine.spec->sm_port.value.si() * clock),
        l2_size(machine.spec->l2.value.si()),
        dram_latency(machine.spec->memory_latency.value.si() * machine.constants.loaded_latency),
        l2_latency(machine.spec->l2_latency.value.si() * machine.constants.loaded_latency) {}
  double sms, clock, dram, l2, port, l2_size, dram_latency, l2_latency;
};

inline double ceil_div(double a, double b) { return std::ceil(a / b); }

// The share of a buffer that a cache still holds when it passes again: all of half its size, none
// of one and a half.
inline double found_share(Bytes passing, Bytes cache) {
  return std::clamp(1.5 - passing / cache, 0.0, 1.0);
}

// The smaller of two rates that queue behind each other: less than either near their crossing.
inline double joint_rate(double a, double b) {
  constexpr double kSharpness = 4;
  return std::pow(std::pow(a, -kSharpness) + std::pow(b, -kSharpness), -1 / kSharpness);
}

}  // namespace joulesim::hw
