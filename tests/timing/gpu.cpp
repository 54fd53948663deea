// Is a GPU's tile program what its kernels are: starts, loops, traffic, launches of the stack?
#include "hw/gpu/gpu_lowering.hpp"
#include "tests/timing/units.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cmath>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

const RuntimeSpec kNoRuntime;

SimtGpuSpec spec_of(const std::string& name) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/gpu/" + name + ".toml");
  SimtGpuSpec spec = SimtGpuSpec::from(file.root());
  (void)file.root().text("model");
  file.require_ok();
  return spec;
}

Work with_residual(Work work) {
  work.adds_residual = true;
  return work;
}

Work norm(std::int64_t rows, std::int64_t width) {
  Work work;
  work.kind = WorkKind::vector;
  work.vector = VectorOp::rmsnorm;
  work.rows = rows;
  work.width = width;
  work.elements = static_cast<double>(rows * width);
  work.ops_per_element = 4;
  return work;
}

}  // namespace

TEST_CASE("a program's parts add up to its kernels' time") {
  const MemoryView memory{Bandwidth(1.5e12), Bandwidth(1.4e12)};
  for (const char* part : {"h100_sxm", "rtx_3090", "mi300x", "gpu_a15_4_core"}) {
    const SimtGpuSpec spec = spec_of(part);
    const SimtGpu gpu(spec);
    KernelMachine machine;
    machine.spec = &spec;
    machine.memory = memory;
    machine.clock = spec.clock.value;
    for (const std::int64_t m : {1, 64, 700}) {
      const Work work = product(m, 4096, 4096, DataType::fp16);
      const TileProgram program = gpu.lower_before(memory, work, 0, kNoRuntime);
      const SettledRun settled = settle(machine, work.type, true, [&](const KernelMachine& at) {
        return run_work(at, work, kNoRuntime);
      });
      const double loading = static_cast<double>(bytes_of(program, 0)) / program.draw.si();
      const double time = static_cast<double>(program.start_ps) * 1e-12 +
                          std::max(loading, static_cast<double>(program.compute_ps()) * 1e-12);
      CAPTURE(part, m, program.mapping);
      CHECK(time == Approx(settled.run.time.si()).epsilon(0.01));
      CHECK(program.loads_after_start);
      CHECK_FALSE(program.mapping.empty());
    }
  }
}

TEST_CASE("a faster memory changes the program, and a power limit its clock") {
  SimtGpuSpec spec = spec_of("h100_sxm");
  const SimtGpu gpu(spec);
  const Work work = product(1, 8192, 8192, DataType::fp16);
  const auto draw = [&](double rate) {
    return gpu.lower_before({Bandwidth(rate), Bandwidth(rate)}, work, 0, kNoRuntime).draw.si();
  };
  CHECK(draw(2e12) > 1.5 * draw(1e12));
  CHECK(draw(1e12) < 1e12);
  const Work large = product(8192, 8192, 8192, DataType::fp16);
  const TileProgram full = gpu.lower(large, 0, kNoRuntime);
  spec.limit.value = Power(450);
  const TileProgram less = SimtGpu(spec).lower(large, 0, kNoRuntime);
  CHECK(less.compute_ps() > full.compute_ps());
  CHECK(less.mapping.find("clock lowered to ") != std::string::npos);
  CHECK(joules_of(less, 0) < joules_of(full, 0));
}

TEST_CASE("narrow weights move fewer bytes and are widened on the way") {
  const SimtGpu gpu(spec_of("rtx_3090"));
  Work wide = product(8, 8192, 8192, DataType::fp16);
  Work narrow = wide;
  narrow.weight_bits = 4.5;
  narrow.weights_unpacked = true;
  narrow.streams.front().chunk = narrow.streams.front().stride =
      static_cast<std::uint64_t>(narrow.weight_elements * narrow.weight_bits / 8);
  const TileProgram a = gpu.lower(wide, 0, kNoRuntime);
  const TileProgram b = gpu.lower(narrow, 0, kNoRuntime);
  CHECK(3 * bytes_of(b, 0) < bytes_of(a, 0));
  CHECK(joules_of(a, 1) == 0);
  CHECK(joules_of(b, 1) > 0);
  RuntimeSpec slow;
  slow.use.unpack_ops = 400;
  CHECK(gpu.lower(narrow, 0, slow).compute_ps() > 2 * b.compute_ps());
}

TEST_CASE("vector work runs inside its neighbour, in its own kernel or in a framework's chain") {
  const SimtGpu gpu(spec_of("h100_sxm"));
  RuntimeSpec graph;
  graph.kernel_gap = Time(1e-6);
  RuntimeSpec eager = graph;
  eager.eager_vector_work = true;
  eager.launch = Time(5e-6);
  Work inside = norm(8, 4096);
  inside.fused = true;
  CHECK(gpu.lower(inside, 0, graph).start_ps == 0);
  const TileProgram own = gpu.lower(norm(8, 4096), 0, graph);
  CHECK(own.start_ps >= 2'000'000);
  const TileProgram chain = gpu.lower(norm(8, 4096), 0, eager);
  CHECK(chain.mapping == "8 kernels");
  // Kernels shorter than a launch wait for the host.
  CHECK(chain.start_ps + chain.compute_ps() == Approx(8 * 5e6).epsilon(0.01));
  const TileProgram added = gpu.lower(with_residual(norm(4096, 4096)), 0, graph);
  CHECK(added.compute_ps() + added.start_ps >= gpu.lower(norm(4096, 4096), 0, graph).start_ps);
}

TEST_CASE("a type without arithmetic is refused by name") {
  const SimtGpu gpu(spec_of("rtx_3090"));
  const auto refused = gpu.refusal(product(1, 64, 64, DataType::fp8));
  REQUIRE(refused);
  CHECK(refused->find("fp8") != std::string::npos);
}
