#include "hw/dram/loaded_latency.hpp"

#include <algorithm>
#include <cmath>
#include <random>

namespace joulesim::hw {
namespace {

constexpr std::uint64_t kSeed = 20250101;
constexpr std::uint64_t kReads = 12000;

struct PacedFeed {
  PacedFeed(const DramPart& part, LoadPattern wanted, double clocks_per_burst)
      : mapping(part.mapping()),
        pattern(wanted),
        distance(clocks_per_burst),
        bursts(static_cast<std::uint64_t>(part.organisation.rows) *
               static_cast<std::uint64_t>(part.organisation.columns()) *
               static_cast<std::uint64_t>(part.organisation.banks())),
        rng(kSeed) {}

  const Burst* front(Clock) {
    if (!valid && sent < kReads) {
      // 53 bits of the generator as a number in (0, 1].
      const double u = (static_cast<double>(rng() >> 11U) + 1) * 0x1p-53;
      instant -= distance * std::log(u);
      const std::uint64_t index = pattern == LoadPattern::stream ? sent : rng() % bursts;
      const DramAddress a = mapping.decode(index);
      current = {a.bank, a.row, a.column, false, 0, 0, static_cast<Clock>(instant)};
      valid = true;
    }
    return valid ? &current : nullptr;
  }
  void pop() {
    valid = false;
    ++sent;
  }
  void done(const Burst& b, Clock, Clock data_end) {
    waited.push_back(data_end - b.arrival);
    last = std::max(last, data_end);
  }

  DramMapping mapping;
  LoadPattern pattern;
  double distance, instant = 0;
  std::uint64_t bursts, sent = 0;
  std::mt19937_64 rng;
  bool valid = false;
  Burst current;
  std::vector<Clock> waited;
  Clock last = 0;
};

}  // namespace

std::vector<LoadPoint> loaded_latency(const DramPart& part, const ControllerPolicy& policy,
                                      LoadPattern pattern, const std::vector<double>& shares) {
  const double clock = static_cast<double>(part.timing.tCK_fs) * 1e-15;
  const double bytes = part.organisation.burst_bytes;
  std::vector<LoadPoint> out;
  for (const double share : shares) {
    const Bandwidth offered = part.peak.value * share;
    PacedFeed feed(part, pattern, bytes / offered.si() / clock);
    Channel channel(part.organisation, part.timing, policy);
    channel.run(feed, kNever);
    double sum = 0;
    for (const Clock waited : feed.waited) {
      sum += static_cast<double>(waited);
    }
    const auto tail = feed.waited.begin() + static_cast<std::ptrdiff_t>(kReads / 100 * 99);
    std::nth_element(feed.waited.begin(), tail, feed.waited.end());
    out.push_back(
        {offered,
         Bandwidth(bytes * static_cast<double>(kReads) / (static_cast<double>(feed.last) * clock)),
         Time(sum / static_cast<double>(kReads) * clock),
         Time(static_cast<double>(*tail) * clock)});
  }
  return out;
}

}  // namespace joulesim::hw
