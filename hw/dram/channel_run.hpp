// The part of the exact channel that runs for every command, in line with its feed of bursts.
//
// Models:      acceptance into the buffers, what is known of the next commands, and the steps that
//              most channels take most of the time; the other policies and refreshes are in
//              channel_schedule.cpp.
// Checked by:  as channel.hpp; tests/oracle/dram_policies.cpp (both ways give one command list).
#pragma once

#include "hw/dram/channel.hpp"

#include <bit>

namespace joulesim::hw {

inline void Channel::enqueue(const Burst& burst, Clock tick) {
  const std::uint64_t age = (static_cast<std::uint64_t>(tick - 1) << kArrivalShift) |
                            static_cast<std::uint64_t>(accepted_in_tick_);
  // Latency counts from acceptance, one clock before this one.
  const auto becomes =
      queues_[at(burst.write ? 1 : 0)].push(burst, age, banks_.open_row(burst.bank), tick - 1);
  if (becomes == RequestQueue::Becomes::neither) {
    return;
  }
  const bool hit = becomes == RequestQueue::Becomes::hit;
  columns_known_ = columns_known_ && !hit;
  rows_known_ = rows_known_ && hit && policy_.scheduler != Scheduler::frfcfs_row_hit;
}

template <class Feed>
bool Channel::accept(Feed& feed, Clock tick) {
  if (accept_tick_ != tick) {
    accept_tick_ = tick;
    accepted_in_tick_ = 0;
  }
  if (blocked_ >= 0 && queues_[at(blocked_)].full()) {
    return false;
  }
  blocked_ = -1;
  for (;;) {
    const Burst* b = feed.front(tick);
    if (b == nullptr || b->arrival >= tick) {
      return false;
    }
    const bool absorbed = buffered_write(*b);
    if (!absorbed && queues_[at(b->write ? 1 : 0)].full()) {
      blocked_ = b->write ? 1 : 0;
      return false;
    }
    if (accepted_in_tick_ == policy_.accepts_per_clock) {
      return true;
    }
    ++accepted_in_tick_;
    if (absorbed) {
      // A read of a buffered write is answered from the buffer one clock later; a second write to
      // the same burst replaces the first.
      Burst copy = *b;
      copy.arrival = tick - 1;
      (copy.write ? banks_.counters().coalesced : banks_.counters().forwarded) += 1;
      feed.pop();
      feed.done(copy, tick - 1, copy.write ? tick - 1 : tick);
      continue;
    }
    enqueue(*b, tick);
    feed.pop();
  }
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

inline Channel::Choice Channel::column_choice(const ScanAnswer& ready, bool writing) const {
  if (ready.column_at == kNeverTick) {
    return {};
  }
  return {banks_.clock_of(ready.column_at), Kind::column, ready.column_bank, Kind::none, writing};
}

inline Channel::Choice Channel::row_choice(const ScanAnswer& ready, bool writing) const {
  if (ready.row_at == kNeverTick) {
    return {};
  }
  const bool open = (banks_.open_bits() >> ready.row_bank & 1U) != 0;
  return {banks_.clock_of(ready.row_at), open ? Kind::precharge : Kind::activate, ready.row_bank,
          Kind::none, writing};
}

inline bool Channel::next_write_mode() const {
  const int writes = queues_[1].size();
  const int reads = queues_[0].size();
  if (reads == 0) {
    return true;
  }
  switch (policy_.drain) {
    case WriteDrain::until_empty:
      return write_mode_ ? writes > 0 : writes > drain_above_;
    case WriteDrain::when_full:
      return write_mode_ ? writes > 0 : queues_[1].full();
    case WriteDrain::watermark:
    case WriteDrain::mixed:
      break;
  }
  return write_mode_ ? writes >= drain_below_ : writes > drain_above_;
}

// Column commands of a few banks, one after the other: a vector would wait for what has just been
// written to one of its lanes.
inline void Channel::look_at_few(std::uint64_t hits, const Tick* orders, bool writing, Tick from) {
  const Tick* ticks = banks_.column_ticks(writing);
  const Tick* floors = banks_.column_floors(writing);
  Tick at = kNeverTick;
  Tick first = kNeverTick;
  for (; hits != 0; hits &= hits - 1) {
    const int bank = std::countr_zero(hits);
    const Tick t = std::max({ticks[bank], floors[banks_.unit_of(bank)], from}) | ask_.odd;
    const Tick order = orders[bank];
    if (t < at || (t == at && order < first)) {
      at = t;
      first = order;
      known_.column_bank = bank;
    }
  }
  known_.column_at = at;
  known_.column_order = first;
}

// Brings what is known of the next commands up to date. An answer stays true until a gate that
// binds its kind moves, a candidate comes or goes, or its clock has passed; most commands leave one
// of the two kinds alone.
inline void Channel::look(Clock column_from, Clock row_from, bool writing) {
  const RequestQueue& queue = queues_[at(writing ? 1 : 0)];
  const std::uint64_t free = ~barred_;
  const Tick from_column = banks_.tick_of(column_from);
  const Tick from_row = banks_.tick_of(row_from);
  if (known_epoch_ != banks_.epoch() || known_writing_ != writing || barred_ != 0) {
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
    ask.column_from = from_column;
    ask.active = active_mask_;
    ask.active_writes = active_writes_;
    if (const std::uint64_t hits = queue.hit_mask() & free; few(hits)) {
      look_at_few(hits, queue.hit_orders(), writing, from_column);
    } else {
      ask.columns = hits;
      ask.write = writing;
      ask.column_order = queue.hit_orders();
    }
  }
  if (!rows_known_) {
    known_.row_at = known_.row_order = kNeverTick;
    ask.rows = row_candidates(queue) & free;
    ask.row_from = from_row;
    ask.row_order = queue.miss_orders();
    if (half_clocks_) {
      ask.pair_banks = pair_edge_ >= row_from ? pair_banks_ : 0;
      ask.pair_edge = ask.pair_banks != 0 ? banks_.tick_of(pair_edge_) : -kNeverTick;
    }
  }
  columns_known_ = rows_known_ = barred_ == 0;
  if ((ask.active | ask.columns | ask.rows) != 0) {
    scan_(banks_, ask, known_);
  }
}

inline void Channel::column_issued(int bank, bool write, Clock t) {
  columns_known_ = false;
  // The bank's own row commands move or become possible; row hits may have held one back.
  rows_known_ = rows_known_ && policy_.scheduler != Scheduler::frfcfs_row_hit &&
                ((queues_[0].miss_mask() | queues_[1].miss_mask()) >> bank & 1U) == 0;
  if (write) {
    banks_.write(bank, t);
  } else {
    banks_.read(bank, t);
  }
  bus_free_[two_buses_ ? 1 : 0] = t + banks_.gates().column_cycles;
  if (split_) {
    data_clock_until_ = std::max(data_clock_until_, t + (write ? timing_.nCWL : timing_.nCL) +
                                                        timing_.nBL + timing_.nWCKPST);
  }
}

// A column command that the buffer's first hit of a bank asked for.
template <class Feed>
void Channel::issue_column(Feed& feed, Clock t, bool write) {
  const int bank = known_.column_bank;
  const std::int32_t row = banks_.open_row(bank);
  const RequestQueue::Entry& entry = queues_[write ? 1 : 0].pop(bank, row, row);
  banks_.counters().row_hits += entry.counted ? 0 : 1;
  column_issued(bank, write, t);
  const Gates& g = banks_.gates();
  feed.done(entry.burst, t, t + (write ? g.write_done : g.read_done));
}

template <class Feed>
void Channel::issue_next(Feed& feed, const Choice& c, Clock limit) {
  if (c.at > limit) {
    now_ = limit;
    return;
  }
  now_ = c.at;
  if (const Retired r = issue(c); r.burst != nullptr) {
    feed.done(*r.burst, r.issued, r.data_end);
  }
}

template <class Feed>
void Channel::step_plain(Feed& feed, Clock tick, Clock limit) {
  const bool writing = next_write_mode();
  const Clock from = std::max(tick, bus_free_[0]);
  look(from, from, writing);
  // An activated request goes first when it can go now; the drain decision counts otherwise.
  Tick at = known_.active_at;
  Kind kind = Kind::column_active;
  if (at > now_ + 1 - known_epoch_) {
    write_mode_ = writing;
    if (known_.column_at < at) {
      at = known_.column_at;
      kind = Kind::column;
    }
    if (known_.row_at < at ||
        (known_.row_at == at && kind == Kind::column && known_.row_order < known_.column_order)) {
      at = known_.row_at;
      kind = Kind::activate;
    }
  }
  const Clock t = known_epoch_ + at;
  if (at == kNeverTick || t > limit) {
    now_ = limit;
    return;
  }
  if (kind != Kind::activate && t >= data_clock_until_ && split_) {
    issue_next(feed, choose_split(tick), limit);  // the data clock must be started first
    return;
  }
  now_ = t;
  if (kind == Kind::column) {
    issue_column(feed, t, writing);
  } else if (kind == Kind::activate) {
    issue(row_choice(known_, writing));
  } else {
    const Retired r = issue(active_choice(known_));
    feed.done(*r.burst, r.issued, r.data_end);
  }
}

// The same with a bus for row commands and one for column commands.
template <class Feed>
void Channel::step_buses(Feed& feed, Clock tick, Clock limit) {
  const bool writing = next_write_mode();
  write_mode_ = writing;
  look(std::max(tick, bus_free_[1]), std::max(tick, bus_free_[0]), writing);
  const bool active = known_.active_at <= known_.column_at;
  const Tick column = active ? known_.active_at : known_.column_at;
  const Tick row = known_.row_at;
  const Tick at = std::min(column, row);
  const Clock t = known_epoch_ + at;
  if (at == kNeverTick || t > limit) {
    now_ = limit;
    return;
  }
  now_ = t;
  if (column != at) {
    issue(row_choice(known_, writing));
    return;
  }
  if (active) {
    const Retired r = issue(active_choice(known_));
    feed.done(*r.burst, r.issued, r.data_end);
  } else {
    issue_column(feed, t, writing);
  }
  // The row bus decides after the column bus in the same clock and sees its effects: a row command
  // may go, and another buffer's may come.
  const bool now_writing = next_write_mode();
  if (row != at && now_writing == writing) {
    return;
  }
  write_mode_ = now_writing;
  look(std::max(t, bus_free_[1]), std::max(t, bus_free_[0]), now_writing);
  if (known_epoch_ + known_.row_at == t) {
    issue(row_choice(known_, now_writing));
  }
}

template <class Feed>
void Channel::run(Feed& feed, Clock until) {
  blocked_ = -1;  // what comes next may be another burst by now
  while (now_ < until) {
    Clock tick = now_ + 1;
    if (pending() == 0 && maintenance_.empty()) {
      const Burst* b = feed.front(tick);
      if (b == nullptr || b->arrival >= until) {
        return;
      }
      const Clock target = std::max(b->arrival + 1, tick);
      skip_idle(target);
      const Clock jump = std::min(target, next_due());
      if (jump > tick) {
        if (keeps_time_) {
          play_idle(jump - 1);
        }
        write_mode_ = true;  // a clock has passed without reads
        now_ = std::max(now_, jump - 1);
        tick = now_ + 1;
      }
    }
    const bool more = accept(feed, tick);
    if (tick >= next_due()) {
      due(tick);
    }
    Clock limit = std::min(until, next_due() - 1);
    if (more) {
      limit = tick;
    } else if (blocked_ < 0) {
      if (const Burst* b = feed.front(tick); b != nullptr && b->arrival >= tick) {
        limit = std::min(limit, b->arrival);  // accepted from the clock after its arrival on
      }
    }
    limit = std::max(limit, tick);
    if (plain_ && maintenance_.empty() && activating_ < 0 && synced_.kind == Kind::none) {
      if (two_buses_) {
        step_buses(feed, tick, limit);
      } else {
        step_plain(feed, tick, limit);
      }
      continue;
    }
    if (!two_buses_) {
      issue_next(feed, split_ ? choose_split(tick) : choose(tick), limit);
      continue;
    }
    Choice column;
    Choice row;
    choose_buses(tick, column, row);
    const Clock at_clock = std::min(column.at, row.at);
    if (at_clock > limit) {
      now_ = limit;
      continue;
    }
    now_ = at_clock;
    if (column.at == at_clock) {
      if (const Retired r = issue(column); r.burst != nullptr) {
        feed.done(*r.burst, r.issued, r.data_end);
      }
      // The row bus decides after the column bus in the same clock and sees its effects: a row
      // command may go, and another buffer's may come.
      if (row.at == at_clock || next_write_mode() != write_mode_) {
        choose_buses(at_clock, column, row);
      }
    }
    if (row.at == at_clock) {
      issue(row);
    }
  }
}

}  // namespace joulesim::hw
