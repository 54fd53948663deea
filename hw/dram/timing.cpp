#include "hw/dram/timing.hpp"

#include <algorithm>

namespace joulesim::hw {

namespace {
// 10^18 clocks times 10^6 fs overflow 64 bits.
__extension__ using Wide = __int128;
}  // namespace

std::int64_t DramTiming::to_ps(Clock clocks) const {
  return static_cast<std::int64_t>(static_cast<Wide>(clocks) * tCK_fs / 1000);
}

Clock DramTiming::to_clocks_ceil(std::int64_t ps) const {
  const Wide fs = static_cast<Wide>(ps) * 1000;
  return static_cast<Clock>((fs + tCK_fs - 1) / tCK_fs);
}

Clock DramTiming::to_clocks_floor(std::int64_t ps) const {
  return static_cast<Clock>(static_cast<Wide>(ps) * 1000 / tCK_fs);
}

std::vector<std::string> DramTiming::faults(const DramOrganisation& organisation) const {
  std::vector<std::string> out;
  const auto need = [&out](bool holds, const char* sentence) {
    if (!holds) {
      out.emplace_back(sentence);
    }
  };
  need(tCK_fs > 0, "tCK must be positive");
  need(nBL > 0 && nCL > 0 && nCWL > 0, "nBL, nCL and nCWL must be positive");
  need(nRCDRD > 0 && nRCDWR > 0 && nRP > 0 && nRAS > 0, "tRCD, tRP and tRAS must be positive");
  // Clock counts are rounded up one by one, so tRC may exceed or miss the sum by one clock.
  need(nRC >= nRAS + nRP - 1, "tRC is shorter than tRAS + tRP");
  need(nFAW >= nRRDS, "tFAW is shorter than tRRD");
  need(nCCDL >= nCCDS && nRRDL >= nRRDS && nWTRL >= nWTRS,
       "a same-bank-group gate is shorter than the one between bank groups");
  need(nRTW + nCWL >= nCL + nBL, "tRTW lets write data meet read data on the bus");
  need(nREFI == 0 || nREFI > nRFC + nRP, "tREFI leaves no time between refreshes");
  need(nREFIpb == 0 || nRFCpb > 0, "per-bank refresh needs tRFCpb");
  need(nREFIsb == 0 || (nRFCsb > 0 && nREFSBRD > 0), "same-bank refresh needs tRFCsb and tREFSBRD");
  need(nREFIsb == 0 || nREFIsb > nRFCsb, "tREFIsb leaves no time between refreshes");
  need(nXS == 0 || nXS >= nRFC, "tXS is shorter than tRFC");
  need((nXP == 0) == (nCKE == 0), "power-down needs tCKE and tXP");
  need((nXS == 0) == (nSR == 0), "self-refresh needs tCKESR and tXS");
  need(organisation.ranks == 1 || nCS > 0, "ranks need tCS");
  need(organisation.stacks == 1 || nCCDR > 0, "stack ranks need tCCD_R");
  constexpr Clock kLongest = Clock{1} << 28;
  need(std::max({nCL + nBL, nCWL + nBL + nWR, nCWL + nBL + nWTRL, nRC, nFAW, nRFC, nXS, nRFCpb,
                 nRFCsb}) < kLongest,
       "a time is longer than 2^28 clocks");
  need(act_cycles >= 1 && column_cycles >= 1, "a command takes at least one clock");
  const auto power_of_two = [](std::int64_t v) { return v > 0 && (v & (v - 1)) == 0; };
  need(power_of_two(organisation.bank_groups) && power_of_two(organisation.banks_per_group) &&
           power_of_two(organisation.rows) && power_of_two(organisation.row_bytes) &&
           power_of_two(organisation.burst_bytes) && power_of_two(organisation.units) &&
           power_of_two(organisation.stacks) && power_of_two(organisation.ranks),
       "bank groups, banks, ranks, rows, row bytes and burst bytes must be powers of two");
  need(organisation.banks() <= 64, "at most 64 banks a channel can be simulated");
  need(organisation.burst_bytes <= organisation.row_bytes, "a burst does not fit in a row");
  return out;
}

DramTiming DramTiming::scaled(Clock factor) const {
  DramTiming t = *this;
  for (Clock* c :
       {&t.nBLmax,   &t.nCCDR, &t.nBL,      &t.nCL,      &t.nCWL,   &t.nRCDRD,  &t.nRCDWR,
        &t.nRP,      &t.nRPab, &t.nRAS,     &t.nRC,      &t.nRRDS,  &t.nRRDL,   &t.nFAW,
        &t.nCCDS,    &t.nCCDL, &t.nCCDS_WR, &t.nCCDL_WR, &t.nWTRS,  &t.nWTRL,   &t.nRTW,
        &t.nRTP,     &t.nWR,   &t.nPPD,     &t.nRFC,     &t.nREFI,  &t.nRFCpb,  &t.nREFIpb,
        &t.nRREFD,   &t.nAAD,  &t.nWCKPST,  &t.nCS,      &t.nRFCsb, &t.nREFIsb, &t.nREFSBRD,
        &t.nPBR2PBR, &t.nCKE,  &t.nXP,      &t.nSR,      &t.nXS,    &t.nPDEN}) {
    *c *= factor;
  }
  return t;
}

namespace {
// Ticks hold gates of up to 2^28 clocks, some tenths of a second.
Tick gate(Clock clocks) { return static_cast<Tick>(clocks); }
}  // namespace

Gates::Gates(const DramTiming& t)
    : rd_rd_s(gate(std::max(t.nBL, t.nCCDS))),
      rd_rd_l(gate(std::max(t.nBL, t.nCCDL))),
      wr_wr_s(gate(std::max(t.nBL, t.nCCDS_WR))),
      wr_wr_l(gate(std::max(t.nBL, t.nCCDL_WR))),
      other_stack(gate(t.nCCDR)),
      rd_wr(gate(t.nRTW)),
      wr_rd_s(gate(t.nCWL + t.nBL + t.nWTRS)),
      wr_rd_l(gate(t.nCWL + std::max(t.nBL, t.nBLmax) + t.nWTRL)),
      rd_any_rank(gate(t.nBL + t.nCS)),
      wr_rd_rank(gate(std::max<Clock>(t.nCWL + t.nBL + t.nCS - t.nCL, 1))),
      wr_wr_rank(gate(t.nBL)),
      act_act_s(gate(t.nRRDS)),
      act_act_l(gate(t.nRRDL)),
      act_act_bank(gate(t.nRC)),
      act_faw(gate(t.nFAW)),
      act_rd(gate(t.nRCDRD + t.act_cycles - t.column_cycles)),
      act_wr(gate(t.nRCDWR + t.act_cycles - t.column_cycles)),
      act_pre(gate(t.nRAS + t.act_cycles - 1)),
      rd_pre(gate(t.nRTP + t.column_cycles - 1)),
      wr_pre(gate(t.nCWL + t.nBL + t.nWR + t.column_cycles - 1)),
      pre_act(gate(t.nRP + 1 - t.act_cycles)),
      preab_act(gate((t.nRPab > 0 ? t.nRPab : t.nRP) + 1 - t.act_cycles)),
      pre_pre(gate(std::max<Clock>(t.nPPD, 1))),
      act_ref(gate(t.nRC + t.act_cycles - 1)),
      pre_ref(gate(t.nRP)),
      ref_act(gate(t.nRFC + 1 - t.act_cycles)),
      ref_preab(gate(t.nRFC)),
      act_refpb(gate(t.nRRDS + t.act_cycles - 1)),
      refpb_act_bank(gate(t.nRFCpb + 1 - t.act_cycles)),
      refpb_act_other(gate(std::max<Clock>(t.nRREFD + 1 - t.act_cycles, 1))),
      refpb_refpb_bank(gate(t.nRFCpb)),
      refpb_refpb_other(gate(std::max<Clock>({t.nPBR2PBR, t.nRREFD, 1}))),
      refsb_act_bank(gate(t.nRFCsb + 1 - t.act_cycles)),
      refsb_act_other(gate(std::max<Clock>(t.nREFSBRD + 1 - t.act_cycles, 1))),
      refsb_refsb(gate(std::max<Clock>(t.nRFCsb, 1))),
      rd_pd(gate(t.nCL + t.nBL + t.column_cycles)),
      wr_pd(gate(t.nCWL + t.nBL + t.nWR + t.column_cycles - 1)),
      wra_pd(gate(t.nCWL + t.nBL + t.nWR + t.column_cycles)),
      act_pd(gate(t.nPDEN + t.act_cycles - 1)),
      pre_pd(gate(t.nPDEN)),
      ref_pd(gate(t.nPDEN)),
      pd_exit(gate(std::max<Clock>(t.nCKE, 1))),
      exit_any(gate(std::max<Clock>(t.nXP, 1))),
      exit_pd(gate(std::max(t.nCKE, t.nXP))),
      pre_sr(gate(t.nRP)),
      ref_sr(gate(t.nRFC)),
      sr_exit(gate(std::max<Clock>(t.nSR, 1))),
      sr_exit_any(gate(std::max<Clock>(t.nXS, 1))),
      read_done(gate(t.nCL + t.nBL)),
      write_done(gate(t.nCWL + t.nBL)),
      act_cycles(gate(t.act_cycles)),
      column_cycles(gate(t.column_cycles)) {}

}  // namespace joulesim::hw
