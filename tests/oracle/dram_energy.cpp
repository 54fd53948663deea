// Do the joules of DDR4-3200 agree with DRAMsim3, which uses the same currents and equations?
#include "hw/dram/energy.hpp"
#include "hw/dram/trace_run.hpp"
#include "tests/oracle/dram_setup.hpp"
#include "tests/oracle/dram_traces.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <string>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

Energy share(const std::vector<DramEnergyShare>& shares, const std::string& cause) {
  for (const DramEnergyShare& s : shares) {
    if (s.cause == cause) {
      return s.energy;
    }
  }
  return Energy(0);
}

Energy total(const std::vector<DramEnergyShare>& shares) {
  Energy sum;
  for (const DramEnergyShare& s : shares) {
    sum += s.energy;
  }
  return sum;
}

}  // namespace

TEST_CASE("energies per event of DDR4-3200 are those of DRAMsim3") {
  std::ifstream in(std::string(JOULESIM_DATA_DIR) + "/reference/memory_reference.json");
  if (!in) {
    WARN("no reference results in " << JOULESIM_DATA_DIR << "; nothing compared");
    return;
  }
  const nlohmann::json reference = nlohmann::json::parse(in);
  const DramPart part = load_part("ddr4_3200");
  int rows = 0;
  for (const auto& row : reference.at("results")) {
    if (row.value("config", "") != "ds3_ddr4_3200_al_bglow" || row.at("mode") != "max") {
      continue;
    }
    const std::string name = row.at("trace");
    TraceOptions options;
    options.mapping = "ro_ra_ba_co_bg";
    const TraceResult r = run_trace(part, make_trace(name), options);
    const auto shares = energy_of(r.activity, part);
    const auto& parts = row.at("energy_parts_uJ");
    INFO(name);
    // Per event the same equations: equal to rounding.
    const double act = share(shares, "activate").si() / static_cast<double>(r.counters.activates);
    CHECK(act * 1e6 ==
          Approx(parts.at("act_energy").get<double>() / row.at("act_cmds").get<double>())
              .epsilon(0.001));
    CHECK(share(shares, "read").si() * 1e6 ==
          Approx(parts.at("read_energy").get<double>()).epsilon(0.001));
    if (parts.at("write_energy").get<double>() > 0) {
      CHECK(share(shares, "write").si() * 1e6 ==
            Approx(parts.at("write_energy").get<double>()).epsilon(0.001));
    }
    const double ref = share(shares, "refresh").si() / static_cast<double>(r.counters.refreshes);
    CHECK(ref * 1e6 ==
          Approx(parts.at("ref_energy").get<double>() / row.at("ref_cmds").get<double>())
              .epsilon(0.001));
    // In all: where the two controllers take the same time and open as many rows.
    if (name == "seq_read" || name == "rand64") {
      CHECK(total(shares).si() * 1e6 == Approx(row.at("energy_uJ").get<double>()).epsilon(0.01));
    }
    ++rows;
  }
  CHECK(rows == 7);
}

TEST_CASE("a channel that does nothing draws its precharged standby and refresh power") {
  const DramPart part = load_part("ddr4_3200");
  Channel channel(part.organisation, part.timing, ControllerPolicy{});
  const Time span(1e-3);
  channel.settle(part.timing.to_clocks_floor(1000000000));
  const auto shares = energy_of(activity_of(channel.counters(), part, span), part);
  const DramEnergy& e = part.require_energy();
  const double refreshes = 1e-3 / 7.8e-6;
  CHECK(total(shares).si() ==
        Approx((e.precharged_standby.value * span).si() + e.refresh.value.si() * refreshes)
            .epsilon(0.01));
}
