// What a memory controller decides: the order of commands, when writes are drained, when a row is
// closed, how refreshes are spread, when an idle rank goes to sleep. Every choice has a name, the
// one by which files and the command line ask for it.
//
//   write drain  watermark    writes go when more than `drain_above` of their buffer is taken or no
//                             read waits, until less than `drain_below` is (the default)
//                until_empty  the same start, until no write is left
//                when_full    from a full buffer on or with no read waiting, until none is left
//                mixed        reads and writes share one order
//   page         open         a row stays open until another is wanted (the default)
//                closed       the last buffered access of a row closes it (auto-precharge)
//                timeout      a row that nothing has used for `page_timeout` is closed
//   refresh      all_bank (the default), per_bank, same_bank (DDR5: one bank of every group), none
//   idle         none (the default); a rank without work for `idle_after`
//                power_down              powers down as it is, rows open or not
//                precharge_power_down    closes its rows first
//                self_refresh            closes its rows and refreshes itself
//
// Checked by: tests/oracle/dram_policies.cpp, tests/oracle/dram_legality.cpp.
#pragma once

#include "hw/dram/timing.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace joulesim::hw {

enum class Scheduler : std::uint8_t {
  frfcfs,          // a ready precharge may close a row that older hits still wait for
  frfcfs_row_hit,  // a precharge waits for older hits of the bank's open row
};
enum class WriteDrain : std::uint8_t { watermark, until_empty, when_full, mixed };
enum class PagePolicy : std::uint8_t { open, closed, timeout };
enum class RefreshPolicy : std::uint8_t { all_bank, per_bank, same_bank, none };
enum class IdlePolicy : std::uint8_t { none, power_down, precharge_power_down, self_refresh };

inline constexpr std::array<std::string_view, 4> kWriteDrainNames = {"watermark", "until_empty",
                                                                     "when_full", "mixed"};
inline constexpr std::array<std::string_view, 3> kPagePolicyNames = {"open", "closed", "timeout"};
inline constexpr std::array<std::string_view, 4> kRefreshNames = {"all_bank", "per_bank",
                                                                  "same_bank", "none"};
inline constexpr std::array<std::string_view, 4> kIdleNames = {
    "none", "power_down", "precharge_power_down", "self_refresh"};

struct ControllerPolicy {
  int read_entries = 32, write_entries = 32;
  double drain_above = 0.8, drain_below = 0.2;  // of write_entries
  int accepts_per_clock = 4;
  Scheduler scheduler = Scheduler::frfcfs;
  WriteDrain drain = WriteDrain::watermark;
  PagePolicy page = PagePolicy::open;
  Clock page_timeout = 0;
  RefreshPolicy refresh = RefreshPolicy::all_bank;
  IdlePolicy idle = IdlePolicy::none;
  Clock idle_after = 0;
  bool portable = false;  // bank by bank even where the processor could look at several at once
};

// Why the part cannot be run like that, as "found ...; expected ..."; empty when it can.
std::string fault_of(const ControllerPolicy& policy, const DramTiming& timing);

// Which banks are refreshed when. A refresh reaches a set of banks: a whole rank, one bank, a pair
// of banks (where the standard spreads eight refreshes over sixteen banks), or one bank of every
// group. Every bank has its turn once an interval of all-bank refresh.
class RefreshPlan {
 public:
  RefreshPlan(const DramOrganisation& organisation, const DramTiming& timing, RefreshPolicy policy);

  [[nodiscard]] Clock interval() const { return interval_; }  // between steps; 0: never
  // Whether other banks of the rank go on meanwhile.
  [[nodiscard]] bool local() const { return policy_ != RefreshPolicy::all_bank; }
  [[nodiscard]] bool same_bank() const { return policy_ == RefreshPolicy::same_bank; }
  [[nodiscard]] int steps() const { return steps_; }  // until it starts anew
  [[nodiscard]] int per_step() const { return per_step_; }
  // First bank of the i-th set of a step.
  [[nodiscard]] int first(int step, int i) const { return step + i * stride_; }
  // All banks of the set that starts with this one.
  [[nodiscard]] std::uint64_t set(int first) const { return shape_ << first; }
  // Share of an all-bank refresh of a rank that one such refresh does.
  [[nodiscard]] double share() const { return share_; }

 private:
  RefreshPolicy policy_;
  Clock interval_ = 0;
  int steps_ = 1, per_step_ = 1, stride_ = 0;
  std::uint64_t shape_ = 1;
  double share_ = 1;
};

}  // namespace joulesim::hw
