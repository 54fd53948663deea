// What must hold for every unit and every product, whatever its numbers?
#include "tests/timing/units.hpp"

#include "hw/component/tiling.hpp"

#include <catch2/catch.hpp>

#include <memory>
#include <random>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

const RuntimeSpec kNoRuntime;

struct Named {
  std::shared_ptr<const ComputeUnit> unit;
  DataType type;
};

template <class Unit, class Spec>
std::shared_ptr<const ComputeUnit> part(const std::string& path) {
  ConfigFile file = ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/" + path + ".toml");
  (void)file.root().text("model");
  Spec spec = Spec::from(file.root());
  file.require_ok();
  return std::make_shared<Unit>(std::move(spec));
}

// Test units and the repository's own.
std::vector<Named> monotone_units() {
  return {{test_npu_pointer(), DataType::int8},
          {part<SystolicNpu, SystolicNpuSpec>("npu/neural_engine_a15"), DataType::fp16},
          {part<CpuCluster, CpuClusterSpec>("cpu/cpu_a15_performance"), DataType::int8}};
}
std::vector<Named> units() {
  std::vector<Named> all = monotone_units();
  all.push_back({test_gpu_pointer(), DataType::fp16});
  all.push_back({part<SimtGpu, SimtGpuSpec>("gpu/gpu_a15_4_core"), DataType::fp16});
  all.push_back({part<SimtGpu, SimtGpuSpec>("gpu/h100_sxm"), DataType::bf16});
  return all;
}

std::int64_t draw(std::mt19937_64& random, std::int64_t most) {
  return 1 + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(most));
}

std::vector<Work> works(DataType type) {
  std::mt19937_64 random(3);
  std::vector<Work> result;
  for (int i = 0; i < 60; ++i) {
    result.push_back(
        product(draw(random, 600), draw(random, 9000), draw(random, 9000), type, i % 2 == 1));
  }
  for (int i = 0; i < 20; ++i) {
    const std::int64_t kv = draw(random, 8);
    result.push_back(decode_attention(draw(random, 40), kv * draw(random, 8), kv,
                                      16 * draw(random, 8), draw(random, 4000), type));
  }
  for (int i = 0; i < 10; ++i) {
    Work work;
    work.kind = i % 2 == 0 ? WorkKind::vector : WorkKind::copy;
    work.elements = i % 2 == 0 ? static_cast<double>(draw(random, 100000)) : 0;
    work.ops_per_element = 3;
    const auto bytes = static_cast<std::uint64_t>(draw(random, 1 << 20));
    work.streams = {{DataStream::Role::activation_in, 0, 0, bytes, bytes, 1},
                    {DataStream::Role::kv_write, 0, 1 << 24, bytes, bytes, 1}};
    result.push_back(work);
  }
  return result;
}

double moved_by(const TileProgram& program, std::size_t streams) {
  double bytes = 0;
  for (std::size_t i = 0; i < streams; ++i) {
    bytes += static_cast<double>(bytes_of(program, i));
  }
  return bytes;
}

}  // namespace

TEST_CASE("every lowered program moves the bytes of its work times its passes") {
  for (const Named& named : units()) {
    CAPTURE(named.unit->name());
    const bool gpu = dynamic_cast<const SimtGpu*>(named.unit.get()) != nullptr;
    for (const Work& work : works(named.type)) {
      const Passes passes = cheapest_passes(work, named.unit->local_memory().si());
      const TileProgram program = named.unit->lower(work, 0, kNoRuntime);
      CAPTURE(work.m, work.n, work.k, passes.weights, passes.activations);
      double moved = 0;
      for (std::size_t i = 0; i < work.streams.size(); ++i) {
        const DataStream& stream = work.streams[i];
        const std::int64_t times = stream.role == DataStream::Role::weight ? passes.weights
                                   : stream.role == DataStream::Role::activation_in
                                       ? passes.activations
                                       : 1;
        if (!gpu) {
          CHECK(bytes_of(program, i) == stream.bytes() * static_cast<std::uint64_t>(times));
        } else if (stream.role == DataStream::Role::weight && work.m <= 64) {
          // A GPU walks few rows in one pass; more rows by groups of blocks that share an L2.
          CHECK(bytes_of(program, i) == stream.bytes());
        } else if (stream.role == DataStream::Role::weight) {
          CHECK(bytes_of(program, i) >= stream.bytes());
        }
        moved += static_cast<double>(bytes_of(program, i));
      }
      if (!gpu) {
        CHECK(moved == moved_bytes(work, passes));
      }
    }
  }
}

