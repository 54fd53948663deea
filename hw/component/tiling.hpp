// Cutting a work's streams into equal tiles: shared by all compute units.
#pragma once

#include "hw/component/tile_program.hpp"
#include "hw/component/work.hpp"

#include <cstdint>
#include <vector>

namespace joulesim::hw {

// How often each operand crosses the memory port.
struct Passes {
  std::int64_t weights = 1;
  std::int64_t activations = 1;
};

// With `local` bytes for operands, a product either keeps a block of activations and re-reads the
// weights for every block, or keeps a block of weights and re-reads the activations: the cheaper
// one. Streams that stay on chip cost nothing.
Passes cheapest_passes(const Work& work, double local);

// Bytes that the memories move for the work, passes included.
double moved_bytes(const Work& work, const Passes& passes);

// Runs of `tiles` tiles in all that move every stream evenly and compute for `compute_ps` and
// `joules` in total. The division is exact: remainders go to a last, smaller tile.
void spread(const Work& work, const Passes& passes, std::int64_t tiles, std::int64_t compute_ps,
            const std::vector<double>& joules, TileProgram& program);
// The same with the bytes that each stream of the work moves in all.
void spread(const Work& work, const std::vector<std::uint64_t>& moved, std::int64_t tiles,
            std::int64_t compute_ps, const std::vector<double>& joules, TileProgram& program);

}  // namespace joulesim::hw
