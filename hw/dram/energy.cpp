#include "hw/dram/energy.hpp"

#include "hw/dram/controller_policy.hpp"

#include <fmt/format.h>

namespace joulesim::hw {

DramActivity activity_of(const DramCounters& counters, const DramPart& part, Time span) {
  const double burst = part.organisation.burst_bytes;
  DramActivity a;
  a.activates = static_cast<double>(counters.activates);
  // Refreshes of single banks do their share of one of all banks.
  const auto share = [&part](RefreshPolicy policy) {
    return RefreshPlan(part.organisation, part.timing, policy).share();
  };
  a.refreshes = static_cast<double>(counters.refreshes) +
                static_cast<double>(counters.bank_refreshes) * share(RefreshPolicy::per_bank) +
                static_cast<double>(counters.same_bank_refreshes) * share(RefreshPolicy::same_bank);
  a.read = Bytes(burst * static_cast<double>(counters.reads));
  a.written = Bytes(burst * static_cast<double>(counters.writes));
  const auto time = [&part](Clock clocks) {
    return Time(static_cast<double>(clocks) * static_cast<double>(part.timing.tCK_fs) * 1e-15);
  };
  a.active_power_down = time(counters.active_power_down_clocks);
  a.power_down = time(counters.power_down_clocks);
  a.self_refresh = time(counters.self_refresh_clocks);
  a.active = max(time(counters.active_clocks) - a.active_power_down, Time(0));
  const Time all = span * static_cast<double>(part.organisation.rank_units());
  a.standby = max(all - a.active - a.active_power_down - a.power_down - a.self_refresh, Time(0));
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
          a.self_refresh - b.self_refresh,
          a.active_power_down - b.active_power_down};
}

DramActivity operator*(const DramActivity& a, double factor) {
  return {a.activates * factor,  a.refreshes * factor,    a.read * factor,
          a.written * factor,    a.active * factor,       a.standby * factor,
          a.power_down * factor, a.self_refresh * factor, a.active_power_down * factor};
}

std::vector<DramEnergyShare> energy_of(const DramActivity& a, const DramPart& part) {
  const DramEnergy& e = part.require_energy();
  Energy asleep_open;
  if (a.active_power_down > Time(0)) {
    if (!e.active_power_down) {
      throw InputError(
          fmt::format("part '{}' has no power in power-down with open rows; expected IDD3P or "
                      "'active_power_down' in its file, or idle policy precharge_power_down",
                      part.name));
    }
    asleep_open = e.active_power_down->value * a.active_power_down;
  }
  // Figures are of a whole channel; counters are kept per pseudo-channel when it has two.
  const double share = 1.0 / part.organisation.units;
  std::vector<DramEnergyShare> out = {
      {"activate", Spent::movement, e.activate.value * a.activates},
      {"read", Spent::movement, e.read.value * a.read},
      {"write", Spent::movement, e.write.value * a.written},
      {"refresh", Spent::standing, e.refresh.value * (a.refreshes * share)},
      {"background", Spent::standing,
       (e.active_standby.value * a.active + e.precharged_standby.value * a.standby +
        e.power_down.value * a.power_down + e.self_refresh.value * a.self_refresh + asleep_open) *
           share}};
  if (part.host) {
    out.push_back({"phy", Spent::movement,
                   part.host->transfer.value * (a.read + a.written) +
                       part.host->standing.value * ((a.active + a.standby) * share)});
  }
  return out;
}

}  // namespace joulesim::hw
