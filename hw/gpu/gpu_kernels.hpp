// One operator on a GPU: its kernels, the clock that the power limit leaves them, its energy.
//
// Models:      the dispatch from a request to the kernel models; dynamic power of the run at full
//              clock and, above the board's limit, the clock that meets it; quantising kernels in
//              front of products with narrow activations; gaps between kernels as the software
//              stack and the clock of a measurement have them.
// Leaves out:  thermal limits, boost residency, neighbours on the same chip.
// Checked by:  tests/timing/gpu_kernels.cpp, tests/anchors/gpu_measured.cpp.
#pragma once

#include "hw/gpu/kernel_machine.hpp"

#include <optional>

namespace joulesim::hw {

// Why the chip cannot run the request; nothing when it can.
std::optional<std::string> kernel_refusal(const SimtGpuSpec& spec, const KernelRequest& request);

KernelAnswer answer_kernel(const KernelMachine& machine, const KernelRequest& request,
                           const RuntimeSpec& runtime);

}  // namespace joulesim::hw
