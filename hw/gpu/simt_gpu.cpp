#include "hw/gpu/simt_gpu.hpp"

#include "hw/gpu/gpu_lowering.hpp"

namespace joulesim::hw {
SimtGpu::SimtGpu(SimtGpuSpec spec) : spec_(std::move(spec)) {
  causes_ = {spec_.arithmetic.cause(),
             EnergyCause::of("vector", Spent::arithmetic, spec_.vector_energy),
             EnergyCause::of("shared memory", Spent::movement, spec_.shared_memory_energy),
             EnergyCause::of("l2 to sm", Spent::movement, spec_.l2_energy),
             EnergyCause::of("control", Spent::control, spec_.control_energy)};
}

std::optional<std::string> SimtGpu::refusal(const Work& work) const {
  if (work.macs() > 0 && spec_.arithmetic.find(work.type) == nullptr) {
    return refusal_of_type(spec_.part, spec_.arithmetic, work.type);
  }
  return std::nullopt;
}

TileProgram SimtGpu::lower(const Work& work, std::size_t index, const RuntimeSpec& runtime) const {
  // A memory that gives all that the chip can draw.
  return lower_before({spec_.memory.value, spec_.memory.value}, work, index, runtime);
}

TileProgram SimtGpu::lower_before(const MemoryView& memory, const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const {
  KernelMachine machine;
  machine.spec = &spec_;
  machine.memory = memory;
  machine.clock = spec_.clock.value;
  return lower_work(machine, work, index, runtime);
}

KernelAnswer SimtGpu::answer(const KernelRequest& request, const MemoryView& memory,
                             const RuntimeSpec& runtime) const {
  KernelAnswer answer;
  if (const auto refused = kernel_refusal(spec_, request)) {
    answer.refusal = *refused;
    return answer;
  }
  KernelMachine machine;
  machine.spec = &spec_;
  machine.memory = memory;
  machine.clock = spec_.clock.value;
  return answer_kernel(machine, request, runtime);
}

std::optional<OpRate> SimtGpu::peak(DataType type) const {
  const ArithmeticRate* rate = spec_.arithmetic.find(type);
  if (rate == nullptr) {
    return std::nullopt;
  }
  return macs(rate->macs_per_cycle.value * static_cast<double>(spec_.sms)) * spec_.clock.value;
}

std::shared_ptr<const ComputeUnit> SimtGpu::scaled(double arithmetic, double port) const {
  SimtGpuSpec spec = spec_;
  spec.clock.value *= arithmetic;
  spec.port.value *= port;
  spec.memory.value *= port;
  spec.l2_bandwidth.value *= port;
  spec.sm_port.value *= port;
  return std::make_shared<SimtGpu>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> SimtGpu::at_corner(Corner corner) const {
  SimtGpuSpec spec = spec_;
  move_to_corner(spec.clock, corner);
  move_to_corner(spec.vector_ops_per_cycle, corner);
  move_to_corner(spec.exponentials_per_cycle, corner);
  move_to_corner(spec.l2_bandwidth, corner);
  move_to_corner(spec.sm_port, corner);
  move_to_corner(spec.port, corner);
  move_to_corner(spec.memory, corner);
  move_to_corner(spec.block_start, corner, false);
  spec.arithmetic.move_rates_to(corner);
  return std::make_shared<SimtGpu>(std::move(spec));
}

}  // namespace joulesim::hw
