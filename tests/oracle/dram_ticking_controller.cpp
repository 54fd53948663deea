// What the ticking controller issues when.
#include "tests/oracle/dram_ticking.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw::testing {

TickingController::Command TickingController::next_command(const Burst& b) const {
  const std::int32_t row = open_[static_cast<std::size_t>(b.bank)];
  return row == kClosed ? kAct : row != b.row ? kPre : b.write ? kWrite : kRead;
}
// May the command travel on this bus in this clock? Half clocks: commands start on rising edges, a
// precharge on either, unless it meets a row command of the same bank or of all banks.
bool TickingController::on_bus(Command c, int bank, Bus bus) const {
  const bool column = c == kRead || c == kWrite;
  if (bus == Bus::both) {
    return true;
  }
  if (column != (bus == Bus::column)) {
    return false;
  }
  if (t_.protocol != CommandProtocol::dual_bus_half || (now_ & 1) == 1) {
    return true;
  }
  if (c != kPre && c != kPreAll) {
    return false;
  }
  if (now_ != pair_edge_ || node(Level::unit, bank) != node(Level::unit, pair_bank_)) {
    return true;
  }
  return !pair_all_ && c == kPre && bank != pair_bank_;
}

bool TickingController::closes_active(Command c, int bank) const {
  if (c != kPre && c != kPreAll) {
    return false;
  }
  return std::any_of(active_.begin(), active_.end(), [&](const Request& r) {
    return c == kPre ? r.burst.bank == bank
                     : node(Level::unit, r.burst.bank) == node(Level::unit, bank);
  });
}

bool TickingController::allowed(Command c, int bank) const {
  if (activating_.empty()) {
    return true;
  }
  const int owner = activating_.front().burst.bank;
  if (c == kAct) {
    return false;
  }
  if (c == kRead || c == kWrite) {
    return bank != owner;
  }
  return rank_wide(c) ? node(Level::unit, bank) != node(Level::unit, owner) : bank != owner;
}

// First ready, then first come; among those that came in one clock the first in the buffer.
TickingController::Pick TickingController::pick(std::vector<Request>& buffer, Bus bus,
                                                bool from_active) {
  Pick best;
  const bool protect = policy_.scheduler == Scheduler::frfcfs_row_hit;
  for (std::size_t i = 0; i < buffer.size(); ++i) {
    const Burst& b = buffer[i].burst;
    const Command c = next_command(b);
    if (!on_bus(c, b.bank, bus) || (!from_active && closes_active(c, b.bank)) ||
        !allowed(c, b.bank) || !ready(c, b.bank) || (!from_active && due(b.bank))) {
      continue;
    }
    if (protect && c == kPre && std::any_of(buffer.begin(), buffer.end(), [&](const Request& r) {
          return r.burst.bank == b.bank && r.burst.row == open_[static_cast<std::size_t>(b.bank)] &&
                 r.arrive <= buffer[i].arrive;
        })) {
      continue;
    }
    if (best.buffer == nullptr || buffer[i].arrive < buffer[best.index].arrive) {
      best = {&buffer, i, c};
    }
  }
  return best;
}

bool TickingController::due(int bank) const {
  return local_ && !maintenance_.empty() &&
         std::find(maintenance_.front().begin(), maintenance_.front().end(), bank) !=
             maintenance_.front().end();
}

// Which banks come next. Of single-bank refreshes so many that all banks have their turn in one
// interval of all-bank refresh, spread evenly over the ranks.
void TickingController::refresh_due() {
  const int in_unit = o_.banks_per_unit();
  const int units = o_.rank_units();
  if (!local_) {
    next_refresh_ += t_.nREFI;
    for (int unit = 0; unit < units; ++unit) {
      maintenance_.push_back({unit * in_unit});
    }
    return;
  }
  if (policy_.refresh == RefreshPolicy::same_bank) {
    next_refresh_ += t_.nREFIsb;
    for (int unit = 0; unit < units; ++unit) {
      maintenance_.emplace_back();
      for (int b = turn_; b < in_unit; b += o_.banks_per_group) {
        maintenance_.back().push_back(unit * in_unit + b);
      }
    }
    turn_ = (turn_ + 1) % o_.banks_per_group;
    return;
  }
  next_refresh_ += t_.nREFIpb;
  const double wanted = static_cast<double>(o_.banks()) * static_cast<double>(t_.nREFIpb) /
                        static_cast<double>(t_.nREFI);
  if (wanted < 1.5) {
    maintenance_.push_back({turn_});
    turn_ = (turn_ + 1) % o_.banks();
    return;
  }
  const auto each = static_cast<int>(std::lround(wanted / units));  // banks of a rank
  for (int unit = 0; unit < units; ++unit) {
    maintenance_.emplace_back();
    for (int i = 0; i < each; ++i) {
      maintenance_.back().push_back(unit * in_unit + turn_ + i * (in_unit / each));
    }
  }
  turn_ = (turn_ + 1) % (in_unit / each);
}

