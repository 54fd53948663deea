// A DRAM part as read from hw/dram/*.toml: one channel's organisation, gates and energies.
//
// A gate is a time (`[timing] tRCD = "18 ns"`, rounded up to clocks as the standards do) or a
// number of clocks (`[clocks] nCL = "36 clk"`). A gate that a standard does not split by bank group
// may be given once (`tRRD` for tRRD_S and tRRD_L).
//
// Energies are either figures per event (`[energy]`) or datasheet currents (`[currents]`), turned
// into the same figures by the equations of Micron TN-40-07. A part may have neither: it then has
// timing only, and asking for its energy is refused.
//
// A [controller] table may name the policies of controller_policy.hpp: write_drain, page with
// page_timeout, refresh, idle with idle_after. Those whose timing the part lacks are refused.
//
// Checked by: tests/unit/dram_parts.cpp (every part loads; faults are named), tests/oracle/
//             dram_energy.cpp (against DRAMsim3's energies of DDR4-3200).
#pragma once

#include "hw/dram/controller_policy.hpp"
#include "hw/dram/mapping.hpp"
#include "hw/dram/timing.hpp"
#include "sim/base/config.hpp"
#include "sim/base/quantity.hpp"

#include <optional>
#include <string>

namespace joulesim::hw {

// Energies of one channel, all its devices together.
struct DramEnergy {
  Sourced<Energy> activate;     // one ACT + PRE pair of one row
  Sourced<EnergyPerByte> read;  // array, wires and the device's I/O, above active standby
  Sourced<EnergyPerByte> write;
  Sourced<Energy> refresh;                          // one all-bank REF, above precharged standby
  Sourced<Power> active_standby;                    // some bank open, clock running
  Sourced<Power> precharged_standby;                // all banks closed, clock running
  Sourced<Power> power_down;                        // all banks closed, clock stopped at the device
  Sourced<Power> self_refresh;                      // contents kept, interface off
  std::optional<Sourced<Power>> active_power_down;  // clock stopped with some bank open
};

// The host's side of the channel: controller and physical interface.
struct DramHostEnergy {
  Sourced<EnergyPerByte> transfer;  // per byte moved, either way
  Sourced<Power> standing;          // per channel, while the memory is not asleep
};

struct DramPart {
  std::string name, title, mapping_name;
  DramOrganisation organisation;
  DramTiming timing;
  Sourced<Bandwidth> peak;  // of one channel
  Sourced<Bytes> capacity;  // of one channel
  std::optional<DramEnergy> energy;
  std::optional<DramHostEnergy> host;
  // What [controller] of the file chooses, the named policies; the rest are defaults.
  ControllerPolicy controller;

  static constexpr const char* kModel = "dram";
  static DramPart from(const ConfigNode& part);

  // Throws InputError naming the part when it has no energy figures.
  [[nodiscard]] const DramEnergy& require_energy() const;
  [[nodiscard]] DramMapping mapping() const;
  // Gives a controller the policies that the part's file names.
  void choose_policies(ControllerPolicy& policy) const;
  // Throws InputError naming the part when it cannot be run like that.
  void require_policies(const ControllerPolicy& policy) const;
  // One of the channel's pseudo-channels as a channel of its own (itself when there is only one).
  [[nodiscard]] DramPart one_unit() const;
};

}  // namespace joulesim::hw
