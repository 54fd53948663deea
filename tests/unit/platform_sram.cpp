#include "hw/sram/bank_conflicts.hpp"
#include "hw/sram/residency_cache.hpp"
#include "hw/sram/sram.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <iterator>
#include <list>
#include <random>
#include <utility>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::literals;

namespace {

constexpr std::uint64_t kMega = 1'000'000;
constexpr std::uint64_t kMebi = 1'048'576;

// The obvious cache: one entry per line, looked at one by one.
class LineCache {
 public:
  LineCache(std::size_t lines, std::size_t line, ResidencyCache::Policy policy, double share)
      : lines_(lines), line_(line), segmented_(policy == ResidencyCache::Policy::segmented_lru) {
    protected_lines_ = static_cast<std::size_t>(static_cast<double>(lines) * share);
  }

  ResidencyOutcome access(std::uint64_t address, std::uint64_t bytes, bool write) {
    ResidencyOutcome outcome;
    for (std::uint64_t n = address / line_; n * line_ < address + bytes; ++n) {
      const std::uint64_t low = std::max(address, n * line_);
      const std::uint64_t high = std::min(address + bytes, (n + 1) * line_);
      const auto [segment, place] = find(n);
      if (place != order_[segment].end()) {
        outcome.hit_bytes += high - low;
        Entry entry = *place;
        entry.dirty |= write;
        order_[segment].erase(place);
        promote(entry);
        continue;
      }
      outcome.miss_bytes += high - low;
      if (!write || high - low < line_) {
        outcome.fetch.push_back({n * line_, (n + 1) * line_});
      }
      if (order_[0].size() + order_[1].size() == lines_) {
        outcome.written_back += order_[0].front().dirty ? line_ : 0;
        order_[0].pop_front();
      }
      order_[0].push_back({n, write});
    }
    return outcome;
  }

  [[nodiscard]] bool holds(std::uint64_t address) {
    const auto [segment, place] = find(address / line_);
    return place != order_[segment].end();
  }

 private:
  struct Entry {
    std::uint64_t number;
    bool dirty;
  };
  using List = std::list<Entry>;

  std::pair<std::size_t, List::iterator> find(std::uint64_t number) {
    const auto is = [number](const Entry& entry) { return entry.number == number; };
    const auto first = std::find_if(order_[0].begin(), order_[0].end(), is);
    if (first != order_[0].end()) {
      return {0, first};
    }
    return {1, std::find_if(order_[1].begin(), order_[1].end(), is)};
  }

  void promote(Entry entry) {
    if (!segmented_) {
      order_[0].push_back(entry);
      return;
    }
    order_[1].push_back(entry);
    if (order_[1].size() > protected_lines_) {
      order_[0].push_back(order_[1].front());
      order_[1].pop_front();
    }
  }

  std::size_t lines_, line_, protected_lines_;
  bool segmented_;
  List order_[2];
};

}  // namespace

TEST_CASE("a second pass over weights that fit hits, so that a shared layer costs no DRAM") {
  ResidencyCache cache(16_MiB, 128_B);
  const auto first = cache.access(0, 3'500'000, false);
  CHECK(first.hit_bytes == 0);
  CHECK(first.miss_bytes == 3'500'000);
  const auto second = cache.access(0, 3'500'000, false);
  CHECK(second.hit_bytes == 3'500'000);
  CHECK(second.fetch.empty());
}

TEST_CASE("a cyclic scan of more than the capacity never hits under LRU") {
  ResidencyCache cache(32_MiB, 128_B);
  for (int pass = 0; pass < 3; ++pass) {
    std::uint64_t hits = 0;
    for (std::uint64_t at = 0; at < 100 * kMebi; at += kMebi) {
      hits += cache.access(at, kMebi, false).hit_bytes;
    }
    CHECK(hits == 0);
  }
  CHECK(cache.resident_bytes() == cache.capacity());
}

TEST_CASE("a scan that turns round at its end finds what it read last") {
  ResidencyCache cache(32_MiB, 128_B);
  for (std::uint64_t at = 0; at < 100 * kMebi; at += kMebi) {
    cache.access(at, kMebi, false);
  }
  std::uint64_t hits = 0;
  for (std::uint64_t at = 100 * kMebi; at > 0; at -= kMebi) {
    hits += cache.access(at - kMebi, kMebi, false).hit_bytes;
  }
  CHECK(hits == 32 * kMebi);
}

TEST_CASE("one access larger than the cache leaves its last bytes resident") {
  ResidencyCache cache(1_MiB, 64_B);
  const auto outcome = cache.access(0, 10 * kMebi, false);
  CHECK(outcome.miss_bytes == 10 * kMebi);
  CHECK(cache.resident_bytes(9 * kMebi, kMebi) == kMebi);
  CHECK(cache.resident_bytes(0, 9 * kMebi) == 0);
}

