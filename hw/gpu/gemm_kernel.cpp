#include "hw/gpu/gemm_kernel.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace joulesim::hw {
namespace {

// Tiles of the libraries for each kind of matrix unit: rows follow m, columns n. Narrow tiles exist
// where the instruction allows them: wgmma and its successor take 8 to 256 of the tokens' side.
const std::vector<GemmTile>& menu_of(MatrixIssue issue) {
  static const std::vector<GemmTile> lanes = {
      {128, 128, 8, 1, {2}, 32}, {128, 64, 4, 1, {2}, 32}, {64, 128, 4, 1, {2}, 32},
      {64, 64, 4, 1, {2}, 64},   {32, 128, 4, 1, {2}, 64}, {32, 32, 2, 1, {2}, 64},
      {16, 16, 1, 1, {2}, 32},   {16, 128, 4, 1, {2}, 64}, {8, 128, 4, 1, {2}, 64},
      {4, 128, 4, 1, {2}, 64},   {1, 128, 4, 1, {2}, 64}};
  static const std::vector<GemmTile> warp = {
      {256, 128, 8, 1, {2, 3}},      {128, 256, 8, 1, {2, 3}},     {128, 128, 4, 1, {2, 3, 4, 5}},
      {256, 64, 4, 1, {2, 3, 4}},    {64, 256, 4, 1, {2, 3, 4}},   {128, 64, 4, 1, {2, 3, 4, 6}},
      {64, 128, 4, 1, {2, 3, 4, 6}}, {64, 64, 4, 1, {2, 4, 6, 10}}};
  static const std::vector<GemmTile> group = {
      {128, 256, 8, 2, {3, 4}, 128},   {256, 128, 8, 2, {3, 4}, 128},
      {128, 128, 4, 2, {4, 6}, 128},   {128, 256, 8, 1, {3, 4}, 128},
      {256, 128, 8, 1, {3, 4}, 128},   {128, 128, 4, 1, {4, 6}, 128},
      {64, 256, 4, 1, {4, 6}, 128},    {64, 128, 4, 1, {4, 6, 8}, 128},
      {128, 64, 4, 1, {4, 6, 8}, 128}, {64, 64, 4, 1, {4, 6, 8}, 128},
      {32, 128, 4, 1, {4, 6, 8}, 128}, {16, 128, 4, 1, {4, 6, 8}, 128},
      {32, 64, 4, 1, {4, 6, 8}, 128},  {16, 64, 4, 1, {4, 6, 8}, 128}};
  switch (issue) {
    case MatrixIssue::lanes:
      return lanes;
    case MatrixIssue::warp:
      return warp;
    default:
      return group;
  }
}

bool by_groups(MatrixIssue issue) {
  return issue == MatrixIssue::warpgroup || issue == MatrixIssue::tensor_memory;
}

// Blocks that an SM holds at once; less than one when it holds none.
double resident_blocks(const SimtGpuSpec& spec, const GemmTile& tile, double shared) {
  constexpr double kPlainRegisters = 70;     // addresses and fragments of a thread
  constexpr double kConsumerRegisters = 48;  // with operands in shared memory
  constexpr double kRegister = 4;
  constexpr double kMost = 4;
  const bool groups = by_groups(spec.issue);
  const double threads = tile.warps * 32.0 + (groups ? 128 : 0);
  const double accumulators = static_cast<double>(tile.rows) * tile.columns * kRegister;
  const double registers =
      spec.issue == MatrixIssue::tensor_memory
          ? threads * kPlainRegisters * kRegister
          : accumulators + threads * (groups ? kConsumerRegisters : kPlainRegisters) * kRegister;

  return std::floor(std::min(
      {spec.shared_memory.value.si() / shared, spec.registers.value.si() / registers,
       static_cast<double>(spec.threads) / threads, static_cast<double>(spec.blocks), kMost}));
}

// DRAM bytes of both operands when blocks are walked in groups of rows.
KernelTraffic operand_traffic(const KernelMachine& machine, const GemmShape& shape, double a_bytes,
                              double w_bytes, double row_tiles, double column_tiles, double rows,
                              double slots) {
  constexpr double kUsable = 0.7;  // of the L2, for operands that are to be found again
  const ChipRates chip(machine);
  double a = a_bytes * (1 - shape.a_cached);
  double w = w_bytes * (1 - shape.w_cached);
  if (!shape.groups.empty() || w_bytes <= kUsable * chip.l2_size) {
    return {w, a, 0, 0};
  }
  const double walked =
      std::min(row_tiles, machine.constants.group_rows * std::max(1.0, 128 / rows));
  w = w_bytes * ceil_div(row_tiles, walked);
  const double strip = a_bytes * walked / row_tiles;
  if (strip > kUsable * chip.l2_size) {
    a = a_bytes * ceil_div(column_tiles, std::max(1.0, slots / walked));
  }
  return {w, a, 0, 0};
}

}  // namespace

