// Do single kernels on a GPU behave as blocks, waves, caches, latencies and limits make them?
#include "hw/gpu/gpu_kernels.hpp"

#include "hw/gpu/attention_kernel.hpp"
#include "hw/gpu/gemm_kernel.hpp"
#include "hw/gpu/matvec_kernel.hpp"
#include "hw/gpu/moe_kernel.hpp"
#include "hw/gpu/unfused_kernels.hpp"
#include "hw/gpu/vector_kernel.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <numeric>
#include <string>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

SimtGpuSpec spec_of(const std::string& part) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/gpu/" + part + ".toml");
  return SimtGpuSpec::from(file.root());
}

struct Board {
  SimtGpuSpec spec;
  KernelMachine machine;
  Board(const std::string& part, double stream) : spec(spec_of(part)) {
    machine.spec = &spec;
    machine.memory = {Bandwidth(stream / 0.9), Bandwidth(stream)};
    machine.clock = spec.clock.value;
  }
  Board(const Board&) = delete;
  Board& operator=(const Board&) = delete;
  [[nodiscard]] KernelAnswer ask(const KernelRequest& request,
                                 const RuntimeSpec& runtime = {}) const {
    return answer_kernel(machine, request, runtime);
  }
};

KernelRequest gemm(std::int64_t m, std::int64_t n, std::int64_t k, DataType type = DataType::bf16) {
  KernelRequest request;
  request.type = type;
  request.m = m;
  request.n = n;
  request.k = k;
  return request;
}

KernelRequest attention(std::int64_t batch, std::int64_t q_len, std::int64_t kv_len,
                        std::int64_t heads, std::int64_t kv_heads) {
  KernelRequest request;
  request.op = KernelOp::attention;
  request.type = DataType::bf16;
  request.batch = batch;
  request.q_len = q_len;
  request.kv_len = kv_len;
  request.heads = heads;
  request.kv_heads = kv_heads;
  request.head_dim = 128;
  return request;
}

}  // namespace

TEST_CASE("no kernel beats its roofline or the launch of a kernel") {
  for (const char* part : {"a100_sxm", "h100_sxm", "rtx_3090"}) {
    const Board board(part, 1e12);
    for (const std::int64_t m : {1, 17, 256, 1000, 8192}) {
      for (const std::int64_t n : {4096, 12288}) {
        // Operands beyond the L2: what the cache holds is faster than the memory's roofline.
        KernelRequest request = gemm(m, n, 65536, DataType::fp16);
        CAPTURE(part, m, n);
        const KernelAnswer answer = board.ask(request);
        CHECK(answer.time > answer.roofline * 0.9);
        CHECK(answer.time.si() > ChipRates(board.machine).launch);
        CHECK(answer.energy > Energy(0));
        CHECK_FALSE(answer.mapping.empty());
      }
    }
  }
}

TEST_CASE("one row past a tile costs, rows inside one do not") {
  const Board board("a100_sxm", 1.8e12);
  const double one = board.ask(gemm(1, 8192, 8192)).time.si();
  CHECK(board.ask(gemm(64, 8192, 8192)).time.si() == Approx(one).epsilon(0.06));
  const double full = board.ask(gemm(512, 8192, 8192)).time.si();
  CHECK(board.ask(gemm(513, 8192, 8192)).time.si() > 1.02 * full);
}

TEST_CASE("narrow products split K and say so") {
  const Board board("a100_sxm", 1.8e12);
  GemmShape shape;
  shape.m = 16;
  shape.n = 512;
  shape.k = 16384;
  const GemmPlan plan = plan_gemm(board.machine, shape);
  CHECK(plan.split > 1);
  CHECK(plan.run.mapping.find("split-K") != std::string::npos);
  GemmTile tile{64, 64, 4, 1, {4}, 64};
  const auto whole = gemm_with(board.machine, shape, tile, 4, 1);
  REQUIRE(whole);
  CHECK(plan.run.time < whole->run.time);
}

TEST_CASE("a tile that does not fit an SM is none") {
  const Board board("rtx_3090", 9e11);
  GemmShape shape;
  shape.m = shape.n = shape.k = 4096;
  CHECK_FALSE(gemm_with(board.machine, shape, {256, 256, 8, 1, {6}, 64}, 6, 1));
  CHECK(gemm_with(board.machine, shape, {64, 64, 4, 1, {4}, 64}, 4, 1));
}

