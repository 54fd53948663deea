// Matrix-vector kernels: C[m, n] = A[m, k] W[n, k] for a handful of rows m, as stacks write them by
// hand for decoding.
//
// Models:      a warp or a few for each output row, weights straight from memory into registers;
//              bytes in flight of the resident threads (Little's law) against the memory's rate;
//              unpacking and products on the lanes, four int8 products an instruction; the start, a
//              first miss and the sum across a block.
// Leaves out:  split rows, caches of the input vector.
// Checked by:  tests/timing/gpu_kernels.cpp, tests/anchors/published.cpp.
#pragma once

#include "hw/gpu/gemm_kernel.hpp"

namespace joulesim::hw {

KernelRun run_matrix_vector(const KernelMachine& machine, const GemmShape& shape);

}  // namespace joulesim::hw
