// What a DRAM part is to the timing kernels: its organisation and its gates, in whole clocks.
//
// Models:      the JEDEC gates of one channel (tRCD tRP tRAS tRC tRRD tFAW tCCD tWTR tRTP tWR RL
// WL,
//              read/write turnaround, all-bank, per-bank and same-bank refresh, power-down and
//              self-refresh), commands longer than a clock.
// Leaves out:  DVFS, temperature-dependent refresh.
// Checked by:  tests/timing/dram_gates.cpp (each gate tight: illegal at t-1, legal at t).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::hw {

using Clock = std::int64_t;  // clocks of the part's command clock since the start
using Tick = std::int32_t;   // clocks from a channel's epoch, and gates

struct DramOrganisation {
  int bank_groups = 1;
  int banks_per_group = 1;
  std::int64_t rows = 0;
  int row_bytes = 0;    // one open row of one bank, as seen by the channel
  int burst_bytes = 0;  // one column command
  // Pseudo-channels that share this channel's command buses. A part whose pseudo-channels are
  // modelled as independent channels says 1.
  int units = 1;
  int stacks = 1;  // stack ranks of a pseudo-channel, each with all its bank groups
  int ranks = 1;   // that share the data bus, each with banks, refresh and power states of its own

  // A rank, or a pseudo-channel where there is one rank: what rank-wide gates and commands reach.
  [[nodiscard]] int banks_per_unit() const { return stacks * bank_groups * banks_per_group; }
  [[nodiscard]] int rank_units() const { return units * ranks; }
  [[nodiscard]] int banks() const { return rank_units() * banks_per_unit(); }
  [[nodiscard]] int columns() const { return row_bytes / burst_bytes; }
};

// How commands travel. `ddr`: one command bus. `dual_bus`: a row bus and a column bus (HBM);
// `dual_bus_half`: the same in half clocks, precharges also on falling edges (HBM3).
// `split_activate`: two-part activates and a clock sync before a column command (LPDDR5).
enum class CommandProtocol : std::uint8_t { ddr, dual_bus, dual_bus_half, split_activate };

// Datasheet figures in clocks; the names are the standard's with n for "in clocks".
struct DramTiming {
  std::int64_t tCK_fs = 0;
  CommandProtocol protocol = CommandProtocol::ddr;
  Clock nBL = 0, nCL = 0, nCWL = 0;
  // A burst that is spread over time when its bank group follows itself (LPDDR5's BL/n_max).
  Clock nBLmax = 0;
  Clock nRCDRD = 0, nRCDWR = 0, nRP = 0, nRPab = 0, nRAS = 0, nRC = 0;
  Clock nRRDS = 0, nRRDL = 0, nFAW = 0;
  Clock nCCDS = 0, nCCDL = 0, nCCDS_WR = 0, nCCDL_WR = 0;
  Clock nCCDR = 0;  // between stack ranks
  Clock nCS = 0;    // data bus idle between the bursts of two ranks
  Clock nWTRS = 0, nWTRL = 0, nRTW = 0, nRTP = 0, nWR = 0;
  Clock nPPD = 0;
  Clock nRFC = 0, nREFI = 0;      // all-bank refresh; nREFI 0 switches refresh off
  Clock nRFCpb = 0, nREFIpb = 0;  // per-bank refresh, when the part has it
  Clock nRREFD = 0;               // per-bank refresh to the next activate of another bank
  Clock nPBR2PBR = 0;             // and to the next refresh of another bank
  Clock nRFCsb = 0, nREFIsb = 0, nREFSBRD = 0;  // same-bank refresh, when the part has it
  // Power-down and self-refresh, where the part gives them: shortest stay, exit to the next
  // command.
  Clock nCKE = 0, nXP = 0, nSR = 0, nXS = 0;
  Clock nPDEN = 1;                          // activate, precharge or refresh to power-down
  Clock nAAD = 0, nWCKPST = 0;              // split activates only
  Clock act_cycles = 1, column_cycles = 1;  // clocks on the command bus

  [[nodiscard]] Clock read_latency() const { return nCL + nBL; }
  [[nodiscard]] Clock write_latency() const { return nCWL + nBL; }
  // Exact to the femtosecond; rounding happens once, here.
  [[nodiscard]] std::int64_t to_ps(Clock clocks) const;
  [[nodiscard]] Clock to_clocks_ceil(std::int64_t ps) const;
  [[nodiscard]] Clock to_clocks_floor(std::int64_t ps) const;

  // What is inconsistent, as sentences; empty when the set can be simulated.
  [[nodiscard]] std::vector<std::string> faults(const DramOrganisation& organisation) const;
  // The same part with every time, the clock excepted, multiplied (a metamorphic law uses it).
  [[nodiscard]] DramTiming scaled(Clock factor) const;
};

// Minimum distance between the *issue* of one command and of the next. A command of several clocks
// takes effect with its last one, so lengths enter as + length(first) - length(second).
struct Gates {
  explicit Gates(const DramTiming& t);
  Tick rd_rd_s, rd_rd_l, wr_wr_s, wr_wr_l, other_stack, rd_wr, wr_rd_s, wr_rd_l;
  Tick rd_any_rank, wr_rd_rank, wr_wr_rank;
  Tick act_act_s, act_act_l, act_act_bank, act_faw;
  Tick act_rd, act_wr, act_pre, rd_pre, wr_pre;
  Tick pre_act, preab_act, pre_pre;
  Tick act_ref, pre_ref, ref_act, ref_preab;
  Tick act_refpb, refpb_act_bank, refpb_act_other, refpb_refpb_bank, refpb_refpb_other;
  Tick refsb_act_bank, refsb_act_other, refsb_refsb;
  // Entering and leaving power-down (pd) and self-refresh (sr).
  Tick rd_pd, wr_pd, wra_pd, act_pd, pre_pd, ref_pd, pd_exit, exit_any, exit_pd;
  Tick pre_sr, ref_sr, sr_exit, sr_exit_any;
  Tick read_done, write_done;  // issue to the end of the data
  Tick act_cycles, column_cycles;
};

}  // namespace joulesim::hw
