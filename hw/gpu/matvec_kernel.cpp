#include "hw/gpu/matvec_kernel.hpp"

#include <fmt/format.h>

namespace joulesim::hw {

KernelRun run_matrix_vector(const KernelMachine& machine, const GemmShape& shape) {
  constexpr double kThreads = 128;   // of a block, a warp for each output row
  constexpr double kRows = 4;        // output rows of a block
  constexpr double kRegisters = 64;  // of a thread, four bytes each
  constexpr double kRegister = 4;
  constexpr double kDot = 4;             // int8 products of one instruction
  constexpr double kReduceCycles = 200;  // sum over a warp, and the store
  const SimtGpuSpec& spec = *machine.spec;
  const GpuConstants& c = machine.constants;
  const ChipRates chip(machine);
  const double m = static_cast<double>(shape.m);
  const double n = static_cast<double>(shape.n);
  const double k = static_cast<double>(shape.k);
  const double blocks = ceil_div(n, kRows);
  const double threads = std::min(static_cast<double>(spec.threads),
                                  spec.registers.value.si() / (kRegisters * kRegister));
  const double resident =
      std::max(1.0, std::min(std::floor(threads / kThreads), static_cast<double>(spec.blocks)));
  const double slots = chip.sms * resident;

  KernelRun run;
  run.dram.weights = n * k * shape.w_bits / 8 * (1 - shape.w_cached);
  run.dram.inputs = m * k * shape.a_bits / 8 * (1 - shape.a_cached);
  run.dram.outputs = m * n * shape.c_bits / 8;
  const double in_flight = std::min(blocks, slots) * kThreads * shape.thread_loads;
  const double bytes = run.dram.weights + run.dram.inputs;
  run.stream = Time(bytes / joint_rate(chip.dram, in_flight / chip.dram_latency));
  const double per_instruction = shape.type == DataType::int8 ? kDot : 1;
  const double instructions = n * k * (shape.unpack_ops + m / per_instruction);
  const double busy = std::min(chip.sms, blocks);
  const double lanes = std::min(c.issue_lanes, spec.vector_ops_per_cycle.value / 2);
  const double from_l2 = m * n * k * shape.a_bits / 8 / kRows / std::min(chip.l2, busy * chip.port);
  run.loop = Time(std::max(instructions / (busy * lanes * chip.clock), from_l2));
  run.fixed = Time(chip.launch + chip.dram_latency + kReduceCycles / chip.clock);
  run.time = run.fixed + max(run.loop, run.stream);
  run.l2 = Bytes(bytes + m * n * k * shape.a_bits / 8 / kRows);
  run.macs = m * n * k;
  run.vector_ops = n * k * shape.unpack_ops;
  run.bound = run.stream > run.loop ? "memory" : "lanes";
  run.mapping = fmt::format("matrix-vector, {} blocks", blocks);
  return run;
}

}  // namespace joulesim::hw
