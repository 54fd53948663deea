// Multipliers at DRAM banks, driven by the memory's own commands: all units of a channel take a
// column of their banks at the same command.
//
// Models:      weights dealt to all banks; per row of the banks: activates as many at a time as the
//              part allows within tFAW, tRCD, a column command every so many clocks of tCCD,
//              operand broadcasts over the channel's data bus (into registers every few columns, or
//              once into a buffer), tRTP and tRP; where several banks share a unit, one is opened
//              and closed while another one is read; refresh of all banks; results read over the
//              bus; a switch of mode before and after every operator. A product of several rows
//              streams the weights once for each. Columns follow each other as fast as the units
//              multiply what they bring: narrower weights are more of them, which takes as many
//              more clocks unless the part says that its lanes divide. Attention: scores and their
//              sums over the cache in its banks, softmax at the host, to which the scores go and
//              come back. Energy: activates, column reads inside the device, the interface for
//              operands and results, MACs. Where the part has a power limit, all of these are
//              spread so that it is kept.
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
  std::int64_t column_clocks = 1;             // between column commands of a unit
  std::int64_t activates_at_once = 1;         // banks that one command opens
  std::int64_t banks_in_faw = 4;              // that may be opened within tFAW
  std::int64_t columns_per_broadcast = 0;     // operands in registers: so many columns use them
  std::optional<Sourced<Bytes>> buffer;       // operands in a buffer of the channel instead
  std::int64_t narrowest_weights = 0;         // bits down to which lanes divide; 0: they do not
  std::int64_t widest_weights = 0;            // bits that a unit takes; 0: as wide as its types
  std::optional<Sourced<Power>> power_limit;  // of all channels' work together
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
  // Weights that are wider than the units take, and what other such units lack.
  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override;
  // A matrix in one channel's banks against a vector, a column each so many clocks or more.
  [[nodiscard]] PimSweep sweep(Bytes matrix, Bytes operand, double column_clocks = 0) const;
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
  // Clocks in which a unit multiplies a column, of weights stored in so many bits.
  [[nodiscard]] double clocks_of_column(DataType type, double weight_bits,
                                        double macs_per_byte) const;
  PimSpec spec_;
};

}  // namespace joulesim::hw
