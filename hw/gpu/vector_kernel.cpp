#include "hw/gpu/vector_kernel.hpp"

#include <fmt/format.h>

namespace joulesim::hw {
namespace {

constexpr double kSimple = 30;       // instructions of an element: conversion, index, store
constexpr double kExponential = 45;  // the same with an exponential and a division

// One block a row, a thread for every element up to a limit.
VectorKernel by_row(double rows, double width, double most_threads, double read, double written) {
  VectorKernel kernel;
  kernel.blocks = rows;
  kernel.threads = std::clamp(32 * ceil_div(width, 32), 32.0, most_threads);
  kernel.read = rows * width * read;
  kernel.written = rows * width * written;
  return kernel;
}

std::vector<VectorKernel> eager_kernels(VectorOp op, double elements, double b) {
  constexpr double kWide = 4;         // bytes of the float that norms are computed in
  constexpr double kReduceWaits = 6;  // partial sums of warps, of blocks, and the last one's
  constexpr double kJoinWaits = 5;    // descriptors of the parts, then the parts
  const auto waiting = [](VectorKernel kernel, double waits) {
    kernel.waits = waits;
    return kernel;
  };
  switch (op) {
    case VectorOp::rmsnorm:  // widen, square, mean, add and root, scale, narrow, weight
      return {plain_kernel(elements, b, kWide, kSimple),
              plain_kernel(elements, kWide, kWide, kSimple),
              waiting(plain_kernel(elements, kWide, 0, kSimple), kReduceWaits),
              plain_kernel(1, kWide, kWide, kSimple),
              plain_kernel(1, kWide, kWide, kSimple),
              plain_kernel(elements, kWide, kWide, kSimple),
              plain_kernel(elements, kWide, b, kSimple),
              plain_kernel(elements, b, b, kSimple)};
    case VectorOp::rope: {  // per tensor: times cosine, negate a half, join, times sine, add
      std::vector<VectorKernel> kernels = {plain_kernel(1, b, b, kSimple),
                                           plain_kernel(1, b, b, kSimple)};
      for (int tensor = 0; tensor < 2; ++tensor) {
        const double half = elements / 2;
        kernels.push_back(plain_kernel(half, b, b, kSimple));
        kernels.push_back(plain_kernel(half / 2, b, b, kSimple));
        kernels.push_back(waiting(plain_kernel(half, b, b, 2 * kSimple), kJoinWaits));
        kernels.push_back(plain_kernel(half, b, b, kSimple));
        kernels.push_back(plain_kernel(half, 2 * b, b, kSimple));
      }
      return kernels;
    }
    case VectorOp::silu_mul:
      return {plain_kernel(elements, b, b, kExponential),
              plain_kernel(elements, 2 * b, b, kSimple)};
    default:
      return {};
  }
}

}  // namespace

// A framework's elementwise kernel: four elements a thread, whole vectors.
VectorKernel plain_kernel(double elements, double read, double written, double instructions) {
  constexpr double kThreads = 128;
  constexpr double kPerThread = 4;
  VectorKernel kernel;
  kernel.threads = kThreads;
  kernel.blocks = std::max(1.0, ceil_div(elements, kThreads * kPerThread));
  kernel.read = elements * read;
  kernel.written = elements * written;
  kernel.waits = 1.8;
  kernel.instructions = kThreads * kPerThread * instructions;
  return kernel;
}

KernelRun run_vector(const KernelMachine& machine, const VectorKernel& kernel, double cached) {
  const GpuConstants& c = machine.constants;
  const SimtGpuSpec& spec = *machine.spec;
  const ChipRates chip(machine);
  double resident =
      std::max(1.0, std::min(std::floor(static_cast<double>(spec.threads) / kernel.threads),
                             static_cast<double>(spec.blocks)));
  if (kernel.resident_limit > 0) {
    resident = std::min(resident, kernel.resident_limit);
  }
  const double slots = chip.sms * resident;
  const double each = std::min(resident, ceil_div(kernel.blocks, chip.sms));
  const double latency = chip.l2_latency * cached + chip.dram_latency * (1 - cached);
  const double issue = kernel.instructions / (c.issue_lanes * chip.clock);
  const double waiting = kernel.waits * latency + kernel.serial_cycles / chip.clock;
  const double work = each * issue;
  const double block = waiting + work;
  // While more blocks follow, one's waits hide behind the others' instructions.
  const double following = std::max(0.0, kernel.blocks / slots - 1);
  const double turn = std::max(waiting + issue, work);
  // A second pass finds its row in the L2 while the rows in work fit there.
  const double row = kernel.again / kernel.blocks;
  const double lost = 1 - found_share(Bytes(row * std::min(kernel.blocks, slots)), spec.l2.value);
  const double read = kernel.read * (1 - cached) + lost * kernel.again;
  // What fits is written to the L2 and reaches the memory later.
  const double written = kernel.written * (1 - cached);
  const double dram = (read + written) / chip.stream;
  const double l2 = (kernel.read + kernel.again + kernel.written) / chip.l2;
  const double compute = block + following * turn;
  const double stream = latency + std::max(dram, l2);
  KernelRun run;
  run.time = Time(chip.launch + std::max(compute, stream));
  run.fixed = Time(chip.launch + latency);
  run.loop = Time(std::max(compute - latency, l2));
  run.stream = Time(dram);
  run.dram.inputs = read;
  run.dram.outputs = written;
  run.l2 = Bytes(kernel.read + kernel.again + kernel.written);
  run.vector_ops = kernel.blocks * kernel.instructions;
  run.bound = stream > compute     ? (dram > l2 ? "memory" : "l2 delivery")
              : work > 0.5 * block ? "instructions"
                                   : "latency";
  run.mapping = fmt::format("{:.0f} blocks of {:.0f} threads, {:.0f} an SM", kernel.blocks,
                            kernel.threads, resident);
  return run;
}

std::vector<VectorKernel> kernels_of(const KernelMachine& machine, VectorOp op, double rows,
                                     double width, double b, VectorStyle style) {
  constexpr double kTanh = 35;  // of the hardware's own approximation
  const double elements = rows * width;
  if (style == VectorStyle::eager) {
    auto kernels = eager_kernels(op, elements, b);
    if (!kernels.empty()) {
      return kernels;
    }
  }
  switch (op) {
    case VectorOp::add:
      return {plain_kernel(elements, 2 * b, b, kSimple)};
    case VectorOp::gelu:
      return {plain_kernel(elements, b, b, kTanh)};
    case VectorOp::silu_mul: {
      VectorKernel kernel = by_row(rows, width, 1024, 2 * b, b);
      kernel.waits = 1 + 0.8 * (ceil_div(width, kernel.threads) - 1);
      kernel.instructions = width * kExponential;
      return {kernel};
    }
    case VectorOp::rmsnorm: {
      VectorKernel kernel = by_row(rows, width, 1024, b, b);
      kernel.again = elements * b;
      kernel.waits = 3;
      kernel.serial_cycles = 350;
      kernel.instructions = width * 65;
      return {kernel};
    }
    case VectorOp::layernorm: {
      if (style == VectorStyle::compiled) {
        VectorKernel kernel = by_row(rows, width, 256, b, b);
        kernel.again = elements * b;
        kernel.waits = 2.5;
        kernel.serial_cycles = width / kernel.threads * 220;
        kernel.instructions = width * 15;
        return {kernel};
      }
      VectorKernel kernel = by_row(rows, width, 128, b, b);
      kernel.again = elements * b;
      kernel.waits = 4;
      kernel.serial_cycles = width / kernel.threads * 230;
      kernel.instructions = width * 25;
      return {kernel};
    }
    case VectorOp::softmax: {
      constexpr double kInRegisters = 1024;  // widest row that a warp keeps
      constexpr double kWarpOps = 55;        // of an element: highest, exponential and sum, share
      constexpr double kBlockOps = 75;       // with an exponential for the share once more
      constexpr double kVector = 8;          // elements that a thread loads at once
      if (width <= kInRegisters) {
        VectorKernel kernel = by_row(ceil_div(rows, 4), width * 4, 128, b, b);
        kernel.waits = 2;
        kernel.instructions = width * 4 * kWarpOps;
        return {kernel};
      }
      VectorKernel kernel = by_row(rows, width, 1024, b, b);
      kernel.threads = std::clamp(32 * std::floor(width / kVector / 32), 32.0, 1024.0);
      kernel.again = 2 * elements * b;
      kernel.waits = 2;
      kernel.instructions = width * kBlockOps;
      return {kernel};
    }
    case VectorOp::rope: {
      VectorKernel kernel = by_row(rows, width / 2, 512, b, b);
      kernel.waits = 1.4 + 0.4 * ceil_div(width / 2, kernel.threads);
      kernel.instructions = width * 45;
      return {kernel};
    }
    case VectorOp::embedding: {
      constexpr double kIndexing = 210;  // long divisions of every element's place
      constexpr double kFewRows = 16;    // walked one after the other by every block
      if (rows <= kFewRows) {
        VectorKernel kernel = plain_kernel(width, rows * b, rows * b, kSimple * rows);
        kernel.waits = 1 + 1.4 * rows;
        return {kernel};
      }
      // As many blocks as the SMs hold eight each, one element a thread and turn.
      const double blocks =
          std::min(8 * static_cast<double>(machine.spec->sms), ceil_div(elements, 128));
      VectorKernel kernel;
      kernel.blocks = blocks;
      kernel.threads = 128;
      kernel.resident_limit = 8;
      kernel.read = elements * b;
      kernel.written = elements * b;
      kernel.waits = 2;
      kernel.instructions = elements / blocks * kIndexing;
      return {kernel};
    }
  }
  return {};
}

KernelRun run_vector_op(const KernelMachine& machine, const KernelRequest& request,
                        bool keeps_caches, bool compiled) {
  const double b = request.activation_bits / 8;
  const auto kernels = kernels_of(machine, request.vector, static_cast<double>(request.rows),
                                  static_cast<double>(request.width), b,
                                  request.eager ? VectorStyle::eager
                                  : compiled    ? VectorStyle::compiled
                                                : VectorStyle::fused);
  KernelRun total;
  total.kernels = 0;
  bool first = true;
  for (const VectorKernel& kernel : kernels) {
    const double cached = found_share(Bytes(kernel.read + kernel.written), machine.spec->l2.value);
    total.then(run_vector(machine, kernel, keeps_caches || !first ? cached : 0));
    first = false;
  }
  if (kernels.size() > 1) {
    total.mapping = fmt::format("{} kernels", kernels.size());
  }
  return total;
}

}  // namespace joulesim::hw
