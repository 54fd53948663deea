// A product alone on an NPU: tile by tile over its cores. Other operators go by their works.
#include "hw/component/kernel_works.hpp"
#include "hw/npu/systolic_npu.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::hw {
namespace {

double real(std::int64_t v) { return static_cast<double>(v); }

}  // namespace

GemmTrace SystolicNpu::run_gemm(const KernelRequest& r, const MemoryView& memory) const {
  const double clock = spec_.clock.value.si();
  const auto cores = static_cast<double>(spec_.cores);
  const double pes = real(spec_.rows * spec_.columns);
  GemmCores machine;
  machine.array = array(spec_.arithmetic.find(r.type)->macs_per_cycle.value / pes);
  machine.array.columns *= spec_.arrays / spec_.cores;
  machine.cores = spec_.cores;
  machine.scratchpad = spec_.scratchpad.value.si() / cores;
  machine.accumulator = spec_.accumulator.value.si() / cores;
  machine.operand_bytes = bits_of(r.type) / 8;
  machine.split = spec_.split;
  machine.memory_rate = std::min(memory.measured().si(), spec_.memory.value.si()) / clock;
  machine.port_rate = spec_.port.value.si() / clock;
  if (spec_.unpack && r.weight_bits < bits_of(r.type)) {
    machine.unpack_rate = spec_.unpack->value.si() / clock / cores;
  }
  machine.latency = memory.latency.si() * clock;
  return schedule(machine,
                  {r.m, r.n, r.k, r.activation_bits / 8, r.weight_bits / 8, r.output_bits / 8});
}

KernelAnswer SystolicNpu::answer(const KernelRequest& request, const MemoryView& memory,
                                 const RuntimeSpec& runtime) const {
  KernelAnswer answer = answer_by_works(*this, request, memory, runtime, spec_.clock.value);
  if (request.op != KernelOp::gemm || !answer.refusal.empty()) {
    return answer;
  }
  const GemmTrace trace = run_gemm(request, memory);
  const double clock = spec_.clock.value.si();
  const double before = answer.time.si();
  const double seconds = runtime.launch.si() + trace.clocks / clock;
  // Standing power over the time that the schedule takes; traffic as a step's tiling has it.
  const double still =
      spec_.idle.value.si() + spec_.active.value.si() + memory.standing.value_or(Power()).si();
  answer.energy += Energy(still * (seconds - before));
  answer.time = Time(seconds);
  answer.cycles = seconds * clock;
  answer.share_of_peak *= before / seconds;
  answer.bound = runtime.launch.si() > seconds / 2      ? "launch"
                 : trace.memory_busy > trace.array_busy ? "memory"
                                                        : "arithmetic";
  const NpuTiling& t = trace.tiling;
  answer.mapping =
      fmt::format("{}-stationary {}x{}, {} x {} x {} tiles of {} x {} x {} (m, n, k) on {} cores",
                  spec_.dataflow == Dataflow::weight_stationary ? "weight" : "output", spec_.rows,
                  spec_.columns, t.tiles_m, t.tiles_n, t.tiles_k, t.m, t.n, t.k, spec_.cores);
  return answer;
}

}  // namespace joulesim::hw
