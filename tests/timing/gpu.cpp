// Does the GPU take whole waves of whole tiles, and split K where that helps?
#include "tests/timing/units.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {
const RuntimeSpec kNoRuntime;

SimtGpu from_part(const std::string& name) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/gpu/" + name + ".toml");
  SimtGpuSpec spec = SimtGpuSpec::from(file.root());
  (void)file.root().text("model");
  file.require_ok();
  return SimtGpu(std::move(spec));
}
}  // namespace

TEST_CASE("one block more than the SMs costs a wave") {
  const SimtGpu gpu = test_gpu();
  // K of 256 is too short to be split; 16 rows a block.
  const GemmTiling one = gpu.choose_tiling(product(16 * 8, 32, 256, DataType::fp16), 0);
  const GemmTiling more = gpu.choose_tiling(product(16 * 8 + 1, 32, 256, DataType::fp16), 0);
  CHECK(one.bm == 16);
  CHECK(one.bn == 32);
  CHECK(one.split == 1);
  CHECK(one.blocks == 8);
  CHECK(one.waves == 1);
  CHECK(more.blocks == 9);
  CHECK(more.waves == 2);
  // A block: its start and 16 x 32 x 256 MACs at 64 a cycle.
  CHECK(one.seconds == Approx(1e-6 + 16 * 32 * 256 / 64 * 1e-9));
  CHECK(more.seconds == Approx(2 * one.seconds));
}

TEST_CASE("attention takes whole waves of key groups") {
  const SimtGpu gpu = test_gpu();
  const auto time = [&](std::int64_t sequences) {
    return gpu.lower(decode_attention(sequences, 4, 1, 64, 512), 0, kNoRuntime).compute_ps();
  };
  CHECK(time(8) == time(5));
  CHECK(std::abs(time(9) - 2 * time(8)) <= 1);
  CHECK(std::abs(time(17) - 3 * time(8)) <= 1);
  // Four sequences leave room to split the keys: shorter blocks and one more start.
  CHECK(time(4) < time(8));
}

TEST_CASE("a large product reaches the peak but for starts") {
  const SimtGpu gpu = test_gpu();
  const GemmTiling tiling = gpu.choose_tiling(product(16 * 8, 320, 65536, DataType::fp16), 0);
  const double ideal = 128.0 * 320 * 65536 / (64 * 8 * 1e9);
  CHECK(tiling.seconds >= ideal);
  CHECK(tiling.seconds < 1.01 * ideal);
  CHECK(gpu.peak(DataType::fp16)->si() == Approx(2 * 64 * 8 * 1e9));
}

TEST_CASE("K is split where blocks are too few, and not where memory is the limit") {
  const SimtGpu gpu = test_gpu();
  const Work work = product(16, 32, 16384, DataType::fp16);
  const GemmTiling split = gpu.choose_tiling(work, 0);
  CHECK(split.split == 8);
  CHECK(split.blocks == 8);
  CHECK(split.waves == 1);
  // 16384 / 8 of K at 64 MACs a cycle, and next to nothing for partial sums.
  CHECK(split.seconds == Approx(1e-6 + 16 * 32 * 2048 / 64 * 1e-9).epsilon(1e-4));
  // Partial sums cross the L2 out and in.
  const GemmTiling plain = gpu.choose_tiling(product(16, 32, 256, DataType::fp16), 0);
  CHECK(plain.l2_bytes == Approx(4 * (16 + 32) * 64 * 2));
  CHECK(split.l2_bytes == Approx(256 * (16 + 32) * 64 * 2 + 2 * 8 * 16 * 32 * 4));
}

TEST_CASE("small products are padded to the tile and pay for it") {
  const SimtGpu gpu = test_gpu();
  const GemmTiling tiling = gpu.choose_tiling(product(1, 1, 256, DataType::fp16), 0);
  CHECK(tiling.padded_macs == Approx(16 * 32 * 256));
  const TileProgram program = gpu.lower(product(1, 1, 256, DataType::fp16), 0, kNoRuntime);
  CHECK(joules_of(program, 0) == Approx(16 * 32 * 256 * 0.5e-12));
}

TEST_CASE("the chosen tiling is what its closed form says, for the parts in the repository") {
  for (const char* part : {"h100_sxm", "gpu_a15_4_core"}) {
    CAPTURE(part);
    ConfigFile file =
        ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/gpu/" + part + ".toml");
    const SimtGpuSpec spec = SimtGpuSpec::from(file.root());
    const SimtGpu gpu = from_part(part);
    const double clock = spec.clock.value.si();
    const double rate = spec.arithmetic.find(DataType::fp16)->macs_per_cycle.value * clock;
    const auto sms = static_cast<double>(spec.sms);
    for (const auto& [m, n, k] : {std::tuple(1, 4096, 4096), std::tuple(64, 14336, 4096),
                                  std::tuple(512, 4096, 4096), std::tuple(2048, 4096, 14336)}) {
      CAPTURE(m, n, k);
      const GemmTiling t = gpu.choose_tiling(product(m, n, k, DataType::fp16), 0);
      const auto bm = static_cast<double>(t.bm);
      const auto bn = static_cast<double>(t.bn);
      const auto split = static_cast<double>(t.split);
      const double blocks = std::ceil(m / bm) * std::ceil(n / bn) * split;
      CHECK(static_cast<double>(t.blocks) == blocks);
      CHECK(static_cast<double>(t.waves) == std::ceil(blocks / sms));
      const double steps = std::ceil(std::ceil(k / split) / 64);
      const double share = std::min(spec.l2_bandwidth.value.si() / std::min(blocks, sms),
                                    spec.sm_port.value.si() * clock);
      const double step = std::max(bm * bn * 64 / rate, (bm + bn) * 64 * 2 / share);
      const double partial = t.split > 1 ? 8.0 * split * m * n : 0;
      CHECK(t.seconds ==
            Approx(static_cast<double>(t.waves) * (spec.block_start.value.si() + steps * step) +
                   partial / spec.l2_bandwidth.value.si()));
      // Never above the peak.
      CHECK(2.0 * m * n * k / t.seconds <= gpu.peak(DataType::fp16)->si() * (1 + 1e-9));
    }
  }
}
