// The state of one channel's banks: open rows, the earliest clock of every next command, counters.
//
// The exact core and the train server share it: both only ask "when may this command issue" and
// tell "it issued then", so they cannot disagree about a gate.
//
// Clocks are kept as 32-bit distances from an epoch that follows the clock, so that a scan over all
// banks handles eight at once; whatever lies more than 2^29 clocks back counts as long past.
//
// Models:      the gates of timing.hpp at bank, bank-group, rank and pseudo-channel level, FAW
//              window, rank switching, auto-precharge, power-down and self-refresh of a rank.
// Leaves out:  who may issue (command bus arbitration belongs to the cores).
// Checked by:  tests/timing/dram_gates.cpp, tests/oracle/dram_legality.cpp (independent checker).
#pragma once

#include "hw/dram/timing.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace joulesim::hw {

inline constexpr Clock kNever = Clock{1} << 60;
inline constexpr int kMaxBanks = 64;
inline constexpr std::int32_t kClosed = -1;
inline constexpr Tick kNeverTick = 0x7fffffff;

enum class DramCommand : std::uint8_t {
  act,
  pre,
  pre_all,
  rd,
  wr,
  ref,
  ref_bank,  // one bank, or the pair that starts with it
  ref_same,  // the same bank of every group
  rd_auto,   // with auto-precharge
  wr_auto,
  sleep,       // power-down entry
  wake,        // power-down exit
  self_sleep,  // self-refresh entry
  self_wake
};

// What a rank is doing with its clock.
enum class RankState : std::uint8_t { awake, active_power_down, power_down, self_refresh };

// One issued command, for the legality checker and for people.
struct IssuedCommand {
  Clock at = 0;
  DramCommand command = DramCommand::act;
  int bank = 0;  // flat bank; the first bank of the unit for pre_all and ref
  std::int32_t row = 0;
};

struct DramCounters {
  std::int64_t activates = 0, precharges = 0, reads = 0, writes = 0;
  std::int64_t refreshes = 0, bank_refreshes = 0, same_bank_refreshes = 0;
  std::int64_t row_hits = 0, row_misses = 0, row_conflicts = 0;
  std::int64_t turnarounds = 0;  // direction changes of the data bus
  Clock active_clocks = 0;       // some bank open; the rest is precharged standby
  std::int64_t forwarded = 0, coalesced = 0;
  std::int64_t auto_precharges = 0;  // among the precharges
  std::int64_t power_downs = 0, self_refreshes = 0;
  // In power-down with rows open (also counted in active_clocks) and without, in self-refresh.
  Clock active_power_down_clocks = 0, power_down_clocks = 0, self_refresh_clocks = 0;
};

class BankState {
 public:
  BankState(const DramOrganisation& organisation, const DramTiming& timing);

  [[nodiscard]] int group_of(int bank) const { return bank >> group_shift_; }
  [[nodiscard]] int unit_of(int bank) const { return bank >> unit_shift_; }
  [[nodiscard]] int banks() const { return banks_; }
  [[nodiscard]] std::int32_t open_row(int bank) const { return row_[at(bank)]; }
  [[nodiscard]] int open_banks(int unit) const { return open_count_[at(unit)]; }

  [[nodiscard]] Clock earliest_act(int bank) const {
    return clock_of(std::max(act_[at(bank)], unit_act_[at(unit_of(bank))]));
  }
  [[nodiscard]] Clock earliest_pre(int bank) const {
    return clock_of(std::max(pre_[at(bank)], unit_pre_[at(unit_of(bank))]));
  }
  [[nodiscard]] Clock earliest_column(int bank, bool write) const {
    const auto w = static_cast<std::size_t>(write);
    return clock_of(std::max(column_[w][at(bank)], unit_column_[w][at(unit_of(bank))]));
  }
  [[nodiscard]] Clock earliest_pre_all(int unit) const {
    return clock_of(std::max(pre_all_[at(unit)], unit_pre_[at(unit)]));
  }
  [[nodiscard]] Clock earliest_ref(int unit) const { return clock_of(ref_[at(unit)]); }
  [[nodiscard]] Clock earliest_ref_bank(int bank) const {
    return clock_of(std::max(bank_ref_[at(bank)], unit_ref_bank_[at(unit_of(bank))]));
  }

  // For tests and the schedule of sleep; known while `track_sleep` is on.
  [[nodiscard]] Clock earliest_sleep(int unit) const { return clock_of(sleep_[at(unit)]); }
  [[nodiscard]] Clock earliest_self_sleep(int unit) const {
    return clock_of(std::max(sleep_[at(unit)], self_sleep_[at(unit)]));
  }
  [[nodiscard]] Clock earliest_wake(int unit) const { return clock_of(wake_[at(unit)]); }
  [[nodiscard]] RankState rank_state(int unit) const { return rank_state_[at(unit)]; }
  void track_sleep() {
    tracks_sleep_ = true;
    watch();
  }