std::optional<GemmPlan> gemm_with(const KernelMachine& machine, const GemmShape& shape,
                                  const GemmTile& tile, int stages, int split) {
  constexpr double kBarriers = 1024;    // bytes of shared memory beside the stages
  constexpr double kStartCycles = 300;  // address set-up of a block
  constexpr double kWarpRows = 64;      // of a warp's part of a tile
  constexpr double kShortest = 256;     // of K that is worth a part of its own
  constexpr double kMulticast = 1.33;   // L2 reads saved by a pair of blocks
  const SimtGpuSpec& spec = *machine.spec;
  const GpuConstants& c = machine.constants;
  const ChipRates chip(machine);
  const bool groups = by_groups(spec.issue);
  const bool on_lanes = spec.issue == MatrixIssue::lanes || shape.type == DataType::fp32;
  const double rate = spec.arithmetic.find(shape.type)->macs_per_cycle.value * chip.clock *
                      (on_lanes ? c.lanes_share : c.matrix_share) *
                      (shape.narrow_sums && shape.type == DataType::fp16 ? spec.narrow_sums : 1);
  const double rows = tile.rows;
  const double columns = tile.columns;
  const double m = static_cast<double>(shape.m);
  const double n = static_cast<double>(shape.n);
  const double k = static_cast<double>(shape.k);
  const double a_size = shape.a_bits / 8;
  const double w_size = shape.w_bits / 8;
  const double c_size = shape.c_bits / 8;
  const double depth = tile.k_bytes / std::max(a_size, w_size);
  const double stage = (rows * a_size + columns * w_size) * depth;
  const double resident = resident_blocks(spec, tile, stage * stages + kBarriers);
  if (resident < 1) {
    return std::nullopt;
  }
  const double steps = ceil_div(k, depth * split);
  double row_tiles = ceil_div(m, rows);
  double weights = 1;
  if (!shape.groups.empty()) {
    row_tiles = 0;
    for (const std::int64_t each : shape.groups) {
      row_tiles += ceil_div(static_cast<double>(each), rows);
    }
    weights = static_cast<double>(shape.groups.size());
  }
  const double column_tiles = ceil_div(n, columns);
  const double blocks = row_tiles * column_tiles * split;
  const double slots = chip.sms * resident;
  if (split > 1 && (steps * depth < kShortest || blocks > 4 * slots)) {
    return std::nullopt;
  }
  const double a_bytes = m * k * a_size;
  const double w_bytes = weights * n * k * w_size;
  KernelTraffic traffic =
      operand_traffic(machine, shape, a_bytes, w_bytes, row_tiles, column_tiles, rows, slots);
  const double dram_bytes = traffic.all();
  traffic.outputs = m * n * c_size;

  // Two SMs that work on one tile each fetch a half of the shared operand.
  const bool shared_tile = spec.issue == MatrixIssue::tensor_memory && tile.cluster > 1;
  const double fetched =
      shared_tile ? (rows * a_size + columns * w_size / tile.cluster) * depth : stage;
  double reads = fetched;  // of shared memory by the matrix unit, for one step
  if (!groups) {
    const double warp_columns =
        std::max(8.0, rows * columns / tile.warps / std::min(rows, kWarpRows));
    const double warp_rows = std::min(rows, kWarpRows);
    reads = rows * columns / (warp_rows * warp_columns) *
            (warp_rows * a_size + warp_columns * w_size) * depth;
  }
  const double sync = c.sync_cycles / chip.clock;
  const bool from_dram = dram_bytes > 0.05 * w_bytes;
  const double latency = from_dram ? chip.dram_latency : chip.l2_latency;
  std::string bound;
  double loop_total = 0;
  double stream_total = 0;
  const auto wave = [&](double count, bool first) {
    const double busy = std::min(count, chip.sms);
    const double each = ceil_div(count, chip.sms);  // blocks of the fullest SM
    const double compute = each * rows * columns * depth / rate;
    const double shared = each * (reads + fetched) / (c.shared_bytes * chip.clock);
    const double delivery =
        each * fetched /
        std::min(chip.port, chip.l2 / busy * (tile.cluster > 1 ? kMulticast : 1.0));
    const double unpack = each * shape.unpack_ops * columns * depth / (c.issue_lanes * chip.clock);
    const double refill = latency / (stages - 1);
    double step = std::max({compute, shared, delivery, unpack}) / shape.loop_share + sync / each;
    const char* limit = compute >= std::max({shared, delivery, unpack}) ? "matrix unit"
                        : unpack >= std::max(shared, delivery)          ? "unpacking"
                        : shared >= delivery                            ? "shared memory"
                                                                        : "l2 delivery";
    if (refill > step) {
      step = refill;
      limit = "latency";
    }
    const double unique = std::min(count, weights * column_tiles * split);
    const double in_flight = unique * (stages - 1) * columns * w_size * depth;
    const double stream =
        dram_bytes * count / blocks / joint_rate(chip.dram, in_flight / chip.dram_latency);
    const double loop = steps * step;
    if (loop >= loop_total || stream >= loop_total) {
      bound = stream > loop ? "memory" : limit;
    }
    const double prologue = (latency + kStartCycles / chip.clock) / (first ? 1 : each);
    const double out = count * std::min(rows, m) * columns * c_size /
                       std::min(chip.l2, split > 1 ? chip.l2 : chip.dram * c.write_share);
    const double epilogue =
        (c.epilogue_cycles / chip.clock + out) / (each > 1 && !first ? each : 1);
    loop_total = std::max(loop_total, std::max(loop, stream));
    stream_total += stream;
    KernelRun run;
    run.fixed = Time(prologue + epilogue);
    run.loop = Time(loop);
    run.stream = Time(stream);
    run.time = run.fixed + max(run.loop, run.stream);
    return run;
  };
  const double full = std::floor(blocks / slots);
  const double rest = blocks - full * slots;
  GemmPlan plan;
  plan.run.time = plan.run.fixed = Time(chip.launch);
  const auto take = [&](const KernelRun& part, double times) {
    plan.run.time += times * part.time;
    plan.run.fixed += times * part.fixed;
    plan.run.loop += times * part.loop;
    plan.run.stream += times * part.stream;
  };
  if (full > 0) {
    take(wave(slots, false), full);
  }
  if (rest > 0) {
    take(wave(rest, full == 0), 1);
  }
  double partial = 0;
  if (split > 1) {
    partial = 2 * split * m * n * 4;
    const Time reduce(c.reduce + partial / (0.5 * chip.l2));
    plan.run.time += reduce;
    plan.run.fixed += reduce;
  }
  plan.rows = tile.rows;
  plan.columns = tile.columns;
  plan.stages = stages;
  plan.split = split;
  plan.depth = static_cast<std::int64_t>(depth);
  plan.resident = static_cast<std::int64_t>(resident);
  plan.blocks = static_cast<std::int64_t>(blocks);
  plan.waves = static_cast<std::int64_t>(full + (rest > 0 ? 1 : 0));
  plan.run.dram = traffic;
  plan.run.l2 = Bytes(blocks * steps * stage + partial);
  plan.run.macs = blocks * steps * depth * rows * columns;
  plan.run.vector_ops = shape.unpack_ops * blocks * steps * depth * columns;
  plan.run.bound = bound;
  return plan;
}

