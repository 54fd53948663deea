#include "hw/dram/train.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <stdexcept>

namespace joulesim::hw {

void TrainChannel::History::add(std::uint64_t count, Clock first, Clock last) {
  newest = (newest + 1) % ring.size();
  ring[newest] = {issued, count, first, last};
  issued += count;
}

Clock TrainChannel::History::issue_time(std::uint64_t index) const {
  for (std::size_t back = 0; back < ring.size(); ++back) {
    const Stretch& s = ring[(newest + ring.size() - back) % ring.size()];
    if (s.count == 0) {
      break;
    }
    if (index >= s.begin) {
      const auto offset = static_cast<Clock>(std::min(index - s.begin, s.count - 1));
      const auto span = static_cast<Clock>(s.count - 1);
      return span == 0 ? s.first : s.first + (s.last - s.first) * offset / span;
    }
  }
  return -kNever;
}

TrainChannel::TrainChannel(const DramOrganisation& organisation, const DramTiming& timing,
                           const DramMapping& mapping, const ControllerPolicy& policy,
                           std::shared_ptr<TrainPaces> paces)
    : organisation_(organisation),
      timing_(timing),
      mapping_(mapping),
      policy_(policy),
      banks_(organisation, timing),
      paces_(paces ? std::move(paces) : std::make_shared<TrainPaces>()),
      backlog_(
          static_cast<std::uint64_t>(std::ceil(policy.drain_below * policy.write_entries) - 1)),
      plan_(organisation, timing, policy.refresh) {
  if (organisation.rank_units() != 1 || mapping.rotation() > kMostRotation) {
    throw std::logic_error("a train channel serves one pseudo-channel of one rank");
  }
  if (plan_.interval() > 0) {
    (plan_.local() ? next_bank_refresh_ : next_refresh_) = plan_.interval();
  }
}

void TrainChannel::set_log(std::vector<IssuedCommand>* log) {
  log_ = log;
  banks_.set_log(log);
}

DramCounters TrainChannel::counters(Clock at_clock) {
  catch_up(at_clock);
  return banks_.counters_at(at_clock);
}

// The refresh that is due at next_refresh_: no column command after the due clock comes before it.
void TrainChannel::refresh_due() {
  if (banks_.open_banks(0) > 0) {
    banks_.precharge_all(0, std::max(next_refresh_, banks_.earliest_pre_all(0)));
  }
  banks_.refresh(0, std::max(next_refresh_, banks_.earliest_ref(0)));
  next_refresh_ += timing_.nREFI;
  coasting_ = false;
}

// Refreshes of single banks that have become due by now; rows that they close are opened again by
// the next segment.
void TrainChannel::bank_refreshes_due() {
  while (next_bank_refresh_ <= cursor_) {
    for (int i = 0; i < plan_.per_step(); ++i) {
      const int first = plan_.first(refresh_step_, i);
      const std::uint64_t set = plan_.set(first);
      Clock ready = next_bank_refresh_;
      for (std::uint64_t m = set & banks_.open_bits(); m != 0; m &= m - 1) {
        const int bank = std::countr_zero(m);
        banks_.precharge(bank, std::max(next_bank_refresh_, banks_.earliest_pre(bank)));
      }
      for (std::uint64_t m = set; m != 0; m &= m - 1) {
        ready = std::max(ready, banks_.earliest_ref_bank(std::countr_zero(m)));
      }
      banks_.refresh_banks(first, set, plan_.same_bank(), ready);
    }
    pass_refreshes(1);
  }
}

void TrainChannel::pass_refreshes(Clock steps) {
  refresh_step_ = static_cast<int>((refresh_step_ + steps) % plan_.steps());
  next_bank_refresh_ += steps * plan_.interval();
}

void TrainChannel::count_bank_refreshes(Clock t) {
  const Clock steps = (t - next_bank_refresh_) / plan_.interval() + 1;
  DramCounters& c = banks_.counters();
  (plan_.same_bank() ? c.same_bank_refreshes : c.bank_refreshes) += steps * plan_.per_step();
  pass_refreshes(steps);
}

// Refreshes of an idle stretch up to clock t, counted rather than played.
void TrainChannel::catch_up(Clock t) {
  if (next_bank_refresh_ <= t) {
    count_bank_refreshes(t);
  }
  if (next_refresh_ > t) {
    return;
  }
  refresh_due();
  const Clock whole = next_refresh_ <= t ? (t - next_refresh_) / timing_.nREFI : 0;
  if (whole > 0) {
    banks_.count_idle_refreshes(whole);
    next_refresh_ += whole * timing_.nREFI;
  }
  if (next_refresh_ <= t) {
    refresh_due();
  }
}

// When the controller could first act on a burst: after its arrival, and once it is in the buffer.
Clock TrainChannel::seen_at(bool write, std::uint64_t index, Clock arrival) const {
  const auto depth =
      static_cast<std::uint64_t>(write ? policy_.write_entries : policy_.read_entries);
  const History& history = history_[static_cast<std::size_t>(write)];
  const Clock entered = index >= depth ? history.issue_time(index - depth) : -kNever;
  // Writes wait outside until reads have let them in, and are not looked at before the drain.
  return std::max({arrival, entered, write ? drain_since_ : -kNever}) + 1;
}

// Opens the row, as early as the request could have been seen. False when a refresh came between
// and the caller must look again.
bool TrainChannel::prepare(int bank, std::int32_t row, bool write, std::uint64_t index,
                           Clock arrival) {
  const std::int32_t open = banks_.open_row(bank);
  if (open == row) {
    return true;
  }
  const Clock seen = seen_at(write, index, arrival);
  if (open != kClosed) {
    const Clock t = std::max(seen, banks_.earliest_pre(bank));
    if (t >= next_refresh_) {
      refresh_due();
      return false;
    }
    banks_.precharge(bank, t);
    ++banks_.counters().row_conflicts;
  } else {
    ++banks_.counters().row_misses;
  }
  const Clock t = std::max(seen, banks_.earliest_act(bank));
  if (t >= next_refresh_) {
    refresh_due();
    return false;
  }
  banks_.activate(bank, row, t);
  return true;
}

// Opens the rows of a segment's banks; starts over when a refresh comes between.
void TrainChannel::open(const Segment& segment, bool write, Clock arrival) {
  const std::uint64_t index = history(write).issued;
  std::uint32_t k = 0;
  while (k < segment.banks) {
    if (segment.next[k] >= segment.n ||
        prepare(segment.bank[k], segment.row, write, index + k, arrival)) {
      ++k;
    } else {
      k = 0;
    }
  }
}

// Whole rounds over all banks of the rotation at the pace of the bus, none of them lagging behind;
// `oldest` is the bank whose turn it is.
std::uint64_t TrainChannel::rounds(Segment& segment, std::uint32_t oldest, bool write,
                                   Clock limit) {
  const Gates& g = banks_.gates();
  const Clock together = write ? g.wr_wr_l : g.rd_rd_l;
  const Clock apart = segment.banks == 1 ? together : write ? g.wr_wr_s : g.rd_rd_s;
  const Clock round = static_cast<Clock>(segment.banks) * apart;
  const std::uint64_t from = segment.next[oldest];
  if (segment.banks != static_cast<std::uint32_t>(mapping_.rotation()) || round < together ||
      limit - cursor_ < 2 * round || from + std::uint64_t{2} * segment.banks > segment.n) {
    return 0;
  }
  for (std::uint32_t j = 0; j < segment.banks; ++j) {
    const std::uint32_t k = (oldest + j) % segment.banks;
    if (segment.next[k] != from + j || banks_.earliest_column(segment.bank[k], write) >
                                           cursor_ + static_cast<Clock>(j + 1) * apart) {
      return 0;
    }
  }
  const std::uint64_t n = std::min(static_cast<std::uint64_t>((limit - cursor_) / round),
                                   (segment.n - from) / segment.banks);
  const Clock start = cursor_;
  const std::uint64_t quiet = (n - 1) * segment.banks;  // leaves no trace in the gates
  if (log_ != nullptr) {
    for (std::uint64_t i = 0; i < quiet; ++i) {
      log_->push_back({start + static_cast<Clock>(i + 1) * apart,
                       write ? DramCommand::wr : DramCommand::rd,
                       segment.bank[(oldest + i) % segment.banks], segment.row});
    }
  }
  (write ? banks_.counters().writes : banks_.counters().reads) += static_cast<std::int64_t>(quiet);
  for (std::uint32_t j = 0; j < segment.banks; ++j) {
    const std::uint32_t k = (oldest + j) % segment.banks;
    column(segment.bank[k], write, start + static_cast<Clock>(quiet + j + 1) * apart);
    segment.next[k] += n * segment.banks;
  }
  return n * segment.banks;
}

// n bursts from `first` on, in one stripe: the oldest of the ready ones first. Returns how many
// were issued up to `until`.
std::uint64_t TrainChannel::serve(std::uint64_t first, std::uint64_t n, bool write, Clock arrival,
                                  Clock until) {
  Segment segment;
  segment.n = n;
  segment.banks = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(n, static_cast<std::uint64_t>(mapping_.rotation())));
  for (std::uint32_t k = 0; k < segment.banks; ++k) {
    const DramAddress a = mapping_.decode(first + k);
    segment.bank[k] = a.bank;
    segment.row = a.row;
    segment.next[k] = k;
  }
  DramCounters& counters = banks_.counters();
  const std::int64_t opened = counters.row_misses + counters.row_conflicts;
  open(segment, write, arrival);
  // The buffer bounds how far a ready burst may overtake.
  const auto depth =
      static_cast<std::uint64_t>(write ? policy_.write_entries : policy_.read_entries);
  std::uint64_t issued = 0;
  std::uint64_t stretch = 0;
  Clock stretch_first = 0;
  const auto flush = [&] {
    if (stretch > 0) {
      history(write).add(stretch, stretch_first, cursor_);
      stretch = 0;
    }
  };
  while (issued < n) {
    std::uint32_t oldest = 0;
    for (std::uint32_t k = 1; k < segment.banks; ++k) {
      oldest = segment.next[k] < segment.next[oldest] ? k : oldest;
    }
    const Clock before = cursor_;
    if (const std::uint64_t run =
            rounds(segment, oldest, write, std::min(until, next_refresh_ - 1));
        run > 0) {
      const Clock pace = (cursor_ - before) / static_cast<Clock>(run);
      stretch_first = stretch == 0 ? before + pace : stretch_first;
      stretch += run;
      issued += run;
      continue;
    }
    Clock best_at = kNever;
    std::uint32_t best = 0;
    for (std::uint32_t k = 0; k < segment.banks; ++k) {
      if (segment.next[k] >= n || segment.next[k] >= segment.next[oldest] + depth) {
        continue;
      }
      const Clock t = std::max(arrival + 1, banks_.earliest_column(segment.bank[k], write));
      if (t < best_at || (t == best_at && segment.next[k] < segment.next[best])) {
        best_at = t;
        best = k;
      }
    }
    if (best_at >= next_refresh_ && next_refresh_ <= until) {
      flush();
      refresh_due();
      open(segment, write, arrival);
      continue;
    }
    if (best_at > until) {
      break;
    }
    if (stretch > 0 && best_at - cursor_ > 4 * banks_.gates().rd_rd_l) {
      flush();  // a gap: stretches are even
    }
    stretch_first = stretch == 0 ? best_at : stretch_first;
    column(segment.bank[best], write, best_at);
    segment.next[best] += segment.banks;
    ++stretch;
    ++issued;
  }
  flush();
  counters.row_hits +=
      static_cast<std::int64_t>(issued) - (counters.row_misses + counters.row_conflicts - opened);
  return issued;
}

