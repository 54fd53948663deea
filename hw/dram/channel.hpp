// One DRAM channel, exact: every command at the clock at which the modelled controller issues it.
//
// Models:      a controller with a read and a write buffer, first-ready first-come-first-served
//              scheduling, the policies of controller_policy.hpp (by default open pages and write
//              drain between two watermarks), read forwarding, write coalescing, one request per
//              bank "in activation", all-bank refresh that stops new work when due, refresh of
//              single banks that stops theirs, one or two command buses. Bursts are accepted in
//              order, a few per clock. Event driven: it jumps from command to command and never
//              ticks.
// Leaves out:  ECC, refreshes that are postponed or pulled in.
// Checked by:  tests/oracle/dram_reference.cpp (clock for clock against an independent simulator),
//              tests/oracle/dram_legality.cpp, tests/oracle/dram_policies.cpp,
//              tests/laws/dram_laws.cpp.
#pragma once

#include "hw/dram/bank_scan.hpp"
#include "hw/dram/bank_state.hpp"
#include "hw/dram/controller_policy.hpp"
#include "hw/dram/request_queue.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace joulesim::hw {

// Where a channel gets its bursts and leaves its completions:
//   const Burst* front(Clock tick);  the next burst: one that arrived before `tick` if there is
//                           any, else the next to arrive; nullptr when none is known
//   void pop();             the front was accepted
//   void done(const Burst&, Clock issued, Clock data_end);
class Channel {
 public:
  Channel(const DramOrganisation& organisation, const DramTiming& timing,
          const ControllerPolicy& policy);

  // Simulates the clocks (now, until]; stops where nothing is left to do before `until`.
  template <class Feed>
  void run(Feed& feed, Clock until);

  // Lets an idle channel, with nothing buffered, reach `until`: refreshes are accounted for.
  void settle(Clock until);

  [[nodiscard]] Clock now() const { return now_; }
  [[nodiscard]] bool idle() const { return pending() == 0; }
  [[nodiscard]] int pending() const {
    return queues_[0].size() + queues_[1].size() + active_count_;
  }
  [[nodiscard]] DramCounters counters() const { return banks_.counters_at(now_); }
  void set_log(std::vector<IssuedCommand>* log) { banks_.set_log(log); }

 private:
  enum class Kind : std::uint8_t {
    none,
    column_active,
    column,
    precharge,
    activate,
    pre_all,
    refresh,
    refresh_bank,
    activate_end,
    sync,
    close,  // a precharge that no buffered request asked for
    sleep,
    self_sleep,
    wake
  };
  struct Choice {
    Clock at = kNever;
    Kind kind = Kind::none;
    int bank = 0;
    Kind then = Kind::none;  // after a synchronisation
    bool write = false;      // of the write buffer
  };
  struct Retired {
    const Burst* burst = nullptr;  // until the next burst is accepted
    Clock issued = 0, data_end = 0;
  };

  // Accepts what it can before clock `tick`; true when more would go in one clock later.
  template <class Feed>
  bool accept(Feed& feed, Clock tick);
  void enqueue(const Burst& burst, Clock tick);
  [[nodiscard]] bool buffered_write(const Burst& b) const {
    return queues_[1].contains(b.bank, b.row, b.column);
  }
  // Earliest clock >= tick at which the burst at the front could be accepted, given no command.
  template <class Feed>
  Clock next_acceptance(Feed& feed, Clock tick) const;

