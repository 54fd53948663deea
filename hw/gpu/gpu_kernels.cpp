#include "hw/gpu/gpu_kernels.hpp"

#include "hw/gpu/attention_kernel.hpp"
#include "hw/gpu/gemm_kernel.hpp"
#include "hw/gpu/moe_kernel.hpp"
#include "hw/gpu/vector_kernel.hpp"

#include <fmt/format.h>

namespace joulesim::hw {
namespace {

constexpr double kUsable = 1.0;  // of the L2, for one buffer that replays find again

double least_bytes(const KernelRequest& r) {
  const double a = r.activation_bits / 8;
  const double w = r.weight_bits / 8;
  const double o = r.output_bits / 8;
  const auto d = [](std::int64_t v) { return static_cast<double>(v); };
  switch (r.op) {
    case KernelOp::gemm:
      return d(r.m) * d(r.k) * a + d(r.k) * d(r.n) * w + d(r.m) * d(r.n) * o;
    case KernelOp::attention: {
      const double seen =
          r.window > 0 ? std::min(d(r.kv_len), d(r.window + r.q_len - 1)) : d(r.kv_len);
      return d(r.batch) * d(r.head_dim) *
             (2 * d(r.q_len) * d(r.heads) * a + 2 * seen * d(r.kv_heads) * r.kv_bits / 8);
    }
    case KernelOp::elementwise: {
      const double sides = r.vector == VectorOp::add || r.vector == VectorOp::silu_mul ? 3 : 2;
      return d(r.rows) * d(r.width) * sides * a;
    }
    case KernelOp::moe: {
      const double inter = d(r.inter) / d(r.tensor_shards);
      const double experts = std::min(d(r.experts), d(r.tokens * r.topk)) / d(r.expert_shards);
      return 3 * std::max(1.0, experts) * d(r.hidden) * inter * w +
             2 * d(r.tokens) * d(r.hidden) * a;
    }
  }
  return 0;
}

double least_ops(const KernelRequest& r) {
  const auto d = [](std::int64_t v) { return static_cast<double>(v); };
  switch (r.op) {
    case KernelOp::gemm:
      return 2 * d(r.m) * d(r.n) * d(r.k);
    case KernelOp::attention: {
      double pairs = d(r.q_len) * (d(r.kv_len) - d(r.q_len)) + d(r.q_len) * (d(r.q_len) + 1) / 2;
      if (r.window > 0) {
        pairs = std::min(pairs, d(r.q_len) * d(r.window));
      }
      return 4 * d(r.batch) * d(r.heads) * d(r.head_dim) * pairs;
    }
    case KernelOp::elementwise:
      return 4 * d(r.rows) * d(r.width);
    case KernelOp::moe:
      return 6 * d(r.tokens) * d(r.topk) / d(r.expert_shards) * d(r.hidden) * d(r.inter) /
             d(r.tensor_shards);
  }
  return 0;
}

KernelRun run_gemm(const KernelMachine& machine, const KernelRequest& request,
                   const RuntimeSpec& runtime, const Harness& harness) {
  const SimtGpuSpec& spec = *machine.spec;
  GemmShape shape;
  shape.m = request.m;
  shape.n = request.n;
  shape.k = request.k;
  shape.type = request.type;
  const double type_bits = bits_of(request.type);
  shape.a_bits = std::min(request.activation_bits, type_bits);
  shape.w_bits = request.weight_bits;
  shape.c_bits = request.output_bits;
  if (request.weight_bits < type_bits) {
    shape.unpack_ops = runtime.use.unpack_ops;
  }
  const double l2 = spec.l2.value.si();
  const double weights =
      static_cast<double>(shape.n) * static_cast<double>(shape.k) * shape.w_bits / 8;
  shape.w_cached = harness.keeps_caches && weights * harness.weight_copies < kUsable * l2 ? 1 : 0;
  const double activations =
      static_cast<double>(shape.m) * static_cast<double>(shape.k) * shape.a_bits / 8;
  shape.a_cached = activations < kUsable * l2 ? 1 : 0;
  KernelRun run = plan_gemm(machine, shape).run;
  if (request.activation_bits > type_bits && type_bits <= 8) {
    KernelRun both = quantise_rows(machine, static_cast<double>(shape.m),
                                   static_cast<double>(shape.k), type_bits);
    const std::string mapping = run.mapping;
    const std::string bound = run.bound;
    both.then(run);
    both.mapping = mapping + ", activations quantised before";
    both.bound = bound;
    return both;
  }
  return run;
}

bool compiles(const Harness& harness, const KernelRequest& request) {
  return request.op == KernelOp::elementwise &&
         std::find(harness.compiled.begin(), harness.compiled.end(), request.vector) !=
             harness.compiled.end();
}

Time call_of(const Harness& harness, const KernelRequest& request) {
  return request.op != KernelOp::elementwise ? harness.call
         : compiles(harness, request)        ? harness.compiled_call
                                             : harness.vector_call;
}

KernelRun run_request(const KernelMachine& machine, const KernelRequest& request,
                      const RuntimeSpec& runtime) {
  const Harness harness = runtime.harness.value_or(Harness{});
  switch (request.op) {
    case KernelOp::gemm:
      return run_gemm(machine, request, runtime, harness);
    case KernelOp::attention:
      return run_attention(machine, request, {harness.writes_kv, harness.keeps_kv});
    case KernelOp::elementwise:
      return run_vector_op(machine, request, harness.keeps_caches, compiles(harness, request));
    case KernelOp::moe:
      return run_moe(machine, request);
  }
  return {};
}

}  // namespace

KernelRun quantise_rows(const KernelMachine& machine, double rows, double width, double bits) {
  constexpr double kWide = 2;
  VectorKernel kernel;
  kernel.blocks = rows;
  kernel.threads = std::clamp(width / 8, 32.0, 1024.0);
  kernel.read = rows * width * kWide;
  kernel.written = rows * width * bits / 8;
  kernel.again = kernel.read;
  kernel.waits = 2.5;
  kernel.instructions = width * 15;
  return run_vector(machine, kernel, 1);
}

namespace {

KernelJoules joules_of(const KernelMachine& machine, DataType type, const KernelRun& run,
                       bool random) {
  const SimtGpuSpec& spec = *machine.spec;
  const GpuConstants& c = machine.constants;
  const double toggle = random ? c.toggle : c.toggle * c.zeros;
  const ArithmeticRate* rate = spec.arithmetic.find(type);
  KernelJoules joules;
  joules.mac = rate == nullptr ? 0 : toggle * run.macs * 2 * rate->energy.value.si();
  joules.control = toggle * run.macs * 2 * spec.control_energy.value.si();
  joules.vector = toggle * run.vector_ops * spec.vector_energy.value.si();
  joules.l2 = toggle * run.l2.si() * spec.l2_energy.value.si();
  joules.shared = toggle * run.l2.si() * 2 * spec.shared_memory_energy.value.si();
  joules.dram = run.dram.all() * c.dram_joule;
  return joules;
}

}  // namespace

SettledRun settle(const KernelMachine& machine, DataType type, bool random,
                  const std::function<KernelRun(const KernelMachine&)>& run) {
  const SimtGpuSpec& spec = *machine.spec;
  SettledRun settled;
  settled.clock = machine.clock;
  settled.run = run(machine);
  settled.joules = joules_of(machine, type, settled.run, random);
  const double still = spec.idle.value.si() + spec.active.value.si();
  const double limit = spec.limit.value.si();
  const double time = settled.run.time.si();
  const double starting = ChipRates(machine).launch * settled.run.kernels;
  const double drawn = settled.joules.all() / std::max(time - starting, 0.1 * time);
  if (time > 0 && still + drawn > limit) {
    KernelMachine slower = machine;
    const double ratio = std::pow((limit - still) / drawn, 1 / machine.constants.clock_exponent);
    slower.clock = machine.clock * ratio;
    settled.run = run(slower);
    settled.clock = slower.clock;
    settled.lowered = true;
    for (double* joules : {&settled.joules.mac, &settled.joules.control, &settled.joules.vector,
                           &settled.joules.shared, &settled.joules.l2, &settled.joules.dram}) {
      *joules *= ratio * ratio;
    }
  }
  return settled;
}

std::optional<std::string> kernel_refusal(const SimtGpuSpec& spec, const KernelRequest& request) {
  if (request.op != KernelOp::elementwise && spec.arithmetic.find(request.type) == nullptr) {
    return refusal_of_type(spec.part, spec.arithmetic, request.type);
  }
  return std::nullopt;
}

KernelAnswer answer_kernel(const KernelMachine& machine, const KernelRequest& request,
                           const RuntimeSpec& runtime) {
  const SimtGpuSpec& spec = *machine.spec;
  const Harness harness = runtime.harness.value_or(Harness{});
  const SettledRun settled =
      settle(machine, request.type, harness.random_weights,
             [&](const KernelMachine& at) { return run_request(at, request, runtime); });
  const KernelRun& run = settled.run;
  const double still = spec.idle.value.si() + spec.active.value.si();
  const double starting = ChipRates(machine).launch * run.kernels;
  KernelAnswer answer;
  double seconds = run.time.si();
  if (harness.clock == Harness::Clock::device) {
    seconds += run.kernels * runtime.kernel_gap.si();
  } else if (harness.clock == Harness::Clock::host) {
    seconds += call_of(harness, request).si();
  }
  answer.time = Time(seconds);
  answer.energy = Energy(still * seconds + settled.joules.all());
  const double ops = least_ops(request);
  const double bytes = least_bytes(request);
  answer.ops = Ops(ops);
  answer.bytes = Bytes(bytes);
  const ArithmeticRate* rate = spec.arithmetic.find(request.type);
  const double peak = rate == nullptr ? 0
                                      : 2 * rate->macs_per_cycle.value *
                                            static_cast<double>(spec.sms) * machine.clock.si();
  const double compute = request.op == KernelOp::elementwise || peak <= 0 ? 0 : ops / peak;
  answer.roofline = Time(std::max(compute, bytes / machine.memory.peak.si()));
  answer.share_of_peak = seconds > 0 ? compute / seconds : 0;
  answer.bound = starting > 0.5 * run.time.si() ? "launch" : run.bound;
  answer.mapping = run.mapping;
  if (settled.lowered) {
    answer.mapping += fmt::format(", clock lowered to {}", format(settled.clock));
  }
  return answer;
}

}  // namespace joulesim::hw