  // The same for all banks at once: clocks from the epoch, per bank and as the floor of a unit.
  [[nodiscard]] std::uint64_t open_bits() const { return open_bits_; }
  [[nodiscard]] const Tick* act_ticks() const { return act_.data(); }
  [[nodiscard]] const Tick* pre_ticks() const { return pre_.data(); }
  [[nodiscard]] const Tick* column_ticks(bool write) const {
    return column_[static_cast<std::size_t>(write)].data();
  }
  [[nodiscard]] const Tick* act_floors() const { return unit_act_.data(); }
  [[nodiscard]] const Tick* pre_floors() const { return unit_pre_.data(); }
  [[nodiscard]] const Tick* column_floors(bool write) const {
    return unit_column_[static_cast<std::size_t>(write)].data();
  }
  // The clock as a distance from the epoch, which is moved first when the clock has run away.
  Tick tick_of(Clock t) {
    if (t - epoch_ > kSpan) {
      move_epoch(t);
    }
    return static_cast<Tick>(t - epoch_);
  }
  [[nodiscard]] Clock epoch() const { return epoch_; }
  [[nodiscard]] Clock clock_of(Tick t) const { return epoch_ + t; }

  void activate(int bank, std::int32_t row, Clock t);
  void precharge(int bank, Clock t);
  void precharge_all(int unit, Clock t);
  void read(int bank, Clock t);
  void write(int bank, Clock t);
  void refresh(int unit, Clock t);
  // One bank, a pair, or the same bank of every group: the banks of `set` from `first` on.
  void refresh_banks(int first, std::uint64_t set, bool same_bank, Clock t);
  void refresh_bank(int bank, Clock t) { refresh_banks(bank, std::uint64_t{1} << bank, false, t); }
  // The column command that has just issued closes its row as soon as the row may close.
  void auto_precharge(int bank, bool write, Clock t);
  void sleep(int unit, Clock t);
  void self_sleep(int unit, Clock t);
  void wake(int unit, Clock t);

  // Refreshes that fell into a stretch in which all banks were closed and nothing was asked.
  void count_idle_refreshes(std::int64_t n) { counters_.refreshes += n * units_; }

  // Refreshes of a busy stretch that is not played command by command; each closed all banks for
  // `closed` clocks.
  void count_refreshes(std::int64_t n, Clock closed) {
    counters_.refreshes += n * units_;
    counters_.active_clocks -= n * closed * units_;
  }
  // The row that such a stretch leaves open.
  void leave_open(int bank, std::int32_t row, Clock t) {
    if (row_[at(bank)] == kClosed) {
      opened(unit_of(bank), t);
      open_bits_ |= std::uint64_t{1} << bank;
    }
    row_[at(bank)] = row;
  }

  [[nodiscard]] DramCounters& counters() { return counters_; }
  [[nodiscard]] const DramCounters& counters() const { return counters_; }
  // Counters as of clock t: open banks accrue active standby up to there.
  [[nodiscard]] DramCounters counters_at(Clock t) const;

  void set_log(std::vector<IssuedCommand>* log) {
    log_ = log;
    watch();
  }
  [[nodiscard]] const Gates& gates() const { return gates_; }

 private:
  static std::size_t at(int i) { return static_cast<std::size_t>(i); }
  static constexpr Clock kSpan = Clock{1} << 29;
  void move_epoch(Clock t);
  static void raise(Tick& slot, Tick t, Tick distance) { slot = std::max(slot, t + distance); }
  using PerBank = std::array<Tick, kMaxBanks>;
  // Gates of a bank group are kept with each of its banks, so that one look per bank is enough.
  void raise_group(PerBank& slots, int bank, Tick t, Tick distance) const {
    const Tick until = t + distance;
    Tick* slot = slots.data() + (bank >> group_shift_ << group_shift_);
    if (group_shift_ == 2) {  // four banks in a group, as most parts have
      for (int b = 0; b < 4; ++b) {
        slot[b] = std::max(slot[b], until);
      }
      return;
    }
    for (int b = 0; b < 1 << group_shift_; ++b) {
      slot[b] = std::max(slot[b], until);
    }
  }
  void log(Clock t, DramCommand command, int bank) {
    if (log_ != nullptr) {
      log_->push_back({t, command, bank, row_[at(bank)]});
    }
  }
  void hold_other_ranks(int unit, bool write, Tick t);
  // What few channels have: a log, other ranks or stacks on the data bus, sleep that is watched.
  void watch() { watched_ = log_ != nullptr || stacks_ > 1 || ranks_ > 1 || tracks_sleep_; }
  void note(DramCommand command, int bank, Clock t, Tick busy);
  void count_sleep(DramCounters& counters, int unit, Clock until) const;
  void opened(int unit, Clock t);
  void closed(int unit, Clock t);
  void turn(bool write);
  // A column command holds off the other stack ranks of its pseudo-channel a little longer.
  void hold_other_stacks(int bank, bool write, Tick t);

