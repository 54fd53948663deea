// Does the systolic array take the cycles that its shape says?
#include "tests/timing/units.hpp"

#include <catch2/catch.hpp>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {
constexpr std::int64_t kCycle = 1000;  // ps at 1 GHz
const RuntimeSpec kNoRuntime;

std::int64_t cycles(const SystolicNpu& npu, const Work& work) {
  const TileProgram program = npu.lower(work, 0, kNoRuntime);
  CHECK(program.compute_ps() % kCycle == 0);
  return program.compute_ps() / kCycle;
}
}  // namespace

TEST_CASE("a product that fills the arrays runs at the peak rate") {
  const SystolicNpu npu = test_npu();
  // 16 tiles on 4 arrays: 4 rounds of m cycles.
  const Work work = product(100, 32, 32);
  CHECK(cycles(npu, work) == 4 * 100);
  const double rate = 2.0 * 100 * 32 * 32 / (4 * 100 * 1e-9);
  REQUIRE(npu.peak(DataType::int8));
  CHECK(rate == Approx(npu.peak(DataType::int8)->si()));
  CHECK(npu.peak(DataType::int8)->si() == Approx(2 * 4 * 64 * 1e9));
}

TEST_CASE("the pipeline fills and drains once per operator") {
  const SystolicNpu npu = test_npu();
  const TileProgram program = npu.lower(product(100, 32, 32), 7, kNoRuntime);
  CHECK(program.drain_ps == (8 + 8 - 2) * kCycle);
  CHECK(program.start_ps == 0);
  CHECK(program.work == 7);
}

TEST_CASE("partly filled tiles and rounds cost whole ones") {
  const SystolicNpu npu = test_npu();
  CHECK(cycles(npu, product(100, 8, 8)) == 100);       // one tile, three arrays idle
  CHECK(cycles(npu, product(100, 8, 9)) == 100);       // two tiles in one round
  CHECK(cycles(npu, product(100, 8, 32)) == 100);      // four tiles in one round
  CHECK(cycles(npu, product(100, 8, 33)) == 2 * 100);  // the fifth needs another
  CHECK(cycles(npu, product(100, 33, 32)) == 5 * 100);
}

TEST_CASE("with few rows the loading of weights is the limit") {
  const SystolicNpu npu = test_npu();
  // 8 rows at 4 a cycle: no tile takes less than 2 cycles.
  CHECK(cycles(npu, product(1, 32, 32)) == 4 * 2);
  CHECK(cycles(npu, product(2, 32, 32)) == 4 * 2);
  CHECK(cycles(npu, product(3, 32, 32)) == 4 * 3);
}

TEST_CASE("a type at half the rate takes twice the cycles") {
  const SystolicNpu npu = test_npu();
  CHECK(cycles(npu, product(100, 32, 32, DataType::fp16)) == 2 * 4 * 100);
  CHECK(npu.peak(DataType::fp16)->si() == Approx(npu.peak(DataType::int8)->si() / 2));
  CHECK_FALSE(npu.peak(DataType::bf16));
}

TEST_CASE("vector work runs at the vector unit's rate and has no pipeline to drain") {
  const SystolicNpu npu = test_npu();
  Work work;
  work.kind = WorkKind::vector;
  work.elements = 1600;
  work.ops_per_element = 4;
  CHECK(cycles(npu, work) == 1600 * 4 / 16);
  CHECK(npu.lower(work, 0, kNoRuntime).drain_ps == 0);
}

TEST_CASE("attention takes two products per group of heads and its softmax") {
  const SystolicNpu npu = test_npu();
  // 2 sequences of 8 heads on 2 key heads: 4 groups of 4 stacked rows on 64 positions of 16.
  const Work work = decode_attention(2, 8, 2, 16, 64);
  const std::int64_t scores = 2 * 8 / 4 * (2 * 4);  // ceil(16/8) ceil(64/8) tiles, 4 rows at half
  const std::int64_t values = 8 * 2 / 4 * (2 * 4);
  const std::int64_t softmax = 64 * 8 * 2 * 5 / 16;
  CHECK(cycles(npu, work) == 4 * (scores + values) + softmax);
}

TEST_CASE("the software stack's launch shows unless the work is fused") {
  const SystolicNpu npu = test_npu();
  RuntimeSpec runtime;
  runtime.launch = Time(3e-6);
  Work work = product(4, 8, 8);
  CHECK(npu.lower(work, 0, runtime).start_ps == 3'000'000);
  work.fused = true;
  CHECK(npu.lower(work, 0, runtime).start_ps == 0);
}

TEST_CASE("a product's joules follow from its operations") {
  const SystolicNpu npu = test_npu();
  const TileProgram program = npu.lower(product(100, 32, 32), 0, kNoRuntime);
  const double operations = 100.0 * 32 * 32;
  CHECK(joules_of(program, 0) == Approx(operations * 0.1e-12));      // per MAC
  CHECK(joules_of(program, 1) == Approx(0).margin(1e-30));           // no vector work
  CHECK(joules_of(program, 3) == Approx(2 * operations * 0.2e-12));  // per op
  // Scratchpad: weights once, rows of inputs per weight tile, partial sums in and out by K tile,
  // and the weights' arrival.
  const double sums = 4 * 100.0 * 32 * 4;
  const double read = 32 * 32 + 16 * 100 * 8 + sums;
  const double written = sums + 32 * 32;
  CHECK(joules_of(program, 2) == Approx(read * 1e-12 + written * 2e-12));
}

TEST_CASE("tiles of the scratchpad's size carry the loads") {
  const SystolicNpu npu = test_npu();
  const TileProgram program = npu.lower(product(1, 4096, 1000), 0, kNoRuntime);
  std::int64_t tiles = 0;
  for (const TileRun& run : program.runs) {
    tiles += run.count;
    for (const TileMove& move : run.loads) {
      CHECK(move.bytes <= 65536 + 64 * 63);
    }
  }
  CHECK(tiles == 63);  // 4096000 bytes by 64 KiB
}

TEST_CASE("buffers that do not fit the scratchpad are refused") {
  std::string text = kNpu;
  text.replace(text.find("tile = \"64 KiB\""), 15, "tile = \"600 KiB\"");
  ConfigFile file = ConfigFile::parse(text, "npu.toml");
  (void)SystolicNpuSpec::from(file.root());
  CHECK_FALSE(file.finish());
  CHECK(file.diagnostics().render().find("2 tiles of 614 kB do not fit the scratchpad") !=
        std::string::npos);
}
