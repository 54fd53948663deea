#include "hw/gpu/gpu_lowering.hpp"

#include "hw/component/tiling.hpp"
#include "hw/gpu/attention_kernel.hpp"
#include "hw/gpu/gemm_kernel.hpp"
#include "hw/gpu/matvec_kernel.hpp"
#include "hw/gpu/moe_kernel.hpp"
#include "hw/gpu/unfused_kernels.hpp"
#include "hw/gpu/vector_kernel.hpp"

#include <fmt/format.h>

namespace joulesim::hw {
namespace {

using Role = DataStream::Role;

constexpr std::int64_t kVectors = 8;  // rows up to which stacks have matrix-vector kernels
constexpr double kWide = 4;           // bytes of an element between the products of some stacks,
constexpr double kNarrow = 2;         // and inside products of half precision

double off_chip(const Work& work, Role role) {
  double bytes = 0;
  for (const DataStream& stream : work.streams) {
    bytes += stream.role == role && stream.tier >= 0 ? static_cast<double>(stream.bytes()) : 0;
  }
  return bytes;
}

// Sums over blocks of integer products are scaled and added on the lanes.
void scale_sums(const KernelMachine& machine, double ops_each, const Work& work, KernelRun& run) {
  constexpr double kBlock = 32;
  const Time before = max(run.loop, run.stream);
  const double ops = work.macs() / kBlock * ops_each;
  const double lanes =
      std::min(machine.constants.issue_lanes, machine.spec->vector_ops_per_cycle.value / 2);
  run.loop += Time(ops / (static_cast<double>(machine.spec->sms) * lanes * machine.clock.si()));
  run.vector_ops += ops;
  run.time += max(run.loop, run.stream) - before;
}

// Between products the stack computes in 32 bits: inputs become narrow, results wide.
KernelRun with_conversions(const KernelMachine& machine, const Work& work, const KernelRun& run) {
  const double in = static_cast<double>(work.m) * static_cast<double>(work.k);
  const double out = static_cast<double>(work.m) * static_cast<double>(work.n);
  const Bytes l2 = machine.spec->l2.value;
  KernelRun all = convert(machine, in, kWide, kNarrow, found_share(Bytes(in * kWide), l2));
  all.then(run);
  all.then(convert(machine, out, kNarrow, kWide, found_share(Bytes(out * kNarrow), l2)));
  all.mapping = run.mapping + ", converted before and after";
  all.bound = run.bound;
  return all;
}

KernelRun run_product(const KernelMachine& machine, const Work& work, const RuntimeSpec& runtime) {
  const double type_bits = bits_of(work.type);
  GemmShape shape;
  shape.m = work.m;
  shape.n = work.n;
  shape.k = work.k;
  shape.type = work.type;
  shape.a_bits = std::min(work.activation_bits, type_bits);
  shape.w_bits = work.weight_bits;
  shape.c_bits = std::max(16.0, work.activation_bits);
  shape.unpack_ops = work.weights_unpacked ? runtime.use.unpack_ops : 0;
  shape.thread_loads = work.weights_unpacked ? runtime.use.packed_loads : runtime.use.plain_loads;
  KernelMachine reached = machine;
  if (work.m <= kVectors) {
    // Behind a system cache it is what misses there that comes at the stack's share.
    reached.memory.stream *= machine.memory.behind_cache ? 1 : runtime.use.stream_share;
  } else {
    shape.loop_share = runtime.use.product_share;
    shape.narrow_sums = runtime.use.narrow_sums;
  }
  const bool widened = work.m > kVectors && work.weights_unpacked && runtime.use.widens &&
                       machine.spec->arithmetic.find(DataType::fp16) != nullptr;
  if (widened) {
    shape.type = DataType::fp16;
    shape.a_bits = shape.w_bits = 8 * kNarrow;
    shape.unpack_ops = 0;
  }
  // Inputs that fit were just written; the others come from memory.
  const double inputs =
      static_cast<double>(shape.m) * static_cast<double>(shape.k) * shape.a_bits / 8;
  shape.a_cached = inputs < machine.spec->l2.value.si() ? 1 : 0;
  shape.w_cached = off_chip(work, Role::weight) > 0 ? 0 : 1;
  KernelRun run;
  const auto pin = std::find_if(runtime.pins.begin(), runtime.pins.end(),
                                [&](const TilePin& p) { return p.label == work.label; });
  if (pin != runtime.pins.end() && work.experts == 0) {
    run = plan_pinned(reached, shape, *pin).run;
  } else if (work.experts > 0) {
    KernelRequest request;
    request.topk = std::max<std::int64_t>(1, work.choices);
    request.tokens = std::max<std::int64_t>(1, work.m / request.topk);
    request.experts = work.experts;
    run = run_expert_product(reached, request, shape);
  } else if (runtime.use.matrix_vector && work.m <= kVectors) {
    run = run_matrix_vector(reached, shape);
  } else {
    run = plan_gemm(reached, shape).run;
  }
  if (widened) {
    const double elements = work.weight_elements;
    KernelRun both = convert(machine, elements, work.weight_bits / 8, shape.w_bits / 8, 0);
    both.then(run);
    both.mapping = run.mapping + ", weights written out wide before";
    run = both;
  } else if (work.m > kVectors && work.weights_unpacked && runtime.use.scale_ops > 0) {
    scale_sums(machine, runtime.use.scale_ops, work, run);
  }
  if (runtime.wide_vectors && work.m > kVectors && (widened || type_bits > 8)) {
    return with_conversions(machine, work, run);
  }
  if (type_bits <= 8 && !runtime.fuse_vector_work) {
    const auto rows = static_cast<double>(work.m / std::max<std::int64_t>(1, work.choices));
    KernelRun both = quantise_rows(machine, rows, static_cast<double>(work.k), type_bits);
    both.dram = {};  // what it reads was just written
    both.then(run);
    both.mapping = run.mapping + ", inputs quantised before";
    both.bound = run.bound;
    return both;
  }
  return run;
}

KernelRun run_attention_work(const KernelMachine& machine, const Work& work,
                             const RuntimeSpec& runtime) {
  KernelRequest request;
  request.op = KernelOp::attention;
  request.type = work.type;
  request.activation_bits = work.activation_bits;
  request.batch = work.sequences;
  request.q_len = work.q_len;
  request.kv_len = work.kv_len;
  request.heads = work.heads;
  request.kv_heads = work.kv_heads;
  request.head_dim = work.head_dim;
  request.window = work.window;
  request.causal = work.causal;
  const double keys =
      2.0 * static_cast<double>(work.sequences * work.kv_heads * work.head_dim) *
      static_cast<double>(work.window > 0 ? std::min(work.kv_len, work.window + work.q_len - 1)
                                          : work.kv_len);
  // Scores of a few queries are too few to matter.
  if (!runtime.fused_attention && work.q_len > kVectors && work.window == 0) {
    return run_attention_in_pieces(machine, request, runtime.wide_vectors ? kWide : kNarrow);
  }
  const double read = off_chip(work, Role::kv_read);
  request.kv_bits = read > 0 && keys > 0 ? read * 8 / keys : bits_of(work.type);
  return run_attention(machine, request, {false, read <= 0});
}

// Vector work that runs inside its neighbour: its instructions alone.
KernelRun run_inside(const KernelMachine& machine, const Work& work) {
  const ChipRates chip(machine);
  KernelRun run;
  run.kernels = 0;
  run.vector_ops = work.elements * work.ops_per_element;
  run.loop = run.time =
      Time(run.vector_ops / (machine.spec->vector_ops_per_cycle.value * chip.clock * chip.sms));
  run.bound = "vector";
  return run;
}

KernelRun run_vector_work(const KernelMachine& machine, const Work& work,
                          const RuntimeSpec& runtime) {
  const bool wide = runtime.wide_vectors && work.rows > kVectors;
  const double b = wide ? kWide : work.activation_bits / 8;
  std::vector<VectorKernel> kernels;
  if (work.vector) {
    kernels = kernels_of(machine, *work.vector, static_cast<double>(work.rows),
                         static_cast<double>(work.width), b,
                         runtime.eager_vector_work ? VectorStyle::eager : VectorStyle::fused);
    if (wide && *work.vector != VectorOp::rope && *work.vector != VectorOp::add) {
      // A norm's weights and a gate's product are kernels of their own.
      kernels.push_back(
          plain_kernel(static_cast<double>(work.rows) * static_cast<double>(work.width), b, b, 12));
    }
    if (work.adds_residual) {
      kernels.front().read += kernels.front().read;
      kernels.front().written += kernels.front().written;
    }
  } else {
    const double elements = std::max(1.0, work.elements);
    kernels = {plain_kernel(elements, b, b, 8 + 2 * work.ops_per_element)};
  }
  const double in = off_chip(work, Role::activation_in) + off_chip(work, Role::weight) +
                    off_chip(work, Role::kv_read);
  const double out = off_chip(work, Role::activation_out) + off_chip(work, Role::kv_write);
  KernelRun run;
  run.kernels = 0;
  for (const VectorKernel& kernel : kernels) {
    const double cached =
        in + out > 0 ? found_share(Bytes(kernel.read + kernel.written), machine.spec->l2.value) : 1;
    run.then(run_vector(machine, kernel, cached));
  }
  if (kernels.size() > 1) {
    run.mapping = fmt::format("{} kernels", kernels.size());
  }
  return run;
}

KernelRun run_copy(const KernelMachine& machine, const Work& work, const RuntimeSpec& runtime) {
  if (work.vector) {
    return run_vector_work(machine, work, runtime);
  }
  const double written = off_chip(work, Role::kv_write);
  if (written > 0 && work.rows > 0) {
    const auto rows = static_cast<double>(work.rows);
    return write_keys(machine, rows, static_cast<double>(work.width) / 2, work.activation_bits / 8,
                      written / rows / static_cast<double>(work.width));
  }
  KernelRun run = run_vector(
      machine,
      plain_kernel(std::max(1.0, static_cast<double>(work.rows) * static_cast<double>(work.width)),
                   work.activation_bits / 8, work.activation_bits / 8, 12),
      1);
  return run;
}

// Bytes of a stream that the kernels move: in proportion to its role's traffic.
double moved(const Work& work, const KernelRun& run, const DataStream& stream) {
  const auto bytes = static_cast<double>(stream.bytes());
  const double role = off_chip(work, stream.role);
  switch (stream.role) {
    case Role::weight: {
      const double nominal = work.weight_elements * work.weight_bits / 8;
      // Fewer where a product is spread over experts; more where the L2 cannot hold a pass.
      const double once = work.experts > 0 || nominal <= 0 ? run.dram.weights : nominal;
      return once > 0 && run.dram.weights > 0 ? bytes * run.dram.weights / once : bytes;
    }
    case Role::activation_in:
      return bytes * run.dram.inputs / role;
    case Role::activation_out:
      return bytes * std::min(1.0, run.dram.outputs / role);
    default:
      return bytes;
  }
}

}  // namespace

KernelRun run_work(const KernelMachine& machine, const Work& work, const RuntimeSpec& runtime) {
  if (work.fused && work.kind != WorkKind::matmul && work.kind != WorkKind::attention) {
    return run_inside(machine, work);
  }
  switch (work.kind) {
    case WorkKind::matmul:
      return run_product(machine, work, runtime);
    case WorkKind::attention:
      return run_attention_work(machine, work, runtime);
    case WorkKind::vector:
      return run_vector_work(machine, work, runtime);
    case WorkKind::copy:
      return run_copy(machine, work, runtime);
  }
  return {};
}

TileProgram lower_work(const KernelMachine& machine, const Work& work, std::size_t index,
                       const RuntimeSpec& runtime) {
  const SettledRun settled = settle(machine, work.type, true, [&](const KernelMachine& at) {
    return run_work(at, work, runtime);
  });
  const KernelRun& run = settled.run;
  TileProgram program;
  program.work = index;
  program.limit = run.bound;
  program.mapping = run.mapping;
  if (settled.lowered) {
    program.mapping += fmt::format(", clock lowered to {}", format(settled.clock));
  }
  // Several kernels one after the other: what each of them does not overlap counts as fixed.
  const Time overlapped = max(run.loop, run.stream);
  const Time fixed = max(run.fixed, run.time - overlapped);
  // The host launches ahead unless kernels are shorter than a launch.
  const double gaps = run.kernels * runtime.kernel_gap.si();
  const double late = run.kernels * runtime.launch.si() - run.time.si() - gaps;
  program.idle_ps = std::llround(std::max(0.0, late) * 1e12);
  program.start_ps = std::llround((fixed.si() + gaps) * 1e12) + program.idle_ps;
  program.loads_after_start = true;

  std::vector<double> joules = {settled.joules.mac, settled.joules.vector, settled.joules.shared,
                                settled.joules.l2, settled.joules.control};
  double loaded = 0;
  double all = 0;
  for (const DataStream& stream : work.streams) {
    const double bytes = stream.tier >= 0 ? moved(work, run, stream) : 0;
    all += bytes;
    loaded += stream.writes() ? 0 : bytes;
  }
  if (loaded > 0 && run.stream > Time(0)) {
    // A system cache in between gives what it holds at the port's rate.
    const SimtGpuSpec& spec = *machine.spec;
    program.draw = Bytes(loaded) / run.stream;
    if (machine.memory.behind_cache) {
      program.draw = program.draw * (spec.port.value / spec.memory.value);
    }
  }
  // The SMs work through a kernel in a pipeline much finer than its waves.
  constexpr double kTile = 1e6;
  constexpr double kSmallest = 8e3;
  constexpr double kFew = 16;
  constexpr double kMost = 128;
  const double fine = std::clamp(std::ceil(all / kSmallest), 1.0, kFew);
  const auto tiles = static_cast<std::int64_t>(std::clamp(std::ceil(all / kTile), fine, kMost));
  std::vector<std::uint64_t> bytes;
  for (const DataStream& stream : work.streams) {
    const bool none = stream.tier < 0 || stream.bytes() == 0;
    bytes.push_back(none ? 0 : static_cast<std::uint64_t>(std::llround(moved(work, run, stream))));
  }
  spread(work, bytes, tiles, std::llround(run.loop.si() * 1e12), joules, program);
  return program;
}

}  // namespace joulesim::hw
