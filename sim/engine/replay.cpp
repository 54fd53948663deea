#include "sim/engine/replay.hpp"

#include "sim/engine/booking.hpp"
#include "sim/engine/residency_pass.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

namespace joulesim::engine {
namespace {

constexpr int kDramTier = 0;
constexpr int kFlashTier = 1;
constexpr std::int64_t kPlayedPerKey = 3;

// What a segment reads from the store: equal work whose weights lie elsewhere is not equal.
std::uint64_t bytes_on_store(const mapping::StepPlan& plan, const mapping::Segment& segment) {
  std::uint64_t bytes = 0;
  for (std::size_t i = segment.first; i < segment.first + segment.count; ++i) {
    for (const hw::DataStream& stream : plan.works[i].streams) {
      bytes += stream.tier == kFlashTier ? stream.bytes() : 0;
    }
  }
  return bytes;
}

double relative_spread(double low, double high) { return high > 0 ? (high - low) / high : 0; }

}  // namespace

Schedule schedule_of(const StepJob& job) {
  const mapping::StepPlan& plan = *job.plan;
  std::vector<std::uint64_t> hits(plan.segments.size());
  std::vector<std::uint64_t> pages(plan.segments.size());  // of the file, in memory
  if (job.file && job.file->path != hw::FilePath::direct) {
    hw::ResidencyCache cache = make_page_cache(*job.machine->storage_system, *job.file);
    if (job.warm) {
      (void)pages_by_segment(plan, cache, kFlashTier);
    }
    pages = pages_by_segment(plan, cache, kFlashTier);
  }
  if (job.machine->cache) {
    hw::ResidencyCache cache = job.machine->cache->make_cache();
    cache.use_as(job.machine->cache_client(job.unit->name));
    if (job.warm) {
      (void)residency_by_segment(plan, cache, kDramTier);
    }
    hits = residency_by_segment(plan, cache, kDramTier);
  }
  Schedule schedule;
  std::map<std::string, std::pair<std::int64_t, std::size_t>> played;  // count, last index
  for (std::size_t i = 0; i < plan.segments.size(); ++i) {
    const mapping::Segment& segment = plan.segments[i];
    SegmentActivity activity;
    activity.name = segment.name;
    activity.block = segment.block;
    // Residency is compared in steps of 4 KiB: lines at the edges do not matter.
    activity.key = segment.block < 0
                       ? fmt::format("{}{}", segment.name, i)
                       : fmt::format("{:016x}/{}/{}/{}/{}", segment.signature,
                                     segment.repeats_weights ? "again" : "fresh", hits[i] >> 12U,
                                     pages[i] >> 20U, bytes_on_store(plan, segment));
    auto& [count, last] = played[activity.key];
    activity.simulated = !job.memoise || count < kPlayedPerKey;
    if (activity.simulated) {
      ++count;
      last = i;
    }
    activity.stands_for = last;
    schedule.blocks += segment.block >= 0 ? 1 : 0;
    schedule.played_blocks += segment.block >= 0 && activity.simulated ? 1 : 0;
    schedule.segments.push_back(std::move(activity));
  }
  return schedule;
}

void measure_spread(const StepJob& job, StepActivity& step) {
  std::map<std::string, std::vector<const Activity*>> played;
  for (const SegmentActivity& segment : step.segments) {
    if (segment.simulated && segment.block >= 0) {
      played[segment.key].push_back(&segment.activity);
    }
  }
  const BookingContext context{job.machine, job.unit, job.display_on, true};
  for (const auto& [key, activities] : played) {
    if (activities.size() < 2) {
      continue;
    }
    const std::size_t first = activities.size() > 2 ? 1 : 0;
    double low = activities[first]->duration.si();
    double high = low;
    double low_energy = total_of(costs_of(*activities[first], context)).si();
    double high_energy = low_energy;
    for (std::size_t i = first + 1; i < activities.size(); ++i) {
      const double time = activities[i]->duration.si();
      const double energy = total_of(costs_of(*activities[i], context)).si();
      low = std::min(low, time);
      high = std::max(high, time);
      low_energy = std::min(low_energy, energy);
      high_energy = std::max(high_energy, energy);
    }
    step.spread_time = std::max(step.spread_time, relative_spread(low, high));
    step.spread_energy = std::max(step.spread_energy, relative_spread(low_energy, high_energy));
  }
}

}  // namespace joulesim::engine
