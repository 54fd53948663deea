#include "hw/dram/trace_run.hpp"

#include "hw/dram/trace_levels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {

// Clocks in one slot of a profile: enough bursts in it for a rate, few enough slots for a picture.
Clock slot_of(const DramPart& part) {
  return part.timing.nREFI > 0 ? part.timing.nREFI : 16 * 1024;
}

double clock_seconds(const DramPart& part) {
  return static_cast<double>(part.timing.tCK_fs) * 1e-15;
}

void finish(TraceResult& r, const DramPart& part, std::uint64_t bytes) {
  r.time = Time(static_cast<double>(r.cycles) * clock_seconds(part));
  r.bandwidth = Bandwidth(r.time.si() > 0 ? static_cast<double>(bytes) / r.time.si() : 0);
  r.share_of_peak = r.bandwidth / part.peak.value;
  r.activity = activity_of(r.counters, part, r.time);
}

}  // namespace

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
  out.same_bank_refreshes = times(c.same_bank_refreshes);
  out.auto_precharges = times(c.auto_precharges);
  out.power_downs = times(c.power_downs);
  out.self_refreshes = times(c.self_refreshes);
  out.active_power_down_clocks = times(c.active_power_down_clocks);
  out.power_down_clocks = times(c.power_down_clocks);
  out.self_refresh_clocks = times(c.self_refresh_clocks);
  return out;
}

DramCounters difference(const DramCounters& a, const DramCounters& b) {
  return {a.activates - b.activates,
          a.precharges - b.precharges,
          a.reads - b.reads,
          a.writes - b.writes,
          a.refreshes - b.refreshes,
          a.bank_refreshes - b.bank_refreshes,
          a.same_bank_refreshes - b.same_bank_refreshes,
          a.row_hits - b.row_hits,
          a.row_misses - b.row_misses,
          a.row_conflicts - b.row_conflicts,
          a.turnarounds - b.turnarounds,
          a.active_clocks - b.active_clocks,
          a.forwarded - b.forwarded,
          a.coalesced - b.coalesced,
          a.auto_precharges - b.auto_precharges,
          a.power_downs - b.power_downs,
          a.self_refreshes - b.self_refreshes,
          a.active_power_down_clocks - b.active_power_down_clocks,
          a.power_down_clocks - b.power_down_clocks,
          a.self_refresh_clocks - b.self_refresh_clocks};
}

void accumulate(DramCounters& sum, const DramCounters& c) {
  sum = difference(sum, difference(DramCounters{}, c));
}

void run_burst(const DramPart& part, TraceFeed feed, const ControllerPolicy& policy,
               TraceResult& r) {
  Channel channel(part.organisation, part.timing, policy);
  if (r.profile) {
    r.profile->slot_clocks = slot_of(part);
    feed.profile = &*r.profile;
  }
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

ControllerPolicy reference_policy(const DramPart& part) {
  ControllerPolicy policy;
  policy.read_entries *= part.organisation.units;
  policy.write_entries *= part.organisation.units;
  part.choose_policies(policy);
  return policy;
}

namespace {

ControllerPolicy policy_of(const DramPart& part, const TraceOptions& options) {
  const auto clocks = [&part](Time t) {
    return std::max<Clock>(part.timing.to_clocks_ceil(std::llround(t.si() * 1e12)), 1);
  };
  ControllerPolicy policy = reference_policy(part);
  policy.scheduler = options.scheduler;
  policy.portable = options.portable;
  policy.drain = options.drain.value_or(policy.drain);
  policy.page = options.page.value_or(policy.page);
  policy.refresh = options.refresh_mode.value_or(policy.refresh);
  policy.idle = options.idle.value_or(policy.idle);
  if (options.page_timeout) {
    policy.page_timeout = clocks(*options.page_timeout);
  }
  if (options.idle_after) {
    policy.idle_after = clocks(*options.idle_after);
  }
  if (!options.refresh) {
    policy.refresh = RefreshPolicy::none;
  }
  part.require_policies(policy);
  return policy;
}

}  // namespace

TraceResult run_trace(const DramPart& part, Trace trace, const TraceOptions& options) {
  const std::string name = options.mapping.empty() ? part.mapping_name : options.mapping;
  const auto mapping = DramMapping::named(name, part.organisation);
  if (!mapping) {
    throw InputError(
        fmt::format("part '{}': {}", part.name, DramMapping::fault(name, part.organisation)));
  }
  const auto burst = static_cast<std::uint64_t>(part.organisation.burst_bytes);
  if (kRequestBytes % burst != 0) {
    throw InputError(
        fmt::format("found bursts of {} B in part '{}'; expected bursts that divide requests of "
                    "{} B",
                    burst, part.name, kRequestBytes));
  }
  const ControllerPolicy policy = policy_of(part, options);
  if (options.interval && options.detail != TraceDetail::burst) {
    throw InputError("requests at an interval are simulated at burst level only");
  }
  TraceResult r;
  r.bursts = trace.size() * (kRequestBytes / burst);
  TraceFeed feed(trace, *mapping, burst);
  feed.serial = options.serial;
  if (options.interval) {
    feed.interval = options.interval->si() * 1e15 / static_cast<double>(part.timing.tCK_fs);
  }
  switch (options.detail) {
    case TraceDetail::burst:
      if (options.profile) {
        r.profile.emplace();
      }
      run_burst(part, feed, policy, r);
      break;
    case TraceDetail::train:
      // Short runs and directions in turn overtake each other in the buffers: their pace is
      // measured, as it is for trains.
      if (!long_runs(trace) || policy.page != PagePolicy::open) {
        run_sampled(part, feed, policy, r);
        break;
      }
      run_train(part, trace, name, policy, r);
      break;
    case TraceDetail::sampled:
      run_sampled(part, feed, policy, r);
      break;
  }
  finish(r, part, trace.size() * kRequestBytes);
  return r;
}

}  // namespace joulesim::hw
