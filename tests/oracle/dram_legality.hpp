// An independent reading of the gates: every pair of issued commands is checked against the
// datasheet figures, without any of the state that the simulated channel keeps.
#pragma once

#include "hw/dram/bank_state.hpp"
#include "hw/dram/timing.hpp"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

namespace joulesim::hw::testing {

// The first violation as a sentence; empty when the list is legal. `log` in issue order.
class LegalityChecker {
 public:
  LegalityChecker(const DramOrganisation& o, const DramTiming& t) : o_(o), t_(t) {}

  std::string check(std::vector<IssuedCommand> log) {
    std::stable_sort(log.begin(), log.end(),
                     [](const IssuedCommand& a, const IssuedCommand& b) { return a.at < b.at; });
    std::vector<std::int32_t> open(static_cast<std::size_t>(o_.banks()), kClosed);
    asleep_.assign(static_cast<std::size_t>(o_.rank_units()), DramCommand::wake);
    opened_at_.assign(open.size(), -kNever);
    shut_at_.assign(open.size(), -kNever);
    closable_at_.assign(open.size(), -kNever);
    for (std::size_t i = 0; i < log.size(); ++i) {
      const IssuedCommand& c = log[i];
      if (std::string fault = state(c, open); !fault.empty()) {
        return describe(c) + ": " + fault;
      }
      int activates = 0;
      for (std::size_t k = i; k-- > 0;) {
        const IssuedCommand& before = log[k];
        const Clock apart = c.at - before.at;
        if (apart > horizon()) {
          break;
        }
        if (const Clock need = distance(before, c); apart < need) {
          return describe(before) + " then " + describe(c) + ": " + std::to_string(apart) +
                 " clocks apart, need " + std::to_string(need);
        }
        if (is(c, DramCommand::act) && before.command == DramCommand::act &&
            unit(before) == unit(c) && ++activates == 4 && apart < t_.nFAW) {
          return describe(c) + ": fifth activate within tFAW";
        }
      }
      apply(c, open);
    }
    return {};
  }

 private:
  using C = DramCommand;
  [[nodiscard]] Clock horizon() const {
    return std::max(t_.nRFC, t_.nXS) + t_.nRC + t_.nWR + t_.nCWL + 64;
  }
  static bool is(const IssuedCommand& c, C k) { return c.command == k; }
  static bool any(const IssuedCommand& c, std::initializer_list<C> kinds) {
    return std::find(kinds.begin(), kinds.end(), c.command) != kinds.end();
  }
  static bool reads(const IssuedCommand& c) { return any(c, {C::rd, C::rd_auto}); }
  static bool writes(const IssuedCommand& c) { return any(c, {C::wr, C::wr_auto}); }
  static bool shuts(const IssuedCommand& c) { return any(c, {C::rd_auto, C::wr_auto}); }
  [[nodiscard]] int unit(const IssuedCommand& c) const { return c.bank / o_.banks_per_unit(); }
  [[nodiscard]] int group(const IssuedCommand& c) const { return c.bank / o_.banks_per_group; }
  static bool column(const IssuedCommand& c) { return reads(c) || writes(c); }
  // Whether a refresh of some banks reaches this one: a pair where the standard spreads half as
  // many refreshes over the banks, the same bank of every group.
  [[nodiscard]] bool refreshes(const IssuedCommand& c, int bank) const {
    if (bank / o_.banks_per_unit() != unit(c)) {
      return false;
    }
    if (is(c, C::ref_same)) {
      return bank % o_.banks_per_group == c.bank % o_.banks_per_group;
    }
    const double banks = static_cast<double>(o_.banks_per_unit()) * o_.units * o_.ranks *
                         static_cast<double>(t_.nREFIpb) / static_cast<double>(t_.nREFI);
    const int each = std::max(1, static_cast<int>(banks + 0.25) / o_.rank_units());
    const int apart = o_.banks_per_unit() / each;
    return (bank - c.bank) % apart == 0;
  }
  [[nodiscard]] Clock length(const IssuedCommand& c) const {
    return column(c) ? t_.column_cycles : c.command == DramCommand::act ? t_.act_cycles : 1;
  }
  static std::string describe(const IssuedCommand& c) {
    static const char* const kNames[] = {"ACT",   "PRE", "PREA", "RD",  "WR",  "REF", "REFpb",
                                         "REFsb", "RDA", "WRA",  "PDE", "PDX", "SRE", "SRX"};
    return std::string(kNames[static_cast<int>(c.command)]) + " bank " + std::to_string(c.bank) +
           " at " + std::to_string(c.at);
  }

