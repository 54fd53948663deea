// Do the DRAM parts load, with a source behind every number, and are faults named?
#include "hw/dram/analytic.hpp"
#include "hw/dram/energy.hpp"
#include "hw/dram/part.hpp"
#include "tests/oracle/dram_setup.hpp"

#include <catch2/catch.hpp>

#include <filesystem>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

std::vector<std::string> part_files() {
  std::vector<std::string> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram")) {
    if (entry.path().extension() == ".toml") {
      out.push_back(entry.path().string());
    }
  }
  return out;
}

}  // namespace

TEST_CASE("every DRAM part loads without a fault and every figure has a source") {
  const auto files = part_files();
  REQUIRE(files.size() >= 11);
  for (const std::string& path : files) {
    INFO(path);
    ConfigFile file = testing::read_part_file(path);
    const DramPart part = DramPart::from(file.root());
    const bool ok = file.finish();
    INFO(file.diagnostics().render());
    REQUIRE(ok);
    CHECK(std::filesystem::path(path).stem() == part.name);
    for (const Figure& figure : file.figures()) {
      INFO(figure.key);
      CHECK(figure.source != nullptr);
    }
    const DramRates rates = rates_of(part);
    CHECK(rates.stream < part.peak.value);
    // Rows of the fastest GDDR7 open more slowly than 32 requests are read: 81 % at burst level.
    // Two pseudo-channels that fill one command bus open no row ahead: 79 % at burst level.
    CHECK(rates.stream > (part.name == "hbm2_2400_single_bus" ? 0.75 : 0.8) * part.peak.value);
    CHECK(rates.random < rates.stream * 1.0000001);
  }
}

TEST_CASE("a part without energy figures has timing and refuses energy by name") {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/lpddr4_4266.toml");
  const DramPart part = DramPart::from(file.root());
  file.require_ok();
  CHECK(part.timing.nCL == 36);
  try {
    (void)energy_of(DramActivity{}, part);
    FAIL("no refusal");
  } catch (const InputError& error) {
    CHECK(std::string(error.what()).find("lpddr4_4266") != std::string::npos);
    CHECK(std::string(error.what()).find("no energy figures") != std::string::npos);
  }
}

TEST_CASE("LPDDR4X-4266 gates in clocks are those of the standard's table") {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/lpddr4x_4266.toml");
  const DramPart part = DramPart::from(file.root());
  file.require_ok();
  const DramTiming& t = part.timing;
  CHECK(t.tCK_fs == 468750);
  CHECK(t.nRCDRD == 39);
  CHECK(t.nRP == 39);
  CHECK(t.nRPab == 45);
  CHECK(t.nRAS == 90);
  CHECK(t.nRRDS == 22);
  CHECK(t.nFAW == 86);
  CHECK(t.nWTRS == 22);
  CHECK(t.nRTP == 16);
  CHECK(t.nRFC == 811);
  CHECK(t.nREFI == 8329);
}

TEST_CASE("a wrong DRAM part reports all its faults with their places") {
  const std::string path = std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/ddr4_3200.toml";
  std::string text = ConfigFile::read(path).text();
  const auto replace = [&text](const std::string& from, const std::string& to) {
    const auto at = text.find(from);
    REQUIRE(at != std::string::npos);
    text.replace(at, from.size(), to);
  };
  replace("\"8 GiB\"", "\"4 GiB\"");
  replace("nFAW", "nFAX");
  ConfigFile file = ConfigFile::parse(text, "bad.toml");
  (void)DramPart::from(file.root());
  CHECK_FALSE(file.finish());
  const std::string shown = file.diagnostics().render();
  INFO(shown);
  CHECK(shown.find("no gate 'FAW'") != std::string::npos);
  CHECK(shown.find("unknown key 'nFAX'") != std::string::npos);
}
