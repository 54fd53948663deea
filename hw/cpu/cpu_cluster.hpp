// A cluster of CPU cores with SIMD units, running matrix kernels over threads.
//
// Models:      MAC rate per core and cycle by type, vector operations, unpacking of narrow weights
// in the
//              vector units, memory bandwidth that one core can draw (its outstanding misses) times
//              the threads in use, energy per MAC, per operation issued and per byte through the
//              caches.
// Leaves out:  out-of-order detail, branch prediction, frequency scaling, cores of unlike kinds.
// Checked by:  tests/laws/units.cpp.
#pragma once

#include "hw/component/arithmetic.hpp"
#include "hw/component/compute_unit.hpp"

#include <memory>

namespace joulesim::hw {

struct CpuClusterSpec {
  std::string part, title;
  std::int64_t cores = 0;
  Sourced<Frequency> clock;
  Arithmetic arithmetic;                 // MACs per cycle of one core
  Sourced<double> vector_ops_per_cycle;  // of one core
  Sourced<EnergyPerOp> vector_energy, control_energy;
  Sourced<Bytes> cache;  // last private or cluster level
  Sourced<EnergyPerByte> cache_energy;
  Sourced<Bandwidth> core_bandwidth;  // that one core's outstanding misses can draw
  Sourced<Power> idle, active;

  static CpuClusterSpec from(const ConfigNode& part);
};

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
  [[nodiscard]] std::vector<DataType> types() const override { return spec_.arithmetic.types(); }
  [[nodiscard]] Bytes local_memory() const override { return spec_.cache.value; }
  [[nodiscard]] Bandwidth port_bandwidth() const override {
    return spec_.core_bandwidth.value * static_cast<double>(spec_.cores);
  }
  [[nodiscard]] bool arithmetic_assumed() const override { return is_assumed(spec_.clock); }
  [[nodiscard]] bool memory_assumed() const override { return is_assumed(spec_.core_bandwidth); }
  [[nodiscard]] int tile_buffers() const override { return 4; }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

 private:
  CpuClusterSpec spec_;
  std::vector<EnergyCause> causes_;
};

}  // namespace joulesim::hw
