#include "hw/dram/train.hpp"

#include <algorithm>
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
                           const DramMapping& mapping, const ControllerPolicy& policy)
    : organisation_(organisation),
      timing_(timing),
      mapping_(mapping),
      policy_(policy),
      banks_(organisation, timing) {
  if (organisation.units != 1) {
    throw std::logic_error("a train channel serves one pseudo-channel");
  }
  if (policy.refresh != RefreshPolicy::none && timing.nREFI > 0) {
    next_refresh_ = timing.nREFI;
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
  coasting_ = nullptr;
}

// Refreshes of an idle stretch up to clock t, counted rather than played.
void TrainChannel::catch_up(Clock t) {
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
  return std::max(arrival, index >= depth ? history.issue_time(index - depth) : -kNever) + 1;
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

bool TrainChannel::issue_one(const DramAddress& a, bool write, Clock arrival, std::uint64_t index,
                             Clock until) {
  for (;;) {
    if (!prepare(a.bank, a.row, write, index, arrival)) {
      continue;
    }
    const Clock t = std::max(arrival + 1, banks_.earliest_column(a.bank, write));
    if (t >= next_refresh_) {
      if (next_refresh_ > until) {
        return false;
      }
      refresh_due();
      continue;
    }
    if (t > until) {
      return false;
    }
    column(a.bank, write, t);
    return true;
  }
}

// Bursts that follow a full rotation over the banks at a fixed step. Returns how many fitted.
std::uint64_t TrainChannel::issue_run(std::uint64_t first, std::uint64_t n, bool write,
                                      Clock limit) {
  const Gates& g = banks_.gates();
  const auto rotation = static_cast<std::uint64_t>(mapping_.rotation());
  const Clock step =
      rotation == 1 ? (write ? g.wr_wr_l : g.rd_rd_l) : (write ? g.wr_wr_s : g.rd_rd_s);
  const Clock room = limit - cursor_;
  if (room < step) {
    return 0;
  }
  const std::uint64_t fits = std::min(n, static_cast<std::uint64_t>(room / step));
  const Clock start = cursor_;
  const std::uint64_t tail = std::min(fits, rotation);
  if (log_ != nullptr) {
    for (std::uint64_t i = 0; i + tail < fits; ++i) {
      const DramAddress a = mapping_.decode(first + i);
      log_->push_back({start + static_cast<Clock>(i + 1) * step,
                       write ? DramCommand::wr : DramCommand::rd, a.bank, a.row});
    }
  }
  for (std::uint64_t i = fits - tail; i < fits; ++i) {
    column(mapping_.decode(first + i).bank, write, start + static_cast<Clock>(i + 1) * step);
  }
  auto& counted = write ? banks_.counters().writes : banks_.counters().reads;
  counted += static_cast<std::int64_t>(fits - tail);
  return fits;
}

std::uint64_t TrainChannel::serve(std::uint64_t first, std::uint64_t n, bool write, Clock arrival,
                                  Clock until) {
  History& history = this->history(write);
  const Gates& g = banks_.gates();
  const auto rotation = static_cast<std::uint64_t>(mapping_.rotation());
  const Clock apart = write ? g.wr_wr_s : g.rd_rd_s;
  const Clock together = write ? g.wr_wr_l : g.rd_rd_l;
  const bool even = rotation == 1 || static_cast<Clock>(rotation) * apart >= together;
  std::uint64_t i = 0;
  Clock started = -1;
  std::int64_t refreshes = banks_.counters().refreshes;
  std::uint64_t since = 0;  // bursts since the banks were last checked, refresh included
  const auto flush = [&](std::uint64_t count) {
    if (count > 0) {
      history.add(count, started, cursor_);
    }
    started = -1;
  };
  std::uint64_t unflushed = 0;
  while (i < n) {
    if (even && since >= rotation && refreshes == banks_.counters().refreshes) {
      const std::uint64_t run =
          issue_run(first + i, n - i, write, std::min(until, next_refresh_ - 1));
      banks_.counters().row_hits += static_cast<std::int64_t>(run);
      i += run;
      unflushed += run;
      if (i == n) {
        break;
      }
    }
    if (refreshes != banks_.counters().refreshes) {
      refreshes = banks_.counters().refreshes;
      since = 0;
    }
    const std::int64_t opened = banks_.counters().activates;
    // Long gaps end a stretch, so that interpolation stays true.
    const Clock before = cursor_;
    if (!issue_one(mapping_.decode(first + i), write, arrival, history.issued + unflushed, until)) {
      break;
    }
    if (banks_.counters().activates == opened) {
      ++banks_.counters().row_hits;
    }
    if (unflushed > 0 && cursor_ - before > 4 * together) {
      const Clock now = cursor_;
      cursor_ = before;
      flush(unflushed);
      cursor_ = now;
      unflushed = 0;
    }
    if (unflushed == 0) {
      started = cursor_;
    }
    ++unflushed;
    ++i;
    ++since;
  }
  flush(unflushed);
  return i;
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
    if (!share->pieces.sequential() && log_ == nullptr && alone(arbiter, *share, until)) {
      const std::uint64_t took = coast(arbiter, *share, until, done);
      if (took == 0) {
        return;
      }
      served[client] += took;
      continue;
    }
    coasting_ = nullptr;
    const Clock tick = std::max(cursor_, share->arrival) + 1;
    const std::uint64_t stripe = mapping_.stripe_bursts();
    const std::uint64_t first = share->pieces.first();
    const std::uint64_t n = std::min(arbiter.slice_left(tick), stripe - first % stripe);
    // A client that comes first from its arrival on ends this segment there.
    const Clock stop = std::min(until, std::max(arbiter.next_arrival(tick), tick));
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
    if (const auto taken = arbiter.took(took); taken.finished) {
      done.push_back({tag, cursor_ + (write ? g.write_done : g.read_done), taken.bursts});
    }
  }
}

}  // namespace joulesim::hw
