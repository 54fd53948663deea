// Parts and traffic shared by the memory tests.
#pragma once

#include "hw/dram/channel.hpp"
#include "hw/dram/part.hpp"
#include "tests/oracle/dram_traces.hpp"

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::hw::testing {

inline DramPart load_part(const std::string& name) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/" + name + ".toml");
  DramPart part = DramPart::from(file.root());
  file.require_ok();
  return part;
}

// The bursts of a trace, in order, as fast as the channel takes them; `last` is the clock of the
// last response as the references count it (a write responds when it issues).
struct TraceFeed {
  std::vector<Burst> bursts;
  std::size_t next = 0;
  Clock last = 0;
  std::int64_t done_count = 0;

  const Burst* front(Clock) { return next < bursts.size() ? &bursts[next] : nullptr; }
  void pop() { ++next; }
  void done(const Burst& b, Clock issued, Clock data_end) {
    last = std::max(last, b.write ? issued : data_end);
    ++done_count;
  }
};

inline std::vector<Burst> bursts_of(const std::vector<TraceRequest>& trace, const DramPart& part,
                                    const DramMapping& mapping) {
  std::vector<Burst> out;
  const auto bytes = static_cast<std::uint64_t>(part.organisation.burst_bytes);
  for (const TraceRequest& request : trace) {
    for (std::uint64_t at = 0; at < 64; at += bytes) {
      const DramAddress a = mapping.decode((request.address + at) / bytes);
      out.push_back({a.bank, a.row, a.column, request.write, 0, 0, 0});
    }
  }
  return out;
}

}  // namespace joulesim::hw::testing
