#include "hw/dram/trace_patterns.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace joulesim::hw {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::uint64_t kGiB = 1 << 30;
constexpr std::uint64_t kLine = kRequestBytes;
constexpr std::uint64_t kPage = 4096;

class SplitMix64 {
 public:
  explicit SplitMix64(std::uint64_t seed) : s_(seed) {}
  std::uint64_t below(std::uint64_t n) { return next() % n; }

 private:
  std::uint64_t next() {
    s_ += 0x9E3779B97F4A7C15ULL;
    std::uint64_t z = s_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
    return z ^ (z >> 31);
  }
  std::uint64_t s_;
};

}  // namespace

const std::vector<std::string_view>& trace_pattern_names() {
  static const std::vector<std::string_view> kNames = {
      "seq_read", "seq_rw20", "seq_rw20_sep", "two_stream", "stride4k", "rand64", "rand4k"};
  return kNames;
}

std::vector<TraceRequest> make_trace(std::string_view name, std::uint64_t seed, std::uint64_t n) {
  std::vector<TraceRequest> out;
  out.reserve(n);
  SplitMix64 rng(seed);
  if (name == "seq_read") {
    for (std::uint64_t i = 0; i < n; ++i) {
      out.emplace_back(i * kLine, false);
    }
  } else if (name == "seq_rw20") {
    for (std::uint64_t i = 0; i < n; ++i) {
      out.emplace_back(i * kLine, rng.below(100) < 20);
    }
  } else if (name == "seq_rw20_sep") {
    std::uint64_t read = 0;
    std::uint64_t write = 256 * kMiB;
    for (std::uint64_t i = 0; i < n; ++i) {
      const bool is_write = rng.below(100) < 20;
      std::uint64_t& at = is_write ? write : read;
      out.emplace_back(at, is_write);
      at += kLine;
    }
  } else if (name == "two_stream") {
    for (std::uint64_t i = 0; i < n / 8 * 8; ++i) {
      const std::uint64_t line = i / 8 * 4 + i % 4;
      out.emplace_back(line * kLine + (i % 8 < 4 ? 0 : 512 * kMiB), false);
    }
  } else if (name == "stride4k") {
    for (std::uint64_t i = 0; i < n / 4; ++i) {
      out.emplace_back(i * kPage % kGiB, false);
    }
  } else if (name == "rand64") {
    for (std::uint64_t i = 0; i < n / 4; ++i) {
      out.emplace_back(rng.below(kGiB / kLine) * kLine, false);
    }
  } else if (name == "rand4k") {
    for (std::uint64_t i = 0; i < n / 64; ++i) {
      const std::uint64_t page = rng.below(kGiB / kPage) * kPage;
      for (std::uint64_t k = 0; k < kPage / kLine; ++k) {
        out.emplace_back(page + k * kLine, false);
      }
    }
  } else {
    throw InputError(fmt::format("found no trace pattern '{}'; expected one of {}", name,
                                 fmt::join(trace_pattern_names(), ", ")));
  }
  return out;
}

}  // namespace joulesim::hw
