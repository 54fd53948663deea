#include "sim/cli/memory_laws.hpp"

#include "hw/dram/analytic.hpp"
#include "hw/dram/trace_patterns.hpp"
#include "sim/cli/memory_run.hpp"

#include <cmath>

namespace joulesim::cli {
namespace {

hw::TraceResult play(const hw::DramPart& part, hw::Trace trace, const hw::TraceOptions& options) {
  return hw::run_trace(part, trace, options);
}

}  // namespace

bool LawRow::holds() const { return std::fabs(found - expected) <= bound * std::fabs(expected); }

std::vector<LawRow> check_laws(const std::string& part_name) {
  const hw::DramPart part = find_dram_part(part_name);
  const hw::DramRates rates = hw::rates_of(part);
  std::vector<LawRow> rows;
  const auto add = [&](const char* law, double found, double expected, double bound) {
    rows.push_back({part_name, law, found, expected, bound});
  };
  const auto stream = hw::make_trace("seq_read", 1, 1 << 17);
  const auto random = hw::make_trace("rand64", 1, 1 << 17);
  const hw::TraceOptions plain;
  const hw::TraceResult base = play(part, stream, plain);
  // Equal where the buffer hides the opening of rows; else the middle of the two, and half their
  // distance more of room.
  const Bandwidth middle = (rates.stream + rates.slowest_stream) / 2;
  const double room = (rates.stream - rates.slowest_stream) / (rates.stream + rates.slowest_stream);
  add("a stream runs at the closed form's rate (GB/s)", base.bandwidth.si() * 1e-9,
      middle.si() * 1e-9, 0.01 + room);
  hw::TraceOptions still = plain;
  still.refresh = false;
  add("without refresh a stream fills the bus (share of the closed form)",
      play(part, stream, still).bandwidth / middle * (1 - rates.refresh_share), 1, 0.01 + room);
  hw::TraceOptions serial = plain;
  serial.serial = true;
  const auto one = hw::make_trace("seq_read", 1, 1);
  add("one read from closed banks takes activate, latency and data (ns)",
      play(part, one, serial).read_latency_max->si() * 1e9, rates.read_latency.si() * 1e9, 0.1);
  hw::DramPart slow = part;
  slow.timing = part.timing.scaled(2);
  // One at a time: with many under way the command buses, which keep their clock, bind as well.
  const auto some = hw::make_trace("rand64", 1, 1 << 14);
  add("twice all times, twice the clocks of random reads one at a time",
      static_cast<double>(play(slow, some, serial).cycles),
      2 * static_cast<double>(play(part, some, serial).cycles), 0.06);
  const double ratio = static_cast<double>(play(slow, random, plain).cycles) /
                       static_cast<double>(play(part, random, plain).cycles);
  add("twice all times, no more than twice the clocks of random reads", ratio, 1.5,
      1.0 / 3 + 0.005);
  const hw::DramCounters& c = base.counters;
  add("every burst is a hit, a miss or a conflict",
      static_cast<double>(c.row_hits + c.row_misses + c.row_conflicts),
      static_cast<double>(base.bursts), 0);
  for (const hw::TraceDetail detail : {hw::TraceDetail::train, hw::TraceDetail::sampled}) {
    const auto whole = hw::make_trace("seq_read", 1, 1 << 20);
    hw::TraceOptions options = plain;
    options.detail = detail;
    add(detail == hw::TraceDetail::train ? "train level takes the time of burst level (clocks)"
                                         : "sampled level takes the time of burst level (clocks)",
        static_cast<double>(play(part, whole, options).cycles),
        static_cast<double>(play(part, whole, plain).cycles), 0.01);
  }
  return rows;
}

}  // namespace joulesim::cli