namespace {

constexpr std::array kSplits = {1, 2, 3, 4, 5, 6, 8, 12, 16, 24, 32};

MatrixIssue issue_of(const KernelMachine& machine, const GemmShape& shape) {
  return shape.type == DataType::fp32 ? MatrixIssue::lanes : machine.spec->issue;
}

std::string mapping_of(const GemmPlan& plan) {
  return fmt::format("{}x{}x{} tiles, {} stages, {} blocks ({} an SM) in {} wave{}{}", plan.rows,
                     plan.columns, plan.depth, plan.stages, plan.blocks, plan.resident, plan.waves,
                     plan.waves == 1 ? "" : "s",
                     plan.split > 1 ? fmt::format(", split-K {}", plan.split) : "");
}

}  // namespace

GemmPlan plan_gemm(const KernelMachine& machine, const GemmShape& shape) {
  const MatrixIssue issue = issue_of(machine, shape);
  const bool doubled = issue == MatrixIssue::lanes || machine.spec->copy == TileCopy::registers;
  GemmPlan best;
  const auto search = [&](const std::vector<GemmTile>& tiles, bool any_stages) {
    for (const GemmTile& tile : tiles) {
      for (const int stages : tile.stages) {
        // Without asynchronous copies a tile is double buffered.
        if (!any_stages && doubled != (stages == 2)) {
          continue;
        }
        for (const int split : kSplits) {
          if (split > 1 && !shape.groups.empty()) {
            break;
          }
          auto plan = gemm_with(machine, shape, tile, stages, split);
          if (plan && (best.blocks == 0 || plan->run.time < best.run.time)) {
            best = std::move(*plan);
          }
        }
      }
    }
  };
  search(menu_of(issue), false);
  if (best.blocks == 0) {
    search(menu_of(issue), true);
  }
  if (best.blocks == 0) {
    search(menu_of(MatrixIssue::lanes), true);
  }
  best.run.mapping = mapping_of(best);
  return best;
}