TEST_CASE("operands are read again only where they do not fit, and then the cheaper ones") {
  const double local = 1 << 20;
  const Work small = product(16, 512, 512, DataType::int8, true);
  CHECK(cheapest_passes(small, local).weights == 1);
  CHECK(cheapest_passes(small, local).activations == 1);
  // 4 MB of inputs against 2 MB of weights: keeping blocks of weights reads the inputs four times,
  // keeping blocks of inputs reads the weights eight times.
  const Work large = product(4096, 2000, 1024, DataType::int8, true);
  const Passes passes = cheapest_passes(large, local);
  const double in = 4096 * 1024;
  const double weights = 2000 * 1024;
  const double keep_in = in + weights * std::ceil(in / (local / 2));
  const double keep_weights = weights + in * std::ceil(weights / (local / 2));
  CHECK(static_cast<double>(passes.weights) * weights +
            static_cast<double>(passes.activations) * in ==
        std::min(keep_in, keep_weights));
}

TEST_CASE("the tiles of a program compute and spend what the whole does") {
  for (const Named& named : units()) {
    CAPTURE(named.unit->name());
    for (const Work& work : works(named.type)) {
      const TileProgram program = named.unit->lower(work, 0, kNoRuntime);
      const std::size_t causes = named.unit->causes().size();
      // The same operands on chip: fewer tiles, the same arithmetic.
      Work local = work;
      for (DataStream& stream : local.streams) {
        stream.tier = -1;
      }
      const TileProgram whole = named.unit->lower(local, 0, kNoRuntime);
      REQUIRE(whole.runs.size() == 1);
      CHECK(whole.runs[0].count == 1);
      for (const TileRun& run : program.runs) {
        REQUIRE(run.joules.size() == causes);
        for (const double joules : run.joules) {
          CHECK(joules >= 0);
        }
        CHECK(run.compute_ps >= 0);
      }
      for (std::size_t cause = 0; cause < causes; ++cause) {
        const Spent spent = named.unit->causes()[cause].spent;
        // GPUs choose another tiling where memory is the limit, which pads otherwise.
        const bool fixed = dynamic_cast<const SimtGpu*>(named.unit.get()) == nullptr;
        if (fixed && spent != Spent::movement) {
          CHECK(joules_of(program, cause) ==
                Approx(joules_of(whole, cause)).epsilon(1e-9).margin(1e-30));
        }
      }
      if (dynamic_cast<const SimtGpu*>(named.unit.get()) == nullptr) {
        // Cores wait for their own misses inside a tile: operands from afar take longer there.
        if (program.limit == "misses under way") {
          CHECK(program.compute_ps() >= whole.compute_ps());
        } else {
          CHECK(program.compute_ps() == whole.compute_ps());
        }
      }
    }
  }
}

TEST_CASE("no unit computes faster than its peak") {
  for (const Named& named : units()) {
    CAPTURE(named.unit->name());
    const double peak = named.unit->peak(named.type)->si();
    for (const Work& work : works(named.type)) {
      const TileProgram program = named.unit->lower(work, 0, kNoRuntime);
      if (work.macs() > 0) {
        CHECK(2 * work.macs() <= peak * static_cast<double>(program.compute_ps() + 1) * 1e-12);
      }
    }
  }
}

TEST_CASE("a larger product is never faster on an NPU or a CPU") {
  for (const Named& named : monotone_units()) {
    CAPTURE(named.unit->name());
    const auto time = [&](std::int64_t m, std::int64_t n, std::int64_t k) {
      const TileProgram p = named.unit->lower(product(m, n, k, named.type), 0, kNoRuntime);
      return p.compute_ps() + p.drain_ps;
    };
    std::mt19937_64 random(5);
    for (int i = 0; i < 300; ++i) {
      const std::int64_t m = draw(random, 300);
      const std::int64_t n = draw(random, 3000);
      const std::int64_t k = draw(random, 3000);
      CAPTURE(m, n, k);
      const std::int64_t base = time(m, n, k);
      CHECK(time(m + draw(random, 40), n, k) >= base);
      CHECK(time(m, n + draw(random, 40), k) >= base);
      CHECK(time(m, n, k + draw(random, 40)) >= base);
    }
  }
}

