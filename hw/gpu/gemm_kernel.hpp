// Matrix products on the SMs: C[m, n] = A[m, k] W[n, k], alone or grouped over experts.
//
// Models:      a vendor library's menu of tiles by matrix unit; stages that shared memory holds;
//              blocks resident by shared memory, registers and threads; waves with a partly filled
//              last one; a K loop paced by the slowest of matrix unit, shared memory, L2 delivery,
//              latency over stages and DRAM; DRAM traffic under rasterised blocks and L2 capacity;
//              bytes in flight (Little's law) of few blocks; split K with its second kernel;
//              results written at the end of a wave; the shortest predicted time wins.
// Leaves out:  persistent kernels, stream-K, sparsity.
// Checked by:  tests/timing/gpu_kernels.cpp, tests/anchors/gpu_measured.cpp.
#pragma once

#include "hw/gpu/kernel_machine.hpp"

#include <cstdint>
#include <vector>

namespace joulesim::hw {

struct GemmShape {
  std::int64_t m = 0, n = 0, k = 0;
  DataType type = DataType::fp16;
  double a_bits = 16, w_bits = 16, c_bits = 16;
  double a_cached = 1, w_cached = 0;  // share of the operand that lies in the L2 already
  double unpack_ops = 0;              // vector instructions for each stored weight of a tile
  bool narrow_sums = false;           // sums of 16 bits
  double loop_share = 1;              // of a tuned kernel's pace that this one's loop reaches
  double thread_loads = 32;           // bytes under way for each thread of a matrix-vector kernel
  std::vector<std::int64_t> groups;   // rows of each expert that has any; empty: one product
};

struct GemmTile {
  int rows = 0, columns = 0, warps = 4, cluster = 1;
  std::vector<int> stages;
  int k_bytes = 64;  // of one operand row in a stage
};

struct GemmPlan {
  int rows = 0, columns = 0, stages = 0, split = 1;
  std::int64_t depth = 0, resident = 1, blocks = 0, waves = 0;
  KernelRun run;
};

// The library's choice.
GemmPlan plan_gemm(const KernelMachine& machine, const GemmShape& shape);
// With the tile as told and the best of what is left open. Throws InputError when the library has
// no such tile for the matrix unit or an SM does not hold it.
GemmPlan plan_pinned(const KernelMachine& machine, const GemmShape& shape, const TilePin& pin);
// One kernel as told; nothing when it does not fit an SM.
std::optional<GemmPlan> gemm_with(const KernelMachine& machine, const GemmShape& shape,
                                  const GemmTile& tile, int stages, int split);

}  // namespace joulesim::hw
