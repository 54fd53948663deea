#include "hw/dram/bank_scan.hpp"
#include "hw/dram/channel.hpp"

#include <bit>

// Which command goes next: the scheduling half of the exact channel.
namespace joulesim::hw {

bool Channel::next_write_mode() const {
  const int writes = queues_[1].size();
  const int reads = queues_[0].size();
  if (!write_mode_) {
    return writes > drain_above_ || reads == 0;
  }
  return writes >= drain_below_ || reads == 0;
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
  const std::uint64_t reached = kind == Kind::pre_all ? unit_banks(bank) : std::uint64_t{1} << bank;
  return ready == pair_edge_ && (reached & pair_banks_) != 0 ? ready + 1 : ready;
}

// Those ready at the same clock take their turn by age.
inline Channel::Choice Channel::active_choice(const ScanAnswer& ready) const {
  if (ready.active == 0) {
    return {};
  }
  int best = std::countr_zero(ready.active);
  for (std::uint64_t m = ready.active & (ready.active - 1); m != 0; m &= m - 1) {
    const int bank = std::countr_zero(m);
    best = active_[at(bank)].age < active_[at(best)].age ? bank : best;
  }
  return {banks_.clock_of(ready.active_at), Kind::column_active, best, Kind::none};
}

inline Channel::Choice Channel::column_choice(const ScanAnswer& ready) const {
  if (ready.column_at == kNeverTick) {
    return {};
  }
  return {banks_.clock_of(ready.column_at), Kind::column, ready.column_bank, Kind::none};
}

inline Channel::Choice Channel::row_choice(const ScanAnswer& ready) const {
  if (ready.row_at == kNeverTick) {
    return {};
  }
  const bool open = (banks_.open_bits() >> ready.row_bank & 1U) != 0;
  return {banks_.clock_of(ready.row_at), open ? Kind::precharge : Kind::activate, ready.row_bank,
          Kind::none};
}

Channel::Choice Channel::best_maintenance(Clock tick) const {
  const int target = maintenance_.front();
  if (policy_.refresh == RefreshPolicy::per_bank) {
    if (banks_.open_row(target) == kClosed) {
      return {
          edge_for(std::max(banks_.earliest_ref_bank(target), tick), Kind::refresh_bank, target),
          Kind::refresh_bank, target, Kind::none};
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

// Brings what is known of the next commands up to date. An answer stays true until a gate that
// binds its kind moves, a candidate comes or goes, or its clock has passed; most commands leave one
// of the two kinds alone.
inline void Channel::look(Clock column_from, Clock row_from, bool writing) {
  const RequestQueue& queue = queues_[at(writing ? 1 : 0)];
  const bool queued = maintenance_.empty();
  const Tick from_column = banks_.tick_of(column_from);
  const Tick from_row = banks_.tick_of(row_from);
  if (known_epoch_ != banks_.epoch() || known_writing_ != writing || !queued) {
    known_epoch_ = banks_.epoch();
    known_writing_ = writing;
    columns_known_ = rows_known_ = false;
  }
  columns_known_ = columns_known_ && from_column <= std::min(known_.active_at, known_.column_at);
  rows_known_ = rows_known_ && from_row <= known_.row_at && !half_clocks_;
  ScanAsk& ask = ask_;
  ask.active = ask.columns = ask.rows = 0;
  if (!columns_known_) {
    known_.active_at = known_.column_at = known_.column_order = kNeverTick;
    known_.active = 0;
    ask.active = active_mask_;
    ask.active_writes = active_writes_;
    ask.columns = queued ? queue.hit_mask() : 0;
    ask.write = writing;
    ask.column_from = from_column;
    ask.column_order = queue.hit_orders();
  }
  if (!rows_known_) {
    known_.row_at = known_.row_order = kNeverTick;
    ask.rows = queued ? row_candidates(queue) : 0;
    ask.row_from = from_row;
    ask.row_order = queue.miss_orders();
    if (half_clocks_) {
      ask.pair_banks = pair_edge_ >= row_from ? pair_banks_ : 0;
      ask.pair_edge = ask.pair_banks != 0 ? banks_.tick_of(pair_edge_) : -kNeverTick;
    }
  }
  columns_known_ = rows_known_ = queued;
  if ((ask.active | ask.columns | ask.rows) != 0) {
    scan_(banks_, ask, known_);
  }
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
  } else {
    write_mode_ = writing;
    const bool column =
        known_.column_at < known_.row_at ||
        (known_.column_at == known_.row_at && known_.column_order < known_.row_order);
    other = column ? column_choice(known_) : row_choice(known_);
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

// What each bus would carry next.
void Channel::choose_buses(Clock tick, Choice& column, Choice& row) {
  const Clock row_tick = std::max(tick, bus_free_[0]);
  const bool writing = maintenance_.empty() ? next_write_mode() : write_mode_;
  write_mode_ = writing;
  look(std::max(tick, bus_free_[1]), row_tick, writing);
  column = active_choice(known_);
  if (const Choice queued = column_choice(known_); queued.at < column.at) {
    column = queued;
  }
  row = maintenance_.empty() ? row_choice(known_) : best_maintenance(row_tick);
}

}  // namespace joulesim::hw
