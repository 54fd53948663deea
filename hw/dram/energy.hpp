// Where the joules of a DRAM went: event counts times energies, plus power states times time.
//
// Models:      activate/precharge pairs, reads, writes, refreshes, background in active and
//              precharged standby, power-down and self-refresh, the host's controller and
//              interface.
// Leaves out:  termination (unless the part's read and write figures hold it), temperature, data
//              dependence (toggling, bus inversion).
// Checked by:  tests/oracle/dram_energy.cpp, tests/laws/dram_laws.cpp.
#pragma once

#include "hw/dram/bank_state.hpp"
#include "hw/dram/part.hpp"
#include "sim/base/ledger.hpp"

#include <string>
#include <vector>

namespace joulesim::hw {

// What happened on all channels of a memory in a stretch of time.
struct DramActivity {
  double activates = 0, refreshes = 0;
  Bytes read, written;
  Time active;      // channel-seconds with a bank open
  Time standby;     // channel-seconds with the clock running and all banks closed
  Time power_down;  // channel-seconds
  Time self_refresh;
  Time active_power_down;  // with a bank open

  [[nodiscard]] Time total() const {
    return active + standby + power_down + self_refresh + active_power_down;
  }
};

// Of one channel over a stretch of time.
DramActivity activity_of(const DramCounters& counters, const DramPart& part, Time span);
DramActivity operator-(const DramActivity& a, const DramActivity& b);
DramActivity operator*(const DramActivity& a, double factor);

struct DramEnergyShare {
  std::string cause;  // activate, read, write, refresh, background, phy
  Spent spent = Spent::movement;
  Energy energy;
};

// Throws InputError when the part has no energy figures, or none for a state that was entered.
std::vector<DramEnergyShare> energy_of(const DramActivity& activity, const DramPart& part);

}  // namespace joulesim::hw
