// Fused attention: scores never leave the chip.
//
// Models:      blocks of query rows that walk over key blocks; tiles by matrix unit and head width;
//              causal and windowed skipping; products, exponentials on their own unit and the
//              softmax's other instructions, overlapped as far as the generation can; padding of
//              few queries to a tile; grouped queries stacked into one tile (and the copies that
//              this costs); keys split over blocks when those are few, and the kernel that joins
//              them; KV read from memory or L2; the kernel that writes new keys and values.
// Leaves out:  page-table gathers narrower than a key block, prefix sharing.
// Checked by:  tests/timing/gpu_kernels.cpp, tests/anchors/gpu_measured.cpp.
#pragma once

#include "hw/gpu/kernel_machine.hpp"

namespace joulesim::hw {

struct AttentionUse {
  bool writes_kv = false;  // a kernel before it writes the new keys and values
  bool kv_cached = false;  // keys and values lie in the L2 if they fit
};

// The kernel that writes `tokens` new keys and values of `row` elements each.
KernelRun write_keys(const KernelMachine& machine, double tokens, double row, double read_size,
                     double kv_size);

KernelRun run_attention(const KernelMachine& machine, const KernelRequest& request,
                        const AttentionUse& use);

}  // namespace joulesim::hw
