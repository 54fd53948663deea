#include "hw/dram/energy.hpp"

namespace joulesim::hw {

DramActivity activity_of(const DramCounters& counters, const DramPart& part, Time span) {
  const double burst = part.organisation.burst_bytes;
  DramActivity a;
  a.activates = static_cast<double>(counters.activates);
  a.refreshes = static_cast<double>(counters.refreshes);
  a.read = Bytes(burst * static_cast<double>(counters.reads));
  a.written = Bytes(burst * static_cast<double>(counters.writes));
  a.active = Time(static_cast<double>(counters.active_clocks) *
                  static_cast<double>(part.timing.tCK_fs) * 1e-15);
  a.standby = max(span * static_cast<double>(part.organisation.rank_units()) - a.active, Time(0));
  return a;
}

DramActivity operator-(const DramActivity& a, const DramActivity& b) {
  return {a.activates - b.activates,
          a.refreshes - b.refreshes,
          a.read - b.read,
          a.written - b.written,
          a.active - b.active,
          a.standby - b.standby,
          a.power_down - b.power_down,
          a.self_refresh - b.self_refresh};
}

DramActivity operator*(const DramActivity& a, double factor) {
  return {a.activates * factor,  a.refreshes * factor,   a.read * factor,
          a.written * factor,    a.active * factor,      a.standby * factor,
          a.power_down * factor, a.self_refresh * factor};
}

std::vector<DramEnergyShare> energy_of(const DramActivity& a, const DramPart& part) {
  const DramEnergy& e = part.require_energy();
  // Figures are of a whole channel; counters are kept per pseudo-channel when it has two.
  const double share = 1.0 / part.organisation.units;
  std::vector<DramEnergyShare> out = {
      {"activate", Spent::movement, e.activate.value * a.activates},
      {"read", Spent::movement, e.read.value * a.read},
      {"write", Spent::movement, e.write.value * a.written},
      {"refresh", Spent::standing, e.refresh.value * (a.refreshes * share)},
      {"background", Spent::standing,
       (e.active_standby.value * a.active + e.precharged_standby.value * a.standby +
        e.power_down.value * a.power_down + e.self_refresh.value * a.self_refresh) *
           share}};
  if (part.host) {
    out.push_back({"phy", Spent::movement,
                   part.host->transfer.value * (a.read + a.written) +
                       part.host->standing.value * ((a.active + a.standby) * share)});
  }
  return out;
}

}  // namespace joulesim::hw