  Gates gates_;
  int banks_ = 0, units_ = 1, group_shift_ = 0, unit_shift_ = 0;
  int stacks_ = 1, stack_shift_ = 0;
  std::array<std::int32_t, kMaxBanks> row_{};
  alignas(64) PerBank act_{};
  alignas(64) PerBank pre_{};
  alignas(64) std::array<PerBank, 2> column_{};
  PerBank bank_ref_{};
  std::uint64_t open_bits_ = 0;
  Clock epoch_ = 0;
  int ranks_ = 1;
  PerBank unit_act_{}, unit_pre_{}, pre_all_{}, ref_{}, unit_ref_bank_{};
  std::array<PerBank, 2> unit_column_{};
  std::array<std::array<Tick, 4>, kMaxBanks> last_acts_{};
  std::array<int, kMaxBanks> next_act_{}, open_count_{};
  std::array<Clock, kMaxBanks> active_since_{}, closing_until_{}, asleep_since_{};
  PerBank sleep_{}, self_sleep_{}, wake_{};
  std::array<RankState, kMaxBanks> rank_state_{};
  bool tracks_sleep_ = false;
  bool last_was_write_ = false, watched_ = false;
  DramCounters counters_;
  std::vector<IssuedCommand>* log_ = nullptr;
};

inline void BankState::opened(int unit, Clock t) {
  if (open_count_[at(unit)]++ == 0) {
    active_since_[at(unit)] = std::max(t, closing_until_[at(unit)]);
  }
}

inline void BankState::closed(int unit, Clock t) {
  if (--open_count_[at(unit)] == 0) {
    counters_.active_clocks += std::max(t, closing_until_[at(unit)]) - active_since_[at(unit)];
  }
}

inline void BankState::turn(bool write) {
  if (write != last_was_write_) {
    last_was_write_ = write;
    ++counters_.turnarounds;
  }
}

inline void BankState::activate(int bank, std::int32_t row, Clock t) {
  const Gates& g = gates_;
  const int unit = unit_of(bank);
  const Tick r = tick_of(t);
  row_[at(bank)] = row;
  ++counters_.activates;
  opened(unit, t);
  raise_group(act_, bank, r, g.act_act_l);
  raise(act_[at(bank)], r, g.act_act_bank);
  raise(column_[0][at(bank)], r, g.act_rd);
  raise(column_[1][at(bank)], r, g.act_wr);
  raise(pre_[at(bank)], r, g.act_pre);
  raise(bank_ref_[at(bank)], r, g.act_ref);
  raise(unit_ref_bank_[at(unit)], r, g.act_refpb);
  open_bits_ |= std::uint64_t{1} << bank;
  auto& ring = last_acts_[at(unit)];
  int& next = next_act_[at(unit)];
  ring[at(next)] = r;
  next = (next + 1) & 3;
  raise(unit_act_[at(unit)], std::max(r + g.act_act_s, ring[at(next)] + g.act_faw), 0);
  raise(pre_all_[at(unit)], r, g.act_pre);
  raise(ref_[at(unit)], r, g.act_ref);
  if (watched_) {
    note(DramCommand::act, bank, t, g.act_pd);
  }
}

inline void BankState::precharge(int bank, Clock t) {
  const int unit = unit_of(bank);
  const Tick r = tick_of(t);
  if (watched_) {
    note(DramCommand::pre, bank, t, gates_.pre_pd);
  }
  row_[at(bank)] = kClosed;
  open_bits_ &= ~(std::uint64_t{1} << bank);
  ++counters_.precharges;
  closed(unit, t);
  raise(act_[at(bank)], r, gates_.pre_act);
  raise(unit_pre_[at(unit)], r, gates_.pre_pre);
  raise(bank_ref_[at(bank)], r, gates_.pre_ref);
  raise(ref_[at(unit)], r, gates_.pre_ref);
}

inline void BankState::read(int bank, Clock t) {
  const Gates& g = gates_;
  const int unit = unit_of(bank);
  const Tick r = tick_of(t);
  ++counters_.reads;
  turn(false);
  raise(unit_column_[0][at(unit)], r, g.rd_rd_s);
  raise(unit_column_[1][at(unit)], r, g.rd_wr);
  raise_group(column_[0], bank, r, g.rd_rd_l);
  raise(pre_[at(bank)], r, g.rd_pre);
  raise(pre_all_[at(unit)], r, g.rd_pre);
  if (watched_) {
    note(DramCommand::rd, bank, t, g.rd_pd);
  }
}

inline void BankState::write(int bank, Clock t) {
  const Gates& g = gates_;
  const int unit = unit_of(bank);
  const Tick r = tick_of(t);
  ++counters_.writes;
  turn(true);
  raise(unit_column_[1][at(unit)], r, g.wr_wr_s);
  raise(unit_column_[0][at(unit)], r, g.wr_rd_s);
  raise_group(column_[1], bank, r, g.wr_wr_l);
  raise_group(column_[0], bank, r, g.wr_rd_l);
  raise(pre_[at(bank)], r, g.wr_pre);
  raise(pre_all_[at(unit)], r, g.wr_pre);
  if (watched_) {
    note(DramCommand::wr, bank, t, g.wr_pd);
  }
}

}  // namespace joulesim::hw
