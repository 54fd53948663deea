// The bursts of a stretch of a trace for the exact channel, and what became of them.
#pragma once

#include "hw/dram/channel.hpp"
#include "hw/dram/mapping.hpp"
#include "hw/dram/trace_run.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>

namespace joulesim::hw {

struct TraceFeed {
  TraceFeed(Trace requests, const DramMapping& map, std::uint64_t burst)
      : trace(requests),
        mapping(&map),
        burst_shift(std::countr_zero(burst)),
        per_request(kRequestBytes / burst),
        end(requests.size()) {}

  const Burst* front(Clock) {
    if (taken == filled && !refill()) {
      return nullptr;
    }
    return &block[taken];
  }
  void pop() {
    ++taken;
    ++under_way;
    if (++piece == per_request) {
      piece = 0;
      ++next;
    }
  }
  // Decodes what comes next, several at once unless each waits for the one before.
  bool refill() {
    if (serial && under_way > 0) {
      return false;
    }
    const std::uint64_t left = (end - std::min(next, end)) * per_request - piece;
    filled = std::min<std::uint64_t>(left, serial ? 1 : kBlock);
    taken = 0;
    std::size_t request = next;
    std::uint64_t part = piece;
    for (std::size_t i = 0; i < filled; ++i) {
      const TraceRequest r = trace[request];
      const DramAddress a = mapping->decode((r.address() >> burst_shift) + part);
      const Clock due =
          interval > 0 ? static_cast<Clock>(interval * static_cast<double>(request)) : Clock{0};
      block[i] = {a.bank, a.row, a.column, r.write(), 0, 0, serial ? std::max(last, due) : due};
      if (++part == per_request) {
        part = 0;
        ++request;
      }
    }
    return filled > 0;
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
    if (profile != nullptr) {
      note(b, issued, data_end);
    }
  }
  void note(const Burst& b, Clock issued, Clock data_end) const {
    const auto slot = static_cast<std::size_t>(issued / profile->slot_clocks);
    auto& moved = b.write ? profile->written : profile->read;
    if (moved.size() <= slot) {
      moved.resize(slot + 1, 0);
    }
    ++moved[slot];
    if (!b.write) {
      const auto waited = static_cast<std::size_t>(std::max<Clock>(data_end - b.arrival, 0));
      if (profile->latency.size() <= waited) {
        profile->latency.resize(waited + 1, 0);
      }
      ++profile->latency[waited];
    }
  }

  Trace trace;
  const DramMapping* mapping;
  int burst_shift = 0;  // bursts are powers of two
  std::uint64_t per_request;
  std::size_t next = 0, end = 0;
  std::uint64_t piece = 0;
  double interval = 0;  // clocks between requests
  bool serial = false;
  static constexpr std::uint64_t kBlock = 32;
  std::array<Burst, kBlock> block{};
  std::size_t taken = 0, filled = 0;
  std::uint64_t under_way = 0, finished = 0;
  Clock last = 0, latency = 0, latency_max = 0;
  std::uint64_t reads = 0;
  TraceProfile* profile = nullptr;
};

}  // namespace joulesim::hw
