// The law of SRAM arrays against the rows of CACTI 7 that it was fitted to, and against the figures
// that part files state on their own.
#include "hw/sram/array_law.hpp"

#include "hw/sram/sram.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

// 22 nm, itrs-lop, one bank, one read-write port, 350 K.
struct Row {
  double kib, bits, read_pj, write_pj, access_ns, leakage_mw;
};
constexpr Row kRows[] = {
    {8, 64, 1.21, 1.14, 0.36, 2.0},     {32, 64, 2.44, 2.02, 0.57, 7.4},
    {128, 64, 5.18, 4.02, 0.85, 27},    {512, 64, 10.6, 7.87, 1.42, 104},
    {2048, 64, 20.3, 18.0, 2.45, 434},  {8192, 64, 39.1, 36.8, 4.36, 1734},
    {8, 256, 2.09, 4.00, 0.36, 2.1},    {32, 256, 5.45, 7.88, 0.56, 7.3},
    {128, 256, 13.7, 13.4, 0.83, 27},   {512, 256, 28.9, 25.8, 1.43, 105},
    {2048, 256, 64.2, 58.0, 2.53, 415}, {8192, 256, 128, 122, 4.49, 1661},
};

SramSpec part(const std::string& name) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/sram/" + name + ".toml");
  SramSpec spec = SramSpec::from(file.root());
  file.require_ok();
  return spec;
}

const std::string kPart = R"(
part = "s"
model = "sram"
role = "cache"
title = "t"
[sources]
s = { kind = "paper", title = "x" }
n = { kind = "assumed", title = "y", reason = "z" }
[organisation]
source = "s"
capacity = "32 MiB"
banks = 16
width = "32 B"
line = "128 B"
ways = 16
policy = "tree_plru"
[timing]
source = "s"
clock = "400 MHz"
bandwidth = "204.8 GB/s"
latency = "25 ns"
[energy.law]
source = "n"
bank = "2 MiB"
port = "32 B"
node = NODE
wire = 6
leakage = 0.1
retention = 0.025
)";

ConfigFile file_of(const std::string& node) {
  std::string text = kPart;
  text.replace(text.find("NODE"), 4, node);
  return ConfigFile::parse(text, "s.toml");
}

}  // namespace

TEST_CASE("the law meets every row that it was fitted to within 13 %") {
  for (const Row& row : kRows) {
    const ArrayCost cost = array_cost(Bytes(row.kib * 1024), Bytes(row.bits / 8));
    INFO(row.kib << " KiB, " << row.bits << " bit");
    CHECK(cost.read.si() == Approx(row.read_pj * 1e-12).epsilon(0.13));
    CHECK(cost.write.si() == Approx(row.write_pj * 1e-12).epsilon(0.13));
    CHECK(cost.access.si() == Approx(row.access_ns * 1e-9).epsilon(0.10));
    CHECK(cost.leakage.si() == Approx(row.leakage_mw * 1e-3).epsilon(0.20));
  }
}

TEST_CASE("four times the size doubles the energy of a bit; a wider port halves it at most twice") {
  const auto per_bit = [](double kib, double bits) {
    return array_cost(Bytes(kib * 1024), Bytes(bits / 8)).read.si() / bits;
  };
  CHECK(per_bit(512, 64) / per_bit(128, 64) == Approx(2).epsilon(0.02));
  CHECK(per_bit(512, 256) < per_bit(512, 64));
  CHECK(per_bit(512, 256) > per_bit(512, 64) / 4);
  CHECK(node_energy(22) == Approx(1));
  CHECK(node_energy(5) == Approx(0.5).epsilon(0.02));
  CHECK(node_energy(3) < node_energy(5));
}

