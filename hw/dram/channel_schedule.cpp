#include "hw/dram/channel.hpp"

#include <bit>

// Which command goes next: the scheduling half of the exact channel.
namespace joulesim::hw {

// In half clocks odd numbers are rising edges: all commands but precharges need one. A precharge
// may share the clock of the row command before it only if it goes elsewhere (JESD238).
Clock Channel::edge_for(Clock ready, Kind kind, int bank) const {
  if (!half_clocks_ || (ready & 1) == 1) {
    return ready;
  }
  if (kind != Kind::precharge && kind != Kind::pre_all && kind != Kind::close) {
    return ready + 1;
  }
  const std::uint64_t reached = kind == Kind::pre_all ? unit_banks(bank) : std::uint64_t{1} << bank;
  return ready == pair_edge_ && (reached & pair_banks_) != 0 ? ready + 1 : ready;
}

bool Channel::older(const Choice& a, const Choice& b) const {
  const auto age = [this](const Choice& c) {
    const RequestQueue& queue = queues_[at(c.write ? 1 : 0)];
    return c.kind == Kind::column ? queue.hit_age(c.bank) : queue.miss_age(c.bank);
  };
  return b.kind == Kind::none || age(a) < age(b);
}

// Of both buffers: the first ready, then the first come.
void Channel::choose_mixed(Clock column_from, Clock row_from, Choice& column, Choice& row) {
  const auto better = [this](const Choice& a, const Choice& b) {
    return a.at < b.at || (a.at == b.at && a.kind != Kind::none && older(a, b));
  };
  for (const bool writing : {false, true}) {
    look(column_from, row_from, writing);
    const Choice c = column_choice(known_, writing);
    const Choice r = row_choice(known_, writing);
    column = better(c, column) ? c : column;
    row = better(r, row) ? r : row;
  }
}

// What the policies of time do when nothing else takes the clock: close a row that nothing has
// used, put a rank to sleep, wake it for a request.
Channel::Choice Channel::idle_choice(Clock tick) const {
  Choice best;
  if (policy_.page == PagePolicy::timeout) {
    const std::uint64_t wanted = queues_[0].hit_mask() | queues_[1].hit_mask() | active_mask_;
    for (std::uint64_t m = banks_.open_bits() & ~wanted & ~barred_; m != 0; m &= m - 1) {
      const int bank = std::countr_zero(m);
      const Clock ready =
          std::max({used_[at(bank)] + policy_.page_timeout, banks_.earliest_pre(bank), tick});
      const Choice c = {edge_for(ready, Kind::close, bank), Kind::close, bank};
      best = c.at < best.at ? c : best;
    }
  }
  if (policy_.idle != IdlePolicy::none) {
    for (int unit = 0; unit < organisation_.rank_units(); ++unit) {
      const Choice c = sleep_choice(unit, tick);
      best = c.at < best.at ? c : best;
    }
  }
  return best;
}

Channel::Choice Channel::sleep_choice(int unit, Clock tick) const {
  const std::uint64_t wanted = (queues_[0].hit_mask() | queues_[0].miss_mask() |
                                queues_[1].hit_mask() | queues_[1].miss_mask() | active_mask_) &
                               unit_banks(unit);
  const auto choice = [this, unit](Clock ready, Kind kind) -> Choice {
    return {edge_for(ready, kind, unit), kind, unit};
  };
  if (banks_.rank_state(unit) != RankState::awake) {
    return wanted == 0 ? Choice{} : choice(std::max(tick, banks_.earliest_wake(unit)), Kind::wake);
  }
  if (wanted != 0 || !maintenance_.empty()) {
    return {};
  }
  const Clock from = std::max(tick, unit_used_[at(unit)] + policy_.idle_after);
  if (policy_.idle != IdlePolicy::power_down && banks_.open_banks(unit) > 0) {
    return choice(std::max(from, banks_.earliest_pre_all(unit)), Kind::pre_all);
  }
  return policy_.idle == IdlePolicy::self_refresh
             ? choice(std::max(from, banks_.earliest_self_sleep(unit)), Kind::self_sleep)
             : choice(std::max(from, banks_.earliest_sleep(unit)), Kind::sleep);
}

// The refresh of some banks that is due next: its rows are closed one by one first.
Channel::Choice Channel::best_refresh_of_banks(Clock tick) const {
  const int first = maintenance_.front();
  const std::uint64_t set = plan_.set(first);
  const std::uint64_t open = set & banks_.open_bits();
  Choice best;
  if (open == 0) {
    Clock ready = tick;
    for (std::uint64_t m = set; m != 0; m &= m - 1) {
      ready = std::max(ready, banks_.earliest_ref_bank(std::countr_zero(m)));
    }
    best = {edge_for(ready, Kind::refresh_bank, first), Kind::refresh_bank, first};
    return best;
  }
  for (std::uint64_t m = open & ~active_mask_; m != 0; m &= m - 1) {
    const int bank = std::countr_zero(m);
    const Clock ready = std::max(banks_.earliest_pre(bank), tick);
    const Choice c = {edge_for(ready, Kind::close, bank), Kind::close, bank};
    best = c.at < best.at ? c : best;
  }
  return best;
}

Channel::Choice Channel::best_maintenance(Clock tick) const {
  const int target = maintenance_.front();
  const int unit = plan_.local() ? banks_.unit_of(target) : target;
  if (keeps_time_ && banks_.rank_state(unit) != RankState::awake) {
    return {edge_for(std::max(banks_.earliest_wake(unit), tick), Kind::wake, unit), Kind::wake,
            unit};
  }
  if (plan_.local()) {
    return best_refresh_of_banks(tick);
  }
  if (banks_.open_banks(target) == 0) {
    return {edge_for(std::max(banks_.earliest_ref(target), tick), Kind::refresh, target),
            Kind::refresh, target, Kind::none};
  }
  if ((active_mask_ & unit_banks(target)) != 0) {
    return {};
  }
  return {edge_for(std::max(banks_.earliest_pre_all(target), tick), Kind::pre_all, target),
          Kind::pre_all, target, Kind::none};
}

std::uint64_t Channel::row_candidates(const RequestQueue& queue) const {
  const std::uint64_t open = banks_.open_bits();
  std::uint64_t rows = queue.miss_mask() & ~active_mask_;
  if (activating_ >= 0) {
    rows &= open;
  }
  if (policy_.scheduler == Scheduler::frfcfs_row_hit) {
    for (std::uint64_t m = rows & open & queue.hit_mask(); m != 0; m &= m - 1) {
      const int bank = std::countr_zero(m);
      if (queue.hit_age(bank) >> kArrivalShift <= queue.miss_age(bank) >> kArrivalShift) {
        rows &= ~(std::uint64_t{1} << bank);
      }
    }
  }
  return rows;
}

Channel::Choice Channel::choose(Clock tick) {
  tick = std::max(tick, bus_free_[0]);
  // The drain decision counts only when no activated request takes this clock.
  const bool writing = next_write_mode();
  look(tick, tick, writing);
  const Choice active = active_choice(known_);
  if (active.at <= now_ + 1) {
    return active;
  }
  Choice other;
  if (!maintenance_.empty()) {
    other = best_maintenance(tick);
  }
  if (serves_queue()) {
    Choice queued;
    if (policy_.drain == WriteDrain::mixed) {
      Choice row;
      choose_mixed(tick, tick, queued, row);
      queued = row.at < queued.at ||
                       (row.at == queued.at && row.kind != Kind::none && older(row, queued))
                   ? row
                   : queued;
    } else {
      write_mode_ = writing;
      const bool column =
          known_.column_at < known_.row_at ||
          (known_.column_at == known_.row_at && known_.column_order < known_.row_order);
      queued = column ? column_choice(known_, writing) : row_choice(known_, writing);
    }
    other = queued.at < other.at ? queued : other;
  }
  if (keeps_time_) {
    if (const Choice idle = idle_choice(tick); idle.at < std::min(active.at, other.at)) {
      return idle;
    }
  }
  return active.at <= other.at ? active : other;
}

// Two-part activates (LPDDR5): after the first part no other activate may start, and the second
// follows when nothing else can issue or its time is up. A column command needs a synchronisation
// one clock ahead when the data clock has stopped.
Channel::Choice Channel::choose_split(Clock tick) {
  if (synced_.kind != Kind::none) {
    Choice c = synced_;
    c.at = std::max(tick, banks_.earliest_column(c.bank, c.kind == Kind::column_active
                                                             ? active_[at(c.bank)].burst.write
                                                             : c.write));
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

// What each bus would carry next.
void Channel::choose_buses(Clock tick, Choice& column, Choice& row) {
  const Clock row_tick = std::max(tick, bus_free_[0]);
  const Clock column_tick = std::max(tick, bus_free_[1]);
  const bool writing = serves_queue() ? next_write_mode() : write_mode_;
  write_mode_ = writing;
  look(column_tick, row_tick, writing);
  column = active_choice(known_);
  Choice queued;
  row = {};
  if (policy_.drain == WriteDrain::mixed) {
    choose_mixed(column_tick, row_tick, queued, row);
  } else {
    queued = column_choice(known_, writing);
    row = row_choice(known_, writing);
  }
  column = queued.at < column.at ? queued : column;
  if (!maintenance_.empty()) {
    const Choice due = best_maintenance(row_tick);
    row = row.at < due.at ? row : due;
  }
  if (keeps_time_) {
    const Choice idle = idle_choice(row_tick);
    row = idle.at < row.at ? idle : row;
  }
}

}  // namespace joulesim::hw
