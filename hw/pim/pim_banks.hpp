// Multipliers at DRAM banks, driven by the memory's own commands: all units of a channel take a
// column of their banks at the same command.
//
// Models:      weights dealt to all banks; per row of the banks: activates as many at a time as the
//              part allows within tFAW, tRCD, a column command every so many clocks of tCCD,
//              operand broadcasts over the channel's data bus (into registers every few columns, or
//              once into a buffer), tRTP and tRP; where several banks share a unit, one is opened
//              and closed while another one is read; refresh of all banks; results read over the
//              bus; a switch of mode before and after every operator. A product of several rows
//              streams the weights once for each. Attention: scores and their sums over the cache
//              in its banks, softmax at the host, to which the scores go and come back. Energy:
//              activates, column reads inside the device, the interface for operands and results,
//              MACs.
// Leaves out:  layout of matrices that fill no whole rows, errors, host commands' own energy.
// Checked by:  tests/timing/other_units.cpp, tests/anchors/other_units.cpp.
#pragma once

#include "hw/component/resident_unit.hpp"
#include "hw/dram/part.hpp"

namespace joulesim::hw {

struct PimSpec : ResidentSpec {
  DramPart dram;  // of one channel
  std::int64_t channels = 1;
  std::int64_t units = 1;  // of a channel
  std::int64_t banks_of_unit = 1;
  std::int64_t column_clocks = 1;          // between column commands of a unit
  std::int64_t activates_at_once = 1;      // banks that one command opens
  std::int64_t banks_in_faw = 4;           // that may be opened within tFAW
  std::int64_t columns_per_broadcast = 0;  // operands in registers: so many columns use them
  std::optional<Sourced<Bytes>> buffer;    // operands in a buffer of the channel instead
  Sourced<Time> mode_switch;
  Sourced<EnergyPerByte> column;  // a column to its unit, without the interface

  static PimSpec from(const ConfigNode& part);
};

// What a stretch of columns costs one channel, in clocks of its command clock.
struct PimSweep {
  double columns = 0, broadcasts = 0;  // commands
  double rows = 0;                     // of the banks, opened together
  double clocks = 0;                   // refresh included
};

class PimBanks final : public ResidentUnit {
 public:
  static constexpr const char* kModel = "pim_banks";
  explicit PimBanks(PimSpec spec);

  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const override;
  // A matrix in one channel's banks against a vector.
  [[nodiscard]] PimSweep sweep(Bytes matrix, Bytes operand) const;
  // What the units draw from the banks at most.
  [[nodiscard]] Bandwidth inner_bandwidth() const;

  [[nodiscard]] Bytes local_memory() const override { return spec_.dram.capacity.value; }
  [[nodiscard]] Bandwidth port_bandwidth() const override {
    return spec_.dram.peak.value * static_cast<double>(spec_.channels);
  }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

 private:
  [[nodiscard]] const ResidentSpec& base() const override { return spec_; }
  PimSpec spec_;
};

}  // namespace joulesim::hw