TEST_CASE("a unit with twice the arithmetic is never slower, with twice the port never narrower") {
  for (const Named& named : units()) {
    CAPTURE(named.unit->name());
    const auto faster = named.unit->scaled(2, 1);
    const auto wider = named.unit->scaled(1, 2);
    CHECK(faster->peak(named.type)->si() == Approx(2 * named.unit->peak(named.type)->si()));
    CHECK(faster->port_bandwidth() == named.unit->port_bandwidth());
    CHECK(wider->port_bandwidth().si() == Approx(2 * named.unit->port_bandwidth().si()));
    CHECK(wider->memory_bandwidth().si() == Approx(2 * named.unit->memory_bandwidth().si()));
    CHECK(named.unit->memory_bandwidth() <= named.unit->port_bandwidth());
    for (const Work& work : works(named.type)) {
      const TileProgram before = named.unit->lower(work, 0, kNoRuntime);
      const TileProgram after = faster->lower(work, 0, kNoRuntime);
      CAPTURE(work.m, work.n, work.k);
      // Where memory is the limit anyway a GPU may choose a slower, cheaper tiling, and at its
      // power limit it gains nothing from a faster clock: compare whole times.
      const double memory =
          moved_bytes(work, cheapest_passes(work, named.unit->local_memory().si())) /
          named.unit->port_bandwidth().si() * 1e12;
      const auto time = [&](const TileProgram& program) {
        const double drawn = program.draw > Bandwidth(0)
                                 ? moved_by(program, work.streams.size()) / program.draw.si() * 1e12
                                 : 0;
        const auto start = static_cast<double>(program.start_ps + program.drain_ps);
        return start + std::max({memory, drawn, static_cast<double>(program.compute_ps())});
      };
      CHECK(time(after) <= time(before) * (1 + 1e-3) + 1);
    }
  }
}

TEST_CASE("the ends of a unit's ranges enclose the unit") {
  for (const Named& named : units()) {
    CAPTURE(named.unit->name());
    const auto fast = named.unit->at_corner(Corner::fastest);
    const auto slow = named.unit->at_corner(Corner::slowest);
    CHECK(fast->peak(named.type)->si() >= named.unit->peak(named.type)->si());
    CHECK(slow->peak(named.type)->si() <= named.unit->peak(named.type)->si());
    CHECK(fast->port_bandwidth() >= named.unit->port_bandwidth());
    CHECK(slow->port_bandwidth() <= named.unit->port_bandwidth());
    CHECK(fast->memory_bandwidth() >= named.unit->memory_bandwidth());
    CHECK(slow->memory_bandwidth() <= named.unit->memory_bandwidth());
  }
}

TEST_CASE("a type that a unit does not have is refused with both names") {
  const SystolicNpu npu = test_npu();
  const auto refusal = npu.refusal(product(4, 8, 8, DataType::fp8));
  REQUIRE(refusal);
  CHECK(*refusal == "'npu' has no fp8 arithmetic; it has fp16, int8");
  CHECK_FALSE(npu.refusal(product(4, 8, 8, DataType::fp16)));
  CHECK(test_gpu().refusal(product(4, 8, 8, DataType::int8)) ==
        "'gpu' has no int8 arithmetic; it has fp16");
  // Work without products has no multiplier's type.
  Work copy;
  copy.kind = WorkKind::copy;
  copy.type = DataType::fp8;
  CHECK_FALSE(npu.refusal(copy));
}

TEST_CASE("an arithmetic type that nobody knows is refused when the part is read") {
  std::string text = kNpu;
  text.replace(text.find("[arithmetic.int8]"), 17, "[arithmetic.int9]");
  ConfigFile file = ConfigFile::parse(text, "npu.toml");
  (void)SystolicNpuSpec::from(file.root());
  CHECK_FALSE(file.finish());
  CHECK(file.diagnostics().render().find("unknown key 'int9'; did you mean 'int4'?") !=
        std::string::npos);
}
