// A work as one chip runs it: the kernels that the library has for it, as a tile program.
//
// Models:      the same plans that answer single kernels, in front of the memory that the machine
//              has: tiles, splits, waves, loops, starts and tails, traffic by operand, the rate
//              that requests in flight draw, the clock under the board's limit; launches and gaps
//              of the software stack; vector work inside its neighbours, in kernels of its own, or
//              as a framework's chains.
// Leaves out:  weights that stay in the L2 from step to step.
// Checked by:  tests/oracle/gpu_lowering.cpp (against single kernels, at train and analytic level).
#pragma once

#include "hw/gpu/gpu_kernels.hpp"

namespace joulesim::hw {

// The kernels of a work, before the clock is settled.
KernelRun run_work(const KernelMachine& machine, const Work& work, const RuntimeSpec& runtime);

TileProgram lower_work(const KernelMachine& machine, const Work& work, std::size_t index,
                       const RuntimeSpec& runtime);

}  // namespace joulesim::hw
