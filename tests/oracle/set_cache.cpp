// The run-length-coded set-associative cache against one that looks at every line of every set.
#include "hw/sram/set_cache.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

using namespace joulesim::hw;

namespace {

constexpr std::uint64_t kEmpty = ~std::uint64_t{0};

// One set, written from the policies' descriptions: an ordered list for LRU, a recursive tree for
// pseudo-LRU, counters for SRRIP.
class PlainSet {
 public:
  PlainSet(int ways, Replacement replacement)
      : replacement_(replacement), slots_(static_cast<std::size_t>(ways)), tree_(slots_.size(), 0) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      order_.push_back(i);
    }
  }

  struct Result {
    bool hit;
    std::uint64_t out;
    bool out_dirty;
  };

  Result access(std::uint64_t tag, bool write, std::uint64_t mask, bool streaming) {
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if (slots_[i].tag == tag) {
        slots_[i].dirty |= write;
        to_front(i);
        point_away(0, 0, slots_.size(), i);
        slots_[i].interval = 0;
        return {true, kEmpty, false};
      }
    }
    const std::size_t i = choose(tag, mask);
    const Result result{false, slots_[i].tag, slots_[i].dirty};
    slots_[i] = {tag, write, streaming ? 3 : 2};
    if (streaming) {
      order_.erase(std::find(order_.begin(), order_.end(), i));
      order_.push_back(i);
    } else {
      to_front(i);
      point_away(0, 0, slots_.size(), i);
    }
    return result;
  }

  void forget(std::uint64_t tag) {
    for (Slot& slot : slots_) {
      if (slot.tag == tag) {
        slot.tag = kEmpty;
        slot.dirty = false;
      }
    }
  }
  [[nodiscard]] std::size_t held() const {
    return static_cast<std::size_t>(std::count_if(
        slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.tag != kEmpty; }));
  }

 private:
  struct Slot {
    std::uint64_t tag = kEmpty;
    bool dirty = false;
    int interval = 3;
  };

  // order_: youngest first.
  void to_front(std::size_t i) {
    order_.erase(std::find(order_.begin(), order_.end(), i));
    order_.insert(order_.begin(), i);
  }
  // tree_[node]: 0 the left half is to go first, 1 the right half.
  void point_away(std::size_t node, std::size_t low, std::size_t size, std::size_t i) {
    if (size < 2) {
      return;
    }
    const std::size_t half = size / 2;
    const bool right = i >= low + half;
    tree_[node] = right ? 0 : 1;
    point_away(2 * node + (right ? 2 : 1), right ? low + half : low, half, i);
  }
  static bool any(std::uint64_t mask, std::size_t low, std::size_t size) {
    for (std::size_t i = low; i < low + size; ++i) {
      if ((mask >> i & 1U) != 0) {
        return true;
      }
    }
    return false;
  }
  std::size_t follow(std::size_t node, std::size_t low, std::size_t size, std::uint64_t mask) {
    if (size == 1) {
      return low;
    }
    const std::size_t half = size / 2;
    bool right = tree_[node] == 1;
    if (!any(mask, right ? low + half : low, half)) {
      right = !right;
    }
    return follow(2 * node + (right ? 2 : 1), right ? low + half : low, half, mask);
  }
  static std::uint64_t hash(std::uint64_t i) {
    std::uint64_t z = i + 0x9E3779B97F4A7C15U;
    z = (z ^ (z >> 30U)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27U)) * 0x94D049BB133111EBU;
    return z ^ (z >> 31U);
  }
  std::size_t choose(std::uint64_t tag, std::uint64_t mask) {
    std::vector<std::size_t> may;
    for (std::size_t i = 0; i < slots_.size(); ++i) {
      if ((mask >> i & 1U) != 0) {
        may.push_back(i);
        if (slots_[i].tag == kEmpty) {
          return i;
        }
      }
    }
    switch (replacement_) {
      case Replacement::lru:
        for (auto i = order_.rbegin(); i != order_.rend(); ++i) {
          if ((mask >> *i & 1U) != 0) {
            return *i;
          }
        }
        break;
      case Replacement::tree_plru:
        return follow(0, 0, slots_.size(), mask);
      case Replacement::random:
        return may[hash(tag) % may.size()];
      case Replacement::srrip:
        while (true) {
          for (const std::size_t i : may) {
            if (slots_[i].interval == 3) {
              return i;
            }
          }
          for (const std::size_t i : may) {
            ++slots_[i].interval;
          }
        }
    }
    return 0;
  }

  Replacement replacement_;
  std::vector<Slot> slots_;
  std::vector<std::size_t> order_;
  std::vector<int> tree_;
};

class PlainCache {
 public:
  explicit PlainCache(const SetShape& shape)
      : shape_(shape), sets_(shape.sets, PlainSet(shape.ways, shape.replacement)) {}

  struct Outcome {
    std::uint64_t hit = 0, miss = 0;
    std::multiset<std::uint64_t> fetched, written_back;  // lines; one can go out twice
  };
  Outcome access(std::uint64_t address, std::uint64_t bytes, bool write,
                 const CacheClient& client) {
    Outcome outcome;
    for (std::uint64_t line = address / shape_.line; line * shape_.line < address + bytes; ++line) {
      const std::uint64_t low = std::max(address, line * shape_.line);
      const std::uint64_t high = std::min(address + bytes, (line + 1) * shape_.line);
      const auto result = sets_[line % shape_.sets].access(line / shape_.sets, write, client.ways,
                                                           client.streaming);
      (result.hit ? outcome.hit : outcome.miss) += high - low;
      if (!result.hit && (!write || high - low < shape_.line)) {
        outcome.fetched.insert(line);
      }
      if (result.out != kEmpty && result.out_dirty) {
        outcome.written_back.insert(result.out * shape_.sets + line % shape_.sets);
      }
    }
    return outcome;
  }
  void discard(std::uint64_t address, std::uint64_t bytes) {
    for (std::uint64_t line = (address + shape_.line - 1) / shape_.line;
         (line + 1) * shape_.line <= address + bytes; ++line) {
      sets_[line % shape_.sets].forget(line / shape_.sets);
    }
  }
  [[nodiscard]] std::uint64_t resident() const {
    std::uint64_t lines = 0;
    for (const PlainSet& set : sets_) {
      lines += set.held();
    }
    return lines * shape_.line;
  }