bool TickingController::serve_bank_refresh(Bus bus) {
  const std::vector<int> banks = maintenance_.front();
  bool all_closed = true;
  for (const int bank : banks) {
    if (open_[static_cast<std::size_t>(bank)] == kClosed) {
      continue;
    }
    all_closed = false;
    if (on_bus(kPre, bank, bus) && !closes_active(kPre, bank) && allowed(kPre, bank) &&
        ready(kPre, bank)) {
      issue(kPre, bank, kClosed);
      return true;
    }
  }
  const Command c = policy_.refresh == RefreshPolicy::same_bank ? kRefSame : kRefBank;
  if (!all_closed || !std::all_of(banks.begin(), banks.end(), [&](int bank) {
        return on_bus(c, bank, bus) && ready(c, bank);
      })) {
    return false;
  }
  for (const int bank : banks) {
    issue(c, bank, kClosed);
  }
  out_.commands.resize(out_.commands.size() - (banks.size() - 1));  // one command for all of them
  maintenance_.pop_front();
  return true;
}

bool TickingController::serve_maintenance(Bus bus) {
  if (maintenance_.empty()) {
    return false;
  }
  if (local_) {
    return serve_bank_refresh(bus);
  }
  const int bank = maintenance_.front().front();
  Command c = kRef;
  for (int b = bank; b < bank + o_.banks_per_unit(); ++b) {
    c = open_[static_cast<std::size_t>(b)] == kClosed ? c : kPreAll;
  }
  if (!on_bus(c, bank, bus) || closes_active(c, bank) || !allowed(c, bank) || !ready(c, bank)) {
    return false;
  }
  issue(c, bank, kClosed);
  if (c == kRef) {
    maintenance_.pop_front();
  }
  return true;
}

void TickingController::count(Request& r) {
  if (!r.counted) {
    r.counted = true;
    const std::int32_t row = open_[static_cast<std::size_t>(r.burst.bank)];
    ++(row == kClosed ? out_.row_misses : row == r.burst.row ? out_.row_hits : out_.row_conflicts);
  }
}

void TickingController::serve(const Pick& p) {
  count((*p.buffer)[p.index]);
  const Request r = (*p.buffer)[p.index];
  issue(p.command, r.burst.bank, r.burst.row);
  const auto place = p.buffer->begin() + static_cast<std::ptrdiff_t>(p.index);
  if (p.command == kAct) {
    const bool split = t_.protocol == CommandProtocol::split_activate;
    (split ? activating_ : active_).push_back(r);
    act2_by_ = now_ + t_.nAAD;
    p.buffer->erase(place);
  } else if (p.command == kRead || p.command == kWrite) {
    const bool write = p.command == kWrite;
    data_clock_ = std::max(data_clock_, now_ + (write ? t_.nCWL : t_.nCL) + t_.nBL + t_.nWCKPST);
    const Clock end = now_ + t_.nCL + t_.nBL;
    out_.cycles = std::max(out_.cycles, write ? now_ : end);
    if (!write) {
      out_.latency += end - r.arrive;
      ++out_.reads;
    }
    p.buffer->erase(place);
    close_after(r);
  }
}

// A closed page: the last access that is buffered closes its row as soon as tRAS, tRTP and tWR let.
void TickingController::close_after(const Request& r) {
  const auto wanted = [&r](const Request& other) {
    return other.burst.bank == r.burst.bank && other.burst.row == r.burst.row;
  };
  Clock& closable = closable_[static_cast<std::size_t>(r.burst.bank)];
  closable = std::max(closable, now_ + t_.column_cycles - 1 +
                                    (r.burst.write ? t_.nCWL + t_.nBL + t_.nWR : t_.nRTP));
  if (policy_.page != PagePolicy::closed || std::any_of(read_.begin(), read_.end(), wanted) ||
      std::any_of(write_.begin(), write_.end(), wanted) ||
      std::any_of(active_.begin(), active_.end(), wanted)) {
    return;
  }
  const auto bank = static_cast<std::size_t>(r.burst.bank);
  const Clock start = std::max(closable_[bank], opened_at_[bank] + t_.act_cycles - 1 + t_.nRAS);
  shut_[bank] = start + t_.nRP;
  open_[bank] = kClosed;
  out_.commands.back().command = r.burst.write ? DramCommand::wr_auto : DramCommand::rd_auto;
}

