// CPU cores of several kinds with SIMD or matrix units, running matrix kernels over threads.
//
// Models:      MAC rate by kind of core and type (SIMD pipes, dot products, matrix instructions,
//              table look-ups as a rate of their own for ternary weights); vector operations;
//              unpacking of narrow weights, once for every few rows; inputs made ready for them (a
//              stack's tables) by one core while the others wait; threads that share the work
//              evenly (the slowest core is waited for) or steal it; memory bandwidth as each core's
//              outstanding misses times the line over the loaded latency, up to what the fabric
//              lets through; energy per MAC, per operation issued, per byte through the caches.
// Leaves out:  out-of-order detail, branch prediction, frequency scaling, NUMA placement.
// Checked by:  tests/timing/cpu.cpp (threads, misses, unpacking in closed form),
// tests/laws/units.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "hw/cpu/cpu_spec.hpp"

#include <memory>

namespace joulesim::hw {

class CpuCluster final : public ComputeUnit {
 public:
  static constexpr const char* kModel = "cpu_cluster";
  explicit CpuCluster(CpuClusterSpec spec);

  [[nodiscard]] const std::string& name() const override { return spec_.part; }
  [[nodiscard]] const std::string& title() const override { return spec_.title; }
  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override;
  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const override;
  [[nodiscard]] const std::vector<EnergyCause>& causes() const override { return causes_; }
  [[nodiscard]] Sourced<Power> idle_power() const override { return spec_.idle; }
  [[nodiscard]] Sourced<Power> active_power() const override { return spec_.active; }
  [[nodiscard]] std::optional<OpRate> peak(DataType type) const override;
  [[nodiscard]] std::vector<DataType> types() const override {
    return spec_.cores.front().arithmetic.types();
  }
  [[nodiscard]] Bytes local_memory() const override { return spec_.cache.value; }
  [[nodiscard]] Bandwidth port_bandwidth() const override { return spec_.fabric.value; }
  // What every core's misses together draw.
  [[nodiscard]] Bandwidth memory_bandwidth() const override;
  [[nodiscard]] bool arithmetic_assumed() const override {
    return is_assumed(spec_.cores.front().clock);
  }
  [[nodiscard]] bool memory_assumed() const override { return is_assumed(spec_.fabric); }
  [[nodiscard]] int tile_buffers() const override { return 4; }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

 private:
  // The kinds that a stack's threads run on, as one: how much of `per_core` they do in a second.
  template <class PerCore>
  [[nodiscard]] double rate_of(const KernelUse& use, const PerCore& per_core) const;

  CpuClusterSpec spec_;
  std::vector<EnergyCause> causes_;
};

}  // namespace joulesim::hw
