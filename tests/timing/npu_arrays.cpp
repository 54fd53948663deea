// Does a product on an NPU's cores take the clocks that its shape, memory and tiling say?
#include "hw/npu/gemm_schedule.hpp"

#include <catch2/catch.hpp>

using namespace joulesim::hw;

namespace {

// Cores with a memory that is never waited for.
GemmCores cores(std::int64_t count, std::int64_t side, double memory = 1e12) {
  GemmCores machine;
  machine.array.rows = machine.array.columns = side;
  machine.cores = count;
  machine.scratchpad = 32 << 20;
  machine.accumulator = 4 << 20;
  machine.memory_rate = machine.port_rate = memory;
  return machine;
}

}  // namespace

TEST_CASE("a block of weights stays for its rows or for the next weights' arrival") {
  const ArrayTiming array{Dataflow::weight_stationary, 128, 64, 1, 1};
  CHECK(array.interval(1, 128) == 128);
  CHECK(array.interval(128, 128) == 128);
  CHECK(array.interval(300, 128) == 300);
  CHECK(array.passes(1, 129) == 2);
  CHECK(array.latency(128, 128) == 128 + 64 - 2 + 128);
  CHECK(array.fill() == 128 + 127);
}

TEST_CASE("a block of outputs stays for the depth and shifts out under the next one") {
  const ArrayTiming array{Dataflow::output_stationary, 32, 32, 1, 1};
  CHECK(array.interval(32, 1000) == 1000);
  CHECK(array.interval(32, 8) == 32);
  CHECK(array.passes(33, 1000) == 2);
  CHECK(array.latency(32, 1000) == 32 + 32 - 2 + 1000 + 32);
}

TEST_CASE("with memory to spare a product takes its passes, one fill and one drain") {
  const GemmTrace trace = schedule(cores(1, 128), {512, 512, 512});
  const double passes = 4 * 4 * 4;
  CHECK(trace.array_busy == passes * 128);
  CHECK(trace.clocks == Approx(passes * 128 + (128 + 127) + (128 + 128 - 2)).margin(1));
}

TEST_CASE("arrays of rows that are no blocks work on whole ones") {
  const double whole = schedule(cores(1, 128), {128, 256, 256}).array_busy;
  CHECK(schedule(cores(1, 128), {128, 129, 129}).array_busy == whole);
  CHECK(schedule(cores(1, 128), {1, 256, 256}).array_busy == whole);
}

TEST_CASE("a product that memory paces takes its bytes over the rate") {
  GemmCores machine = cores(4, 128, 64);
  const GemmTrace trace = schedule(machine, {1, 8192, 8192});
  CHECK(trace.tiling.tiles_m == 1);
  const double bytes = trace.loaded + trace.stored;
  CHECK(bytes >= 2.0 * 8192 * 8192);
  CHECK(trace.clocks == Approx(bytes / 64).epsilon(0.02));
  machine.memory_rate = 32;
  CHECK(schedule(machine, {1, 8192, 8192}).clocks == Approx(2 * trace.clocks).epsilon(0.02));
}

TEST_CASE("a core alone draws no more than its port") {
  GemmCores machine = cores(1, 128, 1e9);
  machine.port_rate = 10;
  const GemmTrace trace = schedule(machine, {1, 4096, 4096});
  CHECK(trace.clocks == Approx((trace.loaded + trace.stored) / 10).epsilon(0.02));
}

TEST_CASE("tiles fit half of either memory and cover the product") {
  for (const auto split : {TileSplit::halving, TileSplit::longer_side}) {
    GemmCores machine = cores(4, 128);
    machine.split = split;
    for (const std::int64_t m : {1, 100, 640, 1000, 5000}) {
      for (const std::int64_t n : {100, 1024, 14336}) {
        for (const std::int64_t k : {64, 4096, 20000}) {
          const NpuTiling t = tile(machine, m, n, k);
          CHECK(t.m * t.n * 4 <= 2 << 20);
          CHECK((t.m + t.n) * t.k * 2 <= 16 << 20);
          CHECK(t.m * t.tiles_m >= m);
          CHECK(t.n * t.tiles_n >= n);
          CHECK(t.k * t.tiles_k >= k);
          CHECK(t.n * (t.tiles_n - 1) < n);
        }
      }
    }
  }
}

TEST_CASE("wide cores take tiles as square as their blocks allow") {
  GemmCores machine = cores(1, 256);
  machine.array.columns = 8 * 256;
  machine.accumulator = 12 << 20;
  const NpuTiling t = tile(machine, 8192, 8192, 8192);
  CHECK(t.n == 2048);
  CHECK(t.m == 512);  // 768 fit; eleven tiles are rounded down to whole blocks
}

TEST_CASE("where square products are split, all cores work") {
  GemmCores machine = cores(4, 128);
  CHECK(schedule(machine, {512, 512, 512}).array_busy == 64 * 128 / 4);
  machine.split = TileSplit::longer_side;
  CHECK(schedule(machine, {512, 512, 512}).array_busy == 64 * 128);
  CHECK(schedule(machine, {512, 2048, 512}).array_busy == 64 * 128);
}

TEST_CASE("narrow weights are unpacked no faster than the decompressor") {
  GemmCores machine = cores(1, 128, 1e9);
  const GemmShapeOnCores shape{1, 4096, 4096, 2, 0.5, 2};
  const double free = schedule(machine, shape).clocks;
  machine.unpack_rate = 64;
  CHECK(schedule(machine, shape).clocks == Approx(2.0 * 4096 * 4096 / 64).epsilon(0.05));
  CHECK(free < schedule(machine, shape).clocks);
}
