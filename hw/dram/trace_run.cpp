#include "hw/dram/trace_run.hpp"

#include "hw/dram/train.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <deque>
#include <optional>

namespace joulesim::hw {
namespace {

// Bursts of the requests [begin, end), as they are asked for.
struct TraceFeed {
  TraceFeed(const std::vector<TraceRequest>& requests, const DramMapping& map, std::uint64_t burst,
            std::uint64_t request_bytes)
      : trace(&requests), mapping(&map), burst_bytes(burst), per_request(request_bytes / burst) {}

  const Burst* front(Clock) {
    if (!valid && next < end && (!serial || under_way == 0)) {
      const TraceRequest& r = (*trace)[next];
      const DramAddress a = mapping->decode(r.address / burst_bytes + piece);
      current = {a.bank, a.row, a.column, r.write, 0, 0, serial ? last : 0};
      valid = true;
    }
    return valid ? &current : nullptr;
  }
  void pop() {
    valid = false;
    ++under_way;
    if (++piece == per_request) {
      piece = 0;
      ++next;
    }
  }
  void done(const Burst& b, Clock issued, Clock data_end) {
    --under_way;
    ++finished;
    last = std::max(last, b.write ? issued : data_end);
    if (!b.write) {
      const Clock waited = data_end - b.arrival;
      latency += waited;
      latency_max = std::max(latency_max, waited);
      ++reads;
    }
  }

