// The cache's view of a step without time: which bytes of which segment it would hold.
#pragma once

#include "hw/sram/residency_cache.hpp"
#include "sim/engine/file_use.hpp"
#include "sim/mapping/step.hpp"

#include <cstdint>
#include <vector>

namespace joulesim::engine {

// What one work's streams do to the cache, in the order in which the unit walks them.
template <class Touch>
void walk_streams(const hw::Work& work, int cached_tier, const Touch& touch) {
  for (const hw::DataStream& stream : work.streams) {
    if (stream.tier != cached_tier) {
      continue;
    }
    for (std::uint64_t i = 0; i < stream.count; ++i) {
      touch(stream.base + i * stream.stride, stream.chunk, stream.writes());
    }
  }
}

// Bytes found resident, by segment, starting from `cache`, which is left as the step leaves it.
inline std::vector<std::uint64_t> residency_by_segment(const mapping::StepPlan& plan,
                                                       hw::ResidencyCache& cache, int cached_tier) {
  std::vector<std::uint64_t> hits;
  for (const mapping::Segment& segment : plan.segments) {
    std::uint64_t bytes = 0;
    for (std::size_t i = segment.first; i < segment.first + segment.count; ++i) {
      walk_streams(plan.works[i], cached_tier,
                   [&](std::uint64_t base, std::uint64_t size, bool write) {
                     bytes += cache.access(base, size, write).hit_bytes;
                   });
    }
    hits.push_back(bytes);
  }
  return hits;
}

// The same for pages of the weights' file in memory.
inline std::vector<std::uint64_t> pages_by_segment(const mapping::StepPlan& plan,
                                                   hw::ResidencyCache& pages, int store_tier) {
  std::vector<std::uint64_t> hits;
  for (const mapping::Segment& segment : plan.segments) {
    std::uint64_t bytes = 0;
    for (std::size_t i = segment.first; i < segment.first + segment.count; ++i) {
      walk_file(plan.works[i], store_tier, [&](const hw::FileRange& range) {
        bytes += pages.access(range.begin, range.bytes(), false).hit_bytes;
      });
    }
    hits.push_back(bytes);
  }
  return hits;
}

}  // namespace joulesim::engine
