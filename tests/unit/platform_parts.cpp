#include "hw/battery/battery.hpp"
#include "hw/display/display.hpp"
#include "hw/flash/flash.hpp"
#include "hw/link/link.hpp"
#include "hw/power/power.hpp"
#include "hw/sram/sram.hpp"
#include "tests/part_file.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <filesystem>
#include <set>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

std::vector<std::string> parts_in(const std::string& folder) {
  std::vector<std::string> paths;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(JOULESIM_SOURCE_DIR) + "/hw/" + folder)) {
    if (entry.path().extension() == ".toml") {
      paths.push_back(entry.path().string());
    }
  }
  std::sort(paths.begin(), paths.end());
  return paths;
}

// Reads every part of a folder; a fault, an unread key or an unused source fails the test.
template <class Spec>
std::vector<Spec> load_all(const std::string& folder, const std::set<std::string>& models) {
  std::vector<Spec> specs;
  for (const std::string& path : parts_in(folder)) {
    ConfigFile file = testing::read_part_file(path);
    if (!models.contains(file.root().text("model"))) {
      continue;
    }
    specs.push_back(Spec::from(file.root()));
    const bool fine = file.finish();
    INFO(file.diagnostics().render());
    CHECK(fine);
    CHECK(file.diagnostics().all().empty());
    CHECK(specs.back().name == std::filesystem::path(path).stem().string());
    for (const Figure& figure : file.figures()) {
      INFO(figure.key);
      CHECK(figure.source != nullptr);
    }
  }
  return specs;
}

const std::string kDisplay = R"(
part = "d"
model = "display"
title = "t"
[sources]
s = { kind = "paper", title = "x" }
[panel]
source = "s"
width = 100
height = 10
refresh = "50 Hz"
fixed = "1 W"
light = "2 W"
picture_level = 0.25
[memory]
source = "s"
pixel = "4 B"
compressed = 0.5
fetch = "100 B"
)";

}  // namespace

TEST_CASE("every flash part loads, and its figures agree with each other") {
  const auto specs = load_all<FlashSpec>("flash", {"flash"});
  REQUIRE(specs.size() >= 4);
  for (const FlashSpec& spec : specs) {
    INFO(spec.name);
    // The pages of the organisation make up whole gigabytes, not more than a die can hold.
    const double gigabit_per_die =
        spec.capacity.value.si() * 8 / (spec.channels * spec.dies_per_channel) / 1e9;
    CHECK(gigabit_per_die > 100);
    CHECK(gigabit_per_die < 2100);
    CHECK(spec.sequential_rate() <= spec.link.value);
  }
}

TEST_CASE("every on-chip memory part loads, and its bandwidth is banks times width times clock") {
  const auto specs = load_all<SramSpec>("sram", {"sram"});
  REQUIRE(specs.size() >= 3);
  for (const SramSpec& spec : specs) {
    INFO(spec.name);
    CHECK(spec.bandwidth.value.si() ==
          Approx(spec.banks * spec.width.value.si() * spec.clock.value.si()).epsilon(0.01));
    CHECK(spec.retention.value <= spec.leakage.value);
  }
}

TEST_CASE("every battery, display, link, supply and base-load part loads") {
  CHECK(load_all<BatterySpec>("battery", {"battery"}).size() >= 1);
  CHECK(load_all<DisplaySpec>("display", {"display"}).size() >= 1);
  CHECK(load_all<LinkSpec>("link", {"link"}).size() >= 6);
  CHECK(load_all<SupplySpec>("power", {"supply"}).size() >= 2);
  CHECK(load_all<BaseLoadSpec>("power", {"base_load"}).size() >= 2);
}

TEST_CASE("a part without an energy figure is refused by name and place") {
  std::string text = kDisplay;
  text.erase(text.find("light = \"2 W\"\n"), 14);
  ConfigFile file = ConfigFile::parse(text, "d.toml");
  DisplaySpec::from(file.root());
  REQUIRE_FALSE(file.finish());
  const std::string shown = file.diagnostics().render();
  CHECK(shown.find("light") != std::string::npos);
  CHECK(shown.find("d.toml:") != std::string::npos);
}

TEST_CASE("a display's traffic, pace and panel power follow from its figures") {
  ConfigFile file = ConfigFile::parse(kDisplay, "d.toml");
  const DisplaySpec spec = DisplaySpec::from(file.root());
  file.require_ok();
  // 1000 pixels of 4 B, half of it read, 50 times a second.
  CHECK(spec.frame().si() == Approx(2000));
  CHECK(spec.traffic().si() == Approx(100e3));
  CHECK(spec.panel_power().si() == Approx(1.5));
  const PacedTraffic traffic = spec.paced_traffic();
  CHECK(traffic.period.si() == Approx(1e-3));
  CHECK(traffic.deadline.si() == Approx(1e-3));
  CHECK(traffic.span.si() == Approx(2000));
}

TEST_CASE("an iPhone 13 display reads 0.7 GB/s at 60 Hz") {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/display/iphone_13_display.toml");
  const DisplaySpec spec = DisplaySpec::from(file.root());
  CHECK(spec.traffic().si() == Approx(2532.0 * 1170 * 4 * 60 * spec.compressed.value));
}

TEST_CASE("a DGX H100's host share and eight GPUs of 700 W draw 10.2 kW at the wall") {
  const std::string folder = std::string(JOULESIM_SOURCE_DIR) + "/hw/power/";
  ConfigFile host = ConfigFile::read(folder + "dgx_h100_host.toml");
  ConfigFile supply = ConfigFile::read(folder + "server_supply.toml");
  const Power boards = BaseLoadSpec::from(host.root()).power(1) + Power(8 * 700);
  const Power wall = boards + SupplySpec::from(supply.root()).loss("wall", boards);
  CHECK(wall.si() == Approx(10200).epsilon(0.01));
}
