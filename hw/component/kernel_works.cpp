#include "hw/component/kernel_works.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {

double real(std::int64_t v) { return static_cast<double>(v); }

// Arithmetic on an element, a reduction's share included: additions, multiplications, and a few
// steps for each exponential or root.
double ops_of(VectorOp op) {
  switch (op) {
    case VectorOp::add:
      return 1;
    case VectorOp::gelu:
      return 8;
    case VectorOp::silu_mul:
      return 6;
    case VectorOp::rmsnorm:
      return 4;
    case VectorOp::layernorm:
      return 7;
    case VectorOp::softmax:
      return 5;
    case VectorOp::rope:
      return 3;
    case VectorOp::embedding:
      return 0;
  }
  return 0;
}

DataStream stream_of(DataStream::Role role, double bytes) {
  const auto whole = static_cast<std::uint64_t>(std::ceil(bytes));
  // Far from address nought: nothing of it is in a parameter cache.
  constexpr std::uint64_t kBase = std::uint64_t{1} << 40U;
  return {role, 0, kBase, whole, whole, 1};
}

Work product(const KernelRequest& r, std::int64_t m, std::int64_t n, std::int64_t k) {
  Work work;
  work.kind = WorkKind::matmul;
  work.type = r.type;
  work.m = m;
  work.n = n;
  work.k = k;
  work.weight_bits = r.weight_bits;
  work.activation_bits = r.activation_bits;
  work.weight_elements = real(n) * real(k);
  work.weights_unpacked = r.weight_bits < bits_of(r.type);
  work.streams = {stream_of(DataStream::Role::weight, work.weight_elements * r.weight_bits / 8),
                  stream_of(DataStream::Role::activation_in, real(m * k) * r.activation_bits / 8),
                  stream_of(DataStream::Role::activation_out, real(m * n) * r.output_bits / 8)};
  return work;
}

}  // namespace

const std::vector<std::string>& vector_op_names() {
  // In the order of the enumeration.
  static const std::vector<std::string> names = {"add",       "gelu",    "silu_mul", "rmsnorm",
                                                 "layernorm", "softmax", "rope",     "embedding"};
  return names;
}

std::optional<VectorOp> find_vector_op(const std::string& name) {
  const auto& names = vector_op_names();
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    return std::nullopt;
  }
  return static_cast<VectorOp>(found - names.begin());
}

std::vector<KernelWorks> works_of(const KernelRequest& r) {
  switch (r.op) {
    case KernelOp::gemm:
      return {{product(r, r.m, r.n, r.k), 1}};
    case KernelOp::moe: {
      // Tokens spread evenly over the experts that they reach.
      const double assigned = real(r.tokens * r.topk) / real(r.expert_shards);
      const double experts = std::min(real(r.experts) / real(r.expert_shards), assigned);
      const auto rows = static_cast<std::int64_t>(std::ceil(assigned / std::max(1.0, experts)));
      const std::int64_t inter = std::max<std::int64_t>(1, r.inter / r.tensor_shards);
      return {{product(r, rows, 2 * inter, r.hidden), std::max(1.0, experts)},
              {product(r, rows, r.hidden, inter), std::max(1.0, experts)}};
    }
    case KernelOp::attention: {
      Work work;
      work.kind = WorkKind::attention;
      work.type = r.type;
      work.activation_bits = r.activation_bits;
      work.sequences = r.batch;
      work.heads = r.heads;
      work.kv_heads = r.kv_heads;
      work.head_dim = r.head_dim;
      work.q_len = r.q_len;
      work.kv_len = r.kv_len;
      work.pairs = real(r.q_len) * real(r.kv_len - r.q_len) + real(r.q_len * (r.q_len + 1)) / 2;
      double seen = real(r.kv_len);
      if (r.window > 0) {
        work.pairs = std::min(work.pairs, real(r.q_len * r.window));
        seen = std::min(seen, real(r.window + r.q_len - 1));
      }
      work.elements = work.pairs * real(r.heads * r.batch);
      work.ops_per_element = ops_of(VectorOp::softmax);
      const double rows = real(r.batch * r.head_dim);
      work.streams = {
          stream_of(DataStream::Role::kv_read, 2 * rows * seen * real(r.kv_heads) * r.kv_bits / 8),
          stream_of(DataStream::Role::activation_in,
                    rows * real(r.q_len * r.heads) * r.activation_bits / 8),
          stream_of(DataStream::Role::activation_out,
                    rows * real(r.q_len * r.heads) * r.output_bits / 8)};
      return {{work, 1}};
    }
    case KernelOp::elementwise: {
      Work work;
      work.kind = WorkKind::vector;
      work.activation_bits = r.activation_bits;
      work.elements = real(r.rows) * real(r.width);
      work.ops_per_element = ops_of(r.vector);
      const double inputs = r.vector == VectorOp::add || r.vector == VectorOp::silu_mul ? 2 : 1;
      work.streams = {
          stream_of(DataStream::Role::activation_in,
                    inputs * work.elements * r.activation_bits / 8),
          stream_of(DataStream::Role::activation_out, work.elements * r.output_bits / 8)};
      return {{work, 1}};
    }
  }
  return {};
}

