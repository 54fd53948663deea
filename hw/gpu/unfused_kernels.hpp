// What stacks launch that do not fuse: attention as two products around a softmax, conversions
// between the widths of products and of the work between them.
//
// Models:      scores of all heads written to memory and read back, without causal skipping; a
//              softmax that reads and writes them, and the narrow copy that the second product
//              reads; one kernel for every conversion; narrow weights written out wide in front of
//              a product of many rows.
// Leaves out:  scores of a few queries (their product with the keys is bound by the cache, which
//              attention_kernel answers for); in programs, the DRAM energy of scores and
//              conversions, whose time counts.
// Checked by:  tests/timing/gpu_kernels.cpp, tests/anchors/published.cpp.
#pragma once

#include "hw/gpu/kernel_machine.hpp"

namespace joulesim::hw {

// Attention of many queries in three kernels or four; `score` bytes a score between them.
KernelRun run_attention_in_pieces(const KernelMachine& machine, const KernelRequest& request,
                                  double score);

// Elements read at one width and written at another, in bytes. `cached`: lying in the L2 already.
KernelRun convert(const KernelMachine& machine, double elements, double read, double written,
                  double cached);

}  // namespace joulesim::hw
