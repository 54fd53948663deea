#include "hw/dram/bank_scan.hpp"
#include "hw/dram/channel.hpp"

#include <bit>

// Which command goes next: the scheduling half of the exact channel.
namespace joulesim::hw {

namespace {

// Candidates compare by clock, then age. A key holds both: clocks from `tick` on in the upper bits,
// and below them how old the request is, inverted, so that the smallest key is the oldest.
constexpr int kAgeBits = 40;

std::uint64_t key_of(Clock ready, Clock tick, std::uint64_t age) {
  const std::uint64_t waited = (static_cast<std::uint64_t>(tick) << kArrivalShift) - age;
  constexpr std::uint64_t kMask = (std::uint64_t{1} << kAgeBits) - 1;
  const std::uint64_t wait = static_cast<std::uint64_t>(std::max<Clock>(ready - tick, 0));
  return (wait << kAgeBits) | (kMask - std::min(waited, kMask));
}

// More than five bits: from there on a scan over all banks costs less than one bank after the
// other.
bool many(std::uint64_t mask) {
  for (int i = 0; i < 5; ++i) {
    mask &= mask - 1;
  }
  return mask != 0;
}

}  // namespace

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

// The same decision over all banks of the only unit at once.
template <bool kColumns, bool kRows>
Channel::Choice Channel::best_of_many(const RequestQueue& queue, bool write, Clock tick) const {
  const auto oldest = [](const Earliest& e, const auto& age) {
    int best = 0;
    std::uint64_t best_age = kNoAge;
    for (std::uint64_t m = e.banks; m != 0; m &= m - 1) {
      const int bank = std::countr_zero(m);
      if (age(bank) <= best_age) {
        best_age = age(bank);
        best = bank;
      }
    }
    return std::pair(best, best_age);
  };
  Choice best;
  std::uint64_t best_age = kNoAge;
  if constexpr (kColumns) {
    if (queue.hit_mask() != 0) {
      const Clock* clocks = banks_.column_clocks(write);
      const Clock floor = std::max(tick, banks_.column_floor(0, write));
      const Earliest e =
          earliest_of(queue.hit_mask(), 0, clocks, floor, clocks, floor, scan_banks_);
      const auto [bank, age] = oldest(e, [&queue](int b) { return queue.hit_age(b); });
      best = {e.at, Kind::column, bank, Kind::none};
      best_age = age;
    }
  }
  if constexpr (kRows) {
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
    if (rows != 0) {
      const Earliest e =
          earliest_of(rows, open, banks_.pre_clocks(), std::max(tick, banks_.pre_floor(0)),
                      banks_.act_clocks(), std::max(tick, banks_.act_floor(0)), scan_banks_);
      const auto [bank, age] = oldest(e, [&queue](int b) { return queue.miss_age(b); });
      if (e.at < best.at || (e.at == best.at && age < best_age)) {
        best = {e.at, (open >> bank & 1U) != 0 ? Kind::precharge : Kind::activate, bank,
                Kind::none};
      }
    }
  }
  return best;
}

template <bool kColumns, bool kRows>
Channel::Choice Channel::best_queued(const RequestQueue& queue, bool write, Clock tick) const {
  if (scan_banks_ > 0 && many(queue.miss_mask() | queue.hit_mask())) {
    return best_of_many<kColumns, kRows>(queue, write, tick);
  }
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

}  // namespace joulesim::hw
