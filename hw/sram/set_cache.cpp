#include "hw/sram/set_cache.hpp"

#include <algorithm>
#include <bit>
#include <limits>
#include <stdexcept>

namespace joulesim::hw {
namespace {

// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014: the finalizer.
std::uint64_t mix(std::uint64_t i) {
  std::uint64_t z = i + 0x9E3779B97F4A7C15U;
  z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
  z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
  return z ^ (z >> 31U);
}

constexpr std::uint8_t kNear = 0, kLong = 2, kDistant = 3;

bool allowed(std::uint64_t mask, std::size_t way) { return (mask >> way & 1U) != 0; }

void add_range(std::vector<ByteRange>& ranges, std::uint64_t begin, std::uint64_t end) {
  if (!ranges.empty() && ranges.back().end == begin) {
    ranges.back().end = end;
  } else if (begin < end) {
    ranges.push_back({begin, end});
  }
}

}  // namespace

SetCache::SetCache(const SetShape& shape) : shape_(shape) {
  const bool power = std::has_single_bit(static_cast<std::uint64_t>(std::max(1, shape.ways)));
  if (shape.line == 0 || shape.sets == 0 || shape.ways < 1 || shape.ways > kMostWays ||
      (shape.replacement == Replacement::tree_plru && !power)) {
    throw std::logic_error("SetCache: no such shape");
  }
  all_ways_ = shape.ways == kMostWays ? ~std::uint64_t{0}
                                      : (std::uint64_t{1} << static_cast<unsigned>(shape.ways)) - 1;
  Group all;
  all.ways.resize(static_cast<std::size_t>(shape.ways));
  for (std::size_t way = 0; way < all.ways.size(); ++way) {
    all.ways[way].age =
        shape.replacement == Replacement::lru ? static_cast<std::uint8_t>(way) : kDistant;
  }
  groups_.push_back(std::move(all));
}

std::size_t SetCache::group_at(std::uint64_t set) const {
  const auto next =
      std::upper_bound(groups_.begin(), groups_.end(), set,
                       [](std::uint64_t value, const Group& group) { return value < group.begin; });
  return static_cast<std::size_t>(next - groups_.begin()) - 1;
}

std::uint64_t SetCache::end_of(std::size_t group) const {
  return group + 1 < groups_.size() ? groups_[group + 1].begin : shape_.sets;
}

std::size_t SetCache::split(std::uint64_t set) {
  if (set >= shape_.sets) {
    return groups_.size();
  }
  const std::size_t index = group_at(set);
  if (groups_[index].begin == set) {
    return index;
  }
  Group upper = groups_[index];
  upper.begin = set;
  groups_.insert(groups_.begin() + static_cast<std::ptrdiff_t>(index) + 1, std::move(upper));
  return index + 1;
}

void SetCache::join(std::uint64_t first_set, std::uint64_t last_set) {
  std::size_t kept = group_at(first_set);
  kept -= kept > 0 ? 1 : 0;
  std::size_t next = kept + 1;
  while (next < groups_.size() && groups_[next].begin <= last_set) {
    if (groups_[next].same_state(groups_[kept])) {
      ++next;
      continue;
    }
    if (++kept != next) {
      groups_[kept] = std::move(groups_[next]);
    }
    ++next;
  }
  groups_.erase(groups_.begin() + static_cast<std::ptrdiff_t>(kept) + 1,
                groups_.begin() + static_cast<std::ptrdiff_t>(next));
}

template <class Visit>
void SetCache::each_stretch(std::uint64_t address, std::uint64_t bytes, const Visit& visit) {
  if (bytes == 0) {
    return;
  }
  if (address + bytes < address ||
      address + bytes > std::numeric_limits<std::uint64_t>::max() - shape_.line) {
    throw std::logic_error("SetCache: the access leaves the address space");
  }
  std::uint64_t line = address / shape_.line;
  const std::uint64_t end = (address + bytes - 1) / shape_.line + 1;
  while (line < end) {
    const std::uint64_t tag = line / shape_.sets;
    const std::uint64_t first = line % shape_.sets;
    const std::uint64_t last = std::min(shape_.sets, first + (end - line));
    std::size_t group = split(first);
    split(last);
    while (group < groups_.size() && groups_[group].begin < last) {
      visit(groups_[group], tag, groups_[group].begin, end_of(group));
      ++group;
    }
    join(first, last);
    line += last - first;
  }
}

ResidencyOutcome SetCache::access(std::uint64_t address, std::uint64_t bytes, bool write,
                                  const CacheClient& client) {
  ResidencyOutcome outcome;
  const std::uint64_t asked_end = address + bytes;
  each_stretch(
      address, bytes, [&](Group& group, std::uint64_t tag, std::uint64_t first, std::uint64_t end) {
        const Touched touched = touch(group, tag, write, client);
        const std::uint64_t base = tag * shape_.sets;
        const std::uint64_t from = (base + first) * shape_.line;
        const std::uint64_t to = (base + end) * shape_.line;
        const std::uint64_t asked = std::min(to, asked_end) - std::max(from, address);
        if (touched.hit) {
          outcome.hit_bytes += asked;
          return;
        }
        outcome.miss_bytes += asked;
        if (!write) {
          add_range(outcome.fetch, from, to);
        } else {
          // A write fills whole lines itself; lines that it covers in part must be read first.
          const std::uint64_t head = from < address ? from + shape_.line : from;
          add_range(outcome.fetch, from, head);
          if (to > asked_end && to > head) {
            add_range(outcome.fetch, to - shape_.line, to);
          }
        }
        if (touched.evicted != kNothing && touched.evicted_dirty) {
          const std::uint64_t old = touched.evicted * shape_.sets;
          outcome.written_back += (end - first) * shape_.line;
          outcome.write_backs.push_back({(old + first) * shape_.line, (old + end) * shape_.line});
        }
      });
  return outcome;
}

SetCache::Touched SetCache::touch(Group& group, std::uint64_t tag, bool write,
                                  const CacheClient& client) const {
  for (std::size_t way = 0; way < group.ways.size(); ++way) {
    if (group.ways[way].tag == tag) {
      group.ways[way].dirty |= write;
      used(group, way, false, client.streaming);
      return {true, kNothing, false};
    }
  }
  const std::uint64_t mask = client.ways & all_ways_;
  if (mask == 0) {
    throw std::logic_error("SetCache: a client without a way");
  }
  const std::size_t way = victim(group, tag, mask);
  const Touched touched{false, group.ways[way].tag, group.ways[way].dirty};
  group.ways[way].tag = tag;
  group.ways[way].dirty = write;
  used(group, way, true, client.streaming);
  return touched;
}

std::size_t SetCache::victim(Group& group, std::uint64_t tag, std::uint64_t mask) const {
  std::vector<Way>& ways = group.ways;
  for (std::size_t way = 0; way < ways.size(); ++way) {
    if (allowed(mask, way) && ways[way].tag == kNothing) {
      return way;
    }
  }
  switch (shape_.replacement) {
    case Replacement::lru: {
      std::size_t oldest = ways.size();
      for (std::size_t way = 0; way < ways.size(); ++way) {
        if (allowed(mask, way) && (oldest == ways.size() || ways[way].age < ways[oldest].age)) {
          oldest = way;
        }
      }
      return oldest;
    }
    case Replacement::tree_plru: {
      std::size_t node = 1;
      std::size_t low = 0;
      std::size_t size = ways.size();
      while (size > 1) {
        size /= 2;
        const std::uint64_t half = size == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << size) - 1;
        const bool lower_allowed = (mask >> low & half) != 0;
        const bool upper_allowed = (mask >> (low + size) & half) != 0;
        const bool upper = (group.tree >> node & 1U) != 0 ? upper_allowed : !lower_allowed;
        low += upper ? size : 0;
        node = 2 * node + (upper ? 1 : 0);
      }
      return low;
    }
    case Replacement::random: {
      auto nth = mix(tag) % static_cast<std::uint64_t>(std::popcount(mask));
      for (std::size_t way = 0; way < ways.size(); ++way) {
        if (allowed(mask, way) && nth-- == 0) {
          return way;
        }
      }
      break;
    }
    case Replacement::srrip:
      while (true) {
        for (std::size_t way = 0; way < ways.size(); ++way) {
          if (allowed(mask, way) && ways[way].age == kDistant) {
            return way;
          }
        }
        for (std::size_t way = 0; way < ways.size(); ++way) {
          ways[way].age = static_cast<std::uint8_t>(ways[way].age + (allowed(mask, way) ? 1 : 0));
        }
      }
  }
  throw std::logic_error("SetCache: no way to evict");
}