  std::string state(const IssuedCommand& c, const std::vector<std::int32_t>& open) const {
    const auto bank = static_cast<std::size_t>(c.bank);
    const std::int32_t row = open[bank];
    const C sleep = asleep_[static_cast<std::size_t>(unit(c))];
    if (any(c, {C::wake, C::self_wake})) {
      return sleep == (is(c, C::wake) ? C::sleep : C::self_sleep) ? "" : "wakes what is awake";
    }
    if (sleep != C::wake) {
      return "command to a sleeping rank";
    }
    if (any(c, {C::act, C::ref, C::ref_bank, C::ref_same, C::self_sleep})) {
      const bool whole = any(c, {C::ref, C::self_sleep});
      for (int b = 0; b < o_.banks(); ++b) {
        const bool reached = is(c, C::act) ? b == c.bank
                             : whole       ? b / o_.banks_per_unit() == unit(c)
                                           : refreshes(c, b);
        if (reached && c.at < shut_at_[static_cast<std::size_t>(b)] + t_.nRP + 1 - length(c)) {
          return "comes before auto-precharge is over";
        }
      }
    }
    switch (c.command) {
      case DramCommand::act:
        return row == kClosed ? "" : "activates an open bank";
      case DramCommand::rd:
      case DramCommand::wr:
      case DramCommand::rd_auto:
      case DramCommand::wr_auto:
        return row == kClosed ? "column command to a closed bank"
                              : (row == c.row ? "" : "column command to another row");
      case DramCommand::ref:
      case DramCommand::self_sleep:
        for (int b = c.bank; b < c.bank + o_.banks_per_unit(); ++b) {
          if (open[static_cast<std::size_t>(b)] != kClosed) {
            return "refresh with an open bank";
          }
        }
        return "";
      case DramCommand::ref_bank:
      case DramCommand::ref_same:
        for (int b = 0; b < o_.banks(); ++b) {
          if (refreshes(c, b) && open[static_cast<std::size_t>(b)] != kClosed) {
            return "bank refresh of an open bank";
          }
        }
        return "";
      default:
        return "";
    }
  }
  void apply(const IssuedCommand& c, std::vector<std::int32_t>& open) {
    const auto bank = static_cast<std::size_t>(c.bank);
    if (any(c, {C::sleep, C::self_sleep, C::wake, C::self_wake})) {
      asleep_[static_cast<std::size_t>(unit(c))] = is(c, C::self_wake) ? C::wake : c.command;
    } else if (column(c)) {
      const Clock used =
          c.at + t_.column_cycles - 1 + (reads(c) ? t_.nRTP : t_.nCWL + t_.nBL + t_.nWR);
      closable_at_[bank] = std::max(closable_at_[bank], used);
      if (shuts(c)) {
        open[bank] = kClosed;
        shut_at_[bank] =
            std::max(closable_at_[bank], opened_at_[bank] + t_.act_cycles - 1 + t_.nRAS);
      }
    } else if (c.command == DramCommand::act) {
      open[bank] = c.row;
      opened_at_[bank] = c.at;
    } else if (c.command == DramCommand::pre) {
      open[static_cast<std::size_t>(c.bank)] = kClosed;
    } else if (c.command == DramCommand::pre_all) {
      std::fill_n(open.begin() + c.bank, o_.banks_per_unit(), kClosed);
    }
  }