KernelAnswer answer_by_works(const ComputeUnit& unit, const KernelRequest& request,
                             const MemoryView& memory, const RuntimeSpec& runtime,
                             std::optional<Frequency> clock) {
  KernelAnswer answer;
  const Bandwidth rate = min(memory.stream, unit.memory_bandwidth());
  double macs = 0;
  double joules = 0;
  double moved = 0;
  double computing = 0;
  double loading = 0;
  double seconds = runtime.launch.si();
  for (const KernelWorks& part : works_of(request)) {
    if (const auto refused = unit.refusal(part.work)) {
      answer.refusal = *refused;
      return answer;
    }
    const TileProgram program = unit.lower(part.work, 0, {});
    double bytes = 0;
    for (const TileRun& run : program.runs) {
      for (const auto* moves : {&run.loads, &run.stores}) {
        for (const TileMove& move : *moves) {
          bytes += static_cast<double>(run.count) * static_cast<double>(move.bytes);
        }
      }
      for (const double j : run.joules) {
        joules += part.count * static_cast<double>(run.count) * j;
      }
    }
    const double busy = static_cast<double>(program.compute_ps()) * 1e-12;
    macs += part.count * part.work.macs();
    answer.ops += Ops(part.count * part.work.ops());
    answer.mapping = program.mapping;
    moved += part.count * bytes;
    computing += part.count * busy;
    loading += part.count * bytes / rate.si();
    seconds += part.count * std::max(busy, bytes / rate.si()) +
               static_cast<double>(program.drain_ps) * 1e-12;
    for (const DataStream& stream : part.work.streams) {
      answer.bytes += Bytes(part.count * static_cast<double>(stream.bytes()));
    }
  }
  if (loading > 0) {
    seconds += memory.latency.si();
  }
  answer.time = Time(seconds);
  answer.cycles = clock ? seconds * clock->si() : 0;
  const auto peak = unit.peak(request.type);
  const double at_peak = macs > 0 && peak ? 2 * macs / peak->si() : 0;
  answer.roofline = Time(std::max(at_peak, (answer.bytes / memory.peak).si()));
  answer.share_of_peak = at_peak / seconds;
  answer.bound = runtime.launch.si() > seconds / 2 ? "launch"
                 : loading > computing             ? "memory"
                                                   : "arithmetic";
  const double still = unit.idle_power().value.si() + unit.active_power().value.si() +
                       memory.standing.value_or(Power()).si();
  answer.energy =
      Energy(joules + still * seconds + memory.energy.value_or(EnergyPerByte()).si() * moved);
  if (!memory.energy && moved > 0) {
    answer.mapping += "; energy without the memory's, of which its part says nothing";
  }
  return answer;
}

}  // namespace joulesim::hw
