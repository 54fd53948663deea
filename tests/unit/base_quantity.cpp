// Do quantities keep their dimension, read what people write, and print what they can read again?
#include "sim/base/quantity.hpp"

#include <catch2/catch.hpp>

#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using namespace joulesim;

namespace {

std::string fault_of(const std::string& text) {
  try {
    (void)parse_quantity(text);
  } catch (const std::invalid_argument& fault) {
    return fault.what();
  }
  return "";
}

void reads(const std::string& text, double si, Dim dim) {
  INFO(text);
  const AnyQuantity q = parse_quantity(text);
  CHECK(q.si == Approx(si).epsilon(1e-12));
  CHECK(q.dim == dim);
}

template <class A, class B>
concept Addable = requires(A a, B b) { a + b; };
template <class A, class B>
concept Comparable = requires(A a, B b) { a < b; };

// Arithmetic carries dimensions; what makes no sense does not compile.
static_assert(std::is_same_v<decltype(Bytes(1) / Time(1)), Bandwidth>);
static_assert(std::is_same_v<decltype(Energy(1) / Time(1)), Power>);
static_assert(std::is_same_v<decltype(Power(1) * Time(1)), Energy>);
static_assert(std::is_same_v<decltype(Voltage(1) * Current(1)), Power>);
static_assert(std::is_same_v<decltype(EnergyPerByte(1) * Bandwidth(1)), Power>);
static_assert(std::is_same_v<decltype(Energy(1) * CarbonIntensity(1)), Mass>);
static_assert(std::is_same_v<decltype(1.0 / Time(1)), Frequency>);
static_assert(std::is_same_v<decltype(Time(1) * Frequency(1)), double>);
static_assert(std::is_same_v<decltype(Time(1) / Time(1)), double>);
static_assert(std::is_same_v<decltype(2.0 * Bytes(1)), Bytes>);
static_assert(!Addable<Bytes, Time>);
static_assert(!Addable<Ops, Flops>);
static_assert(!Addable<Power, double>);
static_assert(!Comparable<Energy, Power>);
static_assert(Addable<Energy, Energy>);
static_assert(!std::is_convertible_v<double, Time>);
static_assert((Bytes(6) / Time(2)).si() == 3);
static_assert(macs(3).si() == 6);

}  // namespace

TEST_CASE("prefixes scale a unit by powers of a thousand") {
  reads("3 s", 3, kSecond);
  reads("18 ns", 18e-9, kSecond);
  reads("18 us", 18e-6, kSecond);
  reads("18 µs", 18e-6, kSecond);
  reads("18 ms", 18e-3, kSecond);
  reads("18 ps", 18e-12, kSecond);
  reads("18 fs", 18e-15, kSecond);
  reads("2 kHz", 2e3, inverse(kSecond));
  reads("2 MHz", 2e6, inverse(kSecond));
  reads("2 GHz", 2e9, inverse(kSecond));
  reads("2 TB", 2e12, kByte);
  reads("2 PFLOP", 2e15, kFlop);
  reads("2 EB", 2e18, kByte);
  reads("1.5e-3 J", 1.5e-3, kJoule);
  reads("+2 W", 2, kJoule / kSecond);
}

TEST_CASE("decimal and binary sizes differ, and a bit is an eighth of a byte") {
  reads("1 kB", 1000, kByte);
  reads("1 KiB", 1024, kByte);
  reads("1 MiB", 1048576, kByte);
  reads("1 GiB", 1073741824, kByte);
  reads("1 TiB", 1099511627776.0, kByte);
  reads("1 GB", 1e9, kByte);
  reads("64 bit", 8, kByte);
  reads("1 Gb", 1.25e8, kByte);
  reads("4 pJ/bit", 32e-12, kJoule / kByte);
  reads("4 pJ/B", 4e-12, kJoule / kByte);
  CHECK_FALSE(fault_of("1 KB").empty());
  CHECK_FALSE(fault_of("1 kiB").empty());
}

TEST_CASE("a transfer rate times a width is a bandwidth") {
  const AnyQuantity rate = parse_quantity("4266 MT/s");
  const AnyQuantity width = parse_quantity("64 bit");
  CHECK(rate.dim == inverse(kSecond));
  CHECK(rate.dim * width.dim == kByte / kSecond);
  CHECK(format(AnyQuantity{rate.si * width.si, rate.dim * width.dim}) == "34.1 GB/s");
}

TEST_CASE("compound and everyday units are read from the left") {
  reads("0.12 USD/kWh", 0.12 / 3.6e6, kDollar / kJoule);
  reads("400 g/kWh", 400 / 3.6e6, kGram / kJoule);
  reads("12.41 Wh", 12.41 * 3600, kJoule);
  reads("2 MAC", 4, kOp);
  reads("15.8 Top/s", 15.8e12, kOp / kSecond);
  reads("4096 FLOP/clk", 4096, kFlop);
  reads("5.1e9 requests/day", 5.1e9 / 86400, inverse(kSecond));
  reads("2 years", 2 * 365.25 * 86400, kSecond);
  reads("60 %", 0.6, Dim{});
  reads("3 W*h", 10800, kJoule);
  reads("12", 12, Dim{});
}

