// A set-associative cache whose sets are kept in groups that are in the same state.
//
// A long run of lines puts the same question to one set after the other, and sets that have seen
// the same answer the same way. So the state is kept once per stretch of equal sets, an access
// splits and joins stretches, and megabytes cost microseconds; the outcome is exactly that of a
// simulation line by line.
//
// Models:      sets and ways, low-order indexing; LRU, tree pseudo-LRU, random (by a hash of the
//              line, so that runs repeat), SRRIP (Jaleel et al., ISCA 2010: 2 bits, insertion at
//              "long", promotion to "near" on a hit); ways reserved for a client; data that stream
//              inserted where they are evicted first; write-back with allocation.
// Leaves out:  hashed set indexes, sectors, coherence, prefetch.
// Checked by:  tests/oracle/set_cache.cpp (against a simulator of every line).
#pragma once

#include "hw/sram/residency_outcome.hpp"

#include <cstdint>
#include <vector>

namespace joulesim::hw {

enum class Replacement : std::uint8_t { lru, tree_plru, random, srrip };

struct SetShape {
  std::uint64_t line = 0, sets = 0;
  int ways = 0;
  Replacement replacement = Replacement::lru;
};

// Whose access it is. Hits are found in all ways; new lines go into ways of the mask.
struct CacheClient {
  std::uint64_t ways = ~std::uint64_t{0};
  bool streaming = false;  // what it brings in is the first to go
};

class SetCache {
 public:
  explicit SetCache(const SetShape& shape);

  ResidencyOutcome access(std::uint64_t address, std::uint64_t bytes, bool write,
                          const CacheClient& client);
  void discard(std::uint64_t address, std::uint64_t bytes);
  std::uint64_t flush();

  [[nodiscard]] std::uint64_t capacity() const {
    return shape_.line * shape_.sets * static_cast<std::uint64_t>(shape_.ways);
  }
  [[nodiscard]] std::uint64_t resident_bytes() const;
  [[nodiscard]] std::uint64_t resident_bytes(std::uint64_t address, std::uint64_t bytes) const;
  [[nodiscard]] std::size_t groups() const { return groups_.size(); }

  static constexpr int kMostWays = 64;

 private:
  static constexpr std::uint64_t kNothing = ~std::uint64_t{0};
  struct Way {
    std::uint64_t tag = kNothing;
    bool dirty = false;
    std::uint8_t age = 0;  // LRU: rank, 0 the oldest; SRRIP: re-reference interval
    bool operator==(const Way&) const = default;
  };
  // Sets [begin, end of the next group).
  struct Group {
    std::uint64_t begin = 0;
    std::vector<Way> ways;
    std::uint64_t tree = 0;  // pseudo-LRU: one bit per node, 1: the older half is the upper
    [[nodiscard]] bool same_state(const Group& other) const {
      return tree == other.tree && ways == other.ways;
    }
  };
  struct Touched {
    bool hit = false;
    std::uint64_t evicted = kNothing;
    bool evicted_dirty = false;
  };

  [[nodiscard]] std::size_t group_at(std::uint64_t set) const;
  std::size_t split(std::uint64_t set);  // the group that begins there
  void join(std::uint64_t first_set, std::uint64_t last_set);
  [[nodiscard]] std::uint64_t end_of(std::size_t group) const;
  Touched touch(Group& group, std::uint64_t tag, bool write, const CacheClient& client) const;
  [[nodiscard]] std::size_t victim(Group& group, std::uint64_t tag, std::uint64_t mask) const;
  void used(Group& group, std::size_t way, bool inserted, bool streaming) const;
  // Calls visit(group, tag, first set, end set) for every stretch of sets that a range falls on.
  template <class Visit>
  void each_stretch(std::uint64_t address, std::uint64_t bytes, const Visit& visit);

  SetShape shape_;
  std::uint64_t all_ways_;
  std::vector<Group> groups_;  // in order
};

}  // namespace joulesim::hw
