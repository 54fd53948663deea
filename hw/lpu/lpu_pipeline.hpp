// Chips that keep all weights in SRAM and run a compiled schedule, one stage of chips after
// another.
//
// Models:      an operator runs on the chips of one stage, its columns dealt to them; weights are
//              installed into the matrix units from SRAM at a fixed rate, while the ones before are
//              used; products at the matrix units' rate; every product's results go to all chips of
//              the stage over their links, one hop, and every operator of a token waits for them:
//              the schedule is known to the clock, so nothing else is waited for. KV cache in SRAM.
//              Energy per MAC, per byte of SRAM and of link, standing power of every chip.
// Leaves out:  hops from stage to stage (one per stage and token), several tokens under way,
//              spreading a batch over stages, links to the host.
// Checked by:  tests/timing/other_units.cpp, tests/anchors/other_units.cpp.
#pragma once

#include "hw/component/resident_unit.hpp"

namespace joulesim::hw {

struct LpuSpec : ResidentSpec {
  std::int64_t chips = 1, per_stage = 1;
  Sourced<double> install;            // bytes of weights a clock and chip
  Sourced<Bytes> sram;                // of a chip
  Sourced<Bandwidth> sram_bandwidth;  // of a chip
  Sourced<EnergyPerByte> sram_read;
  Sourced<Bandwidth> link;  // of a chip, all its links, one way
  Sourced<Time> hop;
  Sourced<EnergyPerByte> link_energy;

  static LpuSpec from(const ConfigNode& part);
};

class LpuPipeline final : public ResidentUnit {
 public:
  static constexpr const char* kModel = "lpu_pipeline";
  explicit LpuPipeline(LpuSpec spec);

  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const override;
  [[nodiscard]] Bytes local_memory() const override {
    return spec_.sram.value * static_cast<double>(spec_.chips);
  }
  [[nodiscard]] Bandwidth port_bandwidth() const override {
    return spec_.sram_bandwidth.value * static_cast<double>(spec_.per_stage);
  }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

 private:
  [[nodiscard]] const ResidentSpec& base() const override { return spec_; }
  LpuSpec spec_;
};

}  // namespace joulesim::hw
