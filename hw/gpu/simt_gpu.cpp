#include "hw/gpu/simt_gpu.hpp"

#include "hw/component/tiling.hpp"
#include "hw/gpu/gpu_kernels.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace joulesim::hw {
namespace {
enum Cause : std::size_t { kMac, kVector, kShared, kL2, kControl, kCauses };

}  // namespace

SimtGpu::SimtGpu(SimtGpuSpec spec) : spec_(std::move(spec)) {
  causes_ = {spec_.arithmetic.cause(),
             EnergyCause::of("vector", Spent::arithmetic, spec_.vector_energy),
             EnergyCause::of("shared memory", Spent::movement, spec_.shared_memory_energy),
             EnergyCause::of("l2 to sm", Spent::movement, spec_.l2_energy),
             EnergyCause::of("control", Spent::control, spec_.control_energy)};
}

std::optional<std::string> SimtGpu::refusal(const Work& work) const {
  if (work.macs() > 0 && spec_.arithmetic.find(work.type) == nullptr) {
    return refusal_of_type(spec_.part, spec_.arithmetic, work.type);
  }
  return std::nullopt;
}

double SimtGpu::l2_share(double blocks) const {
  const double busy = std::min(blocks, static_cast<double>(spec_.sms));
  return std::min(spec_.l2_bandwidth.value.si() / busy,
                  spec_.sm_port.value.si() * spec_.clock.value.si());
}

GemmTiling SimtGpu::choose_tiling(const Work& work, double memory_seconds) const {
  constexpr std::array<std::int64_t, 5> kRows = {16, 32, 64, 128, 256};
  constexpr std::array<std::int64_t, 4> kColumns = {32, 64, 128, 256};
  constexpr std::array<std::int64_t, 6> kSplits = {1, 2, 4, 8, 16, 32};
  constexpr double kStep = 64;               // K elements per pipeline stage
  constexpr double kStages = 3;              // stages that hide the L2's latency
  constexpr double kAccumulatorShare = 0.5;  // of the register file
  const double rate = spec_.arithmetic.find(work.type)->macs_per_cycle.value *
                      spec_.clock.value.si();  // MACs per second of one SM
  const double operand = bits_of(work.type) / 8;
  const auto sms = static_cast<double>(spec_.sms);
  const auto m = static_cast<double>(work.m);
  const auto n = static_cast<double>(work.n);
  const auto k = static_cast<double>(work.k);
  GemmTiling best;
  for (const std::int64_t bm : kRows) {
    for (const std::int64_t bn : kColumns) {
      const auto rows = static_cast<double>(bm);
      const auto columns = static_cast<double>(bn);
      if (kStages * (rows + columns) * kStep * operand > spec_.shared_memory.value.si() ||
          rows * columns * 4 > kAccumulatorShare * spec_.registers.value.si()) {
        continue;
      }
      for (const std::int64_t split : kSplits) {
        const auto parts = static_cast<double>(split);
        if (split > 1 && k / parts < 4 * kStep) {
          continue;
        }
        const double blocks = ceil_div(m, rows) * ceil_div(n, columns) * parts;
        const double waves = ceil_div(blocks, sms);
        const double steps = ceil_div(ceil_div(k, parts), kStep);
        const double compute = rows * columns * kStep / rate;
        const double delivery = (rows + columns) * kStep * operand / l2_share(blocks);
        double seconds =
            waves * (spec_.block_start.value.si() + steps * std::max(compute, delivery));
        // Partial sums cross the L2 once out and once in.
        const double partial = split > 1 ? 2 * parts * m * n * 4 : 0;
        seconds += partial / spec_.l2_bandwidth.value.si();
        const double effective = std::max(seconds, memory_seconds);
        const double best_effective = std::max(best.seconds, memory_seconds);
        if (best.blocks == 0 || effective < best_effective ||
            (effective == best_effective && seconds < best.seconds)) {
          best = {bm,
                  bn,
                  split,
                  static_cast<std::int64_t>(blocks),
                  static_cast<std::int64_t>(waves),
                  seconds,
                  blocks * steps * (rows + columns) * kStep * operand + partial,
                  delivery > compute,
                  blocks * steps * rows * columns * kStep};
        }
      }
    }
  }
  return best;
}

