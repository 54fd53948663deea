// A neural processing unit: systolic arrays fed from a scratchpad by a double-buffered DMA.
//
// Models:      weight-stationary arrays: a product's weights are cut into rows x columns tiles
// spread over
//              the arrays; a tile takes max(M / rate, rows / weight_rows_per_cycle) cycles, the
//              pipeline fills and drains once per operator in rows + columns - 2 cycles; vector
//              unit for norms, rotary embedding, softmax and activations; unpacking of narrow
//              weights on their way in; energy per MAC by type, per scratchpad byte, per vector
//              operation, control per MAC.
// Leaves out:  bank conflicts in the scratchpad, accumulator capacity, sparsity, several processes.
// Checked by:  tests/timing/npu.cpp (fill, drain and reuse in closed form), tests/laws/units.cpp.
#pragma once

#include "hw/component/arithmetic.hpp"
#include "hw/component/compute_unit.hpp"

#include <memory>

namespace joulesim::hw {

struct SystolicNpuSpec {
  std::string part, title;
  std::int64_t arrays = 0, rows = 0, columns = 0;
  Sourced<Frequency> clock;
  Sourced<double> weight_rows_per_cycle;
  Arithmetic arithmetic;
  Sourced<double> vector_ops_per_cycle;  // all arrays together
  Sourced<EnergyPerOp> vector_energy;
  Sourced<EnergyPerOp> control_energy;  // instruction issue, wires, registers
  Sourced<Bytes> scratchpad;
  Sourced<EnergyPerByte> scratchpad_read, scratchpad_write;
  Sourced<Bandwidth> port;    // to the system cache
  Sourced<Bandwidth> memory;  // what its outstanding requests draw from DRAM
  Sourced<Bytes> tile;        // one DMA transfer
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
  // Cycles of one m x n x k product on all arrays, without fill and drain.
  [[nodiscard]] double product_cycles(double m, double n, double k, double rate) const;
  [[nodiscard]] std::int64_t to_ps(double cycles) const;

  SystolicNpuSpec spec_;
  std::vector<EnergyCause> causes_;
};

}  // namespace joulesim::hw
