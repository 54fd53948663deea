// How a step reads weights that lie on the store: the path, the page cache, and where in memory the
// data go. Shared by the simulated, the summed and the unhurried (cold load) use of the same core.
#pragma once

#include "hw/component/work.hpp"
#include "hw/flash/file_reader.hpp"
#include "hw/sram/residency_cache.hpp"
#include "sim/engine/machine.hpp"

#include <cstdint>
#include <optional>

namespace joulesim::engine {

struct FileUse {
  hw::FilePath path = hw::FilePath::direct;
  int threads = 1;
  std::uint64_t file_bytes = 0;  // weights on the store
  Bytes page_cache;              // for pages of the file; none on the direct path
};

// The page cache of a use: never less than what is on its way.
hw::ResidencyCache make_page_cache(const hw::StorageSystemSpec& system, const FileUse& use);

// What a page cache lacks of a range, taking it in.
hw::FileReader::Missing missing_from(hw::ResidencyCache& pages);

// The ranges of the file that one work reads, in the order in which the unit asks for them.
template <class Touch>
void walk_file(const hw::Work& work, int store_tier, const Touch& touch) {
  for (const hw::DataStream& stream : work.streams) {
    if (stream.tier != store_tier) {
      continue;
    }
    for (std::uint64_t i = 0; i < stream.count; ++i) {
      touch(stream.count == 1 ? hw::FileRange{stream.base, stream.base + stream.chunk}
                              : hw::scattered_chunk(stream.base, stream.stride, stream.chunk, i));
    }
  }
}

}  // namespace joulesim::engine
