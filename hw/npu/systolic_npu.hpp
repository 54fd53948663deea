// A neural processing unit: systolic arrays fed from a scratchpad by a double-buffered DMA.
//
// Models:      weight- or output-stationary arrays (array_timing.hpp): within a step, a product's
//              blocks are spread over the arrays, the pipeline fills and drains once per operator;
//              a single product is scheduled tile by tile over the cores (gemm_schedule.hpp);
//              vector unit for norms, rotary embedding, softmax and activations; unpacking of
//              narrow weights on their way in, at the rate of its decompressor; a parameter cache
//              into which the compiler puts the first weights of the model for good; energy per MAC
//              by type, per scratchpad byte, per vector operation, control per MAC.
// Leaves out:  bank conflicts in the scratchpad, sparsity, several processes.
// Checked by:  tests/timing/npu.cpp, tests/timing/npu_arrays.cpp (closed forms),
// tests/laws/units.cpp,
//              tests/anchors/npu.cpp.
#pragma once

#include "hw/component/arithmetic.hpp"
#include "hw/component/compute_unit.hpp"
#include "hw/npu/gemm_schedule.hpp"

#include <memory>

namespace joulesim::hw {

struct SystolicNpuSpec {
  std::string part, title;
  std::int64_t arrays = 0, rows = 0, columns = 0;
  std::int64_t cores = 1;  // that the arrays and the memories belong to in equal parts
  Dataflow dataflow = Dataflow::weight_stationary;
  Sourced<Frequency> clock;
  Sourced<double> weight_rows_per_cycle;
  Arithmetic arithmetic;
  Sourced<double> vector_ops_per_cycle;  // all arrays together
  Sourced<EnergyPerOp> vector_energy;
  Sourced<EnergyPerOp> control_energy;  // instruction issue, wires, registers
  Sourced<Bytes> scratchpad;
  Sourced<EnergyPerByte> scratchpad_read, scratchpad_write;
  Sourced<Bytes> accumulator;  // partial sums; all cores
  TileSplit split = TileSplit::halving;
  std::optional<Sourced<Bandwidth>> unpack;       // of unpacked weights, all cores
  std::optional<Sourced<Bytes>> parameter_cache;  // beside the scratchpad
  Sourced<Bandwidth> port;                        // to the system cache
  Sourced<Bandwidth> memory;                      // what its outstanding requests draw from DRAM
  Sourced<Bytes> tile;                            // one DMA transfer
  std::optional<Sourced<EnergyPerByte>> link;     // of what the DMA moves over a link to the memory
  int buffers = 2;
  Sourced<Power> idle, active;

  static SystolicNpuSpec from(const ConfigNode& part);
};

class SystolicNpu final : public ComputeUnit {
 public:
  static constexpr const char* kModel = "systolic_npu";
  explicit SystolicNpu(SystolicNpuSpec spec);

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
  [[nodiscard]] Bytes local_memory() const override { return spec_.scratchpad.value; }
  [[nodiscard]] Bandwidth port_bandwidth() const override { return spec_.port.value; }
  [[nodiscard]] Bandwidth memory_bandwidth() const override { return spec_.memory.value; }
  [[nodiscard]] bool arithmetic_assumed() const override { return is_assumed(spec_.clock); }
  [[nodiscard]] bool memory_assumed() const override { return is_assumed(spec_.memory); }
  [[nodiscard]] int tile_buffers() const override { return spec_.buffers; }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

 private:
  [[nodiscard]] ArrayTiming array(double rate) const;
  // Cycles of one m x n x k product on all arrays, without fill and drain.
  [[nodiscard]] double product_cycles(double m, double n, double k, double rate) const;
  [[nodiscard]] GemmTrace run_gemm(const KernelRequest& request, const MemoryView& memory) const;
  // Whether the compiler keeps these weights on chip.
  [[nodiscard]] bool pinned(const DataStream& stream) const;
  [[nodiscard]] std::int64_t to_ps(double cycles) const;

  SystolicNpuSpec spec_;
  std::vector<EnergyCause> causes_;
};

}  // namespace joulesim::hw
