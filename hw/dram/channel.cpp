#include "hw/dram/channel.hpp"

#include <bit>
#include <cmath>

namespace joulesim::hw {

namespace {
constexpr std::uint64_t kOrderMask = (std::uint64_t{1} << kArrivalShift) - 1;
}  // namespace

Channel::Channel(const DramOrganisation& organisation, const DramTiming& timing,
                 const ControllerPolicy& policy)
    : organisation_(organisation),
      timing_(timing),
      policy_(policy),
      banks_(organisation, timing),
      queues_{RequestQueue(policy.read_entries, false), RequestQueue(policy.write_entries, true)},
      two_buses_(timing.protocol == CommandProtocol::dual_bus ||
                 timing.protocol == CommandProtocol::dual_bus_half),
      half_clocks_(timing.protocol == CommandProtocol::dual_bus_half),
      split_(timing.protocol == CommandProtocol::split_activate),
      plain_(policy.page == PagePolicy::open && policy.drain != WriteDrain::mixed &&
             policy.idle == IdlePolicy::none),
      scan_(policy.portable ? &scan_portable
                            : best_scan(organisation.banks(), organisation.banks_per_unit())),
      drain_above_(static_cast<int>(std::floor(policy.drain_above * policy.write_entries))),
      drain_below_(static_cast<int>(std::ceil(policy.drain_below * policy.write_entries))),
      plan_(organisation, timing, policy.refresh),
      keeps_time_(policy.page == PagePolicy::timeout || policy.idle != IdlePolicy::none) {
  ask_.odd = half_clocks_ ? 1 : 0;
  if (plan_.interval() > 0) {
    next_refresh_ = plan_.interval();
  }
  if (policy.idle != IdlePolicy::none) {
    banks_.track_sleep();
  }
}

void Channel::due(Clock tick) {
  for (int i = 0; i < plan_.per_step(); ++i) {
    const int first = plan_.first(refresh_step_, i);
    const int unit = banks_.unit_of(first);
    if (banks_.rank_state(unit) != RankState::self_refresh) {
      maintenance_.push_back(plan_.local() ? first : unit);
    }
  }
  refresh_step_ = (refresh_step_ + 1) % plan_.steps();
  next_refresh_ += plan_.interval();
  if (next_refresh_ <= tick) {
    next_refresh_ = tick + 1;
  }
  bar();
}

// Requests for these wait: sleeping ranks, and what is about to be refreshed.
void Channel::bar() {
  barred_ = asleep_;
  if (!maintenance_.empty()) {
    barred_ |= plan_.local() ? plan_.set(maintenance_.front()) : ~std::uint64_t{0};
  }
}

// Nothing is queued and, refreshes aside, nothing happens before `target`: with all banks closed
// whole refresh intervals pass by counting. The last interval is simulated so that gates follow.
void Channel::skip_idle(Clock target) {
  if (policy_.refresh != RefreshPolicy::all_bank || next_refresh_ == kNever || target == kNever) {
    return;
  }
  bool asleep = keeps_time_;
  for (int unit = 0; unit < organisation_.rank_units(); ++unit) {
    if (banks_.open_banks(unit) > 0) {
      return;
    }
    asleep = asleep && banks_.rank_state(unit) == RankState::self_refresh;
  }
  if (keeps_time_) {
    if (asleep && target > next_refresh_) {  // the device refreshes itself
      next_refresh_ += ((target - next_refresh_) / timing_.nREFI + 1) * timing_.nREFI;
    }
    return;
  }
  const Clock whole = (target - next_refresh_) / timing_.nREFI - 1;
  if (whole > 0) {
    banks_.count_idle_refreshes(whole);
    next_refresh_ += whole * timing_.nREFI;
    now_ = next_refresh_ - 1;
  }
}

void Channel::settle(Clock until) {
  while (pending() == 0 && now_ < until) {
    if (maintenance_.empty()) {
      write_mode_ = true;  // as in run(): clocks without reads
      skip_idle(until);
      if (keeps_time_) {
        play_idle(std::min(until, next_due() - 1));
      }
      now_ = std::max(now_, std::min(until, next_due()) - 1);
      if (now_ + 1 < next_due()) {
        now_ = until;
        return;
      }
      due(now_ + 1);
      continue;
    }
    const Choice c = best_maintenance(std::max(now_ + 1, bus_free_[0]));
    if (c.at > until) {
      now_ = until;
      return;
    }
    now_ = c.at;
    issue(c);
  }
}

void Channel::note_row_command(Clock t, Kind kind, int bank) {
  if (half_clocks_ && (t & 1) == 1) {
    pair_edge_ = t + (kind == Kind::activate ? banks_.gates().act_cycles : 1);
    switch (kind) {
      case Kind::precharge:
      case Kind::activate:
      case Kind::close:
        pair_banks_ = std::uint64_t{1} << bank;
        break;
      case Kind::refresh_bank:
        pair_banks_ = plan_.set(bank);
        break;
      default:
        pair_banks_ = unit_banks(bank);
    }
  }
}

Channel::Retired Channel::retire(const Burst& burst, Clock t) {
  column_issued(burst.bank, burst.write, t);
  synced_.kind = Kind::none;
  if (policy_.page == PagePolicy::closed &&
      ((queues_[0].hit_mask() | queues_[1].hit_mask() | active_mask_) >> burst.bank & 1U) == 0) {
    banks_.auto_precharge(burst.bank, burst.write, t);
    rows_known_ = false;
  }
  if (keeps_time_) {
    used_[at(burst.bank)] = unit_used_[at(banks_.unit_of(burst.bank))] = t;
  }
  const Gates& g = banks_.gates();
  return {&burst, t, t + (burst.write ? g.write_done : g.read_done)};
}

Channel::Retired Channel::issue(const Choice& c) {
  const Clock t = c.at;
  switch (c.kind) {
    case Kind::column_active: {
      active_mask_ &= ~(std::uint64_t{1} << c.bank);
      active_writes_ &= active_mask_;
      --active_count_;
      return retire(active_[at(c.bank)].burst, t);
    }
    case Kind::column: {
      RequestQueue& queue = queues_[at(c.write ? 1 : 0)];
      const std::int32_t row = banks_.open_row(c.bank);
      const RequestQueue::Entry& entry = queue.pop(c.bank, row, row);
      banks_.counters().row_hits += entry.counted ? 0 : 1;
      return retire(entry.burst, t);
    }
    case Kind::precharge: {
      RequestQueue::Entry& entry = queues_[at(c.write ? 1 : 0)].oldest_miss(c.bank);
      banks_.counters().row_conflicts += entry.counted ? 0 : 1;
      entry.counted = true;
      [[fallthrough]];
    }
    case Kind::close:
      rows_known_ = false;
      columns_known_ =
          columns_known_ && ((queues_[0].hit_mask() | queues_[1].hit_mask()) >> c.bank & 1U) == 0;
      banks_.precharge(c.bank, t);
      note_row_command(t, c.kind, c.bank);
      bus_free_[0] = t + 1;
      queues_[0].row_closed(c.bank);
      queues_[1].row_closed(c.bank);
      return {};
    case Kind::activate:
      activate(c);
      return {};
    case Kind::activate_end:
      columns_known_ = rows_known_ = false;
      activating_ = -1;
      bus_free_[0] = t + 1;
      return {};
    case Kind::sync:
      columns_known_ = rows_known_ = false;
      synced_ = {t, c.then, c.bank, Kind::none, c.write};
      bus_free_[0] = t + 1;
      return {};
    default:
      columns_known_ = rows_known_ = false;
      issue_maintenance(c);
      return {};
  }
}

void Channel::activate(const Choice& c) {
  columns_known_ = rows_known_ = false;
  const RequestQueue::Entry& entry = queues_[at(c.write ? 1 : 0)].take_oldest_miss(c.bank);
  const std::int32_t row = entry.burst.row;
  banks_.counters().row_misses += entry.counted ? 0 : 1;
  banks_.activate(c.bank, row, c.at);
  note_row_command(c.at, c.kind, c.bank);
  bus_free_[0] = c.at + banks_.gates().act_cycles;
  // Arrival first; among equals the one activated first.
  promotions_ = active_count_ == 0 ? 0 : promotions_;
  Active& active = active_[at(c.bank)];
  active.burst = entry.burst;
  active.age = (entry.age >> kArrivalShift << kArrivalShift) | (promotions_ & kOrderMask);
  ++promotions_;
  if (split_) {
    activating_ = c.bank;
    activate_by_ = c.at + timing_.nAAD;
  }
  active_mask_ |= std::uint64_t{1} << c.bank;
  active_writes_ |= std::uint64_t{entry.burst.write} << c.bank;
  ++active_count_;
  queues_[at(c.write ? 0 : 1)].refresh_candidates(c.bank, row);
}

void Channel::issue_maintenance(const Choice& c) {
  note_row_command(c.at, c.kind, c.bank);
  bus_free_[0] = c.at + 1;
  if (c.kind == Kind::pre_all) {
    banks_.precharge_all(c.bank, c.at);
    const int first = c.bank * organisation_.banks_per_unit();
    for (int bank = first; bank < first + organisation_.banks_per_unit(); ++bank) {
      queues_[0].row_closed(bank);
      queues_[1].row_closed(bank);
    }
    return;
  }
  switch (c.kind) {
    case Kind::sleep:
      banks_.sleep(c.bank, c.at);
      asleep_ |= unit_banks(c.bank);
      break;
    case Kind::self_sleep:
      banks_.self_sleep(c.bank, c.at);
      asleep_ |= unit_banks(c.bank);
      break;
    case Kind::wake:
      banks_.wake(c.bank, c.at);
      asleep_ &= ~unit_banks(c.bank);
      break;
    case Kind::refresh:
      banks_.refresh(c.bank, c.at);
      maintenance_.erase(maintenance_.begin());
      break;
    default:
      banks_.refresh_banks(c.bank, plan_.set(c.bank), plan_.same_bank(), c.at);
      maintenance_.erase(maintenance_.begin());
  }
  bar();
}

// Closes rows and puts ranks to sleep while nothing is asked for.
void Channel::play_idle(Clock limit) {
  for (;;) {
    const Choice c = idle_choice(std::max(now_ + 1, bus_free_[0]));
    if (c.at > limit) {
      return;
    }
    now_ = c.at;
    issue(c);
  }
}

}  // namespace joulesim::hw
