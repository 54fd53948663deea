// A GPU: thread-block tiles over streaming multiprocessors in waves.
//
// Models:      what hw/gpu/gpu_lowering.hpp makes of a work, and single kernels as
//              hw/gpu/gpu_kernels.hpp answers them.
// Leaves out:  warp scheduling, L2 slices, sparsity.
// Checked by:  tests/timing/gpu.cpp, tests/timing/gpu_kernels.cpp, tests/oracle/gpu_lowering.cpp,
//              tests/laws/units.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "hw/gpu/gpu_spec.hpp"

#include <memory>

namespace joulesim::hw {

class SimtGpu final : public ComputeUnit {
 public:
  static constexpr const char* kModel = "simt_gpu";
  explicit SimtGpu(SimtGpuSpec spec);

  [[nodiscard]] const std::string& name() const override { return spec_.part; }
  [[nodiscard]] const std::string& title() const override { return spec_.title; }
  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override;
  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const override;
  [[nodiscard]] TileProgram lower_before(const MemoryView& memory, const Work& work,
                                         std::size_t index,
                                         const RuntimeSpec& runtime) const override;
  [[nodiscard]] KernelAnswer answer(const KernelRequest& request, const MemoryView& memory,
                                    const RuntimeSpec& runtime) const override;
  [[nodiscard]] const std::vector<EnergyCause>& causes() const override { return causes_; }
  [[nodiscard]] Sourced<Power> idle_power() const override { return spec_.idle; }
  [[nodiscard]] Sourced<Power> active_power() const override { return spec_.active; }
  [[nodiscard]] std::optional<OpRate> peak(DataType type) const override;
  [[nodiscard]] std::vector<DataType> types() const override { return spec_.arithmetic.types(); }
  [[nodiscard]] Bytes local_memory() const override { return spec_.l2.value; }
  [[nodiscard]] Bandwidth port_bandwidth() const override { return spec_.port.value; }
  [[nodiscard]] Bandwidth memory_bandwidth() const override { return spec_.memory.value; }
  [[nodiscard]] bool arithmetic_assumed() const override { return is_assumed(spec_.clock); }
  [[nodiscard]] bool memory_assumed() const override { return is_assumed(spec_.memory); }
  [[nodiscard]] int tile_buffers() const override { return 4; }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

 private:
  SimtGpuSpec spec_;
  std::vector<EnergyCause> causes_;
};

}  // namespace joulesim::hw
