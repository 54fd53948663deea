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
                         &pre_all_, &ref_, &unit_ref_bank_, &unit_column_[0], &unit_column_[1]}) {
    shift(*slots);
  }
  for (auto& ring : last_acts_) {
    shift(ring);
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
}

void BankState::refresh(int unit, Clock t) {
  const Tick r = tick_of(t);
  log(t, DramCommand::ref, unit << unit_shift_);
  ++counters_.refreshes;
  raise(unit_act_[at(unit)], r, gates_.ref_act);
  raise(pre_all_[at(unit)], r, gates_.ref_preab);
  raise(ref_[at(unit)], r, gates_.ref_preab);
}

void BankState::refresh_bank(int bank, Clock t) {
  const Tick r = tick_of(t);
  log(t, DramCommand::ref_bank, bank);
  ++counters_.bank_refreshes;
  raise(act_[at(bank)], r, gates_.refpb_act_bank);
  raise(unit_act_[at(unit_of(bank))], r, gates_.refpb_act_other);
  raise(bank_ref_[at(bank)], r, gates_.refpb_refpb_bank);
  raise(unit_ref_bank_[at(unit_of(bank))], r, gates_.refpb_refpb_other);
}

DramCounters BankState::counters_at(Clock t) const {
  DramCounters c = counters_;
  for (int unit = 0; unit < units_; ++unit) {
    if (open_count_[at(unit)] > 0 && t > active_since_[at(unit)]) {
      c.active_clocks += t - active_since_[at(unit)];
    }
  }
  return c;
}

}  // namespace joulesim::hw
