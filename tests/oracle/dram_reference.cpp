// Does the exact channel agree, clock for clock, with an independent simulator (Ramulator 2.1)?
#include "hw/dram/trace_run.hpp"
#include "tests/oracle/dram_setup.hpp"
#include "tests/oracle/dram_traces.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

// All rows of one configuration; `mode` as in the reference: "max" keeps the queue full, "serial"
// has one burst under way and uses the first 8192 of a trace.
void compare(const std::string& config, const std::string& part_name, Scheduler scheduler,
             const std::string& mode, int expected_rows) {
  std::ifstream in(std::string(JOULESIM_DATA_DIR) + "/reference/memory_reference.json");
  if (!in) {
    WARN("no reference results in " << JOULESIM_DATA_DIR << "; nothing compared");
    return;
  }
  const nlohmann::json reference = nlohmann::json::parse(in);
  const DramPart part = load_part(part_name);
  int rows = 0;
  for (const auto& row : reference.at("results")) {
    if (row.value("config", "") != config || row.at("mode") != mode ||
        row.at("sim") != "Ramulator2.1") {
      continue;
    }
    TraceOptions options;
    options.mapping = row.at("mapping");
    options.scheduler = scheduler;
    options.serial = mode == "serial";
    std::vector<TraceRequest> trace = make_trace(row.at("trace").get<std::string>());
    trace.resize(row.at("requests"));
    const TraceResult r = run_trace(part, trace, options);
    INFO(config << " " << row.at("mapping") << " " << row.at("trace") << " " << mode);
    CHECK(r.cycles == row.at("cycles").get<std::int64_t>());
    CHECK(r.counters.row_hits == row.at("row_hits").get<std::int64_t>());
    CHECK(r.counters.row_misses == row.at("row_misses").get<std::int64_t>());
    CHECK(r.counters.row_conflicts == row.at("row_conflicts").get<std::int64_t>());
    CHECK(r.simulated_bursts == r.bursts);
    CHECK(r.read_latency->si() * 1e9 ==
          Approx(row.at("avg_read_latency_ns").get<double>()).margin(0.006));
    ++rows;
  }
  CHECK(rows == expected_rows);
}

}  // namespace

TEST_CASE("DDR4-3200 takes the same number of clocks as Ramulator 2.1 on every trace") {
  compare("r2_ddr4_3200", "ddr4_3200", Scheduler::frfcfs, "max", 14);
}

TEST_CASE("row-hit-first DDR4-3200 takes the same number of clocks as Ramulator 2.1") {
  compare("r2_ddr4_3200_rowhit", "ddr4_3200", Scheduler::frfcfs_row_hit, "max", 7);
}

TEST_CASE("LPDDR5-6400 takes the same number of clocks as Ramulator 2.1 on every trace") {
  compare("r2_lpddr5_6400", "lpddr5_6400", Scheduler::frfcfs, "max", 14);
}

TEST_CASE("HBM2-2000 takes the same number of clocks as Ramulator 2.1 on every trace") {
  compare("r2_hbm2_2000", "hbm2_2000", Scheduler::frfcfs, "max", 14);
}

TEST_CASE("single requests take the same number of clocks as in Ramulator 2.1") {
  compare("r2_ddr4_3200", "ddr4_3200", Scheduler::frfcfs, "serial", 2);
  compare("r2_lpddr5_6400", "lpddr5_6400", Scheduler::frfcfs, "serial", 2);
  compare("r2_hbm2_2000", "hbm2_2000", Scheduler::frfcfs, "serial", 2);
}