  const std::vector<TraceRequest>* trace;
  const DramMapping* mapping;
  std::uint64_t burst_bytes, per_request;
  std::size_t next = 0, end = 0;
  std::uint64_t piece = 0;
  bool serial = false, valid = false;
  Burst current;
  std::uint64_t under_way = 0, finished = 0;
  Clock last = 0, latency = 0, latency_max = 0;
  std::uint64_t reads = 0;
};

double clock_seconds(const DramPart& part) {
  return static_cast<double>(part.timing.tCK_fs) * 1e-15;
}

DramCounters scaled(const DramCounters& c, double f) {
  const auto times = [f](std::int64_t v) {
    return static_cast<std::int64_t>(std::llround(static_cast<double>(v) * f));
  };
  DramCounters out;
  out.activates = times(c.activates);
  out.precharges = times(c.precharges);
  out.reads = times(c.reads);
  out.writes = times(c.writes);
  out.refreshes = times(c.refreshes);
  out.bank_refreshes = times(c.bank_refreshes);
  out.row_hits = times(c.row_hits);
  out.row_misses = times(c.row_misses);
  out.row_conflicts = times(c.row_conflicts);
  out.turnarounds = times(c.turnarounds);
  out.active_clocks = times(c.active_clocks);
  out.forwarded = times(c.forwarded);
  out.coalesced = times(c.coalesced);
  return out;
}

DramCounters difference(const DramCounters& a, const DramCounters& b) {
  return {a.activates - b.activates,
          a.precharges - b.precharges,
          a.reads - b.reads,
          a.writes - b.writes,
          a.refreshes - b.refreshes,
          a.bank_refreshes - b.bank_refreshes,
          a.row_hits - b.row_hits,
          a.row_misses - b.row_misses,
          a.row_conflicts - b.row_conflicts,
          a.turnarounds - b.turnarounds,
          a.active_clocks - b.active_clocks,
          a.forwarded - b.forwarded,
          a.coalesced - b.coalesced};
}

void accumulate(DramCounters& sum, const DramCounters& c) {
  sum = difference(sum, difference(DramCounters{}, c));
}

void finish(TraceResult& r, const DramPart& part, std::uint64_t bytes) {
  r.time = Time(static_cast<double>(r.cycles) * clock_seconds(part));
  r.bandwidth = Bandwidth(r.time.si() > 0 ? static_cast<double>(bytes) / r.time.si() : 0);
  r.share_of_peak = r.bandwidth / part.peak.value;
  r.activity = activity_of(r.counters, part, r.time);
}

void run_burst(const DramPart& part, TraceFeed feed, const ControllerPolicy& policy,
               TraceResult& r) {
  Channel channel(part.organisation, part.timing, policy);
  feed.end = feed.trace->size();
  channel.run(feed, kNever);
  while (feed.next < feed.end) {  // serial: the next request waits for the last response
    channel.run(feed, kNever);
  }
  r.cycles = feed.last;
  r.counters = channel.counters();
  r.simulated_bursts = feed.finished;
  if (feed.reads > 0) {
    const double clock = clock_seconds(part);
    r.read_latency =
        Time(static_cast<double>(feed.latency) / static_cast<double>(feed.reads) * clock);
    r.read_latency_max = Time(static_cast<double>(feed.latency_max) * clock);
  }
}

// Stretches of the trace, evenly spread; each gives a rate (bursts per clock) of whole refresh
// intervals after one that only warms the state up.
void run_sampled(const DramPart& part, TraceFeed feed, const ControllerPolicy& policy,
                 TraceResult& r) {
  const Clock interval = part.timing.nREFI > 0 ? part.timing.nREFI : 10000;
  const std::uint64_t total = r.bursts;
  // A quarter of the trace in samples is not worth sampling.
  const auto fastest = static_cast<std::uint64_t>(interval / std::max<Clock>(1, part.timing.nBL)) *
                       static_cast<std::uint64_t>(part.organisation.units);
  if (total < 64 * fastest) {
    run_burst(part, feed, policy, r);
    return;
  }
  constexpr int kWarm = 2;
  constexpr int kMeasured = 3;
  std::vector<double> clocks_per_burst;
  DramCounters sum;
  std::uint64_t measured = 0;
  Clock measured_clocks = 0;
  double latency = 0;
  std::uint64_t reads = 0;
  Clock longest = 0;
  for (std::size_t strata = 4; strata <= 64; strata *= 2) {
    // Each doubling adds the midpoints between the stretches that were there before.
    for (std::size_t i = strata == 4 ? 0 : 1; i < strata; i += strata == 4 ? 1 : 2) {
      Channel channel(part.organisation, part.timing, policy);
      TraceFeed part_feed = feed;
      part_feed.next =
          static_cast<std::size_t>(static_cast<double>(feed.trace->size()) *
                                   static_cast<double>(i) / static_cast<double>(strata));
      part_feed.end = feed.trace->size();
      channel.run(part_feed, interval * kWarm);
      for (int k = 0; k < kMeasured; ++k) {
        const std::uint64_t before = part_feed.finished;
        const Clock latency_before = part_feed.latency;
        const std::uint64_t reads_before = part_feed.reads;
        const DramCounters counters = channel.counters();
        channel.run(part_feed, interval * (kWarm + k + 1));
        const std::uint64_t served = part_feed.finished - before;
        if (served == 0 || part_feed.next == part_feed.end) {
          break;
        }
        clocks_per_burst.push_back(static_cast<double>(interval) / static_cast<double>(served));
        accumulate(sum, difference(channel.counters(), counters));
        measured += served;
        measured_clocks += interval;
        latency += static_cast<double>(part_feed.latency - latency_before);
        reads += part_feed.reads - reads_before;
      }
      longest = std::max(longest, part_feed.latency_max);
      r.simulated_bursts += part_feed.finished;
    }
    double mean = 0;
    for (const double v : clocks_per_burst) {
      mean += v / static_cast<double>(clocks_per_burst.size());
    }
    double variance = 0;
    for (const double v : clocks_per_burst) {
      variance += (v - mean) * (v - mean) / static_cast<double>(clocks_per_burst.size() - 1);
    }
    const double half = 1.96 * std::sqrt(variance / static_cast<double>(clocks_per_burst.size()));
    if (half < 0.005 * mean) {
      break;
    }
  }
  const double factor = static_cast<double>(total) / static_cast<double>(measured);
  r.cycles = static_cast<std::int64_t>(std::llround(static_cast<double>(measured_clocks) * factor));
  r.counters = scaled(sum, factor);
  const double clock = clock_seconds(part);
  r.read_latency = Time(reads > 0 ? latency / static_cast<double>(reads) * clock : 0);
  r.read_latency_max = Time(static_cast<double>(longest) * clock);
}

// One pseudo-channel's runs of consecutive bursts: reads as they come, writes held back until the
// buffer is nearly full.
class TrainLane {
 public:
  TrainLane(const DramPart& part, const DramMapping& mapping, const ControllerPolicy& policy)
      : burst_(static_cast<std::uint64_t>(part.organisation.burst_bytes)),
        channel_(part.organisation, part.timing, mapping, policy),
        arbiter_(policy.read_entries),
        above_(static_cast<std::uint64_t>(policy.drain_above * policy.write_entries)),
        below_(static_cast<std::uint64_t>(policy.drain_below * policy.write_entries) + 1) {}

  void add(std::uint64_t address, bool write) {
    if (!write) {
      if (reads_.bytes == 0 || reads_.address + reads_.bytes != address) {
        send(reads_, false);
        reads_ = {address, 0};
      }
      reads_.bytes += burst_;
      return;
    }
    if (writes_.empty() || writes_.back().address + writes_.back().bytes != address ||
        writes_.back().bytes / burst_ >= below_) {
      writes_.push_back({address, 0});
    }
    writes_.back().bytes += burst_;
    if (++held_ > above_) {
      send(reads_, false);
      reads_ = {};
      drain(below_);
    }
  }
  void flush() {
    send(reads_, false);
    drain(0);
  }
  [[nodiscard]] Clock end() const {
    Clock last = 0;
    for (const ShareDone& share : done_) {
      last = std::max(last, share.data_end);
    }
    return last;
  }
  DramCounters counters(Clock t) { return channel_.counters(t); }