void TickingController::update_drain() {
  const auto entries = static_cast<double>(policy_.write_entries);
  const auto writes = static_cast<double>(write_.size());
  const bool to_the_end =
      policy_.drain == WriteDrain::until_empty || policy_.drain == WriteDrain::when_full;
  if (draining_ && to_the_end) {
    draining_ = !write_.empty() || read_.empty();
  } else if (policy_.drain == WriteDrain::when_full) {
    draining_ = read_.empty() || write_.size() == static_cast<std::size_t>(policy_.write_entries);
  } else if (!draining_) {
    draining_ = writes > static_cast<double>(static_cast<float>(policy_.drain_above) *
                                             static_cast<float>(entries)) ||
                read_.empty();
  } else if (writes < static_cast<double>(static_cast<float>(policy_.drain_below) *
                                          static_cast<float>(entries)) &&
             !read_.empty()) {
    draining_ = false;
  }
}

TickingController::Pick TickingController::pick_queued(Bus bus) {
  if (!maintenance_.empty() && !local_) {
    return {};
  }
  update_drain();
  if (policy_.drain != WriteDrain::mixed) {
    return pick(draining_ ? write_ : read_, bus, false);
  }
  const Pick read = pick(read_, bus, false);
  const Pick write = pick(write_, bus, false);
  if (read.buffer == nullptr || write.buffer == nullptr) {
    return read.buffer == nullptr ? write : read;
  }
  return read_[read.index].number < write_[write.index].number ? read : write;
}

bool TickingController::slot(Bus bus) {
  Pick p;
  if (bus != Bus::row) {
    p = pick(active_, bus, true);
  }
  if (p.buffer == nullptr && serve_maintenance(bus)) {
    return true;
  }
  if (p.buffer == nullptr) {
    p = pick_queued(bus);
  }
  if (p.buffer == nullptr) {
    return false;
  }
  serve(p);
  return true;
}

void TickingController::second_part() {
  issue(kAct2, activating_.front().burst.bank, 0);
  active_.push_back(activating_.front());
  activating_.clear();
}

// Two-part activates and a data clock that has to be woken one clock before a column command.
void TickingController::tick_split() {
  if (synced_) {
    if (ready(sync_for_.command, (*sync_for_.buffer)[sync_for_.index].burst.bank)) {
      synced_ = false;
      serve(sync_for_);
    }
    return;
  }
  if (!activating_.empty() && act2_by_ <= now_) {
    second_part();
    return;
  }
  Pick p = pick(active_, Bus::both, true);
  if (p.buffer == nullptr) {
    if (serve_maintenance(Bus::both)) {
      return;
    }
    p = pick_queued(Bus::both);
  }
  if (p.buffer == nullptr) {
    if (!activating_.empty()) {
      second_part();
    }
    return;
  }
  if ((p.command == kRead || p.command == kWrite) && now_ >= data_clock_) {
    if (!activating_.empty() && act2_by_ <= now_ + 1) {
      second_part();
      return;
    }
    issue(kSync, (*p.buffer)[p.index].burst.bank, 0);
    synced_ = true;
    sync_for_ = p;
    return;
  }
  serve(p);
}

TickingResult TickingController::run(const std::vector<Burst>& bursts, bool serial) {
  std::size_t next = 0;
  const auto same = [](const Burst& a, const Burst& b) {
    return a.bank == b.bank && a.row == b.row && a.column == b.column;
  };
  const auto pending = [&] {
    return !read_.empty() || !write_.empty() || !active_.empty() || !activating_.empty();
  };
  while (next < bursts.size() || pending()) {
    for (int taken = 0; taken < policy_.accepts_per_clock && next < bursts.size(); ++taken) {
      const Burst& b = bursts[next];
      if (b.arrival > now_ || (serial && (pending() || out_.cycles > now_))) {
        break;
      }
      const bool buffered = std::any_of(write_.begin(), write_.end(),
                                        [&](const Request& r) { return same(r.burst, b); });
      if (buffered) {
        out_.cycles = std::max(out_.cycles, b.write ? now_ : now_ + 1);
        if (!b.write) {
          ++out_.latency;
          ++out_.reads;
        }
      } else {
        std::vector<Request>& buffer = b.write ? write_ : read_;
        const int entries = b.write ? policy_.write_entries : policy_.read_entries;
        if (buffer.size() == static_cast<std::size_t>(entries)) {
          break;
        }
        buffer.push_back({b, now_, false, next});
      }
      ++next;
    }
    ++now_;
    if (next_refresh_ > 0 && now_ == next_refresh_) {
      refresh_due();
    }
    switch (t_.protocol) {
      case CommandProtocol::ddr:
        slot(Bus::both);
        break;
      case CommandProtocol::split_activate:
        tick_split();
        break;
      default:
        slot(Bus::column);
        slot(Bus::row);
    }
  }
  return out_;
}

}  // namespace joulesim::hw::testing
