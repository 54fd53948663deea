// An independent reading of the gates: every pair of issued commands is checked against the
// datasheet figures, without any of the state that the simulated channel keeps.
#pragma once

#include "hw/dram/bank_state.hpp"
#include "hw/dram/timing.hpp"

#include <algorithm>
#include <cstdint>
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
        if (c.command == DramCommand::act && before.command == DramCommand::act &&
            unit(before) == unit(c) && ++activates == 4 && apart < t_.nFAW) {
          return describe(c) + ": fifth activate within tFAW";
        }
      }
      apply(c, open);
    }
    return {};
  }

 private:
  [[nodiscard]] Clock horizon() const { return t_.nRFC + t_.nRC + t_.nWR + t_.nCWL + 64; }
  [[nodiscard]] int unit(const IssuedCommand& c) const { return c.bank / o_.banks_per_unit(); }
  [[nodiscard]] int group(const IssuedCommand& c) const { return c.bank / o_.banks_per_group; }
  static bool column(const IssuedCommand& c) {
    return c.command == DramCommand::rd || c.command == DramCommand::wr;
  }
  [[nodiscard]] Clock length(const IssuedCommand& c) const {
    return column(c) ? t_.column_cycles : c.command == DramCommand::act ? t_.act_cycles : 1;
  }
  static std::string describe(const IssuedCommand& c) {
    static const char* const kNames[] = {"ACT", "PRE", "PREA", "RD", "WR", "REF", "REFpb"};
    return std::string(kNames[static_cast<int>(c.command)]) + " bank " + std::to_string(c.bank) +
           " at " + std::to_string(c.at);
  }

  std::string state(const IssuedCommand& c, const std::vector<std::int32_t>& open) const {
    const std::int32_t row = open[static_cast<std::size_t>(c.bank)];
    switch (c.command) {
      case DramCommand::act:
        return row == kClosed ? "" : "activates an open bank";
      case DramCommand::rd:
      case DramCommand::wr:
        return row == kClosed ? "column command to a closed bank"
                              : (row == c.row ? "" : "column command to another row");
      case DramCommand::ref:
        for (int b = c.bank; b < c.bank + o_.banks_per_unit(); ++b) {
          if (open[static_cast<std::size_t>(b)] != kClosed) {
            return "refresh with an open bank";
          }
        }
        return "";
      case DramCommand::ref_bank:
        return row == kClosed ? "" : "bank refresh of an open bank";
      default:
        return "";
    }
  }
  void apply(const IssuedCommand& c, std::vector<std::int32_t>& open) const {
    if (c.command == DramCommand::act) {
      open[static_cast<std::size_t>(c.bank)] = c.row;
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
    using C = DramCommand;
    const auto is = [](const IssuedCommand& c, C k) { return c.command == k; };
    const bool all = is(a, C::pre_all) || is(b, C::pre_all) || is(a, C::ref) || is(b, C::ref);
    Clock need = 0;
    const auto at_least = [&need](Clock v) { need = std::max(need, v); };
    if (is(a, C::act) && is(b, C::act)) {
      at_least(same_group ? t_.nRRDL : t_.nRRDS);
      at_least(same_bank ? t_.nRC : 0);
    } else if (is(a, C::act) && column(b) && same_bank) {
      at_least((is(b, C::rd) ? t_.nRCDRD : t_.nRCDWR) + longer);
    } else if (is(a, C::act) && (is(b, C::pre) || is(b, C::pre_all)) && (same_bank || all)) {
      at_least(t_.nRAS + longer);
    } else if (is(a, C::rd) && (is(b, C::pre) || is(b, C::pre_all)) && (same_bank || all)) {
      at_least(t_.nRTP + longer);
    } else if (is(a, C::wr) && (is(b, C::pre) || is(b, C::pre_all)) && (same_bank || all)) {
      at_least(t_.nCWL + t_.nBL + t_.nWR + longer);
    } else if (is(a, C::rd) && is(b, C::rd)) {
      at_least(std::max(t_.nBL, same_group ? t_.nCCDL : t_.nCCDS));
    } else if (is(a, C::wr) && is(b, C::wr)) {
      at_least(std::max(t_.nBL, same_group ? t_.nCCDL_WR : t_.nCCDS_WR));
    } else if (is(a, C::rd) && is(b, C::wr)) {
      at_least(t_.nRTW);
    } else if (is(a, C::wr) && is(b, C::rd)) {
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
    } else if (is(a, C::ref_bank) && is(b, C::act) && same_bank) {
      at_least(t_.nRFCpb + longer);
    } else if (is(a, C::act) && is(b, C::ref_bank) && same_bank) {
      at_least(t_.nRC + longer);
    } else if (is(a, C::pre) && is(b, C::ref_bank) && same_bank) {
      at_least(t_.nRP);
    }
    return need;
  }

  DramOrganisation o_;
  DramTiming t_;
};

}  // namespace joulesim::hw::testing