 private:
  struct Run {
    std::uint64_t address = 0, bytes = 0;
  };
  void send(const Run& run, bool write) {
    if (run.bytes == 0) {
      return;
    }
    TrainPattern pattern;
    pattern.write = write;
    pattern.base = run.address;
    pattern.chunk = run.bytes;
    pattern.count = 1;
    SliceArbiter::Share share;
    share.pieces = PieceStream(pattern, {1, burst_, burst_}, 0);
    share.write = write;
    arbiter_.push(0, share);
    channel_.run(arbiter_, kNever, done_, served_);
  }
  void drain(std::uint64_t leave) {
    while (held_ > leave && !writes_.empty()) {
      send(writes_.front(), true);
      held_ -= writes_.front().bytes / burst_;
      writes_.pop_front();
    }
  }

  std::uint64_t burst_;
  TrainChannel channel_;
  SliceArbiter arbiter_;
  std::uint64_t above_, below_, held_ = 0;
  Run reads_;
  std::deque<Run> writes_;
  std::vector<ShareDone> done_;
  std::vector<std::uint64_t> served_;
};

// Requests per run of consecutive addresses of one direction.
double mean_run(const std::vector<TraceRequest>& trace, std::uint64_t request_bytes) {
  std::uint64_t expected[2] = {~std::uint64_t{0}, ~std::uint64_t{0}};
  std::size_t runs = 0;
  for (const TraceRequest& request : trace) {
    std::uint64_t& next = expected[request.write ? 1 : 0];
    runs += request.address != next ? 1 : 0;
    next = request.address + request_bytes;
  }
  return static_cast<double>(trace.size()) / static_cast<double>(std::max<std::size_t>(runs, 1));
}

// Bursts alternate over the pseudo-channels; each goes its own way.
void run_train(const DramPart& part, const std::vector<TraceRequest>& trace,
               const std::string& mapping_name, const ControllerPolicy& policy,
               std::uint64_t request_bytes, TraceResult& r) {
  DramPart whole = part;
  whole.mapping_name = mapping_name;
  const DramPart unit = whole.one_unit();
  const DramMapping mapping = unit.mapping();
  ControllerPolicy unit_policy = policy;
  const auto units = static_cast<std::uint64_t>(part.organisation.units);
  unit_policy.read_entries /= part.organisation.units;
  unit_policy.write_entries /= part.organisation.units;
  const auto burst = static_cast<std::uint64_t>(part.organisation.burst_bytes);
  std::vector<TrainLane> lanes;
  for (std::uint64_t u = 0; u < units; ++u) {
    lanes.emplace_back(unit, mapping, unit_policy);
  }
  for (const TraceRequest& request : trace) {
    for (std::uint64_t at = 0; at < request_bytes; at += burst) {
      const std::uint64_t index = (request.address + at) / burst;
      lanes[index % units].add(index / units * burst, request.write);
    }
  }
  for (TrainLane& lane : lanes) {
    lane.flush();
    r.cycles = std::max(r.cycles, lane.end());
  }
  for (TrainLane& lane : lanes) {
    accumulate(r.counters, lane.counters(r.cycles));
  }
  r.simulated_bursts = r.bursts;
}

}  // namespace

ControllerPolicy reference_policy(const DramPart& part) {
  ControllerPolicy policy;
  policy.read_entries *= part.organisation.units;
  policy.write_entries *= part.organisation.units;
  return policy;
}

TraceResult run_trace(const DramPart& part, const std::vector<TraceRequest>& trace,
                      const TraceOptions& options) {
  const std::string name = options.mapping.empty() ? part.mapping_name : options.mapping;
  const auto mapping = DramMapping::named(name, part.organisation);
  if (!mapping) {
    throw InputError(
        fmt::format("part '{}': {}", part.name, DramMapping::fault(name, part.organisation)));
  }
  const auto burst = static_cast<std::uint64_t>(part.organisation.burst_bytes);
  if (options.request_bytes % burst != 0) {
    throw InputError(fmt::format("requests of {} B on part '{}'; expected a multiple of {} B",
                                 options.request_bytes, part.name, burst));
  }
  ControllerPolicy policy = reference_policy(part);
  policy.scheduler = options.scheduler;
  if (!options.refresh) {
    policy.refresh = RefreshPolicy::none;
  }
  TraceResult r;
  r.bursts = trace.size() * (options.request_bytes / burst);
  TraceFeed feed(trace, *mapping, burst, options.request_bytes);
  feed.serial = options.serial;
  switch (options.detail) {
    case TraceDetail::burst:
      run_burst(part, feed, policy, r);
      break;
    case TraceDetail::train:
      // Short runs overtake each other in the buffers: their pace is measured, as that of short
      // pieces is at train level.
      if (mean_run(trace, options.request_bytes) < 16) {
        run_sampled(part, feed, policy, r);
        break;
      }
      run_train(part, trace, name, policy, options.request_bytes, r);
      break;
    case TraceDetail::sampled:
      run_sampled(part, feed, policy, r);
      break;
  }
  finish(r, part, trace.size() * options.request_bytes);
  return r;
}

}  // namespace joulesim::hw
