#include "hw/battery/battery.hpp"

#include <catch2/catch.hpp>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

BatterySpec iphone() {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/battery/iphone_13_battery.toml");
  BatterySpec spec = BatterySpec::from(file.root());
  file.require_ok();
  return spec;
}

// A cell of constant voltage, so that closed forms are exact.
BatterySpec flat(double resistance) {
  BatterySpec spec;
  spec.capacity.value = Energy(36000);
  spec.usable_share.value = 1;
  spec.cut_off.value = Voltage(1);
  spec.drop.value = Voltage(resistance);
  spec.drop_current.value = Current(1);
  spec.curve.resize(2);
  spec.curve[0].charge = 0;
  spec.curve[0].voltage.value = Voltage(4);
  spec.curve[1].charge = 1;
  spec.curve[1].voltage.value = Voltage(4);
  return spec;
}

}  // namespace

TEST_CASE("a cell with hardly any resistance lasts capacity over load") {
  CHECK(lifetime(flat(1e-9), Power(10)).si() == Approx(3600).epsilon(1e-6));
}

TEST_CASE("a cell with resistance lasts capacity over load plus loss") {
  // 3 W from 4 V behind 1 ohm: 1 A, 3 V at the terminals, 1 W lost.
  const Discharge run = discharge(flat(1.0), Power(3));
  CHECK(run.duration.si() == Approx(9000).epsilon(1e-6));
  CHECK(run.given.si() == Approx(27000).epsilon(1e-6));
  CHECK(run.lost.si() == Approx(9000).epsilon(1e-6));
}

TEST_CASE("no cell gives more than U squared over four R") {
  Battery battery(flat(1.0));
  const Battery::Drawn drawn = battery.draw(Power(4.1), Time(10));
  CHECK(drawn.empty);
  CHECK(drawn.fed.si() == 0);
  CHECK(battery.charge() == 1.0);
}

TEST_CASE("an iPhone 13's battery gives its label's energy in a slow discharge") {
  BatterySpec spec = iphone();
  // Energy over charge of the label, 12.41 Wh and 3227 mAh, is the mean of the voltage curve.
  CHECK(spec.mean_voltage().si() == Approx(12.41 / 3.227).epsilon(0.01));
  const double share = spec.usable_share.value;
  CHECK(discharge(spec, Power(0.01)).given.si() == Approx(12.41 * 3600 * share).epsilon(0.02));
}

TEST_CASE("given and lost energy make up what the charge was worth, at any load") {
  const BatterySpec spec = iphone();
  for (const double watts : {0.5, 2.0, 5.0, 8.0}) {
    INFO(watts);
    const Discharge run = discharge(spec, Power(watts));
    const double coulombs = spec.capacity.value.si() / spec.mean_voltage().si();
    // Integral of the open-circuit voltage over the charge that was taken.
    double energy = 0;
    const double last = run.curve.back().charge;
    const int steps = 20000;
    for (int i = 0; i < steps; ++i) {
      energy += spec.open_circuit(last + (1 - last) * (i + 0.5) / steps).si() * coulombs *
                (1 - last) / steps;
    }
    CHECK(run.given.si() + run.lost.si() == Approx(energy).epsilon(0.002));
    CHECK(run.given.si() == Approx(watts * run.duration.si()).epsilon(1e-6));
  }
}

TEST_CASE("a higher load takes less out of the battery") {
  const BatterySpec spec = iphone();
  Energy before = spec.capacity.value;
  for (const double watts : {0.2, 1.0, 3.0, 6.0}) {
    const Energy given = discharge(spec, Power(watts)).given;
    CHECK(given < before);
    before = given;
  }
  // Phones run at C/5 to C/1: a few per cent.
  CHECK(discharge(spec, Power(3)).lost / spec.capacity.value < 0.05);
}

TEST_CASE("many short draws empty a battery as one long draw does") {
  const BatterySpec spec = iphone();
  Battery pieces(spec);
  Battery whole(spec);
  const Battery::Drawn once = whole.draw(Power(3), Time(3600));
  Energy lost;
  for (int i = 0; i < 36000; ++i) {
    lost += pieces.draw(Power(3), Time(0.1)).lost;
  }
  CHECK(pieces.charge() == Approx(whole.charge()).epsilon(1e-6));
  CHECK(lost.si() == Approx(once.lost.si()).epsilon(1e-3));
}

TEST_CASE("the terminal voltage never rises during a discharge") {
  const Discharge run = discharge(iphone(), Power(2), 50);
  REQUIRE(run.curve.size() > 40);
  for (std::size_t i = 1; i < run.curve.size(); ++i) {
    CHECK(run.curve[i].terminal <= run.curve[i - 1].terminal);
    CHECK(run.curve[i].time > run.curve[i - 1].time);
  }
}
