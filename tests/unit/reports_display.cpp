#include "reports/result/display.hpp"

#include <catch2/catch.hpp>

#include <limits>

using namespace joulesim;
using namespace joulesim::reports;

TEST_CASE("quantities read in the unit of everyday use") {
  CHECK(show(any(Time(0.0123))) == "12.3 ms");
  CHECK(show(any(Time(90))) == "90.0 s");
  CHECK(show(any(Time(1500))) == "25.0 min");
  CHECK(show(any(Time(11.5 * 3600))) == "11.5 h");
  CHECK(show(any(Time(10 * 86400))) == "10.0 days");
  CHECK(show(any(Energy(0.0123))) == "12.3 mJ");
  CHECK(show(any(Energy(12.41 * 3600))) == "12.4 Wh");
  CHECK(show(any(Energy(4.21e9 * 3600))) == "4.21 GWh");
  CHECK(show(any(Mass(2.35e9))) == "2.35 kt");
  CHECK(show(any(Money(0.412))) == "0.412 USD");
  CHECK(show(AnyQuantity{4.12e-7, kDollar / kToken}) == "0.412 USD/Mtoken");
  CHECK(show(any(EnergyPerToken(0.0573))) == "57.3 mJ/token");
  CHECK(show(AnyQuantity{20480, kByte / kToken}) == "20.5 kB/token");
  CHECK(show(any(Bandwidth(5.12e10))) == "51.2 GB/s");
}

TEST_CASE("digits are rounded before the prefix is chosen") {
  CHECK(show(any(Power(0.99996))) == "1.00 W");
  CHECK(significant(9.996) == "10.0");
  CHECK(significant(999.6) == "1000");
  CHECK(significant(0) == "0");
  CHECK(significant(-1.234) == "−1.23");
  CHECK(significant(std::numeric_limits<double>::infinity()) == "∞");
}

TEST_CASE("counts keep their digits in groups of three") {
  CHECK(show(AnyQuantity{1040, {}}) == "1040");
  CHECK(show(any(Tokens(779000))) == "779\u00a0000 tokens");
  CHECK(show(AnyQuantity{1234567, {}}) == "1\u00a0234\u00a0567");
  CHECK(show(AnyQuantity{0.5, {}}) == "0.500");
}

TEST_CASE("shares read as per cent") {
  CHECK(percent(0.432) == "43.2 %");
  CHECK(percent(0.0432) == "4.3 %");
  CHECK(percent(1) == "100 %");
  CHECK(percent(0) == "0 %");
  CHECK(percent(1e-6) == "< 0.1 %");
  CHECK(percent(0.00996) == "1.0 %");
  CHECK(percent(0.9999) == "100 %");
  CHECK(rough_percent(0.416) == "42 %");
  CHECK(rough_percent(0.001) == "< 1 %");
  CHECK(signed_percent(0.0042) == "+0.4 %");
  CHECK(signed_percent(-0.0031) == "−0.3 %");
  CHECK(signed_percent(-0.0001) == "0.0 %");
  Metric m;
  m.name = "memory.dram_utilisation";
  m.value = {0.571, {}};
  m.low = 0.5;
  m.high = 0.6;
  CHECK(show_value(m) == "57.1 %");
  CHECK(show_range(m) == "50.0 % – 60.0 %");
  m.name = "numerics.kl_divergence";
  CHECK(show_value(m) == "0.571");
}

TEST_CASE("one scale serves a whole column") {
  const Scale scale = scale_for(kJoule, 0.8);
  CHECK(scale.unit == "mJ");
  CHECK(show_on(scale, 0.0123) == "12.3");
}

TEST_CASE("units of result files are understood, prefixed ones are not") {
  CHECK(dim_of_unit("J/token") == std::optional<Dim>(kJoule / kToken));
  CHECK(dim_of_unit("") == std::optional<Dim>(Dim{}));
  CHECK(dim_of_unit("1/token") == std::optional<Dim>(inverse(kToken)));
  CHECK_FALSE(dim_of_unit("kJ").has_value());
  CHECK_FALSE(dim_of_unit("furlong").has_value());
}

TEST_CASE("a memory's capacity is shown as its makers count it") {
  CHECK(show_capacity(Bytes(16.0 * 1073741824)) == "16 GiB");
  CHECK(show_capacity(Bytes(64e9)) == "64.0 GB");
  CHECK(show_capacity(Bytes(512e3)) == "512 kB");
}
