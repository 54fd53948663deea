#include "hw/dram/bank_state.hpp"

#include <bit>

namespace joulesim::hw {

namespace {
// Before any gate that matters: gates are shorter than 2^28 clocks.
constexpr Tick kLongPast = -(Tick{1} << 29);
}  // namespace

BankState::BankState(const DramOrganisation& organisation, const DramTiming& timing)
    : gates_(timing),
      banks_(organisation.banks()),
      units_(organisation.rank_units()),
      group_shift_(std::countr_zero(static_cast<unsigned>(organisation.banks_per_group))),
      unit_shift_(std::countr_zero(static_cast<unsigned>(organisation.banks_per_unit()))),
      stacks_(organisation.stacks),
      stack_shift_(unit_shift_ - std::countr_zero(static_cast<unsigned>(organisation.stacks))),
      ranks_(organisation.ranks) {
  watch();
  row_.fill(kClosed);
  for (auto& ring : last_acts_) {
    ring.fill(kLongPast);
  }
}

void BankState::move_epoch(Clock t) {
  t &= ~Clock{1};
  const Clock step = t - epoch_;
  epoch_ = t;  // even: half clocks keep their edges
  const auto shift = [step](auto& slots) {
    for (Tick& slot : slots) {
      slot = static_cast<Tick>(std::max<Clock>(slot - step, kLongPast));
    }
  };
  for (PerBank* slots : {&act_, &pre_, &column_[0], &column_[1], &bank_ref_, &unit_act_, &unit_pre_,
                         &pre_all_, &ref_, &unit_ref_bank_, &unit_column_[0], &unit_column_[1],
                         &sleep_, &self_sleep_, &wake_}) {
    shift(*slots);
  }
  for (auto& ring : last_acts_) {
    shift(ring);
  }
}

void BankState::note(DramCommand command, int bank, Clock t, Tick busy) {
  log(t, command, bank);
  const int unit = unit_of(bank);
  const Tick r = tick_of(t);
  const bool write = command == DramCommand::wr;
  if (write || command == DramCommand::rd) {
    if (stacks_ > 1) {
      hold_other_stacks(bank, write, r);
    }
    if (ranks_ > 1) {
      hold_other_ranks(unit, write, r);
    }
  }
  if (tracks_sleep_) {
    raise(sleep_[at(unit)], r, busy);
    if (command == DramCommand::pre) {
      raise(self_sleep_[at(unit)], r, gates_.pre_sr);
    }
  }
}

void BankState::hold_other_stacks(int bank, bool write, Tick t) {
  const int mine = bank >> stack_shift_;
  const int first = unit_of(bank) * stacks_;
  for (int stack = first; stack < first + stacks_; ++stack) {
    for (int b = stack << stack_shift_; stack != mine && b < (stack + 1) << stack_shift_; ++b) {
      raise(column_[static_cast<std::size_t>(write)][at(b)], t, gates_.other_stack);
    }
  }
}

// Ranks share the data bus: another one drives it after this one's burst and a gap.
void BankState::hold_other_ranks(int unit, bool write, Tick t) {
  const int first = unit / ranks_ * ranks_;
  for (int other = first; other < first + ranks_; ++other) {
    if (other != unit) {
      raise(unit_column_[0][at(other)], t, write ? gates_.wr_rd_rank : gates_.rd_any_rank);
      raise(unit_column_[1][at(other)], t, write ? gates_.wr_wr_rank : gates_.rd_any_rank);
    }
  }
}

void BankState::precharge_all(int unit, Clock t) {
  const int first = unit << unit_shift_;
  const Tick r = tick_of(t);
  log(t, DramCommand::pre_all, first);
  for (int bank = first; bank < first + (1 << unit_shift_); ++bank) {
    if (row_[at(bank)] != kClosed) {
      row_[at(bank)] = kClosed;
      open_bits_ &= ~(std::uint64_t{1} << bank);
      ++counters_.precharges;
      closed(unit, t);
    }
    raise(bank_ref_[at(bank)], r, gates_.pre_ref);
  }
  raise(unit_act_[at(unit)], r, gates_.preab_act);
  raise(unit_pre_[at(unit)], r, gates_.pre_pre);
  raise(ref_[at(unit)], r, gates_.pre_ref);
  raise(sleep_[at(unit)], r, gates_.pre_pd);
  raise(self_sleep_[at(unit)], r, gates_.pre_sr);
}

void BankState::refresh(int unit, Clock t) {
  const Tick r = tick_of(t);
  log(t, DramCommand::ref, unit << unit_shift_);
  ++counters_.refreshes;
  raise(unit_act_[at(unit)], r, gates_.ref_act);
  raise(pre_all_[at(unit)], r, gates_.ref_preab);
  raise(ref_[at(unit)], r, gates_.ref_preab);
  raise(sleep_[at(unit)], r, gates_.ref_pd);
  raise(self_sleep_[at(unit)], r, gates_.ref_sr);
}

void BankState::refresh_banks(int first, std::uint64_t set, bool same_bank, Clock t) {
  const Gates& g = gates_;
  const int unit = unit_of(first);
  const Tick r = tick_of(t);
  log(t, same_bank ? DramCommand::ref_same : DramCommand::ref_bank, first);
  ++(same_bank ? counters_.same_bank_refreshes : counters_.bank_refreshes);
  for (std::uint64_t m = set; m != 0; m &= m - 1) {
    const auto bank = at(std::countr_zero(m));
    raise(act_[bank], r, same_bank ? g.refsb_act_bank : g.refpb_act_bank);
    raise(bank_ref_[bank], r, same_bank ? g.refsb_refsb : g.refpb_refpb_bank);
  }
  raise(unit_act_[at(unit)], r, same_bank ? g.refsb_act_other : g.refpb_act_other);
  raise(unit_ref_bank_[at(unit)], r, same_bank ? g.refsb_refsb : g.refpb_refpb_other);
  raise(ref_[at(unit)], r, same_bank ? g.refsb_refsb : g.refpb_refpb_bank);
  raise(sleep_[at(unit)], r, g.ref_pd);
  raise(self_sleep_[at(unit)], r, same_bank ? g.refsb_refsb : g.refpb_refpb_bank);
}

void BankState::auto_precharge(int bank, bool write, Clock t) {
  const Gates& g = gates_;
  const int unit = unit_of(bank);
  const Tick r = tick_of(t);
  if (log_ != nullptr) {
    log_->back().command = write ? DramCommand::wr_auto : DramCommand::rd_auto;
  }
  const Tick start = pre_[at(bank)];  // tRAS, tRTP or tWR have passed
  row_[at(bank)] = kClosed;
  open_bits_ &= ~(std::uint64_t{1} << bank);
  ++counters_.precharges;
  ++counters_.auto_precharges;
  closing_until_[at(unit)] = std::max(closing_until_[at(unit)], clock_of(start));
  closed(unit, t);
  raise(act_[at(bank)], start, g.pre_act);
  raise(bank_ref_[at(bank)], start, g.pre_ref);
  raise(ref_[at(unit)], start, g.pre_ref);
  raise(sleep_[at(unit)], r, write ? g.wra_pd : g.rd_pd);
  raise(self_sleep_[at(unit)], start, g.pre_sr);
}

void BankState::sleep(int unit, Clock t) {
  const Tick r = tick_of(t);
  log(t, DramCommand::sleep, unit << unit_shift_);
  ++counters_.power_downs;
  rank_state_[at(unit)] =
      open_count_[at(unit)] > 0 ? RankState::active_power_down : RankState::power_down;
  asleep_since_[at(unit)] = t;
  raise(wake_[at(unit)], r, gates_.pd_exit);
}

void BankState::self_sleep(int unit, Clock t) {
  const Tick r = tick_of(t);
  log(t, DramCommand::self_sleep, unit << unit_shift_);
  ++counters_.self_refreshes;
  rank_state_[at(unit)] = RankState::self_refresh;
  asleep_since_[at(unit)] = t;
  raise(wake_[at(unit)], r, gates_.sr_exit);
}

void BankState::wake(int unit, Clock t) {
  const Tick r = tick_of(t);
  const bool self = rank_state_[at(unit)] == RankState::self_refresh;
  log(t, self ? DramCommand::self_wake : DramCommand::wake, unit << unit_shift_);
  count_sleep(counters_, unit, t);
  rank_state_[at(unit)] = RankState::awake;
  const Tick any = self ? gates_.sr_exit_any : gates_.exit_any;
  for (PerBank* slots : {&unit_act_, &unit_pre_, &unit_column_[0], &unit_column_[1], &pre_all_,
                         &ref_, &unit_ref_bank_, &self_sleep_}) {
    raise((*slots)[at(unit)], r, any);
  }
  raise(sleep_[at(unit)], r, self ? any : gates_.exit_pd);
}

void BankState::count_sleep(DramCounters& counters, int unit, Clock until) const {
  const Clock clocks = until - asleep_since_[at(unit)];
  switch (rank_state_[at(unit)]) {
    case RankState::active_power_down:
      counters.active_power_down_clocks += clocks;
      return;
    case RankState::power_down:
      counters.power_down_clocks += clocks;
      return;
    case RankState::self_refresh:
      counters.self_refresh_clocks += clocks;
      return;
    case RankState::awake:
      return;
  }
}

DramCounters BankState::counters_at(Clock t) const {
  DramCounters c = counters_;
  for (int unit = 0; unit < units_; ++unit) {
    if (open_count_[at(unit)] > 0 && t > active_since_[at(unit)]) {
      c.active_clocks += t - active_since_[at(unit)];
    }
    if (t > asleep_since_[at(unit)]) {
      count_sleep(c, unit, t);
    }
  }
  return c;
}

}  // namespace joulesim::hw
