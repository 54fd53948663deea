// Norms, activations, rotary embedding, additions, gathers: kernels without a matrix unit.
//
// Models:      one kernel or a chain of them, as a library fuses or a framework launches; blocks of
//              threads resident on the SMs, each with its dependent memory waits and its
//              instructions; so much parallelism, so many bytes in flight; second passes over rows
//              that may have left the L2; results of the kernel before found in the L2.
// Leaves out:  bank conflicts, uncoalesced access, launch bounds by registers.
// Checked by:  tests/timing/gpu_kernels.cpp, tests/anchors/gpu_measured.cpp.
#pragma once

#include "hw/gpu/kernel_machine.hpp"

#include <string>
#include <vector>

namespace joulesim::hw {

struct VectorKernel {
  double blocks = 1, threads = 128;
  double read = 0, written = 0;  // bytes of the whole kernel
  double again = 0;              // bytes that a second pass reads
  double waits = 1;              // dependent memory accesses of a block
  double instructions = 0;       // of the threads of a block together
  double serial_cycles = 0;      // of a block, that nothing overlaps
  double resident_limit = 0;     // blocks an SM holds at most; 0: what fits
};

// `cached`: share of what is read that lies in the L2 already.
KernelRun run_vector(const KernelMachine& machine, const VectorKernel& kernel, double cached);

// Who made the kernels of an operator: a library or a stack by hand, a framework as a chain of its
// elementwise kernels, or the framework's compiler.
enum class VectorStyle : std::uint8_t { fused, eager, compiled };

// The kernels of an operator over `rows` rows of `width` elements.
std::vector<VectorKernel> kernels_of(const KernelMachine& machine, VectorOp op, double rows,
                                     double width, double bytes_per_element, VectorStyle style);

// A framework's elementwise kernel: bytes read and written, and instructions, of every element.
VectorKernel plain_kernel(double elements, double read, double written, double instructions);

KernelRun run_vector_op(const KernelMachine& machine, const KernelRequest& request,
                        bool keeps_caches, bool compiled = false);

}  // namespace joulesim::hw
