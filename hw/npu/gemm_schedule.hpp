// One product on the cores of an NPU, tile by tile: who loads what when, and when arrays wait.
//
// Models:      output tiles dealt to cores in turn, each a square of blocks as large as half an
//              accumulator allows, as deep as half a scratchpad allows; two tiles in a core at a
//              time; loads of a core in order (weights of one column block, then all activations,
//              then the other weights), all cores sharing the memory evenly up to their ports;
//              passes in order as soon as both operands are there; stores as soon as a block is
//              complete and everything of its tile has been issued; a tile's place is free when its
//              last store has been handed over.
// Leaves out:  bank conflicts on chip, order of single requests, control processors' own time.
// Checked by:  tests/timing/npu_arrays.cpp, tests/anchors/npu.cpp (a cycle-level simulator's
//              clocks).
//
// Times are in clocks of the array as doubles: shares of a rate are no whole numbers.
#pragma once

#include "hw/npu/array_timing.hpp"

#include <cstdint>
#include <string>

namespace joulesim::hw {

// How output tiles are cut when there are fewer of them than cores.
enum class TileSplit : std::uint8_t {
  longer_side,  // along the longer of m and n; a square product stays as it is
  halving,      // the larger side of a tile again and again, until all cores have one
};

struct GemmCores {
  ArrayTiming array;  // of one core, its arrays side by side
  std::int64_t cores = 1;
  double scratchpad = 0, accumulator = 0;  // bytes of one core
  double operand_bytes = 2;                // of an element, unpacked
  TileSplit split = TileSplit::halving;
  double memory_rate = 1;  // bytes a clock, all cores together
  double port_rate = 1;    // bytes a clock and core
  double unpack_rate = 0;  // bytes of unpacked weights a clock and core; nought: as fast as loads
  double latency = 0;      // clocks, request to data
};

struct GemmShapeOnCores {
  std::int64_t m = 0, n = 0, k = 0;
  double activation_bytes = 2, weight_bytes = 2, output_bytes = 2;  // of an element, in memory
};

// Blocks of an output tile, and how many tiles there are.
struct NpuTiling {
  std::int64_t m = 0, n = 0, k = 0;                    // of one tile, in elements
  std::int64_t tiles_m = 0, tiles_n = 0, tiles_k = 0;  // counts
};

struct GemmTrace {
  double clocks = 0;              // first load to last store
  double array_busy = 0;          // clocks of the busiest core's array
  double memory_busy = 0;         // clocks in which something moves
  double loaded = 0, stored = 0;  // bytes
  NpuTiling tiling;
};

NpuTiling tile(const GemmCores& cores, std::int64_t m, std::int64_t n, std::int64_t k);
GemmTrace schedule(const GemmCores& cores, const GemmShapeOnCores& shape);

}  // namespace joulesim::hw