GemmPlan plan_pinned(const KernelMachine& machine, const GemmShape& shape, const TilePin& pin) {
  const std::vector<GemmTile>& menu = menu_of(issue_of(machine, shape));
  std::vector<std::string> sizes;
  GemmPlan best;
  bool known = false;
  for (const GemmTile& tile : menu) {
    sizes.push_back(fmt::format("{}x{}", tile.rows, tile.columns));
    if (tile.rows != pin.rows || tile.columns != pin.columns) {
      continue;
    }
    known = true;
    for (const int stages : pin.stages ? std::vector{*pin.stages} : tile.stages) {
      for (const int split : kSplits) {
        if (pin.split && split != *pin.split) {
          continue;
        }
        auto plan = gemm_with(machine, shape, tile, stages, split);
        if (plan && (best.blocks == 0 || plan->run.time < best.run.time)) {
          best = std::move(*plan);
        }
      }
    }
  }
  if (!known) {
    std::sort(sizes.begin(), sizes.end());
    sizes.erase(std::unique(sizes.begin(), sizes.end()), sizes.end());
    throw InputError(
        fmt::format("no kernel has tiles of {}x{} for this matrix unit; "
                    "expected {}",
                    pin.rows, pin.columns, fmt::join(sizes, ", ")));
  }
  if (best.blocks == 0) {
    throw InputError(
        fmt::format("tiles of {}x{} with {} stages and split-K {} do not fit an SM or the product; "
                    "expected fewer stages, smaller tiles or one of the splits {}",
                    pin.rows, pin.columns, pin.stages ? std::to_string(*pin.stages) : "any",
                    pin.split ? std::to_string(*pin.split) : "any", fmt::join(kSplits, ", ")));
  }
  best.run.mapping = "pinned: " + mapping_of(best);
  return best;
}

}  // namespace joulesim::hw
