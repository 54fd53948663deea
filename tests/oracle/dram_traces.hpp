// The reference traces, made again from their recipe: splitmix64 from a seed, 64-byte requests.
#pragma once

#include "hw/dram/trace_run.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::hw::testing {

class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : s_(seed) {}
  std::uint64_t next() {
    s_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = s_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t s_;
};

inline std::vector<TraceRequest> make_trace(const std::string& name, std::uint64_t seed = 1,
                                            std::uint64_t n = 1 << 20) {
  constexpr std::uint64_t kMiB = 1 << 20;
  constexpr std::uint64_t kGiB = 1 << 30;
  std::vector<TraceRequest> out;
  SplitMix64 rng(seed);
  if (name == "seq_read" || name == "seq_rw20") {
    for (std::uint64_t i = 0; i < n; ++i) {
      out.push_back({i * 64, name == "seq_rw20" && rng.below(100) < 20});
    }
  } else if (name == "seq_rw20_sep") {
    std::uint64_t read = 0;
    std::uint64_t write = 256 * kMiB;
    for (std::uint64_t i = 0; i < n; ++i) {
      const bool w = rng.below(100) < 20;
      std::uint64_t& at = w ? write : read;
      out.push_back({at, w});
      at += 64;
    }
  } else if (name == "two_stream") {
    for (std::uint64_t i = 0; i < n; ++i) {  // four lines of each in turn
      const std::uint64_t line = i / 8 * 4 + i % 4;
      out.push_back({line * 64 + (i % 8 < 4 ? 0 : 512 * kMiB), false});
    }
  } else if (name == "stride4k") {
    for (std::uint64_t i = 0; i < n / 4; ++i) {
      out.push_back({i * 4096 % kGiB, false});
    }
  } else if (name == "rand64") {
    for (std::uint64_t i = 0; i < n / 4; ++i) {
      out.push_back({rng.below(kGiB / 64) * 64, false});
    }
  } else if (name == "rand4k") {
    for (std::uint64_t i = 0; i < n / 64; ++i) {
      const std::uint64_t page = rng.below(kGiB / 4096) * 4096;
      for (std::uint64_t k = 0; k < 64; ++k) {
        out.push_back({page + k * 64, false});
      }
    }
  }
  return out;
}

}  // namespace joulesim::hw::testing