TEST_CASE("an access that overlaps resident lines fetches only the rest") {
  ResidencyCache cache(1_MiB, 64_B);
  cache.access(1024, 1024, false);
  const auto outcome = cache.access(0, 4096, false);
  CHECK(outcome.hit_bytes == 1024);
  CHECK(outcome.fetch == std::vector<ByteRange>{{0, 1024}, {2048, 4096}});
}

TEST_CASE("what the head of an access pushes out is missed by its tail") {
  // Room for four lines; lines 4..7 are there. Walking 0..7 pushes each out before it is reached.
  ResidencyCache cache(256_B, 64_B);
  cache.access(256, 256, false);
  const auto outcome = cache.access(0, 512, false);
  CHECK(outcome.hit_bytes == 0);
  CHECK(outcome.miss_bytes == 512);
}

TEST_CASE("edges of an access are fetched as whole lines but counted as asked for") {
  ResidencyCache cache(1_MiB, 64_B);
  const auto outcome = cache.access(10, 100, false);
  CHECK(outcome.miss_bytes == 100);
  CHECK(outcome.fetched() == 128);
  CHECK(cache.access(64, 64, false).hit_bytes == 64);
}

TEST_CASE("whole lines that are written are not fetched, and go back when they are pushed out") {
  ResidencyCache cache(256_B, 64_B);
  const auto written = cache.access(0, 256, true);
  CHECK(written.fetch.empty());
  CHECK(written.written_back == 0);
  const auto pushed = cache.access(1024, 128, false);
  CHECK(pushed.written_back == 128);
  CHECK(pushed.write_backs == std::vector<ByteRange>{{0, 128}});
  CHECK(cache.flush() == 128);
  CHECK(cache.flush() == 0);
}

TEST_CASE("a partly written line is fetched first") {
  ResidencyCache cache(1_MiB, 64_B);
  const auto outcome = cache.access(32, 128, true);
  CHECK(outcome.fetch == std::vector<ByteRange>{{0, 64}, {128, 192}});
}

TEST_CASE("discarded data are neither resident nor written back") {
  ResidencyCache cache(1_MiB, 64_B);
  cache.access(0, 4096, true);
  cache.discard(0, 4096);
  CHECK(cache.resident_bytes() == 0);
  CHECK(cache.flush() == 0);
}

TEST_CASE("segmented LRU keeps what is reused through a scan, plain LRU does not") {
  const auto hits_after_scan = [](ResidencyCache::Policy policy) {
    ResidencyCache cache(16_MiB, 128_B, policy, 0.5);
    cache.access(0, 4 * kMebi, false);
    cache.access(0, 4 * kMebi, false);
    cache.access(1000 * kMebi, 64 * kMebi, false);
    return cache.access(0, 4 * kMebi, false).hit_bytes;
  };
  CHECK(hits_after_scan(ResidencyCache::Policy::lru) == 0);
  CHECK(hits_after_scan(ResidencyCache::Policy::segmented_lru) == 4 * kMebi);
}

TEST_CASE("ranges behave as single lines do, under random accesses") {
  for (const auto policy : {ResidencyCache::Policy::lru, ResidencyCache::Policy::segmented_lru}) {
    for (const double share : {0.0, 0.3, 0.8}) {
      constexpr std::size_t kLines = 40;
      ResidencyCache ranges(Bytes(kLines * 16.0), 16_B, policy, share);
      LineCache lines(kLines, 16, policy, share);
      std::mt19937_64 random(11);
      for (int i = 0; i < 20'000; ++i) {
        const std::uint64_t address = random() % 2000;
        const std::uint64_t bytes = 1 + random() % (random() % 8 == 0 ? 1200 : 150);
        const bool write = random() % 3 == 0;
        const auto a = ranges.access(address, bytes, write);
        const auto b = lines.access(address, bytes, write);
        REQUIRE(a.hit_bytes == b.hit_bytes);
        REQUIRE(a.miss_bytes == b.miss_bytes);
        REQUIRE(a.hit_bytes + a.miss_bytes == bytes);
        REQUIRE(a.fetched() == b.fetched());
        REQUIRE(a.written_back == b.written_back);
        REQUIRE(ranges.resident_bytes() <= ranges.capacity());
        if (i % 500 == 0) {
          for (std::uint64_t at = 0; at < 3200; at += 16) {
            REQUIRE((ranges.resident_bytes(at, 16) == 16) == lines.holds(at));
          }
        }
      }
    }
  }
}

TEST_CASE("a copied cache behaves as its original and leaves it alone") {
  ResidencyCache cache(256_B, 64_B);
  cache.access(0, 256, true);
  ResidencyCache copy(cache);
  CHECK(copy.access(1024, 64, false).written_back == 64);
  CHECK(cache.resident_bytes(0, 256) == 256);
  CHECK(cache.access(2048, 64, false).write_backs == std::vector<ByteRange>{{0, 64}});
}

