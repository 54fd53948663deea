// Compute units whose weights lie where they are computed: chips of SRAM in a pipeline, multipliers
// at DRAM banks, event-driven cores. What they share: a name, arithmetic by type, vector
// operations, standing power, and works that become one run without loads.
//
// Models:      the plain half of a ComputeUnit.
// Leaves out:  loads and stores: activations arrive with the operator.
// Checked by:  tests/timing/other_units.cpp.
#pragma once

#include "hw/component/arithmetic.hpp"
#include "hw/component/compute_unit.hpp"

#include <string>
#include <vector>

namespace joulesim::hw {

struct ResidentSpec {
  std::string part, title;
  Sourced<Frequency> clock;
  Arithmetic arithmetic;                       // of all of the unit
  std::optional<Sourced<OpRate>> vector_rate;  // none: vector operators are refused
  std::optional<Sourced<EnergyPerOp>> vector_energy;
  Sourced<EnergyPerOp> control_energy;
  Sourced<Power> idle, active;  // all of the unit

  // Standing power of so many chips, where the part file gives one chip's.
  void multiply_power(std::int64_t chips);
  // Reads [unit] clock, [arithmetic.*], [vector] if there, [control], [power].
  void read(const ConfigNode& part_file);
};

class ResidentUnit : public ComputeUnit {
 public:
  [[nodiscard]] const std::string& name() const override { return base().part; }
  [[nodiscard]] const std::string& title() const override { return base().title; }
  // No arithmetic of the type, no vector unit.
  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override;
  [[nodiscard]] KernelAnswer answer(const KernelRequest& request, const MemoryView& memory,
                                    const RuntimeSpec& runtime) const override;
  [[nodiscard]] const std::vector<EnergyCause>& causes() const override { return causes_; }
  [[nodiscard]] Sourced<Power> idle_power() const override { return base().idle; }
  [[nodiscard]] Sourced<Power> active_power() const override { return base().active; }
  [[nodiscard]] std::optional<OpRate> peak(DataType type) const override;
  [[nodiscard]] std::vector<DataType> types() const override { return base().arithmetic.types(); }
  [[nodiscard]] bool arithmetic_assumed() const override { return is_assumed(base().clock); }
  [[nodiscard]] bool memory_assumed() const override { return is_assumed(base().clock); }
  [[nodiscard]] int tile_buffers() const override { return 2; }

 protected:
  [[nodiscard]] virtual const ResidentSpec& base() const = 0;
  enum Cause : std::size_t { kMac, kVector, kControl, kFirstOwn };
  // The shared causes, to which a kind adds its own.
  static std::vector<EnergyCause> shared_causes(const ResidentSpec& spec);
  // Arithmetic, vector and control joules of a work.
  [[nodiscard]] std::vector<double> shared_joules(const Work& work) const;
  // One run that computes for so long and moves nothing.
  [[nodiscard]] TileProgram program(const Work& work, std::size_t index, const RuntimeSpec& runtime,
                                    Time busy, std::vector<double> joules) const;

  std::vector<EnergyCause> causes_;
};

}  // namespace joulesim::hw
