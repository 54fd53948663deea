// Do NPUs answer as published: a cycle-level simulator's clocks, the first TPU's measured rates?
#include "sim/engine/kernel_query.hpp"
#include "sim/engine/library.hpp"

#include <catch2/catch.hpp>

#include <string>

using namespace joulesim;
using namespace joulesim::engine;

namespace {

hw::KernelAnswer product(const std::string& device, std::int64_t m, std::int64_t n, std::int64_t k,
                         const std::string& type) {
  const Library library = Library::open();
  const Machine machine = load_machine(library, device, {});
  const auto stored = stored_type(type);
  hw::KernelRequest request;
  request.type = stored->type;
  request.weight_bits = stored->bits;
  request.activation_bits = request.output_bits = stored->bits;
  request.m = m;
  request.n = n;
  request.k = k;
  const auto runtime = load_runtime(library, machine.units.front().default_runtime, {});
  return answer_kernel(machine, request, runtime.spec);
}

}  // namespace

TEST_CASE("square products take a cycle-level simulator's clocks") {
  // ONNXim with its TPU v4 settings: 9,392 and 25,849 core cycles.
  CHECK(product("npu_4x128x128_hbm2", 512, 512, 512, "fp16").cycles == Approx(9392).epsilon(0.01));
  CHECK(product("npu_4x128x128_hbm2", 1024, 1024, 1024, "fp16").cycles ==
        Approx(25849).epsilon(0.02));
}

TEST_CASE("the first TPU reaches its measured rates where weights pace it") {
  // ISCA 2017, table 3: MLP0, five layers of 20 M weights at batch 200, 12.3 TOPS; MLP1, four of 5
  // M at 168, 9.7. Activations stay in the unified buffer; weights come from DDR3 while arrays
  // work.
  const Library library = Library::open();
  const Machine machine = load_machine(library, "tpu_v1", {});
  const hw::ComputeUnit& unit = *machine.units.front().unit;
  const Bandwidth stream = min(memory_view(machine).measured(), unit.memory_bandwidth());
  const auto tera_ops = [&](std::int64_t batch, std::int64_t width) {
    hw::Work work;
    work.kind = hw::WorkKind::matmul;
    work.type = hw::DataType::int8;
    work.weight_bits = work.activation_bits = 8;
    work.m = batch;
    work.n = work.k = width;
    work.weight_elements = static_cast<double>(width * width);
    const hw::TileProgram program = unit.lower(work, 0, hw::RuntimeSpec{});
    const Time computing(static_cast<double>(program.compute_ps()) * 1e-12);
    const Time loading = Bytes(work.weight_elements) / stream;
    return work.ops() / max(computing, loading).si() * 1e-12;
  };
  CHECK(tera_ops(200, 2000) == Approx(12.3).epsilon(0.2));
  CHECK(tera_ops(168, 1120) == Approx(9.7).epsilon(0.2));
}
