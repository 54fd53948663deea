#include "sim/engine/kernel_query.hpp"

#include "hw/dram/analytic.hpp"
#include "hw/dram/trace_patterns.hpp"
#include "hw/dram/trace_run.hpp"
#include "hw/link/collective.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace joulesim::engine {
namespace {

// What a kernel keeps in memory at least.
double operands(const hw::KernelRequest& r) {
  const auto d = [](std::int64_t v) { return static_cast<double>(v); };
  switch (r.op) {
    case hw::KernelOp::gemm:
      return (d(r.m) * d(r.k) * r.activation_bits + d(r.n) * d(r.k) * r.weight_bits +
              d(r.m) * d(r.n) * r.output_bits) /
             8;
    case hw::KernelOp::attention:
      return d(r.batch) * d(r.head_dim) *
             (2 * d(r.kv_len) * d(r.kv_heads) * r.kv_bits +
              2 * d(r.q_len) * d(r.heads) * r.activation_bits) /
             8;
    case hw::KernelOp::elementwise:
      return 2 * d(r.rows) * d(r.width) * r.activation_bits / 8;
    case hw::KernelOp::moe:
      return 3 * d(r.hidden) * d(r.inter) / d(r.tensor_shards) * d(r.experts) / d(r.expert_shards) *
             r.weight_bits / 8;
  }
  return 0;
}

const MachineLink* link_of(const Machine& machine, std::initializer_list<const char*> names) {
  for (const char* name : names) {
    for (const MachineLink& link : machine.links) {
      if (link.name == name) {
        return &link;
      }
    }
  }
  return nullptr;
}

}  // namespace

hw::MemoryView memory_view(const Machine& machine) {
  hw::MemoryView view;
  view.peak = machine.peak_bandwidth();
  const hw::DramRates rates = hw::rates_of(machine.dram);
  const auto channels = static_cast<double>(machine.channels);
  view.stream = rates.stream * channels;
  view.latency = rates.read_latency;
  view.measured = [&machine, channels] {
    // Some refresh intervals of consecutive lines on one channel: all channels do the same.
    constexpr std::uint64_t kLines = 4096;
    const auto trace = hw::make_trace("seq_read", 1, kLines);
    return hw::run_trace(machine.dram, trace, {}).bandwidth * channels;
  };
  if (machine.dram.energy) {
    const hw::DramEnergy& e = *machine.dram.energy;
    const Bytes row(machine.dram.organisation.row_bytes);
    view.energy = e.read.value + e.activate.value / row;
    view.standing = e.active_standby.value * channels;
    if (machine.dram.host) {
      *view.energy += machine.dram.host->transfer.value;
      *view.standing += machine.dram.host->standing.value * channels;
    }
  }
  view.behind_cache = machine.cache.has_value();
  return view;
}

hw::KernelAnswer answer_kernel(const Machine& machine, const hw::KernelRequest& request,
                               const hw::RuntimeSpec& runtime) {
  const Bytes needed(operands(request));
  if (needed > machine.capacity.value) {
    hw::KernelAnswer answer;
    answer.refusal = fmt::format("the operands take {}; '{}' has {}", format(needed), machine.id,
                                 format(machine.capacity.value));
    return answer;
  }
  return machine.units.front().unit->answer(request, memory_view(machine), runtime);
}

const MachineLink* device_link(const Machine& machine) {
  return link_of(machine, {"nvlink", "xgmi", "fabric", "pcie"});
}

hw::KernelAnswer answer_all_reduce(const Machine& machine, const AllReduceRequest& request,
                                   const hw::RuntimeSpec& runtime) {
  hw::KernelAnswer answer;
  const MachineLink* inside = device_link(machine);
  const MachineLink* network = link_of(machine, {"network"});
  if (inside == nullptr) {
    answer.refusal = fmt::format("'{}' has no link to another of its kind", machine.id);
    return answer;
  }
  if (request.boxes > 1 && network == nullptr) {
    answer.refusal = fmt::format("'{}' has no link called 'network' between boxes", machine.id);
    return answer;
  }
  hw::AllReduce what;
  what.bytes = request.bytes;
  what.gpus = static_cast<int>(request.gpus);
  what.boxes = static_cast<int>(request.boxes);
  what.direct = runtime.direct_collectives;
  const auto time =
      hw::all_reduce_time(inside->spec, network == nullptr ? nullptr : &network->spec, what);
  answer.time = time.time;
  answer.roofline = time.roofline;
  answer.bytes = request.bytes *
                 (2.0 * static_cast<double>(request.gpus - 1) / static_cast<double>(request.gpus));
  answer.energy = Energy(inside->spec.energy.value.si() * answer.bytes.si() +
                         inside->spec.idle.value.si() * answer.time.si());
  answer.bound = time.roofline > time.time * 0.5 ? "link" : "latency";
  answer.mapping = time.algorithm;
  answer.share_of_peak = time.roofline / time.time;
  return answer;
}

std::optional<StoredType> stored_type(const std::string& name) {
  struct Known {
    const char* name;
    StoredType type;
  };
  // Groups of 128 weights with a scale of 16 bits; blocks of 16 or 32 with one of 8.
  constexpr double kInt4 = 4.125;
  static const std::array<Known, 22> known = {
      {{"fp32", {hw::DataType::fp32, 32}},       {"float32", {hw::DataType::fp32, 32}},
       {"float", {hw::DataType::fp32, 32}},      {"tf32", {hw::DataType::tf32, 32}},
       {"fp16", {hw::DataType::fp16, 16}},       {"float16", {hw::DataType::fp16, 16}},
       {"half", {hw::DataType::fp16, 16}},       {"bf16", {hw::DataType::bf16, 16}},
       {"bfloat16", {hw::DataType::bf16, 16}},   {"fp8", {hw::DataType::fp8, 8}},
       {"fp8_block", {hw::DataType::fp8, 8}},    {"fp8_e4m3", {hw::DataType::fp8, 8}},
       {"fp8_static", {hw::DataType::fp8, 8}},   {"int8", {hw::DataType::int8, 8}},
       {"int8_wo", {hw::DataType::int8, 8}},     {"int4", {hw::DataType::int4, kInt4}},
       {"int4_wo", {hw::DataType::int4, kInt4}}, {"w4a16", {hw::DataType::int4, kInt4}},
       {"fp4", {hw::DataType::fp4, 4.5}},        {"nvfp4", {hw::DataType::fp4, 4.5}},
       {"mxfp4", {hw::DataType::fp4, 4.25}},     {"w4a16_mxfp4", {hw::DataType::fp4, 4.25}}}};
  for (const Known& entry : known) {
    if (name == entry.name) {
      return entry.type;
    }
  }
  return std::nullopt;
}

}  // namespace joulesim::engine
