// Does the exact channel agree, clock for clock, with an independent simulator (Ramulator 2.1)?
#include "tests/oracle/dram_setup.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

void compare(const std::string& config, const std::string& part_name, Scheduler scheduler,
             int entries, int expected_rows) {
  std::ifstream in(std::string(JOULESIM_DATA_DIR) + "/reference/memory_reference.json");
  if (!in) {
    WARN("no reference results in " << JOULESIM_DATA_DIR << "; nothing compared");
    return;
  }
  const nlohmann::json reference = nlohmann::json::parse(in);
  const DramPart part = load_part(part_name);
  int rows = 0;
  for (const auto& row : reference.at("results")) {
    if (row.value("config", "") != config || row.at("mode") != "max") {
      continue;
    }
    const auto mapping =
        DramMapping::named(row.at("mapping").get<std::string>(), part.organisation);
    REQUIRE(mapping.has_value());
    ControllerPolicy policy;
    policy.scheduler = scheduler;
    policy.read_entries = entries;
    policy.write_entries = entries;
    Channel channel(part.organisation, part.timing, policy);
    const std::string trace = row.at("trace");
    TraceFeed feed{bursts_of(make_trace(trace), part, *mapping)};
    channel.run(feed, kNever);
    INFO(config << " " << row.at("mapping") << " " << trace);
    CHECK(feed.last == row.at("cycles").get<Clock>());
    const DramCounters counters = channel.counters();
    CHECK(counters.row_hits == row.at("row_hits").get<std::int64_t>());
    CHECK(counters.row_misses == row.at("row_misses").get<std::int64_t>());
    CHECK(counters.row_conflicts == row.at("row_conflicts").get<std::int64_t>());
    CHECK(feed.done_count == static_cast<std::int64_t>(feed.bursts.size()));
    ++rows;
  }
  CHECK(rows == expected_rows);
}

}  // namespace

TEST_CASE("DDR4-3200 takes the same number of clocks as Ramulator 2.1 on every trace") {
  compare("r2_ddr4_3200", "ddr4_3200", Scheduler::frfcfs, 32, 14);
}

TEST_CASE("row-hit-first DDR4-3200 takes the same number of clocks as Ramulator 2.1") {
  compare("r2_ddr4_3200_rowhit", "ddr4_3200", Scheduler::frfcfs_row_hit, 32, 7);
}

TEST_CASE("LPDDR5-6400 takes the same number of clocks as Ramulator 2.1 on every trace") {
  compare("r2_lpddr5_6400", "lpddr5_6400", Scheduler::frfcfs, 32, 14);
}

TEST_CASE("HBM2-2000 takes the same number of clocks as Ramulator 2.1 on every trace") {
  compare("r2_hbm2_2000", "hbm2_2000", Scheduler::frfcfs, 64, 14);
}