SimtGpu::Cost SimtGpu::matmul_cost(const Work& work, double memory_seconds) const {
  const GemmTiling tiling = choose_tiling(work, memory_seconds);
  Cost cost;
  cost.seconds = tiling.seconds;
  cost.limit = tiling.delivery_bound ? "l2 delivery" : "arithmetic";
  cost.l2_bytes = tiling.l2_bytes;
  cost.macs = tiling.padded_macs;
  cost.waves = tiling.waves;
  // Every operand of a tile is read from shared memory once per 64 outputs on the other side.
  constexpr double kReuse = 64;
  cost.shared_bytes = tiling.l2_bytes + 2 * cost.macs / kReuse * bits_of(work.type) / 8;
  if (work.weights_unpacked) {
    cost.vector_ops = work.weight_elements;
  }
  cost.mapping = fmt::format("{}x{} tiles, {} blocks in {} wave{}{}", tiling.bm, tiling.bn,
                             tiling.blocks, tiling.waves, tiling.waves == 1 ? "" : "s",
                             tiling.split > 1 ? fmt::format(", split-K {}", tiling.split) : "");
  return cost;
}

SimtGpu::Cost SimtGpu::attention_cost(const Work& work) const {
  constexpr double kQueryBlock = 128;  // stacked query rows of one block
  constexpr double kSmallestTile = 16;
  constexpr double kKeyBlock = 128;
  const double rate =
      spec_.arithmetic.find(work.type)->macs_per_cycle.value * spec_.clock.value.si();
  const auto sms = static_cast<double>(spec_.sms);
  const double stacked = static_cast<double>(work.heads / work.kv_heads * work.q_len);
  const double row_blocks = ceil_div(stacked, kQueryBlock);
  const double padded = std::max(kSmallestTile, std::min(stacked, kQueryBlock));
  const double seen = std::max(1.0, work.pairs / static_cast<double>(work.q_len));
  const auto d = static_cast<double>(work.head_dim);
  const double groups = static_cast<double>(work.sequences * work.kv_heads) * row_blocks;
  // Keys are split over blocks until every SM has one.
  const double splits =
      std::clamp(std::floor(sms / groups), 1.0, std::max(1.0, ceil_div(seen, kKeyBlock)));
  const double blocks = groups * splits;
  const double waves = ceil_div(blocks, sms);
  const double keys = seen / splits;
  const double product = 2 * padded * keys * d / rate;
  const double exponentials =
      padded * keys / (spec_.exponentials_per_cycle.value * spec_.clock.value.si());
  const double bytes = keys * d * 2 * bits_of(work.type) / 8;
  const double delivery = bytes / l2_share(blocks);
  Cost cost;
  // Two groups of warps take turns: the longer of product and exponentials shows, and a third of
  // the other.
  constexpr double kExposed = 1.0 / 3;
  const double inner = std::max(product, exponentials) + kExposed * std::min(product, exponentials);
  cost.seconds = waves * (spec_.block_start.value.si() + std::max(inner, delivery)) +
                 (splits > 1 ? spec_.block_start.value.si() : 0);
  cost.limit = delivery > inner         ? "l2 delivery"
               : exponentials > product ? "exponentials"
                                        : "arithmetic";
  cost.macs = blocks * 2 * padded * keys * d;
  cost.l2_bytes = blocks * bytes;
  cost.shared_bytes = 2 * cost.l2_bytes;
  cost.vector_ops = blocks * padded * keys * 4;
  cost.waves = static_cast<std::int64_t>(waves);
  cost.mapping = fmt::format("{} blocks in {} wave{}{}", blocks, waves, waves == 1 ? "" : "s",
                             splits > 1 ? fmt::format(", keys split {}", splits) : "");
  return cost;
}