 private:
  SetShape shape_;
  std::vector<PlainSet> sets_;
};

std::multiset<std::uint64_t> lines_of(const std::vector<ByteRange>& ranges, std::uint64_t line) {
  std::multiset<std::uint64_t> lines;
  for (const ByteRange& range : ranges) {
    CHECK(range.begin % line == 0);
    CHECK(range.end % line == 0);
    for (std::uint64_t at = range.begin; at < range.end; at += line) {
      lines.insert(at / line);
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("every policy, shape and client agrees with a cache that keeps every line") {
  std::mt19937_64 random(11);
  for (const Replacement replacement :
       {Replacement::lru, Replacement::tree_plru, Replacement::random, Replacement::srrip}) {
    for (const SetShape shape :
         {SetShape{64, 32, 4, replacement}, SetShape{128, 24, 8, replacement},
          SetShape{32, 7, 2, replacement}, SetShape{64, 16, 1, replacement}}) {
      SetCache cache(shape);
      PlainCache plain(shape);
      const std::uint64_t span = 4 * cache.capacity();
      const std::uint64_t ways = (std::uint64_t{1} << static_cast<unsigned>(shape.ways)) - 1;
      const std::vector<CacheClient> clients = {
          {~std::uint64_t{0}, false},
          {ways > 1 ? ways >> 1U : 1, false},
          {std::uint64_t{1} << static_cast<unsigned>(shape.ways - 1), true},
          {ways, true}};
      for (int i = 0; i < 1500; ++i) {
        const CacheClient client = clients[random() % clients.size()];
        const bool write = random() % 4 == 0;
        const std::uint64_t address = random() % span;
        const std::uint64_t bytes =
            random() % 3 == 0 ? random() % (2 * cache.capacity()) + 1 : random() % 600 + 1;
        if (random() % 20 == 0) {
          cache.discard(address, bytes);
          plain.discard(address, bytes);
          continue;
        }
        const ResidencyOutcome found = cache.access(address, bytes, write, client);
        const auto expected = plain.access(address, bytes, write, client);
        INFO("policy " << static_cast<int>(replacement) << ", " << shape.sets << " sets of "
                       << shape.ways << ", access " << i);
        REQUIRE(found.hit_bytes == expected.hit);
        REQUIRE(found.miss_bytes == expected.miss);
        REQUIRE(lines_of(found.fetch, shape.line) == expected.fetched);
        REQUIRE(found.written_back == expected.written_back.size() * shape.line);
        REQUIRE(lines_of(found.write_backs, shape.line) == expected.written_back);
      }
      CHECK(cache.resident_bytes() == plain.resident());
      CHECK(cache.resident_bytes(0, 1U << 30U) == plain.resident());
    }
  }
}

TEST_CASE("a stream through a large cache is a handful of groups, whatever its length") {
  SetCache cache({128, 16384, 16, Replacement::lru});
  for (std::uint64_t tensor = 0; tensor < 200; ++tensor) {
    cache.access(tensor * 3'000'000, 2'900'000, false, {});
  }
  CHECK(cache.groups() < 2000);
  const ResidencyOutcome again = cache.access(199 * 3'000'000, 2'900'000, false, {});
  CHECK(again.miss_bytes == 0);
}

TEST_CASE("what fits is found again, what is one line too many per set is not") {
  // Sixteen ways of sixteen sets; every policy but random keeps a working set that fits.
  for (const Replacement replacement :
       {Replacement::lru, Replacement::tree_plru, Replacement::srrip}) {
    SetCache cache({64, 16, 16, replacement});
    cache.access(0, cache.capacity(), false, {});
    CHECK(cache.access(0, cache.capacity(), false, {}).miss_bytes == 0);
  }
  SetCache lru({64, 16, 16, Replacement::lru});
  const std::uint64_t more = lru.capacity() + 16 * 64;
  lru.access(0, more, false, {});
  CHECK(lru.access(0, more, false, {}).hit_bytes == 0);
}

TEST_CASE("a scan leaves alone what is reserved, what is protected, and what streams past it") {
  const auto kept_after_scan = [](Replacement replacement, const CacheClient& scan) {
    SetCache cache({64, 16, 16, replacement});
    const std::uint64_t hot = cache.capacity() / 2;
    const CacheClient owner{0x00FF, false};
    cache.access(0, hot, false, owner);
    cache.access(0, hot, false, owner);
    cache.access(1U << 20U, 8 * cache.capacity(), false, scan);
    return cache.access(0, hot, false, owner).hit_bytes == hot;
  };
  CHECK_FALSE(kept_after_scan(Replacement::lru, {}));
  CHECK(kept_after_scan(Replacement::lru, {0xFF00, false}));
  CHECK(kept_after_scan(Replacement::lru, {~std::uint64_t{0}, true}));
  CHECK(kept_after_scan(Replacement::srrip, {~std::uint64_t{0}, true}));
}
