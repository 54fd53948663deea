// Does latency under load start at the unloaded latency, grow with the load, and end where the
// channel is full?
#include "hw/dram/analytic.hpp"
#include "hw/dram/loaded_latency.hpp"
#include "tests/oracle/dram_setup.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

TEST_CASE("an almost idle channel answers in the time of its row, column and data") {
  for (const std::string name : {"ddr4_3200", "lpddr4x_4266", "gddr6_14000"}) {
    const DramPart part = load_part(name);
    const ControllerPolicy policy;
    const DramTiming& t = part.timing;
    const double clock = static_cast<double>(t.tCK_fs) * 1e-15;
    const double share = 0.01;
    const auto random = loaded_latency(part, policy, LoadPattern::random, {share});
    INFO(name);
    // A row in the way: precharge, activate, read. Refreshes add a little: they hold reads up for
    // half their length on average, for their share of the time.
    const double conflict = static_cast<double>(t.nRP + t.nRCDRD + t.read_latency()) * clock;
    const double busy = static_cast<double>(t.nRFC + t.nRP) * clock;
    const double refresh = busy * busy / 2 / (static_cast<double>(t.nREFI) * clock);
    CHECK(random.front().mean.si() > 0.9 * conflict);
    CHECK(random.front().mean.si() < conflict + refresh + 0.1 * conflict);
    const auto stream = loaded_latency(part, policy, LoadPattern::stream, {share});
    CHECK(stream.front().mean < random.front().mean);
    CHECK(random.front().achieved.si() == Approx(random.front().offered.si()).epsilon(0.02));
  }
}

TEST_CASE("latency grows with the load until the channel falls behind") {
  const DramPart part = load_part("ddr4_3200");
  const ControllerPolicy policy;
  const auto points =
      loaded_latency(part, policy, LoadPattern::random, {0.05, 0.15, 0.25, 0.35, 0.6});
  for (std::size_t i = 1; i < points.size(); ++i) {
    CHECK(points[i].mean > points[i - 1].mean);
    CHECK(points[i].p99 > points[i].mean);
  }
  // Four activates per tFAW is all that random reads can have.
  CHECK(points[3].achieved.si() == Approx(points[3].offered.si()).epsilon(0.02));
  CHECK(points[4].achieved.si() < rates_of(part).random.si());
  CHECK(points[4].achieved.si() > 0.85 * rates_of(part).random.si());
}
