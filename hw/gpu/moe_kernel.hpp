// A mixture-of-experts MLP after routing: sort tokens by expert, two grouped products around the
// gate's activation, sum over the chosen experts.
//
// Models:      tokens over experts by a power law (or evenly), distinct experts that any token
//              hits, the most loaded shard under expert parallelism; tiles of a compiled grouped
//              product by tokens per expert; rows of experts that live elsewhere, which the kernels
//              still clear, activate and sum.
// Leaves out:  routing itself, exchange between GPUs, shared experts.
// Checked by:  tests/timing/gpu_kernels.cpp, tests/anchors/gpu_measured.cpp.
#pragma once

#include "hw/gpu/gemm_kernel.hpp"

#include <vector>

namespace joulesim::hw {

// Rows of each expert of the most loaded shard that has any, largest first.
std::vector<std::int64_t> expert_rows(const KernelRequest& request);

// One of the grouped products: `shape` with its n, k and formats; rows follow from the request.
KernelRun run_expert_product(const KernelMachine& machine, const KernelRequest& request,
                             GemmShape shape);

KernelRun run_moe(const KernelMachine& machine, const KernelRequest& request);

}  // namespace joulesim::hw
