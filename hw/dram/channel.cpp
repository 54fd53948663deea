#include "hw/dram/channel.hpp"

#include <bit>
#include <cmath>

namespace joulesim::hw {

namespace {

// Candidates compare by clock, then age. A key holds both: clocks from `tick` on in the upper bits,
// and below them how old the request is, inverted, so that the smallest key is the oldest.
constexpr int kAgeBits = 40;
constexpr std::uint64_t kOrderMask = (std::uint64_t{1} << kArrivalShift) - 1;

std::uint64_t key_of(Clock ready, Clock tick, std::uint64_t age) {
  const std::uint64_t waited = (static_cast<std::uint64_t>(tick) << kArrivalShift) - age;
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kAgeBits) - 1;
  const std::uint64_t wait = static_cast<std::uint64_t>(std::max<Clock>(ready - tick, 0));
  return (wait << kAgeBits) | (kMask - std::min(waited, kMask));
}

}  // namespace

Channel::Channel(const DramOrganisation& organisation, const DramTiming& timing,
                 const ControllerPolicy& policy)
    : organisation_(organisation),
      timing_(timing),
      policy_(policy),
      banks_(organisation, timing),
      queues_{RequestQueue(policy.read_entries, organisation.banks()),
              RequestQueue(policy.write_entries, organisation.banks())},
      two_buses_(timing.protocol == CommandProtocol::dual_bus ||
                 timing.protocol == CommandProtocol::dual_bus_half),
      half_clocks_(timing.protocol == CommandProtocol::dual_bus_half),
      drain_above_(static_cast<int>(std::floor(policy.drain_above * policy.write_entries))),
      drain_below_(static_cast<int>(std::ceil(policy.drain_below * policy.write_entries))) {
  if (policy.refresh == RefreshPolicy::all_bank && timing.nREFI > 0) {
    next_refresh_ = timing.nREFI;
  } else if (policy.refresh == RefreshPolicy::per_bank && timing.nREFIpb > 0) {
    next_refresh_ = timing.nREFIpb;
  }
}

void Channel::enqueue(const Burst& burst, Clock tick) {
  const std::uint64_t age = (static_cast<std::uint64_t>(tick - 1) << kArrivalShift) |
                            static_cast<std::uint64_t>(accepted_in_tick_);
  queues_[at(burst.write ? 1 : 0)].push(burst, age, banks_.open_row(burst.bank));
}

void Channel::due(Clock tick) {
  if (policy_.refresh == RefreshPolicy::per_bank) {
    maintenance_.push_back(next_bank_refresh_);
    next_bank_refresh_ = (next_bank_refresh_ + 1) % organisation_.banks();
    next_refresh_ += timing_.nREFIpb;
  } else {
    for (int unit = 0; unit < organisation_.units; ++unit) {
      maintenance_.push_back(unit);
    }
    next_refresh_ += timing_.nREFI;
  }
  if (next_refresh_ <= tick) {
    next_refresh_ = tick + 1;
  }
}

