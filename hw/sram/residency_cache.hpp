// Which bytes of the address space are on chip: a cache kept as ranges, fully associative, or by
// sets and ways where it is given a shape (set_cache.hpp).
//
// An access walks its lines from the low address up; the bookkeeping is run-length coded, so that
// megabytes cost microseconds, and the outcome is exactly that of a line-by-line simulation.
//
// Models:      true LRU over lines; segmented LRU (Karedla, Love and Wherry, Computer 27(3), 1994):
//              new lines are on probation, a second touch protects them, so that a scan cannot
//              drive out what is reused; write-back with allocation; what SetCache models.
// Leaves out:  hardware prefetch, coherence.
// Checked by:  tests/unit/platform_sram.cpp (against a line-by-line list, random accesses),
//              tests/oracle/set_cache.cpp.
#pragma once

#include "hw/sram/set_cache.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <list>
#include <map>
#include <optional>

namespace joulesim::hw {

class ResidencyCache {
 public:
  enum class Policy : std::uint8_t { lru, segmented_lru };

  // `protected_share` of the capacity may hold protected lines (segmented LRU).
  ResidencyCache(Bytes capacity, Bytes line, Policy policy = Policy::lru,
                 double protected_share = 0);
  explicit ResidencyCache(const SetShape& shape);
  ResidencyCache(const ResidencyCache& other);
  ResidencyCache& operator=(const ResidencyCache&) = delete;

  // `client` matters where there are sets and ways.
  ResidencyOutcome access(std::uint64_t address, std::uint64_t bytes, bool write,
                          const CacheClient& client);
  ResidencyOutcome access(std::uint64_t address, std::uint64_t bytes, bool write) {
    return access(address, bytes, write, own_);
  }
  // Whose accesses are those that name no client.
  void use_as(const CacheClient& client) { own_ = client; }
  // Forgets a range without writing it back: the data are dead (an activation that was consumed).
  void discard(std::uint64_t address, std::uint64_t bytes);
  // Writes everything dirty back and keeps it, clean.
  std::uint64_t flush();

  [[nodiscard]] std::uint64_t resident_bytes() const {
    return sets_ ? sets_->resident_bytes() : used_[0] + used_[1];
  }
  [[nodiscard]] std::uint64_t resident_bytes(std::uint64_t address, std::uint64_t bytes) const;
  [[nodiscard]] std::uint64_t capacity() const { return capacity_; }
  [[nodiscard]] std::size_t ranges() const { return sets_ ? sets_->groups() : by_address_.size(); }

 private:
  // Lines of one range were touched in ascending order: the lowest is the oldest.
  struct Range {
    std::uint64_t begin, end;
    bool dirty;
    std::uint8_t segment;  // 0: the only one, or probation; 1: protected
  };
  using Order = std::list<Range>;                        // oldest first
  using Map = std::map<std::uint64_t, Order::iterator>;  // by begin

  [[nodiscard]] Map::const_iterator first_at_or_after(std::uint64_t address) const;
  void touch(Order::iterator range, std::uint64_t begin, std::uint64_t end, bool write);
  // Takes [begin, end) out of a range, which it lies in.
  void cut(Order::iterator range, std::uint64_t begin, std::uint64_t end);
  void append(const Range& range);
  void evict(std::uint64_t bytes, ResidencyOutcome& outcome);
  void insert_missing(std::uint64_t begin, std::uint64_t end, bool write,
                      ResidencyOutcome& outcome);

  std::uint64_t line_, capacity_, protected_capacity_ = 0;
  Policy policy_;
  Order order_[2];
  std::uint64_t used_[2] = {0, 0};
  Map by_address_;
  std::optional<SetCache> sets_;
  CacheClient own_;
};

}  // namespace joulesim::hw