TEST_CASE("the power limit slows large products with random data, not with zeros or a high limit") {
  Board board("a100_sxm", 1.8e12);
  RuntimeSpec random;
  random.harness = Harness{};
  RuntimeSpec zeros = random;
  zeros.harness->random_weights = false;
  const KernelRequest large = gemm(8192, 8192, 16384);
  const double limited = board.ask(large, random).time.si();
  CHECK(limited > 1.05 * board.ask(large, zeros).time.si());
  board.spec.limit.value = Power(2000);
  CHECK(board.ask(large, random).time.si() == Approx(board.ask(large, zeros).time.si()));
}

TEST_CASE("narrow weights stream faster, narrow types compute faster, unknown types are refused") {
  const Board board("h100_sxm", 3e12);
  KernelRequest wide = gemm(1, 16384, 16384);
  KernelRequest narrow = wide;
  narrow.weight_bits = 4.125;
  CHECK(board.ask(narrow).time < board.ask(wide).time * 0.6);
  KernelRequest fp8 = gemm(8192, 8192, 8192, DataType::fp8);
  fp8.weight_bits = 8;
  CHECK(board.ask(fp8).time < board.ask(gemm(8192, 8192, 8192)).time * 0.75);
  // Its quantising kernel makes it worse where the product is short.
  KernelRequest short_fp8 = gemm(16, 256, 256, DataType::fp8);
  short_fp8.weight_bits = 8;
  CHECK(board.ask(short_fp8).time > board.ask(gemm(16, 256, 256)).time);
  CHECK(kernel_refusal(board.spec, gemm(1, 1, 1, DataType::fp4)));
  CHECK_FALSE(kernel_refusal(board.spec, gemm(1, 1, 1)));
}

TEST_CASE("causal prefill is half the work, long decode splits its keys") {
  const Board board("a100_sxm", 1.8e12);
  const double prefill = board.ask(attention(1, 16384, 16384, 32, 8)).time.si();
  const double twice = board.ask(attention(1, 32768, 32768, 32, 8)).time.si();
  CHECK(twice / prefill == Approx(4).epsilon(0.1));
  const double seen = board.ask(attention(1, 16384, 32768, 32, 8)).time.si();
  CHECK(seen == Approx(3 * prefill).epsilon(0.1));
  KernelRequest windowed = attention(1, 16384, 16384, 32, 8);
  windowed.window = 1024;
  CHECK(board.ask(windowed).time.si() < 0.25 * prefill);
  const KernelAnswer decode = board.ask(attention(1, 1, 65536, 32, 8));
  CHECK(decode.mapping.find("parts") != std::string::npos);
  // A split decode reads its keys at a good share of the memory's rate.
  CHECK(decode.bytes.si() / decode.time.si() > 0.5 * 1.8e12);
}

TEST_CASE("elementwise kernels reach the memory only with enough blocks, eager ones move more") {
  const Board board("a100_sxm", 1.8e12);
  KernelRequest request;
  request.op = KernelOp::elementwise;
  request.vector = VectorOp::rmsnorm;
  request.width = 4096;
  request.rows = 1;
  const double one = board.ask(request).time.si();
  request.rows = 100;
  CHECK(board.ask(request).time.si() < 2 * one);
  request.rows = 32768;
  const KernelAnswer many = board.ask(request);
  CHECK(many.time > many.roofline);
  request.eager = true;
  CHECK(board.ask(request).time > many.time * 1.5);
}

TEST_CASE("skewed routing hits fewer experts and loads one shard more") {
  KernelRequest request;
  request.op = KernelOp::moe;
  request.type = DataType::bf16;
  request.tokens = 256;
  request.hidden = 4096;
  request.inter = 1536;
  request.topk = 8;
  request.experts = 128;
  const auto even = expert_rows(request);
  CHECK(even.size() == 128);
  CHECK(std::accumulate(even.begin(), even.end(), std::int64_t{0}) ==
        Approx(256 * 8).epsilon(0.05));
  request.skew = 1.2;
  CHECK(expert_rows(request).size() < even.size());
  request.expert_shards = 8;
  const auto shard = expert_rows(request);
  CHECK(std::accumulate(shard.begin(), shard.end(), std::int64_t{0}) > 256 * 8 / 8);
  const Board board("a100_sxm", 1.8e12);
  request.expert_shards = 1;
  const double few = board.ask(request).time.si();
  request.tokens = 4096;
  CHECK(board.ask(request).time.si() > few);
}