TEST_CASE("megabytes are tracked as a handful of ranges") {
  ResidencyCache cache(Bytes(32e6), 128_B);
  for (std::uint64_t layer = 0; layer < 200; ++layer) {
    cache.access(layer * 10 * kMega, 9 * kMega, false);
    cache.access(5'000 * kMega + layer % 4 * 65536, 65536, true);
  }
  CHECK(cache.ranges() < 50);
}

TEST_CASE("an on-chip memory books traffic and leakage, and stops at retention when unused") {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/sram/npu_scratchpad_a15.toml");
  const SramSpec spec = SramSpec::from(file.root());
  Ledger ledger;
  spec.spend(Bytes(8e9), Bytes(4e9), Time(0.25), "npu scratchpad", Time(0), Time(1), ledger);
  const double expected = 8e9 * spec.read.value.si() + 4e9 * spec.write.value.si() +
                          0.25 * spec.leakage.value.si() + 0.75 * spec.retention.value.si();
  CHECK(ledger.total().si() == Approx(expected));
  CHECK(spec.transfer_time(Bytes(1e6)).si() ==
        Approx(spec.latency.value.si() + 1e6 / spec.bandwidth.value.si()));
}

TEST_CASE("a stride slows a banked memory down as counting every bank's clocks says") {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/sram/npu_scratchpad_a15.toml");
  const SramSpec spec = SramSpec::from(file.root());
  const auto width = static_cast<std::uint64_t>(spec.width.value.si());
  const auto banks = static_cast<std::uint64_t>(spec.banks);
  for (const std::uint64_t lines : {1U, 2U, 3U, 6U, 8U, 12U, 63U, 64U, 65U, 96U, 128U}) {
    INFO(lines);
    std::vector<std::uint64_t> clocks(banks);
    for (std::uint64_t element = 0; element < banks; ++element) {
      ++clocks[element * lines % banks];
    }
    const std::uint64_t slowest = *std::max_element(clocks.begin(), clocks.end());
    const Bytes stride(static_cast<double>(lines * width));
    CHECK(conflict_factor(spec, stride) == static_cast<int>(slowest));
    // Every clock of the slowest bank gives one element of a line each, over all banks.
    const double seconds = static_cast<double>(slowest) / spec.clock.value.si();
    const double expected = static_cast<double>(banks * width) / seconds;
    if (lines > 1) {
      CHECK(strided_bandwidth(spec, spec.width.value, stride).si() ==
            Approx(expected).epsilon(0.01));
    }
  }
}

TEST_CASE("contiguous elements have the whole bandwidth, narrow scattered ones their share") {
  ConfigFile file = ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/sram/l2_h100.toml");
  const SramSpec spec = SramSpec::from(file.root());
  CHECK(strided_bandwidth(spec, 4_B, 4_B) == spec.bandwidth.value);
  // One 4-byte element of every 64-byte line.
  CHECK(strided_bandwidth(spec, 4_B, 64_B).si() == Approx(spec.bandwidth.value.si() / 16));
  // Two elements share a line.
  CHECK(strided_bandwidth(spec, 4_B, 32_B).si() == Approx(spec.bandwidth.value.si() / 8));
}

TEST_CASE("a group of accesses waits for its fullest bank, as counted clock by clock") {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/sram/npu_scratchpad_a15.toml");
  SramSpec spec = SramSpec::from(file.root());
  const auto width = static_cast<std::uint64_t>(spec.width.value.si());
  std::mt19937_64 random(3);
  for (const int ports : {1, 2, 3}) {
    spec.ports = ports;
    for (int round = 0; round < 200; ++round) {
      std::vector<std::uint64_t> addresses(random() % 100 + 1);
      for (std::uint64_t& address : addresses) {
        address = random() % 8192;
      }
      // Serve clock by clock: every bank passes as many different lines as it has ports.
      std::vector<std::uint64_t> waiting;
      for (const std::uint64_t address : addresses) {
        if (std::find(waiting.begin(), waiting.end(), address / width) == waiting.end()) {
          waiting.push_back(address / width);
        }
      }
      std::uint64_t clocks = 0;
      while (!waiting.empty()) {
        ++clocks;
        std::vector<int> served(static_cast<std::size_t>(spec.banks));
        std::vector<std::uint64_t> left;
        for (const std::uint64_t line : waiting) {
          int& here = served[line % static_cast<std::uint64_t>(spec.banks)];
          if (here < ports) {
            ++here;
          } else {
            left.push_back(line);
          }
        }
        waiting = left;
      }
      REQUIRE(group_clocks(spec, addresses) == clocks);
    }
  }
}