void SetCache::used(Group& group, std::size_t way, bool inserted, bool streaming) const {
  std::vector<Way>& ways = group.ways;
  const bool last = inserted && streaming;
  switch (shape_.replacement) {
    case Replacement::lru: {
      const std::uint8_t rank = ways[way].age;
      for (Way& other : ways) {
        if (last) {
          other.age = static_cast<std::uint8_t>(other.age + (other.age < rank ? 1 : 0));
        } else {
          other.age = static_cast<std::uint8_t>(other.age - (other.age > rank ? 1 : 0));
        }
      }
      ways[way].age = last ? 0 : static_cast<std::uint8_t>(ways.size() - 1);
      break;
    }
    case Replacement::tree_plru: {
      if (last) {
        break;  // the tree still points at it
      }
      std::size_t node = 1;
      std::size_t low = 0;
      std::size_t size = ways.size();
      while (size > 1) {
        size /= 2;
        const bool upper = way >= low + size;
        // The other half is now the older one.
        group.tree = upper ? group.tree & ~(std::uint64_t{1} << node)
                           : group.tree | (std::uint64_t{1} << node);
        low += upper ? size : 0;
        node = 2 * node + (upper ? 1 : 0);
      }
      break;
    }
    case Replacement::random:
      break;
    case Replacement::srrip:
      ways[way].age = !inserted ? kNear : last ? kDistant : kLong;
      break;
  }
}