  // Required clocks between the issue of a and of b, 0 when the standard sets none.
  [[nodiscard]] Clock distance(const IssuedCommand& a, const IssuedCommand& b) const {
    if (unit(a) != unit(b)) {
      return 0;
    }
    // Datasheet distances hold between the last clocks of two commands.
    const Clock longer = length(a) - length(b);
    const bool same_bank = a.bank == b.bank;
    const bool same_group = group(a) == group(b);
    const bool all = is(a, C::pre_all) || is(b, C::pre_all) || is(a, C::ref) || is(b, C::ref);
    Clock need = 0;
    const auto at_least = [&need](Clock v) { need = std::max(need, v); };
    // Sleep: waking takes its time before anything else, entry waits for what is under way.
    if (is(a, C::wake)) {
      return any(b, {C::sleep, C::self_sleep}) ? std::max(t_.nXP, t_.nCKE) : t_.nXP;
    }
    if (is(a, C::self_wake)) {
      return t_.nXS;
    }
    if (any(b, {C::wake, C::self_wake})) {
      return is(a, C::sleep) ? t_.nCKE : is(a, C::self_sleep) ? t_.nSR : 0;
    }
    if (any(b, {C::sleep, C::self_sleep})) {
      const bool self = is(b, C::self_sleep);
      if (reads(a)) {
        return t_.nCL + t_.nBL + 1 + longer;
      }
      if (writes(a)) {
        return t_.nCWL + t_.nBL + t_.nWR + (shuts(a) ? 1 : 0) + longer;
      }
      if (any(a, {C::pre, C::pre_all})) {
        return self ? std::max(t_.nRP, t_.nPDEN) : t_.nPDEN;
      }
      if (any(a, {C::ref, C::ref_bank, C::ref_same})) {
        const Clock busy = is(a, C::ref) ? t_.nRFC : is(a, C::ref_bank) ? t_.nRFCpb : t_.nRFCsb;
        return self ? busy : t_.nPDEN;
      }
      return is(a, C::act) ? t_.nPDEN + longer : 0;
    }
    if (any(a, {C::ref_bank, C::ref_same}) && is(b, C::act)) {
      const bool same = is(a, C::ref_same);
      const Clock mine = same ? t_.nRFCsb : t_.nRFCpb;
      return (refreshes(a, b.bank) ? mine : same ? t_.nREFSBRD : t_.nRREFD) + longer;
    }
    if (any(a, {C::ref_bank, C::ref_same}) && b.command == a.command) {
      return is(a, C::ref_same)     ? t_.nRFCsb
             : refreshes(a, b.bank) ? t_.nRFCpb
                                    : std::max(t_.nPBR2PBR, t_.nRREFD);
    }
    if (any(b, {C::ref_bank, C::ref_same})) {
      if (is(a, C::act)) {
        return (refreshes(b, a.bank) ? t_.nRC : t_.nRRDS) + longer;
      }
      return is(a, C::pre_all) || (is(a, C::pre) && refreshes(b, a.bank)) ? t_.nRP : 0;
    }
    if (is(a, C::act) && is(b, C::act)) {
      at_least(same_group ? t_.nRRDL : t_.nRRDS);
      at_least(same_bank ? t_.nRC : 0);
    } else if (is(a, C::act) && column(b) && same_bank) {
      at_least((reads(b) ? t_.nRCDRD : t_.nRCDWR) + longer);
    } else if (is(a, C::act) && (is(b, C::pre) || is(b, C::pre_all)) && (same_bank || all)) {
      at_least(t_.nRAS + longer);
    } else if (reads(a) && (is(b, C::pre) || is(b, C::pre_all)) && (same_bank || all)) {
      at_least(t_.nRTP + longer);
    } else if (writes(a) && (is(b, C::pre) || is(b, C::pre_all)) && (same_bank || all)) {
      at_least(t_.nCWL + t_.nBL + t_.nWR + longer);
    } else if (reads(a) && reads(b)) {
      at_least(std::max(t_.nBL, same_group ? t_.nCCDL : t_.nCCDS));
    } else if (writes(a) && writes(b)) {
      at_least(std::max(t_.nBL, same_group ? t_.nCCDL_WR : t_.nCCDS_WR));
    } else if (reads(a) && writes(b)) {
      at_least(t_.nRTW);
    } else if (writes(a) && reads(b)) {
      at_least(t_.nCWL + t_.nBL + (same_group ? t_.nWTRL : t_.nWTRS));
    } else if (is(a, C::pre) && is(b, C::act) && same_bank) {
      at_least(t_.nRP + longer);
    } else if (is(a, C::pre_all) && is(b, C::act)) {
      at_least(std::max(t_.nRP, t_.nRPab) + longer);
    } else if ((is(a, C::pre) || is(a, C::pre_all)) && (is(b, C::pre) || is(b, C::pre_all))) {
      at_least(t_.nPPD);
    } else if ((is(a, C::pre) || is(a, C::pre_all)) && is(b, C::ref)) {
      at_least(t_.nRP);
    } else if (is(a, C::ref) && is(b, C::act)) {
      at_least(t_.nRFC + longer);
    }
    return need;
  }

  DramOrganisation o_;
  DramTiming t_;
  std::vector<DramCommand> asleep_;  // of each rank: `wake` when it is not
  // Of each bank: last activate, end of tRTP and tWR, start of auto-precharge.
  std::vector<Clock> opened_at_, closable_at_, shut_at_;
};

}  // namespace joulesim::hw::testing