// Nothing is queued and, refreshes aside, nothing happens before `target`: with all banks closed
// whole refresh intervals pass by counting. The last interval is simulated so that gates follow.
void Channel::skip_idle(Clock target) {
  if (policy_.refresh != RefreshPolicy::all_bank || next_refresh_ == kNever || target == kNever) {
    return;
  }
  for (int unit = 0; unit < organisation_.units; ++unit) {
    if (banks_.open_banks(unit) > 0) {
      return;
    }
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
      skip_idle(until);
      now_ = std::max(now_, std::min(until, next_due()) - 1);
      if (now_ + 1 < next_due()) {
        now_ = until;
        return;
      }
      due(now_ + 1);
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

void Channel::update_write_mode() {
  const int writes = queues_[1].size();
  const int reads = queues_[0].size();
  if (!write_mode_) {
    write_mode_ = writes > drain_above_ || reads == 0;
  } else if (writes < drain_below_ && reads != 0) {
    write_mode_ = false;
  }
}

// In half clocks odd numbers are rising edges: all commands but precharges need one. A precharge
// may share the clock of the row command before it only if it goes elsewhere (JESD238).
Clock Channel::edge_for(Clock ready, Kind kind, int bank) const {
  if (!half_clocks_ || (ready & 1) == 1) {
    return ready;
  }
  if (kind != Kind::precharge && kind != Kind::pre_all) {
    return ready + 1;
  }
  const int unit = kind == Kind::pre_all ? bank : banks_.unit_of(bank);
  const bool collides = ready == pair_edge_ && unit == pair_unit_ &&
                        (kind == Kind::pre_all || pair_bank_ < 0 || pair_bank_ == bank);
  return collides ? ready + 1 : ready;
}

void Channel::note_row_command(Clock t, Kind kind, int bank) {
  if (half_clocks_ && (t & 1) == 1) {
    const bool all = kind == Kind::pre_all || kind == Kind::refresh;
    pair_edge_ = t + (kind == Kind::activate ? banks_.gates().act_cycles : 1);
    pair_unit_ = all ? bank : banks_.unit_of(bank);
    pair_bank_ = all ? -1 : bank;
  }
}

Channel::Choice Channel::best_active(Clock tick) const {
  Choice best;
  std::uint64_t best_key = kNoAge;
  for (std::uint64_t m = active_mask_; m != 0; m &= m - 1) {
    const int bank = std::countr_zero(m);
    const Active& a = active_[at(bank)];
    const Clock ready = edge_for(std::max(banks_.earliest_column(bank, a.burst.write), tick),
                                 Kind::column_active, bank);
    const std::uint64_t key = key_of(ready, tick, a.age);
    if (key < best_key) {
      best_key = key;
      best = {ready, Kind::column_active, bank, Kind::none};
    }
  }
  return best;
}

Channel::Choice Channel::best_maintenance(Clock tick) const {
  const int target = maintenance_.front();
  if (policy_.refresh == RefreshPolicy::per_bank) {
    if (banks_.open_row(target) == kClosed) {
      return {std::max(banks_.earliest_ref_bank(target), tick), Kind::refresh_bank, target,
              Kind::none};
    }
    if ((active_mask_ >> target & 1U) != 0) {
      return {};
    }
    return {edge_for(std::max(banks_.earliest_pre(target), tick), Kind::precharge, target),
            Kind::precharge, target, Kind::none};
  }
  if (banks_.open_banks(target) == 0) {
    return {edge_for(std::max(banks_.earliest_ref(target), tick), Kind::refresh, target),
            Kind::refresh, target, Kind::none};
  }
  const int per_unit = organisation_.banks_per_unit();
  const std::uint64_t unit_banks =
      (per_unit == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << per_unit) - 1)
      << (target * per_unit);
  if ((active_mask_ & unit_banks) != 0) {
    return {};
  }
  return {edge_for(std::max(banks_.earliest_pre_all(target), tick), Kind::pre_all, target),
          Kind::pre_all, target, Kind::none};
}

template <bool kColumns, bool kRows>
Channel::Choice Channel::best_queued(const RequestQueue& queue, bool write, Clock tick) const {
  Choice best;
  std::uint64_t best_key = kNoAge;
  if constexpr (kColumns) {
    for (std::uint64_t m = queue.hit_mask(); m != 0; m &= m - 1) {
      const int bank = std::countr_zero(m);
      const Clock ready =
          edge_for(std::max(banks_.earliest_column(bank, write), tick), Kind::column, bank);
      const std::uint64_t key = key_of(ready, tick, queue.hit_age(bank));
      if (key < best_key) {
        best_key = key;
        best = {ready, Kind::column, bank, Kind::none};
      }
    }
  }
  if constexpr (kRows) {
    for (std::uint64_t m = queue.miss_mask() & ~active_mask_; m != 0; m &= m - 1) {
      const int bank = std::countr_zero(m);
      const bool open = banks_.open_row(bank) != kClosed;
      if (!open && activating_ >= 0) {
        continue;
      }
      if (open && policy_.scheduler == Scheduler::frfcfs_row_hit &&
          queue.hit_age(bank) >> kArrivalShift <= queue.miss_age(bank) >> kArrivalShift) {
        continue;
      }
      const Kind kind = open ? Kind::precharge : Kind::activate;
      const Clock ready = edge_for(
          std::max(open ? banks_.earliest_pre(bank) : banks_.earliest_act(bank), tick), kind, bank);
      const std::uint64_t key = key_of(ready, tick, queue.miss_age(bank));
      if (key < best_key) {
        best_key = key;
        best = {ready, kind, bank, Kind::none};
      }
    }
  }
  return best;
}

Channel::Choice Channel::choose(Clock tick) {
  tick = std::max(tick, bus_free_[0]);
  Choice best = active_mask_ != 0 ? best_active(tick) : Choice{};
  if (best.at <= now_ + 1) {
    return best;
  }
  Choice other;
  if (!maintenance_.empty()) {
    other = best_maintenance(tick);
  } else {
    update_write_mode();
    other = best_queued<true, true>(queues_[at(write_mode_ ? 1 : 0)], write_mode_, tick);
  }
  return best.at <= other.at ? best : other;
}

// Two-part activates (LPDDR5): after the first part no other activate may start, and the second
// follows when nothing else can issue or its time is up. A column command needs a synchronisation
// one clock ahead when the data clock has stopped.
Channel::Choice Channel::choose_split(Clock tick) {
  if (synced_.kind != Kind::none) {
    Choice c = synced_;
    c.at = std::max(tick, banks_.earliest_column(c.bank, c.kind == Kind::column_active
                                                             ? active_[at(c.bank)].burst.write
                                                             : write_mode_));
    return c;
  }
  if (activating_ >= 0 && tick >= activate_by_) {
    return {tick, Kind::activate_end, activating_, Kind::none};
  }
  Choice c = choose(tick);
  if (activating_ >= 0 && c.at > tick) {
    return {tick, Kind::activate_end, activating_, Kind::none};
  }
  if ((c.kind == Kind::column || c.kind == Kind::column_active) && c.at >= data_clock_until_) {
    if (activating_ >= 0 && activate_by_ <= c.at + 1) {
      return {c.at, Kind::activate_end, activating_, Kind::none};
    }
    c.then = c.kind;
    c.kind = Kind::sync;
  }
  return c;
}

void Channel::choose_buses(Clock tick, Choice& column, Choice& row) {
  const Clock column_tick = std::max(tick, bus_free_[1]);
  const Clock row_tick = std::max(tick, bus_free_[0]);
  if (active_mask_ != 0) {
    column = best_active(column_tick);
  }
  if (!maintenance_.empty()) {
    row = best_maintenance(row_tick);
    return;
  }
  update_write_mode();
  const RequestQueue& queue = queues_[at(write_mode_ ? 1 : 0)];
  const Choice queued = best_queued<true, false>(queue, write_mode_, column_tick);
  if (queued.at < column.at) {
    column = queued;
  }
  row = best_queued<false, true>(queue, write_mode_, row_tick);
}

void Channel::count_row(RequestQueue::Entry& entry) {
  if (entry.counted) {
    return;
  }
  entry.counted = true;
  const std::int32_t open = banks_.open_row(entry.burst.bank);
  DramCounters& c = banks_.counters();
  if (open == entry.burst.row) {
    ++c.row_hits;
  } else if (open == kClosed) {
    ++c.row_misses;
  } else {
    ++c.row_conflicts;
  }
}

Channel::Retired Channel::retire(const Burst& burst, Clock t) {
  if (burst.write) {
    banks_.write(burst.bank, t);
  } else {
    banks_.read(burst.bank, t);
  }
  bus_free_[two_buses_ ? 1 : 0] = t + banks_.gates().column_cycles;
  data_clock_until_ = std::max(data_clock_until_, t + (burst.write ? timing_.nCWL : timing_.nCL) +
                                                      timing_.nBL + timing_.nWCKPST);
  synced_.kind = Kind::none;
  const Gates& g = banks_.gates();
  return {burst, t, t + (burst.write ? g.write_done : g.read_done), true};
}

Channel::Retired Channel::issue(const Choice& c) {
  const Clock t = c.at;
  switch (c.kind) {
    case Kind::column_active: {
      active_mask_ &= ~(std::uint64_t{1} << c.bank);
      --active_count_;
      return retire(active_[at(c.bank)].burst, t);
    }
    case Kind::column: {
      RequestQueue& queue = queues_[at(write_mode_ ? 1 : 0)];
      const std::int32_t row = banks_.open_row(c.bank);
      RequestQueue::Entry entry = queue.pop(c.bank, row, row);
      count_row(entry);
      return retire(entry.burst, t);
    }
    case Kind::precharge:
      if (maintenance_.empty()) {
        count_row(queues_[at(write_mode_ ? 1 : 0)].oldest_miss(c.bank));
      }
      banks_.precharge(c.bank, t);
      note_row_command(t, c.kind, c.bank);
      bus_free_[0] = t + 1;
      queues_[0].refresh_candidates(c.bank, kClosed);
      queues_[1].refresh_candidates(c.bank, kClosed);
      return {};
    case Kind::activate: {
      RequestQueue& queue = queues_[at(write_mode_ ? 1 : 0)];
      const std::int32_t row = queue.oldest_miss(c.bank).burst.row;
      RequestQueue::Entry entry = queue.pop(c.bank, row, row);
      count_row(entry);
      banks_.activate(c.bank, row, t);
      note_row_command(t, c.kind, c.bank);
      bus_free_[0] = t + banks_.gates().act_cycles;
      // Arrival first; among equals the one activated first.
      promotions_ = active_count_ == 0 ? 0 : promotions_;
      active_[at(c.bank)] = {
          entry.burst, (entry.age >> kArrivalShift << kArrivalShift) | (promotions_ & kOrderMask)};
      ++promotions_;
      if (timing_.protocol == CommandProtocol::split_activate) {
        activating_ = c.bank;
        activate_by_ = t + timing_.nAAD;
      }
      active_mask_ |= std::uint64_t{1} << c.bank;
      ++active_count_;
      queues_[0].refresh_candidates(c.bank, row);
      queues_[1].refresh_candidates(c.bank, row);
      return {};
    }
    case Kind::activate_end:
      activating_ = -1;
      bus_free_[0] = t + 1;
      return {};
    case Kind::sync:
      synced_ = {t, c.then, c.bank, Kind::none};
      bus_free_[0] = t + 1;
      return {};
    default:
      issue_maintenance(c);
      return {};
  }
}

void Channel::issue_maintenance(const Choice& c) {
  note_row_command(c.at, c.kind, c.bank);
  bus_free_[0] = c.at + 1;
  if (c.kind == Kind::pre_all) {
    banks_.precharge_all(c.bank, c.at);
    const int first = c.bank * organisation_.banks_per_unit();
    for (int bank = first; bank < first + organisation_.banks_per_unit(); ++bank) {
      queues_[0].refresh_candidates(bank, kClosed);
      queues_[1].refresh_candidates(bank, kClosed);
    }
    return;
  }
  if (c.kind == Kind::refresh) {
    banks_.refresh(c.bank, c.at);
  } else {
    banks_.refresh_bank(c.bank, c.at);
  }
  maintenance_.erase(maintenance_.begin());
}

}  // namespace joulesim::hw
