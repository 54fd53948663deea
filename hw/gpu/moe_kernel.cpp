#include "hw/gpu/moe_kernel.hpp"

#include "hw/gpu/vector_kernel.hpp"

#include <fmt/format.h>

#include <numeric>

namespace joulesim::hw {
namespace {

// Relative loads of all experts, largest first: quantiles of a power law between one and the most
// that an expert may get.
std::vector<double> loads_of(const KernelRequest& request) {
  constexpr double kMostOfTokens = 0.8;
  const auto experts = static_cast<double>(request.experts);
  std::vector<double> loads;
  const double most = std::max(2.0, kMostOfTokens * static_cast<double>(request.tokens));
  const double power = 1 - request.skew;
  for (double i = experts - 1; i >= 0; --i) {
    const double u = (i + 0.5) / experts;
    loads.push_back(request.skew <= 0 ? 1
                    : std::fabs(power) < 1e-6
                        ? std::pow(most, u)
                        : std::pow((std::pow(most, power) - 1) * u + 1, 1 / power));
  }
  return loads;
}

}  // namespace

std::vector<std::int64_t> expert_rows(const KernelRequest& request) {
  const std::vector<double> loads = loads_of(request);
  const double total = std::accumulate(loads.begin(), loads.end(), 0.0);
  const double chosen = static_cast<double>(request.tokens * request.topk);
  const auto tokens = static_cast<double>(request.tokens);
  // The most loaded shard has the most loaded expert and a fair draw of the others.
  std::vector<double> mine;
  const auto shards = static_cast<std::size_t>(request.expert_shards);
  for (std::size_t i = 0; i < loads.size(); i += shards) {
    mine.push_back(std::min(tokens, loads[i] / total * chosen));
  }
  if (request.expert_shards > 1 && chosen <= static_cast<double>(request.experts)) {
    // With fewer draws than experts the most loaded shard is the one that got all that it can:
    // a token chooses an expert once.
    for (double& load : mine) {
      load = std::min(tokens, chosen / static_cast<double>(mine.size()));
    }
  }
  // Experts that at least one of the draws hits.
  double hit = 0;
  double rows = 0;
  for (const double load : mine) {
    hit += 1 - std::exp(-load);
    rows += load;
  }
  const auto count =
      static_cast<std::size_t>(std::clamp(std::round(hit), 1.0, static_cast<double>(mine.size())));
  mine.resize(count);
  const double kept = std::accumulate(mine.begin(), mine.end(), 0.0);
  std::vector<std::int64_t> result;
  for (const double load : mine) {
    result.push_back(std::max<std::int64_t>(1, std::llround(load / kept * rows)));
  }
  return result;
}

KernelRun run_expert_product(const KernelMachine& machine, const KernelRequest& request,
                             GemmShape shape) {
  // Compiled tiles as serving stacks take them without a tuned table: narrow ones while there are
  // no more tokens than experts on this GPU.
  const bool few = request.tokens <= request.experts / request.expert_shards;
  GemmTile tile;
  tile.rows = few ? 16 : 64;
  tile.columns = few ? 32 : 64;
  tile.k_bytes = static_cast<int>((few ? 64 : 32) * std::max(shape.a_bits, shape.w_bits) / 8);
  tile.warps = 4;
  shape.groups = expert_rows(request);
  shape.m = std::accumulate(shape.groups.begin(), shape.groups.end(), std::int64_t{0});
  shape.loop_share *= machine.constants.compiled_share;
  const int stages = machine.spec->copy == TileCopy::registers ? 2 : machine.constants.moe_stages;
  const auto plan = gemm_with(machine, shape, tile, stages, 1);
  if (!plan) {
    return plan_gemm(machine, shape).run;
  }
  KernelRun run = plan->run;
  run.mapping = fmt::format("{} experts, {}x{}x{} tiles, {} blocks", shape.groups.size(),
                            plan->rows, plan->columns, plan->depth, plan->blocks);
  return run;
}

KernelRun run_moe(const KernelMachine& machine, const KernelRequest& request) {
  const std::vector<std::int64_t> groups = expert_rows(request);
  const auto rows =
      static_cast<double>(std::accumulate(groups.begin(), groups.end(), std::int64_t{0}));
  const double all_rows = static_cast<double>(request.tokens * request.topk);
  const auto hidden = static_cast<double>(request.hidden);
  const double inter =
      static_cast<double>(request.inter) / static_cast<double>(request.tensor_shards);
  const double b = request.activation_bits / 8;
  const ChipRates chip(machine);

  GemmShape up;
  up.m = static_cast<std::int64_t>(rows);
  up.n = std::llround(2 * inter);
  up.k = request.hidden;
  up.type = request.type;
  up.a_bits = request.activation_bits;
  up.w_bits = request.weight_bits;
  GemmShape down = up;
  down.n = request.hidden;
  down.k = std::llround(inter);

  KernelRun run;
  run.kernels = 0;
  // Sorting: counts, prefix sums, positions, in two kernels.
  VectorKernel sort;
  sort.blocks = std::max(1.0, all_rows / 1024);
  sort.threads = 1024;
  sort.waits = 5;
  sort.read = sort.written = 4 * all_rows;
  run.then(run_vector(machine, sort, 1));
  run.then(run_vector(machine, sort, 1));
  std::string mapping;
  std::string bound;
  for (const GemmShape& shape : {up, down}) {
    KernelRun product = run_expert_product(machine, request, shape);
    // Rows of experts that live elsewhere are cleared all the same.
    const double cleared = std::max(0.0, all_rows - rows) * static_cast<double>(shape.n) * b;
    const Time clearing(cleared / (chip.dram * machine.constants.write_share));
    product.time += clearing;
    product.fixed += clearing;
    product.dram.outputs += cleared;
    if (mapping.empty()) {
      mapping = product.mapping;
      bound = product.bound;
    }
    run.then(product);
  }
  KernelRequest gate;
  gate.vector = VectorOp::silu_mul;
  gate.rows = static_cast<std::int64_t>(all_rows);
  gate.width = std::llround(inter);
  gate.activation_bits = request.activation_bits;
  run.then(run_vector_op(machine, gate, true));
  VectorKernel sum;
  sum.blocks = static_cast<double>(request.tokens);
  sum.threads = std::min(1024.0, hidden);
  sum.read = all_rows * hidden * b;
  sum.written = static_cast<double>(request.tokens) * hidden * b;
  sum.waits = 1 + ceil_div(hidden, sum.threads);
  sum.instructions = hidden * static_cast<double>(request.topk) * 6;
  run.then(run_vector(machine, sum, sum.read + sum.written < 0.7 * chip.l2_size ? 1 : 0));
  run.bound = bound;
  run.mapping = mapping;
  return run;
}

}  // namespace joulesim::hw