SimtGpu::Cost SimtGpu::vector_cost(const Work& work) const {
  Cost cost;
  cost.vector_ops = work.elements * work.ops_per_element;
  cost.l2_bytes = 2 * work.elements * work.activation_bits / 8;
  const double rate =
      spec_.vector_ops_per_cycle.value * spec_.clock.value.si() * static_cast<double>(spec_.sms);
  cost.seconds = std::max(cost.vector_ops / rate, cost.l2_bytes / spec_.l2_bandwidth.value.si());
  cost.limit = "vector";
  if (!work.fused) {
    cost.seconds += spec_.block_start.value.si();
  }
  return cost;
}

TileProgram SimtGpu::lower(const Work& work, std::size_t index, const RuntimeSpec& runtime) const {
  TileProgram program;
  program.work = index;
  program.start_ps = work.fused ? 0 : std::llround(runtime.launch.si() * 1e12);
  const Passes passes = cheapest_passes(work, spec_.l2.value.si());
  const double moved = moved_bytes(work, passes);
  Cost cost;
  switch (work.kind) {
    case WorkKind::matmul:
      cost = matmul_cost(work, moved / spec_.port.value.si());
      break;
    case WorkKind::attention:
      cost = attention_cost(work);
      break;
    default:
      cost = vector_cost(work);
      break;
  }
  program.mapping = cost.mapping;
  program.limit = cost.limit;
  std::vector<double> joules(kCauses);
  if (work.macs() > 0) {
    joules[kMac] = 2 * cost.macs * spec_.arithmetic.find(work.type)->energy.value.si();
    joules[kControl] = 2 * cost.macs * spec_.control_energy.value.si();
  }
  joules[kVector] = cost.vector_ops * spec_.vector_energy.value.si();
  joules[kShared] = cost.shared_bytes * spec_.shared_memory_energy.value.si();
  joules[kL2] = cost.l2_bytes * spec_.l2_energy.value.si();
  // A wave's blocks load and compute in an overlapped loop: quarter waves, at most 4 MB each.
  constexpr double kLargestTile = 4e6;
  const double quarters = static_cast<double>(cost.waves) * 4;
  const auto tiles = static_cast<std::int64_t>(
      moved > 0 ? std::clamp(std::max(quarters, std::ceil(moved / kLargestTile)), 1.0, 512.0) : 1);
  spread(work, passes, tiles, std::llround(cost.seconds * 1e12), joules, program);
  return program;
}

KernelAnswer SimtGpu::answer(const KernelRequest& request, const MemoryView& memory,
                             const RuntimeSpec& runtime) const {
  KernelAnswer answer;
  if (const auto refused = kernel_refusal(spec_, request)) {
    answer.refusal = *refused;
    return answer;
  }
  KernelMachine machine;
  machine.spec = &spec_;
  machine.memory = memory;
  machine.clock = spec_.clock.value;
  return answer_kernel(machine, request, runtime);
}

std::optional<OpRate> SimtGpu::peak(DataType type) const {
  const ArithmeticRate* rate = spec_.arithmetic.find(type);
  if (rate == nullptr) {
    return std::nullopt;
  }
  return macs(rate->macs_per_cycle.value * static_cast<double>(spec_.sms)) * spec_.clock.value;
}

std::shared_ptr<const ComputeUnit> SimtGpu::scaled(double arithmetic, double port) const {
  SimtGpuSpec spec = spec_;
  spec.clock.value *= arithmetic;
  spec.port.value *= port;
  spec.memory.value *= port;
  spec.l2_bandwidth.value *= port;
  spec.sm_port.value *= port;
  return std::make_shared<SimtGpu>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> SimtGpu::at_corner(Corner corner) const {
  SimtGpuSpec spec = spec_;
  move_to_corner(spec.clock, corner);
  move_to_corner(spec.vector_ops_per_cycle, corner);
  move_to_corner(spec.exponentials_per_cycle, corner);
  move_to_corner(spec.l2_bandwidth, corner);
  move_to_corner(spec.sm_port, corner);
  move_to_corner(spec.port, corner);
  move_to_corner(spec.memory, corner);
  move_to_corner(spec.block_start, corner, false);
  spec.arithmetic.move_rates_to(corner);
  return std::make_shared<SimtGpu>(std::move(spec));
}

}  // namespace joulesim::hw