  // Most channels keep to these rules most of the time: one command bus, open pages, the buffers'
  // order, no refresh due. Their next command by then is chosen and issued in one piece; what is
  // issued is what choose() and issue() would.
  template <class Feed>
  void step_plain(Feed& feed, Clock tick, Clock limit);
  template <class Feed>
  void step_buses(Feed& feed, Clock tick, Clock limit);
  template <class Feed>
  void issue_column(Feed& feed, Clock t, bool write);
  // Issues a choice, unless it lies beyond the limit.
  template <class Feed>
  void issue_next(Feed& feed, const Choice& c, Clock limit);
  Choice choose(Clock tick);
  void choose_buses(Clock tick, Choice& column, Choice& row);
  Choice choose_split(Clock tick);
  [[nodiscard]] std::uint64_t row_candidates(const RequestQueue& queue) const;
  void look(Clock column_from, Clock row_from, bool writing);
  void look_at_few(std::uint64_t hits, const Tick* orders, bool writing, Tick from);
  static bool few(std::uint64_t banks) {  // at most four
    for (int i = 0; i < 4; ++i) {
      banks &= banks - 1;
    }
    return banks == 0;
  }
  [[nodiscard]] Choice active_choice(const ScanAnswer& ready) const;
  [[nodiscard]] Choice column_choice(const ScanAnswer& ready, bool writing) const;
  [[nodiscard]] Choice row_choice(const ScanAnswer& ready, bool writing) const;
  [[nodiscard]] Choice best_maintenance(Clock tick) const;
  [[nodiscard]] Choice best_refresh_of_banks(Clock tick) const;
  // Of both buffers, whichever is ready first or came first.
  void choose_mixed(Clock column_from, Clock row_from, Choice& column, Choice& row);
  [[nodiscard]] bool older(const Choice& a, const Choice& b) const;
  // What a controller with time policies does when nothing asks for it, and waking for what does.
  [[nodiscard]] Choice idle_choice(Clock tick) const;
  [[nodiscard]] Choice sleep_choice(int unit, Clock tick) const;
  void play_idle(Clock limit);
  void bar();
  [[nodiscard]] bool serves_queue() const { return maintenance_.empty() || plan_.local(); }
  [[nodiscard]] std::uint64_t unit_banks(int unit) const {
    const int n = organisation_.banks_per_unit();
    return (n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1) << (unit * n);
  }
  // First clock from `ready` on at which the command may travel.
  [[nodiscard]] Clock edge_for(Clock ready, Kind kind, int bank) const;
  void note_row_command(Clock t, Kind kind, int bank);
  [[nodiscard]] bool next_write_mode() const;
  void due(Clock tick);
  Retired issue(const Choice& c);
  void issue_maintenance(const Choice& c);
  Retired retire(const Burst& burst, Clock t);
  void column_issued(int bank, bool write, Clock t);
  void activate(const Choice& c);
  void skip_idle(Clock target);
  [[nodiscard]] Clock next_due() const { return next_refresh_; }

  struct Active {
    Burst burst;
    std::uint64_t age = 0;
  };
  static std::size_t at(std::int64_t i) { return static_cast<std::size_t>(i); }

  DramOrganisation organisation_;
  DramTiming timing_;
  ControllerPolicy policy_;
  BankState banks_;
  std::array<RequestQueue, 2> queues_;
  std::array<Active, kMaxBanks> active_{};
  std::uint64_t active_mask_ = 0, active_writes_ = 0;
  int active_count_ = 0;
  std::uint64_t promotions_ = 0;
  bool two_buses_ = false, half_clocks_ = false, split_ = false, plain_ = false;
  Scan scan_ = nullptr;
  // What the last look at the banks found, and which of it still holds.
  ScanAsk ask_;
  ScanAnswer known_;
  bool columns_known_ = false, rows_known_ = false, known_writing_ = false;
  Clock known_epoch_ = -1;
  bool write_mode_ = false;
  int drain_above_ = 0, drain_below_ = 0;

  Clock now_ = 0;
  Clock accept_tick_ = -1;
  int accepted_in_tick_ = 0;
  int blocked_ = -1;  // the full buffer that the next burst waits for
  Clock next_refresh_ = kNever;
  RefreshPlan plan_;
  std::vector<int> maintenance_;  // units, or banks, whose refresh is due; first in, first out
  int refresh_step_ = 0;
  std::uint64_t barred_ = 0;  // banks that buffered requests may not use now
  bool keeps_time_ = false;   // a page timeout or an idle policy is on
  std::uint64_t asleep_ = 0;  // banks of ranks that sleep
  std::array<Clock, kMaxBanks> used_{}, unit_used_{};  // last column command, where time is kept
  // Half-clock row bus: what a precharge on the falling edge `pair_edge_` must not collide with.
  Clock pair_edge_ = -1;
  std::uint64_t pair_banks_ = 0;
  std::array<Clock, 2> bus_free_{};  // row (or only) bus, column bus
  // Split activates: the bank whose second part is to come, and by when; the column command that a
  // clock synchronisation was sent for; when the data clock stops.
  int activating_ = -1;
  Clock activate_by_ = 0;
  Choice synced_;
  Clock data_clock_until_ = 0;
};

}  // namespace joulesim::hw

#include "hw/dram/channel_run.hpp"
