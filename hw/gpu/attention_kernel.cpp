#include "hw/gpu/attention_kernel.hpp"

#include "hw/gpu/vector_kernel.hpp"

#include <fmt/format.h>

namespace joulesim::hw {
namespace {

constexpr double kUsable = 0.7;  // of the L2

struct Tile {
  double rows, keys, resident;
};

Tile tile_of(const SimtGpuSpec& spec, double head_dim, double operand, bool decode) {
  constexpr double kKeyElements = 16384;  // of one key block
  Tile tile{};
  tile.keys = std::clamp(std::exp2(std::floor(std::log2(kKeyElements / head_dim))), 32.0, 256.0);
  // Single queries take the narrowest tile of the instruction: 64 rows of one warpgroup, or the
  // free side of the tensor-memory one.
  tile.rows = spec.issue == MatrixIssue::warpgroup       ? (decode ? 64 : 128)
              : spec.issue == MatrixIssue::tensor_memory ? (decode ? 32 : 256)
                                                         : 64;
  const auto shared = [&] { return (tile.rows + 2 * tile.keys) * head_dim * operand; };
  while (shared() > spec.shared_memory.value.si() && tile.keys > 16) {
    tile.keys /= 2;
  }
  constexpr double kMost = 2;
  tile.resident = std::clamp(std::floor(spec.shared_memory.value.si() / shared()), 1.0, kMost);
  return tile;
}

double hidden_share(const GpuConstants& c, MatrixIssue issue) {
  return issue == MatrixIssue::warpgroup       ? c.hidden_group
         : issue == MatrixIssue::tensor_memory ? c.hidden_tensor
                                               : c.hidden_warp;
}

// As few parts as come within reach of the best filling of the SMs.
double parts_of(double blocks, double slots, double key_blocks) {
  constexpr double kEnough = 0.8;
  constexpr double kNearBest = 0.85;
  constexpr double kMost = 128;
  if (blocks >= kEnough * slots) {
    return 1;
  }
  const double most = std::min({kMost, slots, key_blocks});
  const auto filling = [&](double parts) {
    const double waves = blocks * parts / slots;
    return waves / std::ceil(waves);
  };
  double best = 0;
  for (double parts = 1; parts <= most; ++parts) {
    best = std::max(best, filling(parts));
  }
  for (double parts = 1; parts <= most; ++parts) {
    if (filling(parts) >= kNearBest * best) {
      return parts;
    }
  }
  return 1;
}

}  // namespace

KernelRun write_keys(const KernelMachine& machine, double tokens, double row, double read_size,
                     double kv_size) {
  VectorKernel write;
  write.blocks = tokens;
  write.threads = std::clamp(row, 32.0, 512.0);
  write.read = 2 * tokens * row * read_size;
  write.written = 2 * tokens * row * kv_size;
  // A thread finds the page by long divisions, then copies a key and a value at a time.
  constexpr double kFinding = 380;
  constexpr double kCopying = 64;
  const double turns = ceil_div(row, write.threads);
  write.waits = 2;
  write.instructions = write.threads * (kFinding + kCopying * turns);
  const bool fits = write.read + write.written <= kUsable * machine.spec->l2.value.si();
  return run_vector(machine, write, fits ? 1 : 0);
}

KernelRun run_attention(const KernelMachine& machine, const KernelRequest& request,
                        const AttentionUse& use) {
  const SimtGpuSpec& spec = *machine.spec;
  const GpuConstants& c = machine.constants;
  const ChipRates chip(machine);
  const double batch = static_cast<double>(request.batch);
  const double heads = static_cast<double>(request.heads);
  const double kv_heads = static_cast<double>(request.kv_heads);
  const double d = static_cast<double>(request.head_dim);
  const double q_len = static_cast<double>(request.q_len);
  const double kv_len = static_cast<double>(request.kv_len);
  const double window = request.window > 0 ? static_cast<double>(request.window) : kv_len;
  const double operand = bits_of(request.type) / 8;
  const double kv_size = request.kv_bits / 8;
  const double out_size = request.activation_bits / 8;
  const Tile tile = tile_of(spec, d, operand, request.q_len == 1);
  const double rate = spec.arithmetic.find(request.type)->macs_per_cycle.value * chip.clock;

  // One key block under one tile of queries, alone on an SM.
  const double product = 2 * tile.rows * tile.keys * d / (rate * c.matrix_share);
  const double scores = tile.rows * tile.keys;
  const double softmax =
      scores / (spec.exponentials_per_cycle.value * chip.clock) +
      scores * c.softmax_ops * 2 / (spec.vector_ops_per_cycle.value * chip.clock);
  const double hidden = hidden_share(c, spec.issue);
  const double step = product + softmax - hidden * std::min(product, softmax);

  const bool decode = request.q_len == 1;
  const double stacked = heads / kv_heads;
  const bool packed = decode && stacked > 1;
  const double query_rows = packed ? stacked : q_len;
  const double groups = batch * (packed ? kv_heads : heads);
  const double row_blocks = ceil_div(query_rows, tile.rows);
  const double seen = std::min(kv_len, window + std::min(q_len, tile.rows) - 1);
  const double longest = ceil_div(seen, tile.keys);

  const double slots = chip.sms * tile.resident;
  const bool splits = packed || spec.issue != MatrixIssue::warp;
  const double parts = decode && splits ? parts_of(groups * row_blocks, slots, longest) : 1;

  // Key blocks of every row block: later queries see more.
  double steps = 0;
  if (decode) {
    steps = groups * row_blocks * parts * ceil_div(longest, parts);
  } else {
    for (double block = 0; block < row_blocks; ++block) {
      const double last = std::min(q_len, (block + 1) * tile.rows);
      const double end = request.causal ? kv_len - q_len + last : kv_len;
      const double begin = std::max(0.0, end - window - (last - block * tile.rows) + 1);
      steps += ceil_div(end, tile.keys) - std::floor(begin / tile.keys);
    }
    steps *= groups;
  }
  const double blocks = groups * row_blocks * parts;
  const double deepest = ceil_div(longest, parts);
  const double waiting = c.attention_waits * chip.dram_latency;
  const double each = std::min(tile.resident, ceil_div(blocks, chip.sms));
  double compute = 0;
  if (blocks <= slots) {
    compute =
        each * (decode ? deepest : std::min(deepest, steps / blocks * 1.0 + 0.5 * deepest)) * step +
        waiting;
    if (!decode) {
      compute = std::max(deepest * step + waiting, compute);
    }
  } else {
    const double even = steps * step / chip.sms + blocks / slots * waiting / each;
    // The last wave is partly filled, and later rows are longer.
    const double tail = 0.5 * (deepest * step * (decode ? each : 1) + waiting);
    compute = even + tail;
  }
  const double kv_bytes = 2 * batch * std::min(kv_len, window + q_len - 1) * kv_heads * d * kv_size;
  const double qo_bytes = 2 * batch * q_len * heads * d * out_size;
  const bool cached = use.kv_cached && kv_bytes + qo_bytes <= kUsable * chip.l2_size;
  const double dram =
      (cached ? 0 : kv_bytes) + (qo_bytes > kUsable * chip.l2_size ? qo_bytes : qo_bytes / 2);
  const double fetched = steps * 2 * tile.keys * d * kv_size;
  const double in_flight = std::min(blocks, slots) * tile.keys * d * kv_size * 2;
  const double filling = 2 * chip.dram_latency;
  const double streaming = dram / joint_rate(chip.dram, in_flight / chip.dram_latency);
  const double stream = filling + streaming;
  const double delivery = fetched / chip.l2;

  KernelRun run;
  run.time = Time(chip.launch + std::max({compute, stream, delivery}));
  run.fixed = Time(chip.launch + filling);
  run.loop = Time(std::max(0.0, std::max(compute, delivery) - filling));
  run.stream = Time(streaming);
  run.dram.keys = cached ? 0 : kv_bytes;
  run.dram.inputs = run.dram.outputs = (dram - run.dram.keys) / 2;
  run.l2 = Bytes(fetched + qo_bytes);
  run.macs = steps * 2 * tile.rows * tile.keys * d;
  run.vector_ops = steps * scores * c.softmax_ops;
  run.bound = stream >= std::max(compute, delivery)        ? "memory"
              : delivery >= compute                        ? "l2 delivery"
              : blocks <= slots && waiting > 0.5 * compute ? "latency"
              : softmax > product                          ? "exponentials"
                                                           : "matrix unit";
  run.mapping = fmt::format("{:.0f}x{:.0f} tiles, {:.0f} blocks, {:.0f} an SM{}", tile.rows,
                            tile.keys, blocks, tile.resident,
                            parts > 1 ? fmt::format(", keys in {:.0f} parts", parts) : "");
  const std::string bound = run.bound;
  const std::string mapping = run.mapping;
  if (parts > 1) {
    VectorKernel join;
    join.blocks = std::max(1.0, batch * heads / 4);
    join.threads = 128;
    join.read = parts * batch * heads * d * 4;
    join.written = batch * heads * d * out_size;
    join.waits = 3;
    join.instructions = 4 * d * parts * 8;
    run.then(run_vector(machine, join, 1));
  }
  if (packed && batch > 1 && kv_heads > 1) {
    // Stacking heads needs the queries, and then the results, in another order.
    VectorKernel turn;
    turn.blocks = std::max(1.0, batch * heads * d / 512);
    turn.read = turn.written = batch * heads * d * out_size;
    turn.waits = 2;
    turn.instructions = 512 * 20;
    run.then(run_vector(machine, turn, 1));
    run.then(run_vector(machine, turn, 1));
  }
  if (use.writes_kv) {
    run.then(write_keys(machine, batch * q_len, kv_heads * d, out_size, kv_size));
  }
  run.bound = bound;
  run.mapping = mapping;
  return run;
}

}  // namespace joulesim::hw
