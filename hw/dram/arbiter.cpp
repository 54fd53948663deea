#include "hw/dram/arbiter.hpp"

#include <algorithm>

namespace joulesim::hw {

bool SliceArbiter::push(int client, const Share& share) {
  const auto index = static_cast<std::size_t>(client);
  if (clients_.size() <= index) {
    clients_.resize(index + 1);
  }
  Share copy = share;
  if (!copy.pieces.ensure()) {
    return false;  // nothing of this train on this channel
  }
  working_ += clients_[index].empty() ? 1 : 0;
  clients_[index].push_back(copy);
  ++waiting_;
  return true;
}

SliceArbiter::Share* SliceArbiter::pick(Clock tick) {
  if (waiting_ == 0) {
    return nullptr;
  }
  if (alone() && waiting_ > 1 && clients_.size() > 1) {  // the common case
    credit_ = credit_ <= 0 ? slice_bursts_ : credit_;
    return &clients_[static_cast<std::size_t>(running_)].front();
  }
  if (waiting_ == 1 || clients_.size() == 1) {
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (!clients_[i].empty()) {
        if (running_ != static_cast<int>(i)) {
          running_ = static_cast<int>(i);
          credit_ = slice_bursts_;
        }
        return &clients_[i].front();
      }
    }
  }
  int best = -1;
  int best_priority = -1;
  const auto n = clients_.size();
  const std::size_t start = running_ < 0 ? n - 1 : static_cast<std::size_t>(running_);
  // The running client comes first while it has credit, last when it has not.
  for (std::size_t k = 0; k < n; ++k) {
    const std::size_t i = (start + (credit_ > 0 ? 0 : 1) + k) % n;
    if (ready(i, tick) && clients_[i].front().priority > best_priority) {
      best = static_cast<int>(i);
      best_priority = clients_[i].front().priority;
    }
  }
  if (best < 0) {  // nobody is there yet: the first to come
    Clock earliest = kNever;
    for (std::size_t i = 0; i < n; ++i) {
      if (!clients_[i].empty() && clients_[i].front().arrival < earliest) {
        earliest = clients_[i].front().arrival;
        best = static_cast<int>(i);
      }
    }
  }
  if (best != running_ || credit_ <= 0) {
    running_ = best;
    credit_ = slice_bursts_;
  }
  return &clients_[static_cast<std::size_t>(best)].front();
}

SliceArbiter::Taken SliceArbiter::took(std::uint64_t n) {
  credit_ -= static_cast<std::int64_t>(n);
  return took_from(running_, n);
}

SliceArbiter::Taken SliceArbiter::took_from(int client, std::uint64_t n) {
  auto& queue = clients_[static_cast<std::size_t>(client)];
  Share& share = queue.front();
  share.taken += n;
  share.pieces.take(n);
  if (share.pieces.ensure()) {
    return {};
  }
  const Taken out = {true, share.taken};
  queue.pop_front();
  --waiting_;
  working_ -= queue.empty() ? 1 : 0;
  return out;
}

const std::vector<int>& SliceArbiter::contenders(Clock tick) {
  contenders_.clear();
  const std::uint8_t priority = clients_[static_cast<std::size_t>(running_)].front().priority;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    const bool picked = static_cast<int>(i) == running_;
    if (picked || (waiting_ > 1 && ready(i, tick) && clients_[i].front().priority == priority)) {
      contenders_.push_back(static_cast<int>(i));
    }
  }
  return contenders_;
}

SliceArbiter SliceArbiter::endless(const std::vector<int>& clients) const {
  SliceArbiter out(slice_bursts_);
  for (const int client : clients) {
    Share share = front(client);
    share.pieces = share.pieces.endless();
    share.arrival = 0;
    share.tag = static_cast<std::uint32_t>(client);
    out.push(client, share);
  }
  out.running_ = running_;
  out.credit_ = credit_;
  return out;
}

bool SliceArbiter::contended(Clock tick) const {
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (static_cast<int>(i) != running_ && ready(i, tick)) {
      return true;
    }
  }
  return false;
}

std::uint64_t SliceArbiter::slice_left(Clock tick) const {
  const std::uint64_t piece = clients_[static_cast<std::size_t>(running_)].front().pieces.left();
  return contended(tick)
             ? std::min(piece, static_cast<std::uint64_t>(std::max<std::int64_t>(credit_, 1)))
             : piece;
}

Clock SliceArbiter::earliest() const {
  Clock first = kNever;
  for (const auto& queue : clients_) {
    if (!queue.empty()) {
      first = std::min(first, queue.front().arrival);
    }
  }
  return first;
}

Clock SliceArbiter::next_arrival(Clock tick) const {
  Clock earliest = kNever;
  for (std::size_t i = 0; i < clients_.size(); ++i) {
    if (static_cast<int>(i) != running_ && !clients_[i].empty() &&
        clients_[i].front().arrival >= tick) {
      earliest = std::min(earliest, clients_[i].front().arrival);
    }
  }
  return earliest;
}

}  // namespace joulesim::hw
