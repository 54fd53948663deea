#include "hw/sram/residency_cache.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <stdexcept>

namespace joulesim::hw {

std::uint64_t ResidencyOutcome::fetched() const {
  std::uint64_t sum = 0;
  for (const ByteRange& range : fetch) {
    sum += range.bytes();
  }
  return sum;
}

ResidencyCache::ResidencyCache(Bytes capacity, Bytes line, Policy policy, double protected_share)
    : line_(static_cast<std::uint64_t>(std::llround(line.si()))), policy_(policy) {
  const auto bytes = static_cast<std::uint64_t>(std::llround(capacity.si()));
  if (line_ == 0 || bytes < line_ || protected_share < 0 || protected_share >= 1) {
    throw std::logic_error("ResidencyCache: a cache holds at least one line");
  }
  capacity_ = bytes / line_ * line_;
  if (policy_ == Policy::segmented_lru) {
    const double lines = std::floor(static_cast<double>(capacity_ / line_) * protected_share);
    protected_capacity_ = static_cast<std::uint64_t>(lines) * line_;
  }
}

ResidencyCache::ResidencyCache(const SetShape& shape)
    : line_(shape.line), policy_(Policy::lru), sets_(shape) {
  capacity_ = sets_->capacity();
}

ResidencyCache::ResidencyCache(const ResidencyCache& other)
    : line_(other.line_),
      capacity_(other.capacity_),
      protected_capacity_(other.protected_capacity_),
      policy_(other.policy_),
      sets_(other.sets_),
      own_(other.own_) {
  for (const Order& order : other.order_) {
    for (const Range& range : order) {
      append(range);
    }
  }
}

ResidencyCache::Map::const_iterator ResidencyCache::first_at_or_after(std::uint64_t address) const {
  auto next = by_address_.upper_bound(address);
  if (next != by_address_.begin()) {
    const auto before = std::prev(next);
    if (before->second->end > address) {
      return before;
    }
  }
  return next;
}

ResidencyOutcome ResidencyCache::access(std::uint64_t address, std::uint64_t bytes, bool write,
                                        const CacheClient& client) {
  if (sets_) {
    return sets_->access(address, bytes, write, client);
  }
  ResidencyOutcome outcome;
  if (bytes == 0) {
    return outcome;
  }
  const std::uint64_t asked_end = address + bytes;
  if (asked_end < address || asked_end > std::numeric_limits<std::uint64_t>::max() - line_) {
    throw std::logic_error("ResidencyCache: the access leaves the address space");
  }
  const auto asked = [&](std::uint64_t begin, std::uint64_t end) {
    return std::min(end, asked_end) - std::max(begin, address);
  };
  std::uint64_t cursor = address / line_ * line_;
  const std::uint64_t end = (asked_end + line_ - 1) / line_ * line_;
  while (cursor < end) {
    // Looked up afresh: what was missing may have pushed out what came next.
    const auto next = first_at_or_after(cursor);
    if (next != by_address_.end() && next->second->begin <= cursor) {
      const std::uint64_t stop = std::min(end, next->second->end);
      outcome.hit_bytes += asked(cursor, stop);
      touch(next->second, cursor, stop, write);
      cursor = stop;
      continue;
    }
    const std::uint64_t stop = next == by_address_.end() ? end : std::min(end, next->second->begin);
    outcome.miss_bytes += asked(cursor, stop);
    // A write fills whole lines itself; only lines that it covers in part must be read first.
    if (!write) {
      outcome.fetch.push_back({cursor, stop});
    } else {
      const std::uint64_t head = cursor < address ? cursor + line_ : cursor;
      if (head > cursor) {
        outcome.fetch.push_back({cursor, head});
      }
      if (stop > asked_end && stop > head) {
        outcome.fetch.push_back({stop - line_, stop});
      }
    }
    insert_missing(cursor, stop, write, outcome);
    cursor = stop;
  }
  return outcome;
}

void ResidencyCache::insert_missing(std::uint64_t begin, std::uint64_t end, bool write,
                                    ResidencyOutcome& outcome) {
  // New lines live in segment 0; under segmented LRU it has what protection leaves over.
  const std::uint64_t room = capacity_ - used_[1];
  const std::uint64_t bytes = end - begin;
  if (bytes > room) {
    // Only the last `room` bytes survive; dirty ones before them go straight out.
    evict(used_[0], outcome);
    if (write) {
      outcome.written_back += bytes - room;
      outcome.write_backs.push_back({begin, end - room});
    }
    append({end - room, end, write, 0});
    return;
  }
  if (used_[0] + bytes > room) {
    evict(used_[0] + bytes - room, outcome);
  }
  append({begin, end, write, 0});
}

void ResidencyCache::evict(std::uint64_t bytes, ResidencyOutcome& outcome) {
  while (bytes > 0) {
    const auto oldest = order_[0].begin();
    const std::uint64_t out = std::min(bytes, oldest->end - oldest->begin);
    if (oldest->dirty) {
      outcome.written_back += out;
      outcome.write_backs.push_back({oldest->begin, oldest->begin + out});
    }
    cut(oldest, oldest->begin, oldest->begin + out);
    bytes -= out;
  }
}

void ResidencyCache::touch(Order::iterator range, std::uint64_t begin, std::uint64_t end,
                           bool write) {
  Range touched{begin, end, range->dirty || write, range->segment};
  cut(range, begin, end);
  if (policy_ == Policy::lru) {
    append(touched);
    return;
  }
  // Protect it; what this pushes out of protection starts a new probation.
  const std::uint64_t bytes = end - begin;
  if (bytes > protected_capacity_) {
    const std::uint64_t kept = end - protected_capacity_;
    // Line by line, every line is protected and demoted again, the older ones first.
    while (used_[1] > 0) {
      Range demoted = order_[1].front();
      cut(order_[1].begin(), demoted.begin, demoted.end);
      demoted.segment = 0;
      append(demoted);
    }
    append({begin, kept, touched.dirty, 0});
    if (kept < end) {
      append({kept, end, touched.dirty, 1});
    }
    return;
  }
  while (used_[1] + bytes > protected_capacity_) {
    Range demoted = order_[1].front();
    const std::uint64_t excess = used_[1] + bytes - protected_capacity_;
    demoted.end = std::min(demoted.end, demoted.begin + excess);
    cut(order_[1].begin(), demoted.begin, demoted.end);
    demoted.segment = 0;
    append(demoted);
  }
  touched.segment = 1;
  append(touched);
}

void ResidencyCache::cut(Order::iterator range, std::uint64_t begin, std::uint64_t end) {
  Order& order = order_[range->segment];
  used_[range->segment] -= end - begin;
  if (end < range->end) {
    // The upper part is younger: right behind this one.
    Range upper = *range;
    upper.begin = end;
    by_address_[end] = order.insert(std::next(range), upper);
  }
  if (begin > range->begin) {
    range->end = begin;
    return;
  }
  by_address_.erase(range->begin);
  order.erase(range);
}

void ResidencyCache::append(const Range& range) {
  if (range.begin == range.end) {
    return;
  }
  Order& order = order_[range.segment];
  used_[range.segment] += range.end - range.begin;
  if (!order.empty()) {
    Range& youngest = order.back();
    if (youngest.end == range.begin && youngest.dirty == range.dirty) {
      youngest.end = range.end;
      return;
    }
  }
  order.push_back(range);
  by_address_[range.begin] = std::prev(order.end());
}

void ResidencyCache::discard(std::uint64_t address, std::uint64_t bytes) {
  if (sets_) {
    sets_->discard(address, bytes);
    return;
  }
  // Only lines that lie in the range as a whole: the rest of an edge line may be alive.
  std::uint64_t cursor = (address + line_ - 1) / line_ * line_;
  const std::uint64_t end = (address + bytes) / line_ * line_;
  while (cursor < end) {
    const auto next = first_at_or_after(cursor);
    if (next == by_address_.end() || next->second->begin >= end) {
      return;
    }
    const std::uint64_t begin = std::max(cursor, next->second->begin);
    const std::uint64_t stop = std::min(end, next->second->end);
    cut(next->second, begin, stop);
    cursor = stop;
  }
}

std::uint64_t ResidencyCache::flush() {
  if (sets_) {
    return sets_->flush();
  }
  std::uint64_t written = 0;
  for (Order& order : order_) {
    for (Range& range : order) {
      written += range.dirty ? range.end - range.begin : 0;
      range.dirty = false;
    }
  }
  return written;
}

std::uint64_t ResidencyCache::resident_bytes(std::uint64_t address, std::uint64_t bytes) const {
  if (sets_) {
    return sets_->resident_bytes(address, bytes);
  }
  std::uint64_t sum = 0;
  const std::uint64_t end = address + bytes;
  for (auto next = first_at_or_after(address); next != by_address_.end(); ++next) {
    const Range& range = *next->second;
    if (range.begin >= end) {
      break;
    }
    sum += std::min(range.end, end) - std::max(range.begin, address);
  }
  return sum;
}

}  // namespace joulesim::hw
