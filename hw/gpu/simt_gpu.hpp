// A GPU: thread-block tiles over streaming multiprocessors in waves.
//
// Models:      choice of output tile, pipeline stages and split-K that a vendor library would make,
// by
//              the shortest predicted time; waves of thread blocks over the SMs with a partly
//              filled last one; K loop paced by the tensor pipeline or by L2 delivery, with a
//              prologue; padding of small products to the tile; vector and exponential rates; fused
//              attention (query blocks in prefill, split keys in decode); launch cost per kernel
//              from the software stack.
// Leaves out:  clock reduction under a power limit, warp scheduling, L2 slices, sparsity, clusters.
// Checked by:  tests/timing/gpu.cpp (wave quantisation, peak, split-K), tests/laws/units.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "hw/gpu/gpu_spec.hpp"

#include <memory>

namespace joulesim::hw {

// How a product is cut.
struct GemmTiling {
  std::int64_t bm = 0, bn = 0, split = 1;
  std::int64_t blocks = 0, waves = 0;
  double seconds = 0;           // on the SMs
  double l2_bytes = 0;          // delivered from L2
  bool delivery_bound = false;  // paced by L2 delivery rather than by the tensor pipeline
  double padded_macs = 0;       // executed, padding included
};

class SimtGpu final : public ComputeUnit {
 public:
  static constexpr const char* kModel = "simt_gpu";
  explicit SimtGpu(SimtGpuSpec spec);

  [[nodiscard]] const std::string& name() const override { return spec_.part; }
  [[nodiscard]] const std::string& title() const override { return spec_.title; }
  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override;
  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
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

  // The tiling with the shortest time for C[m,n] = A[m,k] W[n,k]; `memory_seconds` is the time that
  // the memory needs anyway, so that splitting K is only paid for where it helps.
  [[nodiscard]] GemmTiling choose_tiling(const Work& work, double memory_seconds) const;

 private:
  // Bytes per second that each of `blocks` busy SMs gets from L2.
  [[nodiscard]] double l2_share(double blocks) const;
  struct Cost {
    double seconds = 0, l2_bytes = 0, shared_bytes = 0, macs = 0, vector_ops = 0;
    std::int64_t waves = 1;
    std::string limit = "arithmetic";
    std::string mapping;
  };
  [[nodiscard]] Cost matmul_cost(const Work& work, double memory_seconds) const;
  [[nodiscard]] Cost attention_cost(const Work& work) const;
  [[nodiscard]] Cost vector_cost(const Work& work) const;

  SimtGpuSpec spec_;
  std::vector<EnergyCause> causes_;
};

}  // namespace joulesim::hw