TEST_CASE("parts that state their own figures agree with the law at their node") {
  // system_cache_a15: banks of 2 MiB, 256 bit, 5 nm, 6 mm of wire; the scratchpad: 128 KiB, 1 mm.
  const auto law = [](double kib, double mm) {
    return 8 * (array_cost(Bytes(kib * 1024), Bytes(32)).read.si() * node_energy(5) / 256 +
                mm * 70e-15);
  };
  CHECK(part("system_cache_a15").read.value.si() == Approx(law(2048, 6)).epsilon(0.10));
  CHECK(part("npu_scratchpad_a15").read.value.si() == Approx(law(128, 1)).epsilon(0.10));
  CHECK(part("npu_scratchpad_a15").leakage.value.si() ==
        Approx(0.1 * array_cost(Bytes(2.0 * 1048576), Bytes(32)).leakage.si()).epsilon(0.10));
}

TEST_CASE("a part may take its energy from the law") {
  ConfigFile file = file_of("5");
  const SramSpec spec = SramSpec::from(file.root());
  file.require_ok();
  CHECK(spec.read.value.si() == Approx(0.55e-12 * 8).epsilon(0.10));
  REQUIRE(spec.read.low);
  CHECK(*spec.read.low < spec.read.value);
  CHECK(*spec.read.high > spec.read.value);
  CHECK(spec.read.source->assumed());
  CHECK(spec.leakage.value.si() == Approx(0.1 * 0.212e-3 * 32 * 1024));
  CHECK(spec.retention.value.si() == Approx(spec.leakage.value.si() / 4));
  CHECK(spec.ways == 16);
  ResidencyCache cache = spec.make_cache();
  CHECK(cache.capacity() == 32U << 20U);
}

TEST_CASE("shapes and laws that cannot be are refused with place and reason") {
  const auto message = [](const std::string& from, const std::string& to) {
    std::string text = kPart;
    text.replace(text.find("NODE"), 4, "5");
    text.replace(text.find(from), from.size(), to);
    ConfigFile file = ConfigFile::parse(text, "s.toml");
    (void)SramSpec::from(file.root());
    CHECK_FALSE(file.finish());
    return file.diagnostics().render();
  };
  CHECK(message("node = 5", "node = 45").find("2 to 22 nm") != std::string::npos);
  CHECK(message("bank = \"2 MiB\"", "bank = \"64 MiB\"").find("a part of it") != std::string::npos);
  CHECK(message("ways = 16", "ways = 12").find("power of two") != std::string::npos);
  CHECK(message("policy = \"tree_plru\"", "policy = \"segmented_lru\"").find("policy") !=
        std::string::npos);
  CHECK(message("capacity = \"32 MiB\"", "capacity = \"1 KiB\"").find("one set") !=
        std::string::npos);
  CHECK(message("retention = 0.025", "retention = 0.5").find("exceeds") != std::string::npos);
}

TEST_CASE("an idle memory is gated once that saves more than waking it costs") {
  SramSpec spec = part("system_cache_a15");
  spec.leakage.value = Power(0.100);
  spec.retention.value = Power(0.030);
  CHECK(spec.idle_state(Time(10)) == SramSpec::State::retention);  // it cannot be gated
  spec.gated = SramSpec::Gating{};
  spec.gated->power.value = Power(0.005);
  spec.gated->wake_time.value = Time(50e-6);
  spec.gated->wake_energy.value = Energy(250e-6);
  // 25 mW are saved against 250 uJ: from 10 ms on.
  CHECK(spec.break_even().si() == Approx(10e-3));
  CHECK(spec.idle_state(Time(9e-3)) == SramSpec::State::retention);
  CHECK(spec.idle_state(Time(11e-3)) == SramSpec::State::gated);
  CHECK(spec.standing(SramSpec::State::active, Time(2)).si() == Approx(0.2));
  CHECK(spec.standing(SramSpec::State::retention, Time(2)).si() == Approx(0.06));
  CHECK(spec.standing(SramSpec::State::gated, Time(2)).si() == Approx(0.01 + 250e-6));
}
