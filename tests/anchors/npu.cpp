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

TEST_CASE("the first TPU reaches its measured rates where weights or arithmetic pace it") {
  // ISCA 2017, table 3: MLP0, batch 200, five layers of 20 M weights: 12.3 TOPS of 92. Layers of
  // 2000 x 2000. The batch-8 convolutions of CNN0 reach 86.
  const auto rate = [](const hw::KernelAnswer& answer) {
    return answer.ops / answer.time / OpRate(1e12);
  };
  CHECK(rate(product("tpu_v1", 200, 2000, 2000, "int8")) == Approx(12.3).epsilon(0.2));
  CHECK(rate(product("tpu_v1", 168, 1000, 1000, "int8")) == Approx(9.7).epsilon(0.2));
}