void SetCache::discard(std::uint64_t address, std::uint64_t bytes) {
  const std::uint64_t begin = (address + shape_.line - 1) / shape_.line * shape_.line;
  const std::uint64_t end = (address + bytes) / shape_.line * shape_.line;
  if (begin >= end) {
    return;
  }
  each_stretch(begin, end - begin,
               [](Group& group, std::uint64_t tag, std::uint64_t /*first*/, std::uint64_t /*end*/) {
                 for (Way& way : group.ways) {
                   if (way.tag == tag) {
                     way.tag = kNothing;
                     way.dirty = false;
                   }
                 }
               });
}

std::uint64_t SetCache::flush() {
  std::uint64_t written = 0;
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    for (Way& way : groups_[group].ways) {
      written += way.dirty ? (end_of(group) - groups_[group].begin) * shape_.line : 0;
      way.dirty = false;
    }
  }
  join(0, shape_.sets);
  return written;
}

std::uint64_t SetCache::resident_bytes() const {
  std::uint64_t sum = 0;
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    for (const Way& way : groups_[group].ways) {
      sum += way.tag != kNothing ? (end_of(group) - groups_[group].begin) * shape_.line : 0;
    }
  }
  return sum;
}

std::uint64_t SetCache::resident_bytes(std::uint64_t address, std::uint64_t bytes) const {
  std::uint64_t sum = 0;
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    for (const Way& way : groups_[group].ways) {
      if (way.tag == kNothing) {
        continue;
      }
      const std::uint64_t from = (way.tag * shape_.sets + groups_[group].begin) * shape_.line;
      const std::uint64_t to = (way.tag * shape_.sets + end_of(group)) * shape_.line;
      const std::uint64_t low = std::max(from, address);
      const std::uint64_t high = std::min(to, address + bytes);
      sum += high > low ? high - low : 0;
    }
  }
  return sum;
}

}  // namespace joulesim::hw
