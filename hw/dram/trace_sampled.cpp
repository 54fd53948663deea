#include "hw/dram/trace_levels.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <utility>

namespace joulesim::hw {
namespace {

// A stretch: one refresh interval to fill buffers and banks, then those that count.
constexpr Clock kWarm = 1;
constexpr Clock kMeasured = 2;
constexpr std::size_t kFewest = 5;
// Of one stream: intervals to settle, and those that count.
constexpr Clock kSettling = 6;
constexpr std::size_t kFewestInTurn = 10;
constexpr std::size_t kMost = 512;
constexpr double kHalfWidth = 0.005;

// Refreshes recur after this many clocks; what is measured is whole multiples of it.
Clock interval_of(const DramPart& part, const ControllerPolicy& policy) {
  constexpr Clock kWithoutRefresh = 8192;
  const RefreshPlan plan(part.organisation, part.timing, policy.refresh);
  const Clock interval = plan.interval() * plan.steps();
  return interval > 0 ? interval : kWithoutRefresh;
}

// Student's t for a two-sided interval of 95 %, by degrees of freedom (tabulated; 1.96 beyond).
double student(std::size_t degrees) {
  constexpr std::array<double, 31> kTable = {0,     12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365,
                                             2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
                                             2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069,
                                             2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042};
  return degrees < kTable.size() ? kTable[degrees]
                                 : 2.042 - 0.082 * (1 - 30.0 / static_cast<double>(degrees));
}

struct Stretch {
  std::uint64_t bursts = 0, reads = 0, played = 0;
  Clock clocks = 0, latency = 0, latency_max = 0;
  DramCounters counters;
};

// What a channel does from now on until clock `until`.
Stretch play(Channel& channel, TraceFeed& feed, Clock until) {
  const std::uint64_t bursts = feed.finished;
  const std::uint64_t reads = feed.reads;
  const Clock latency = feed.latency;
  const Clock begin = channel.now();
  const DramCounters before = channel.counters();
  channel.run(feed, until);
  return {feed.finished - bursts,
          feed.reads - reads,
          feed.finished - bursts,
          until - begin,
          feed.latency - latency,
          feed.latency_max,
          difference(channel.counters(), before)};
}

// Plays the trace from request `first` on, as if the channel had been idle before.
Stretch play_at(const DramPart& part, TraceFeed feed, const ControllerPolicy& policy,
                std::size_t first, Clock interval) {
  Channel channel(part.organisation, part.timing, policy);
  feed.next = first;
  channel.run(feed, interval * kWarm);
  const std::uint64_t warm = feed.finished;
  Stretch out = play(channel, feed, interval * (kWarm + kMeasured));
  out.played += warm;
  return out;
}

// One stream, interval by interval from its beginning. Refreshes and rows may fall into step, which
// takes a few intervals, so these follow each other instead of beginning anew.
class Succession {
 public:
  Succession(const DramPart& part, TraceFeed feed, const ControllerPolicy& policy, Clock interval)
      : feed_(std::move(feed)),
        channel_(part.organisation, part.timing, policy),
        interval_(interval),
        until_(interval * kSettling) {
    channel_.run(feed_, until_);
    settling_ = feed_.finished;
  }
  Stretch next() {
    until_ += interval_;
    Stretch out = play(channel_, feed_, until_);
    out.played += std::exchange(settling_, 0);
    return out;
  }

 private:
  TraceFeed feed_;
  Channel channel_;
  Clock interval_, until_;
  std::uint64_t settling_ = 0;
};

}  // namespace

void run_sampled(const DramPart& part, const TraceFeed& feed, const ControllerPolicy& policy,
                 TraceResult& r) {
  const Clock interval = interval_of(part, policy);
  const auto per_interval =
      static_cast<std::uint64_t>(interval / std::max<Clock>(1, part.timing.nBL)) *
      static_cast<std::uint64_t>(part.organisation.units);
  const std::uint64_t stretch = per_interval * (kWarm + kMeasured);  // at most
  // Samples of a quarter of the trace are not worth their error.
  if (r.bursts < 4 * kFewest * stretch || feed.serial) {
    run_burst(part, feed, policy, r);
    return;
  }
  std::optional<Succession> stream;
  if (long_runs(feed.trace)) {
    stream.emplace(part, feed, policy, interval);
  }
  const std::size_t fewest = stream ? kFewestInTurn : kFewest;
  const std::size_t places = feed.end - stretch / feed.per_request;
  std::vector<Stretch> samples;
  std::uint64_t played = 0;
  double mean = 0;
  double half_width = 1;
  while (half_width >= kHalfWidth && samples.size() < kMost && played < r.bursts / 2) {
    // Multiples of the golden ratio fall evenly over the trace however many there are, and on no
    // period of its addresses.
    constexpr double kGolden = 0.6180339887498949;
    const double place = std::fmod(0.5 + kGolden * static_cast<double>(samples.size()), 1.0);
    const auto first = static_cast<std::size_t>(place * static_cast<double>(places));
    samples.push_back(stream ? stream->next() : play_at(part, feed, policy, first, interval));
    played += samples.back().played;
    if (samples.size() < fewest) {
      continue;
    }
    const auto n = static_cast<double>(samples.size());
    mean = 0;
    for (const Stretch& s : samples) {
      mean += static_cast<double>(s.clocks) / static_cast<double>(s.bursts) / n;
    }
    double variance = 0;
    for (const Stretch& s : samples) {
      const double off = static_cast<double>(s.clocks) / static_cast<double>(s.bursts) - mean;
      variance += off * off / (n - 1);
    }
    half_width = student(samples.size() - 1) * std::sqrt(variance / n) / mean;
  }
  if (half_width >= kHalfWidth) {
    run_burst(part, feed, policy, r);  // nothing short of the whole trace tells
    return;
  }
  r.cycles = static_cast<std::int64_t>(std::llround(mean * static_cast<double>(r.bursts)));
  r.simulated_bursts = played;
  r.sampled = SampleQuality{samples.size(), half_width};
  const auto n = static_cast<double>(samples.size());
  double latency = 0;
  double reads = 0;
  Clock longest = 0;
  for (const Stretch& s : samples) {
    // Every stretch stands for an equal part of the trace.
    const double weight = static_cast<double>(r.bursts) / n / static_cast<double>(s.bursts);
    accumulate(r.counters, scaled(s.counters, weight));
    latency += static_cast<double>(s.latency) * weight;
    reads += static_cast<double>(s.reads) * weight;
    longest = std::max(longest, s.latency_max);
  }
  if (reads > 0) {
    const double clock = static_cast<double>(part.timing.tCK_fs) * 1e-15;
    r.read_latency = Time(latency / reads * clock);
    r.read_latency_max = Time(static_cast<double>(longest) * clock);
  }
}

}  // namespace joulesim::hw
