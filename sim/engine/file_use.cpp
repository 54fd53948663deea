#include "sim/engine/file_use.hpp"

#include <algorithm>

namespace joulesim::engine {

hw::ResidencyCache make_page_cache(const hw::StorageSystemSpec& system, const FileUse& use) {
  constexpr double kWindowsUnderWay = 4;
  const Bytes least = kWindowsUnderWay * static_cast<double>(use.threads) *
                      max(system.read_window.value, system.fault_reads.value);
  const auto policy = system.two_lists ? hw::ResidencyCache::Policy::segmented_lru
                                       : hw::ResidencyCache::Policy::lru;
  return hw::ResidencyCache(max(use.page_cache, least), system.page.value, policy,
                            system.two_lists ? system.protected_share : 0);
}

hw::FileReader::Missing missing_from(hw::ResidencyCache& pages) {
  return [&pages](const hw::FileRange& range) {
    std::vector<hw::FileRange> missing;
    for (const hw::ByteRange& hole : pages.access(range.begin, range.bytes(), false).fetch) {
      missing.push_back({hole.begin, hole.end});
    }
    return missing;
  };
}

}  // namespace joulesim::engine