TEST_CASE("a charge is refused with the advice to give an energy") {
  for (const char* text : {"3240 mAh", "3.24 Ah", "3240mAh"}) {
    INFO(text);
    CHECK(fault_of(text).find("multiply by the cell voltage and give Wh") != std::string::npos);
    CHECK(fault_of(text).find(text) != std::string::npos);
  }
}

TEST_CASE("what is no number, space and unit is refused with the text that was found") {
  CHECK(fault_of("8GiB") == "found \"8GiB\"; expected one space between number and unit");
  CHECK(fault_of("5%") == "found \"5%\"; expected one space between number and unit");
  CHECK(fault_of("8 furlongs").find("unknown unit 'furlongs'") != std::string::npos);
  for (const char* text :
       {"",         " ",      "abc",     "GB/s",    "inf s", "-inf s", "nan s", "NaN",
        "infinity", "0x10 B", "0X1p3 s", "1e999 s", "8 ",    "8  GB",  " 8 GB", "8 GB ",
        "8 GB/",    "8 /s",   "8 GB//s", "1,5 s",   "1 2 s", ".5 s x"}) {
    INFO(text);
    CHECK_FALSE(fault_of(text).empty());
  }
}

TEST_CASE("negative values are read as such") {
  reads("-3 J", -3, kJoule);
  CHECK(format(Energy(-0.0035)) == "-3.50 mJ");
}

TEST_CASE("printing rounds before it chooses prefix and decimals") {
  CHECK(format(Power(0.9996)) == "1.00 W");
  CHECK(format(Power(0.99996)) == "1.00 W");
  CHECK(format(Power(0.9994)) == "999 mW");
  CHECK(format(Time(999.6e-9)) == "1.00 µs");
  CHECK(format(Time(9.996e-9)) == "10.0 ns");
  CHECK(format(Time(99.96e-9)) == "100 ns");
  CHECK(format(Time(9.994e-9)) == "9.99 ns");
  CHECK(format(Bandwidth(34.128e9)) == "34.1 GB/s");
  CHECK(format(Bandwidth(34.128e9), 4) == "34.13 GB/s");
  CHECK(format(EnergyPerByte(32e-12)) == "4.00 pJ/bit");
  CHECK(format(Bytes(0)) == "0 B");
  CHECK(format(Bytes(0.5)) == "0.500 B");
  CHECK(format(Tokens(128)) == "128 tokens");
  CHECK(format(CarbonIntensity(400 / 3.6e6)) == "400 g/kWh");
}

TEST_CASE("what is printed can be read again within its digits") {
  const std::vector<AnyQuantity> values = {
      any(Time(1.2345e-7)),        any(Energy(7.77e-10)),     any(Power(65.4)),
      any(Bytes(3.9e9)),           any(Bandwidth(3.35e12)),   any(EnergyPerByte(4.1e-12)),
      any(OpRate(15.8e12)),        any(Flops(2.5e13)),        any(Current(0.057)),
      any(Voltage(1.1)),           any(Mass(3200)),           any(CarbonIntensity(1.1e-4)),
      any(EnergyPrice(3.3e-8)),    any(Money(1234)),          any(TokenRate(9.87)),
      any(EnergyPerToken(0.0345)), any(TimePerToken(0.101)),  any(Temperature(298)),
      any(Frequency(1.338e9)),     any(EnergyPerOp(2.5e-13)), any(PowerPerByte(3e-9)),
      AnyQuantity{0.25, Dim{}},
  };
  for (const AnyQuantity& value : values) {
    const std::string text = format(value, 5);
    INFO(text);
    const AnyQuantity again = parse_quantity(text);
    CHECK(again.dim == value.dim);
    CHECK(again.si == Approx(value.si).epsilon(1e-4));
  }
}

TEST_CASE("every dimension has a name, an example of its own, and an SI unit") {
  for (const Dim dim : {kSecond, kJoule, kByte, kByte / kSecond, kJoule / kByte, kOp / kSecond,
                        kFlop / kSecond, kGram / kJoule, kToken / kSecond, kKelvin}) {
    INFO(dimension_name(dim));
    CHECK(parse_quantity(example_of(dim)).dim == dim);
  }
  CHECK(si_unit(kJoule / kByte) == "J/B");
  CHECK(si_unit(kByte / kSecond) == "B/s");
  CHECK(si_unit(kByte * kByte / kSecond) == "B*B/s");
  CHECK(dimension_name(kByte * kByte) == "a quantity in B*B");
}