void TrainChannel::run(SliceArbiter& arbiter, Clock until, std::vector<ShareDone>& done,
                       std::vector<std::uint64_t>& served) {
  const Gates& g = banks_.gates();
  for (;;) {
    SliceArbiter::Share* share = arbiter.pick(cursor_ + 1);
    if (share == nullptr || share->arrival >= until) {
      return;
    }
    if (share->arrival > cursor_) {
      catch_up(share->arrival);
    }
    const auto client = static_cast<std::size_t>(arbiter.client());
    if (served.size() <= client) {
      served.resize(client + 1);
    }
    bank_refreshes_due();
    const Clock tick = std::max(cursor_, share->arrival) + 1;
    // A client that comes first from its arrival on ends this segment there.
    const Clock stop = std::min(until, std::max(arbiter.next_arrival(tick), tick));
    const std::vector<int>& clients = arbiter.contenders(tick);
    Situation situation;
    std::uint64_t settling = 0;
    if (look(arbiter, clients, situation)) {
      const bool same = share->arrival <= cursor_ && continues(situation);
      settled_ = same ? settled_ : 0;
      coasting_ = coasting_ && same;
      pace_ = same ? pace_ : nullptr;
      situation_ = situation;
      // Rows are opened and buffers filled in closed form before a pace is taken up.
      const std::uint64_t enough =
          in_order(arbiter, clients)
              ? std::uint64_t{2} * static_cast<std::uint64_t>(policy_.read_entries) * clients.size()
              : 0;
      if (settled_ >= enough) {
        pace_ = pace_ == nullptr ? pace_of(arbiter, clients, situation) : pace_;
        if (pace_ != nullptr) {
          if (const std::uint64_t took = coast(arbiter, clients, *pace_, stop, done, served);
              took > 0) {
            settled_ += took;
            continue;
          }
          if (stop == until) {
            return;
          }
          cursor_ = stop;  // the newcomer is looked at next
          coasting_ = false;
          continue;
        }
      } else {
        settling = enough - settled_;
      }
    } else {
      coasting_ = false;
      situation_ = {};
      settled_ = 0;
      pace_ = nullptr;
    }
    coasting_ = false;
    const std::uint64_t stripe = mapping_.stripe_bursts();
    const std::uint64_t first = share->pieces.first();
    std::uint64_t budget = arbiter.slice_left(tick);
    // A drain among reads stops at the lower watermark: what is left goes with the next one.
    const bool shared = arbiter.contended(tick);
    const bool shorten = share->write && shared && !held_back_ && budget > backlog_;
    budget -= shorten ? backlog_ : 0;
    held_back_ = held_back_ && (shared || !share->write);
    std::uint64_t n = std::min(budget, stripe - first % stripe);
    n = settling > 0 ? std::min(n, settling) : n;
    const bool write = share->write;
    const std::uint32_t tag = share->tag;
    const std::uint64_t took = serve(first, n, write, share->arrival, stop);
    if (took == 0) {
      if (stop == until) {
        return;
      }
      cursor_ = stop;  // the newcomer is looked at next
      continue;
    }
    served[client] += took;
    settled_ += took;
    if (shorten && took == budget) {
      arbiter.end_slice();
      held_back_ = true;
    }
    if (const auto taken = arbiter.took(took); taken.finished) {
      done.push_back({tag, cursor_ + (write ? g.write_done : g.read_done), taken.bursts});
    }
  }
}

}  // namespace joulesim::hw
