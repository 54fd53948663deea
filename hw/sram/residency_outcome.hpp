// What one access to a cache did.
#pragma once

#include <cstdint>
#include <vector>

namespace joulesim::hw {

struct ByteRange {
  std::uint64_t begin = 0, end = 0;
  [[nodiscard]] std::uint64_t bytes() const { return end - begin; }
  bool operator==(const ByteRange&) const = default;
};

struct ResidencyOutcome {
  std::uint64_t hit_bytes = 0;         // asked for and there
  std::uint64_t miss_bytes = 0;        // asked for and not there; hit + miss = asked for
  std::vector<ByteRange> fetch;        // whole lines to read from behind, in order
  std::uint64_t written_back = 0;      // dirty bytes pushed out, whole lines
  std::vector<ByteRange> write_backs;  // where they belong, in order of eviction

  [[nodiscard]] std::uint64_t fetched() const;
};

}  // namespace joulesim::hw
