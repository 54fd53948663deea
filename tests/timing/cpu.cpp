// Do cores take the time that their pipes, their misses and their threads say?
#include "tests/timing/units.hpp"

#include <catch2/catch.hpp>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

// Two fast cores at 1 GHz with 16 int8 MACs and 4 lanes, two slow ones of half of it; 10 lines of
// 64 bytes under way a core, 100 ns.
const std::string kCpu = R"(part = "cpu"
model = "cpu_cluster"
title = "test cores"
)" + kTestSource + R"([core.fast]
source = "t"
count = 2
clock = "1 GHz"
misses = 10
[core.fast.arithmetic.int8]
source = "t"
macs_per_cycle = 16
energy = "0.1 pJ/MAC"
[core.fast.vector]
source = "t"
ops_per_cycle = 4
[core.little]
source = "t"
slow = true
count = 2
clock = "500 MHz"
misses = 5
[core.little.arithmetic.int8]
source = "t"
macs_per_cycle = 16
energy = "0.1 pJ/MAC"
[core.little.vector]
source = "t"
ops_per_cycle = 4
[vector]
source = "t"
energy = "1 pJ/op"
[control]
source = "t"
energy = "1 pJ/op"
[cache]
source = "t"
capacity = "1 MiB"
line = "64 B"
energy = "1 pJ/B"
[memory]
source = "t"
latency = "100 ns"
bandwidth = "15 GB/s"
[power]
source = "t"
idle = "0 W"
active = "1 W"
)";

CpuCluster test_cpu() { return CpuCluster(spec_from<CpuClusterSpec>(kCpu)); }

RuntimeSpec stack(bool all_cores, bool even_split) {
  RuntimeSpec runtime;
  runtime.use.all_cores = all_cores;
  runtime.use.even_split = even_split;
  return runtime;
}

double seconds(const Work& work, const RuntimeSpec& runtime) {
  return static_cast<double>(test_cpu().lower(work, 0, runtime).compute_ps()) * 1e-12;
}

// So many rows that arithmetic, not memory, is the limit.
Work heavy() { return product(4000, 64, 64); }
constexpr double kMacs = 4000.0 * 64 * 64;

}  // namespace

TEST_CASE("stolen work runs at the sum of the cores' rates, even shares at the slowest's") {
  CHECK(seconds(heavy(), stack(false, false)) == Approx(kMacs / 32e9));
  CHECK(seconds(heavy(), stack(true, false)) == Approx(kMacs / 48e9));
  CHECK(seconds(heavy(), stack(true, true)) == Approx(kMacs / 32e9));  // four threads at 8 G
  RuntimeSpec half = stack(false, false);
  half.use.product_share = 0.5;
  CHECK(seconds(heavy(), half) == Approx(2 * kMacs / 32e9));
}

TEST_CASE("few threads draw what their misses under way allow, many what the fabric lets through") {
  const Work vector = product(1, 1024, 1024);  // 1 MiB of weights, 1 M MACs
  const double bytes = 1024.0 * 1024;
  CHECK(seconds(vector, stack(false, false)) == Approx(bytes / 12.8e9));  // 2 x 10 x 64 B / 100 ns
  CHECK(seconds(vector, stack(true, false)) == Approx(bytes / 15e9));     // 19.2 GB/s, cut
  RuntimeSpec worse = stack(false, false);
  worse.use.stream_share = 0.5;
  CHECK(seconds(vector, worse) == Approx(2 * bytes / 12.8e9));
  CHECK(test_cpu().lower(vector, 0, stack(false, false)).limit == "misses under way");
  CHECK(test_cpu().memory_bandwidth().si() == Approx(15e9));
}

TEST_CASE("unpacking is repeated for every so many rows") {
  Work work = heavy();
  work.weights_unpacked = true;
  RuntimeSpec runtime = stack(false, false);
  runtime.use.unpack_ops = 2;
  runtime.use.unpack_rows = 1000;  // four times
  const double unpacking = 4 * 2 * 64.0 * 64 / 8e9;
  CHECK(seconds(work, runtime) == Approx(kMacs / 32e9 + unpacking));
}

TEST_CASE("a type that one kind of core lacks is refused by name") {
  const auto refused = test_cpu().refusal(product(1, 8, 8, DataType::fp16));
  REQUIRE(refused);
  CHECK(refused->find("fp16") != std::string::npos);
}

TEST_CASE("one core makes inputs ready for narrow weights before the others start") {
  Work work = product(3, 64, 64);
  RuntimeSpec runtime = stack(true, false);
  runtime.use.serial_ops = 40;
  CHECK(test_cpu().lower(work, 0, runtime).start_ps == 0);  // weights as wide as the multiplier
  work.weights_unpacked = true;
  const TileProgram program = test_cpu().lower(work, 0, runtime);
  CHECK(program.start_ps == Approx(3 * 64 * 40 / 4e9 * 1e12));
  CHECK(program.idle_ps == 0);
}
