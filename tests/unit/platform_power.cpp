#include "hw/power/power.hpp"

#include <catch2/catch.hpp>

using namespace joulesim;
using namespace joulesim::hw;

namespace {
const std::string kSupply = R"(
part = "s"
model = "supply"
title = "t"
[sources]
x = { kind = "paper", title = "x" }
[[rail]]
name = "soc"
source = "x"
efficiency = 0.8
quiescent = "10 mW"
[[rail]]
name = "memory"
source = "x"
efficiency = 0.9
quiescent = "5 mW"
)";
}  // namespace

TEST_CASE("a rail loses its quiescent power and a share of what it delivers") {
  ConfigFile file = ConfigFile::parse(kSupply, "s.toml");
  const SupplySpec spec = SupplySpec::from(file.root());
  file.require_ok();
  // 4 W at 80 % take 5 W in; the other rail idles.
  CHECK(spec.find("soc")->loss(Power(4)).si() == Approx(1.01));
  CHECK(spec.loss("soc", Power(4)).si() == Approx(1.015));
  CHECK(spec.find("gpu") == nullptr);
  CHECK_THROWS(spec.loss("gpu", Power(1)));
  Ledger ledger;
  spec.spend("soc", Energy(8), "supply", Time(0), Time(2), ledger);
  CHECK(ledger.total().si() == Approx(2.03));
  CHECK(ledger.entries().front().spent == Spent::loss);
}

TEST_CASE("an efficiency above one and a rail given twice are refused") {
  std::string text = kSupply;
  text.replace(text.find("0.8"), 3, "1.2");
  text.replace(text.find("\"memory\""), 8, "\"soc\"");
  ConfigFile file = ConfigFile::parse(text, "s.toml");
  SupplySpec::from(file.root());
  CHECK(file.diagnostics().error_count() == 2);
}

TEST_CASE("a base load lies between idle and busy, and the ledger agrees") {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/power/iphone_13_base.toml");
  const BaseLoadSpec spec = BaseLoadSpec::from(file.root());
  CHECK(spec.power(0) < spec.power(1));
  CHECK(spec.power(0.5).si() == Approx((spec.power(0).si() + spec.power(1).si()) / 2));
  Ledger ledger;
  spec.spend(0.5, "rest of the phone", Time(1), Time(4), ledger);
  CHECK(ledger.total().si() == Approx(3 * spec.power(0.5).si()));
  // A phone that only waits for messages lasts days, not hours and not months: 12.41 Wh.
  const double days = 12.41 / spec.power(0).si() / 24;
  CHECK(days > 2);
  CHECK(days < 20);
}