TEST_CASE("what a cache still holds of a buffer that passes again") {
  const Bytes cache(40e6);
  CHECK(found_share(Bytes(20e6), cache) == 1);
  CHECK(found_share(Bytes(28e6), cache) == 1);
  double before = 1;
  for (double times = 1.05; times < 6; times += 0.1) {
    const double found = found_share(times * 0.7 * cache, cache);
    CAPTURE(times, found);
    CHECK(found < before);
    CHECK(found >= 0);
    // Each line survives the misses of the others with their chance; near one the search is slow.
    if (times > 1.3) {
      CHECK(found == Approx(std::exp(-(1 - found) * times)).epsilon(1e-6));
    }
    before = found;
  }
  CHECK(found_share(Bytes(400e6), cache) < 1e-5);
}

TEST_CASE("waits of blocks hide behind other blocks' instructions, and only there") {
  const Board board("a100_sxm", 2e12);
  VectorKernel kernel;
  kernel.blocks = 1;
  kernel.threads = 128;
  kernel.waits = 4;
  kernel.instructions = 128 * 1000;
  const auto time = [&](double blocks) {
    kernel.blocks = blocks;
    return run_vector(board.machine, kernel, 1).time.si();
  };
  const double slots = 108 * 16;
  const double issue = kernel.instructions / (128 * 1.41e9);
  // Sixteen blocks of an SM share its issue slots; what follows pays instructions alone.
  CHECK(time(slots) - time(1) == Approx(15 * issue));
  CHECK(time(3 * slots) - time(2 * slots) == Approx(16 * issue));
  // With few instructions a wave costs its waits.
  kernel.instructions = 128;
  CHECK(time(3 * slots) - time(2 * slots) > 4 * 150e-9);
}

TEST_CASE("power of active SMs follows their number and clock, below a share of the limit") {
  const SimtGpuSpec large = spec_of("h100_sxm");
  const double each = large.active.value.si() / (132 * 1.98e9);
  CHECK(each == Approx(900 * large.vector_energy.value.si()));
  CHECK(large.active.source->assumed());
  CHECK(*large.active.low < large.active.value);
  // A board whose limit is low runs its SMs at a lower voltage.
  const SimtGpuSpec small = spec_of("l4");
  CHECK(small.active.value.si() == Approx(0.4 * small.limit.value.si()));
  // A chip with a figure of its own keeps it.
  CHECK(spec_of("gpu_m1").active.value.si() == Approx(0.84));
}

TEST_CASE("a matrix-vector kernel with few bytes under way waits for the memory's latency") {
  const Board board("a100_sxm", 1.8e12);
  const ChipRates chip(board.machine);
  GemmShape shape;
  shape.m = 1;
  shape.n = shape.k = 16384;
  const double bytes = 2.0 * 16384 * 16384;
  shape.thread_loads = 4;
  const double slots = chip.sms * 8 * 128;  // threads of 64 registers
  const double waited = bytes / (slots * 4 / chip.dram_latency);
  CHECK(run_matrix_vector(board.machine, shape).stream.si() == Approx(waited).epsilon(0.02));
  shape.thread_loads = 256;
  CHECK(run_matrix_vector(board.machine, shape).stream.si() ==
        Approx(bytes / chip.dram).epsilon(0.02));
}

TEST_CASE("attention in pieces pays for its scores, and for wide ones more") {
  const Board board("a100_sxm", 1.8e12);
  const auto fused = [&](std::int64_t tokens) {
    return run_attention(board.machine, attention(1, tokens, tokens, 32, 8), {}).time.si();
  };
  const auto pieces = [&](std::int64_t tokens, double score) {
    return run_attention_in_pieces(board.machine, attention(1, tokens, tokens, 32, 8), score)
        .time.si();
  };
  CHECK(pieces(2048, 2) > 1.5 * fused(2048));
  CHECK(pieces(4096, 4) > 1.1 * pieces(4096, 2));
  // Scores beyond the cache are written and read at the memory's rate, at least.
  const double bytes = 32.0 * 4096 * 4096 * (4 + 4 + 4 + 4 + 2 + 2);
  CHECK(pieces(4096, 4) > bytes / 2.0e12);
  CHECK(pieces(4096, 4) == Approx(4 * pieces(2048, 4)).epsilon(0.25));
}

TEST_CASE("sums of 16 bits double the rate of a board that halves it for wider ones") {
  const Board board("rtx4090", 0.9e12);
  GemmShape shape;
  shape.m = shape.n = shape.k = 4096;
  const double wide = plan_gemm(board.machine, shape).run.loop.si();
  shape.narrow_sums = true;
  CHECK(plan_gemm(board.machine, shape).run.loop.si() == Approx(wide / 2).epsilon(0.2));
  const Board server("a100_sxm", 1.8e12);
  const double same = plan_gemm(server.machine, shape).run.loop.si();
  shape.narrow_sums = false;
  CHECK(plan_gemm(server.machine, shape).run.loop.si() == Approx(same));
}
