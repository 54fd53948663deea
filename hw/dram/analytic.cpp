#include "hw/dram/analytic.hpp"

#include <algorithm>

namespace joulesim::hw {

DramRates rates_of(const DramPart& part) {
  const DramTiming& t = part.timing;
  const double clock = static_cast<double>(t.tCK_fs) * 1e-15;
  const double burst = part.organisation.burst_bytes;
  const Gates gates(t);
  DramRates out;
  if (t.nREFI > 0) {
    out.refresh_share =
        static_cast<double>(t.nRTP + t.nRP + t.nRFC + t.nRCDRD) / static_cast<double>(t.nREFI);
  }
  const int rotation = part.mapping().rotation();
  const auto apart = static_cast<double>(gates.rd_rd_s);
  const double step = std::max(
      apart, static_cast<double>(gates.rd_rd_l) / std::max(1, rotation / part.organisation.units));
  const double units = part.organisation.units;
  // A buffer of 32 requests sees the next stripe's rows so many clocks ahead; what opening them
  // takes beyond that shows once a stripe. Its first row, or its last, tRRD after each other.
  const double in_turn = std::max(1, rotation / part.organisation.units);
  const double stripe = step * in_turn * part.organisation.columns();
  // Where column commands take every slot of the one command bus, those of older requests go first
  // and no row is opened ahead.
  const bool saturated =
      t.protocol == CommandProtocol::ddr && units * static_cast<double>(t.column_cycles) >= step;
  const double ahead = saturated ? 0 : step * ControllerPolicy{}.read_entries;
  const auto opening = static_cast<double>(t.nRP + t.nRCDRD);
  const double first = std::max(0.0, opening - ahead);
  const double last = std::max(0.0, opening + (in_turn - 1) * static_cast<double>(t.nRRDS) - ahead);
  const double fastest = units * burst / (step * clock) * (1 - out.refresh_share);
  out.stream = Bandwidth(fastest * stripe / (stripe + first));
  out.slowest_stream = Bandwidth(fastest * stripe / (stripe + last));
  const double per_activate =
      std::max({static_cast<double>(t.nFAW) / 4, static_cast<double>(t.nRRDS),
                static_cast<double>(t.nRC) / part.organisation.banks_per_unit(), apart});
  out.random = Bandwidth(units * burst / (per_activate * clock) * (1 - out.refresh_share));
  out.read_latency = Time(static_cast<double>(t.nRCDRD + t.read_latency()) * clock);
  return out;
}

}  // namespace joulesim::hw
