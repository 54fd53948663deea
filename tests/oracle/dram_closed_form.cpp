// Does the exact channel meet what can be computed on paper?
#include "hw/dram/analytic.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/trace_run.hpp"
#include "tests/oracle/dram_setup.hpp"
#include "tests/oracle/dram_traces.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

struct ListFeed {
  std::vector<Burst> bursts;
  std::size_t next = 0;
  Clock last = 0;
  const Burst* front(Clock) { return next < bursts.size() ? &bursts[next] : nullptr; }
  void pop() { ++next; }
  void done(const Burst&, Clock, Clock end) { last = std::max(last, end); }
};

// Clocks per burst in the steady state of a list without refresh.
double pace(const DramPart& part, const std::vector<Burst>& bursts) {
  ControllerPolicy policy;
  policy.refresh = RefreshPolicy::none;
  Channel channel(part.organisation, part.timing, policy);
  ListFeed feed{bursts};
  channel.run(feed, kNever);
  const Clock latency = part.timing.nRCDRD + part.timing.read_latency();
  return static_cast<double>(feed.last - latency) / static_cast<double>(bursts.size() - 1);
}

}  // namespace

TEST_CASE("streams reach the closed form of refresh on every part") {
  for (const std::string name :
       {"ddr4_3200", "ddr5_4800", "ddr5_5600", "lpddr4_4266", "lpddr4x_4266", "lpddr5_6400",
        "lpddr5x_8533", "gddr6_14000", "hbm2_2000", "hbm3_5250"}) {
    const DramPart part = load_part(name);
    const TraceResult r = run_trace(part, make_trace("seq_read", 1, 1 << 17), TraceOptions{});
    INFO(name);
    CHECK(r.bandwidth.si() == Approx(rates_of(part).stream.si()).epsilon(0.012));
  }
}

TEST_CASE("without refresh a stream moves at the peak") {
  for (const std::string name : {"ddr4_3200", "lpddr4x_4266", "lpddr5_6400", "hbm3_5250"}) {
    const DramPart part = load_part(name);
    TraceOptions options;
    options.refresh = false;
    const TraceResult r = run_trace(part, make_trace("seq_read", 1, 1 << 16), options);
    INFO(name);
    CHECK(r.share_of_peak > 0.995);
    CHECK(r.share_of_peak <= 1.004);
    CHECK(r.counters.refreshes == 0);
  }
}

TEST_CASE("new rows in one bank come at the row cycle") {
  for (const std::string name : {"ddr4_3200", "lpddr4x_4266", "gddr6_14000"}) {
    const DramPart part = load_part(name);
    const DramTiming& t = part.timing;
    std::vector<Burst> bursts;
    for (std::int32_t i = 0; i < 400; ++i) {
      Burst b;
      b.row = i;
      bursts.push_back(b);
    }
    // ACT, RD after tRCD, PRE after tRAS and tRTP, ACT after tRP: the longer of the two ways.
    const Clock by_read = t.nRCDRD + t.nRTP + t.nRP;
    INFO(name);
    CHECK(pace(part, bursts) == Approx(static_cast<double>(std::max(t.nRC, by_read))).margin(0.5));
  }
}

TEST_CASE("new rows all over the banks come four in a tFAW") {
  const DramPart part = load_part("ddr4_3200");
  std::vector<Burst> bursts;
  for (std::int32_t i = 0; i < 4000; ++i) {
    Burst b;
    b.bank = (i % 4) * 4 + (i / 4) % 4;  // bank groups in turn
    b.row = i / 16;
    bursts.push_back(b);
  }
  // Gates are whole clocks: the fourth activate waits for tRRD_L now and then.
  const double bound = static_cast<double>(part.timing.nFAW) / 4;
  CHECK(pace(part, bursts) >= bound);
  CHECK(pace(part, bursts) == Approx(bound).epsilon(0.04));
}

TEST_CASE("reads and writes one at a time pay both turnarounds") {
  const DramPart part = load_part("ddr4_3200");
  const DramTiming& t = part.timing;
  Channel channel(part.organisation, part.timing, ControllerPolicy{});
  std::vector<IssuedCommand> log;
  channel.set_log(&log);
  ListFeed feed;
  for (int i = 0; i < 40; ++i) {
    Burst b;
    b.column = i;
    b.write = i % 2 == 1;
    b.arrival = 1000 + i / 2 * 200;
    feed.bursts.push_back(b);
  }
  channel.run(feed, kNever);
  Clock closest_rw = kNever;
  for (std::size_t i = 1; i < log.size(); ++i) {
    if (log[i].command == DramCommand::wr && log[i - 1].command == DramCommand::rd) {
      closest_rw = std::min(closest_rw, log[i].at - log[i - 1].at);
    }
  }
  CHECK(closest_rw == t.nRTW);
}

TEST_CASE("the closed-form rate of random bursts bounds the exact one from above") {
  for (const std::string name : {"ddr4_3200", "lpddr4_4266"}) {
    const DramPart part = load_part(name);
    const TraceResult r = run_trace(part, make_trace("rand64", 1, 1 << 17), TraceOptions{});
    const double ratio = r.bandwidth / rates_of(part).random;
    INFO(name << " " << ratio);
    CHECK(ratio < 1.0);
    CHECK(ratio > 0.8);
  }
}
