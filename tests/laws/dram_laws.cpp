// Laws that hold for any memory, whatever its figures.
#include "hw/dram/channel.hpp"
#include "hw/dram/trace_run.hpp"
#include "tests/oracle/dram_setup.hpp"
#include "tests/oracle/dram_traces.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <string_view>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

struct ListFeed {
  std::vector<Burst> bursts;
  std::size_t next = 0;
  Clock last = 0;
  std::int64_t finished = 0;
  const Burst* front(Clock) { return next < bursts.size() ? &bursts[next] : nullptr; }
  void pop() { ++next; }
  void done(const Burst&, Clock, Clock end) {
    last = std::max(last, end);
    ++finished;
  }
};

std::vector<Burst> bursts_of(const DramPart& part, const std::string& trace, std::uint64_t n) {
  const DramMapping mapping = part.mapping();
  const auto bytes = static_cast<std::uint64_t>(part.organisation.burst_bytes);
  std::vector<Burst> out;
  for (const TraceRequest r : make_trace(trace, 1, n)) {
    for (std::uint64_t at = 0; at < 64; at += bytes) {
      const DramAddress a = mapping.decode((r.address() + at) / bytes);
      out.push_back({a.bank, a.row, a.column, r.write(), 0, 0, 0});
    }
  }
  return out;
}

struct Outcome {
  Clock last = 0;
  DramCounters counters;
};

Outcome play(const DramPart& part, const DramTiming& timing, std::vector<Burst> bursts) {
  Channel channel(part.organisation, timing, ControllerPolicy{});
  ListFeed feed{std::move(bursts)};
  channel.run(feed, kNever);
  REQUIRE(feed.finished == static_cast<std::int64_t>(feed.bursts.size()));
  return {feed.last, channel.counters()};
}

}  // namespace

TEST_CASE("doubling all times doubles the time") {
  for (const std::string name : {"ddr4_3200", "lpddr4x_4266", "gddr6_14000"}) {
    const DramPart part = load_part(name);
    for (const std::string trace : {"seq_read", "seq_rw20", "stride4k"}) {
      const auto bursts = bursts_of(part, trace, 1 << 15);
      const Outcome once = play(part, part.timing, bursts);
      const Outcome twice = play(part, part.timing.scaled(2), bursts);
      INFO(name << " " << trace);
      // The command bus does not slow down with the gates, so the slower part fares a little
      // better.
      CHECK(static_cast<double>(twice.last) ==
            Approx(2 * static_cast<double>(once.last)).epsilon(0.015));
    }
  }
}

TEST_CASE("renaming the banks of every group changes nothing") {
  const DramPart part = load_part("ddr4_3200");
  for (const std::string trace : {"two_stream", "rand64", "seq_rw20_sep"}) {
    const auto bursts = bursts_of(part, trace, 1 << 15);
    std::vector<Burst> renamed = bursts;
    for (Burst& b : renamed) {
      b.bank ^= 0b1011;  // other groups, other banks in a group, same structure
    }
    const Outcome a = play(part, part.timing, bursts);
    const Outcome b = play(part, part.timing, renamed);
    INFO(trace);
    CHECK(a.last == b.last);
    CHECK(a.counters.activates == b.counters.activates);
    CHECK(a.counters.row_hits == b.counters.row_hits);
  }
}

TEST_CASE("what was asked for is moved, once, and every activate has its precharge") {
  for (const std::string name : {"ddr4_3200", "lpddr5_6400", "hbm2_2000", "hbm3_6400"}) {
    const DramPart part = load_part(name);
    for (const std::string trace : {"seq_rw20", "rand64", "two_stream"}) {
      const auto bursts = bursts_of(part, trace, 1 << 14);
      const DramCounters c = play(part, part.timing, bursts).counters;
      INFO(name << " " << trace);
      CHECK(c.reads + c.writes + c.forwarded + c.coalesced ==
            static_cast<std::int64_t>(bursts.size()));
      CHECK(c.row_hits + c.row_misses + c.row_conflicts == c.reads + c.writes);
      CHECK(c.activates - c.precharges >= 0);
      CHECK(c.activates - c.precharges <= part.organisation.banks());
    }
  }
}

TEST_CASE("a window boundary changes nothing in the exact channel") {
  const DramPart part = load_part("lpddr5_6400");
  const auto bursts = bursts_of(part, "seq_rw20", 1 << 14);
  const Outcome whole = play(part, part.timing, bursts);
  for (const Clock window : {7, 100, 3125}) {
    Channel channel(part.organisation, part.timing, ControllerPolicy{});
    ListFeed feed{bursts};
    for (Clock until = window; feed.finished < static_cast<std::int64_t>(bursts.size());
         until += window) {
      channel.run(feed, until);
    }
    INFO(window);
    CHECK(feed.last == whole.last);
    CHECK(channel.counters().activates == whole.counters.activates);
  }
}

TEST_CASE("an idle channel refreshes on schedule however long it sleeps") {
  const DramPart part = load_part("ddr4_3200");
  Channel channel(part.organisation, part.timing, ControllerPolicy{});
  const Clock second = part.timing.to_clocks_floor(1000000000000);
  channel.settle(second);
  CHECK(channel.now() == second);
  CHECK(channel.counters().refreshes == second / part.timing.nREFI);
  Burst late;
  late.arrival = second + 50;
  ListFeed feed{{late}};
  channel.run(feed, kNever);
  CHECK(feed.last - late.arrival <=
        part.timing.nRFC + part.timing.nRP + part.timing.nRCDRD + part.timing.read_latency() + 2);
}

TEST_CASE("a trace costs the same time at sampled and train level within one per cent") {
  for (const std::string name : {"ddr4_3200", "lpddr5_6400", "hbm2_2000", "gddr6_14000"}) {
    const DramPart part = load_part(name);
    for (const std::string_view pattern : trace_pattern_names()) {
      const auto requests = make_trace(pattern);
      TraceOptions options;
      const TraceResult exact = run_trace(part, requests, options);
      for (const TraceDetail detail : {TraceDetail::sampled, TraceDetail::train}) {
        options.detail = detail;
        const TraceResult fast = run_trace(part, requests, options);
        INFO(name << " " << pattern << (detail == TraceDetail::train ? " train" : " sampled"));
        CHECK(fast.time.si() == Approx(exact.time.si()).epsilon(0.01));
        CHECK(static_cast<double>(fast.counters.activates) ==
              Approx(static_cast<double>(exact.counters.activates)).epsilon(0.08));
        if (fast.sampled) {
          CHECK(fast.sampled->half_width < 0.005);
          CHECK(fast.simulated_bursts < exact.simulated_bursts * 2 / 3);
          CHECK(fast.read_latency->si() == Approx(exact.read_latency->si()).epsilon(0.01));
        }
      }
    }
  }
}

TEST_CASE("the same trace gives the same answer twice") {
  const DramPart part = load_part("hbm3_6400");
  const auto requests = make_trace("rand64", 7, 1 << 15);
  const TraceResult a = run_trace(part, requests, TraceOptions{});
  const TraceResult b = run_trace(part, requests, TraceOptions{});
  CHECK(a.cycles == b.cycles);
  CHECK(a.counters.activates == b.counters.activates);
}
