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

#include <functional>
#include <optional>
#include <string>

namespace joulesim::hw {

// Why the chip cannot run the request; nothing when it can.
std::optional<std::string> kernel_refusal(const SimtGpuSpec& spec, const KernelRequest& request);

// Activations become narrow in a kernel of their own: read wide, find the scale, write narrow.
KernelRun quantise_rows(const KernelMachine& machine, double rows, double width, double bits);

// Dynamic energy by cause, at the full clock's voltage.
struct KernelJoules {
  double mac = 0, control = 0, vector = 0, shared = 0, l2 = 0, dram = 0;
  [[nodiscard]] double all() const { return mac + control + vector + shared + l2 + dram; }
};

// A run at the clock that the board's limit leaves it.
struct SettledRun {
  KernelRun run;
  KernelJoules joules;
  Frequency clock;
  bool lowered = false;
};
SettledRun settle(const KernelMachine& machine, DataType type, bool random,
                  const std::function<KernelRun(const KernelMachine&)>& run);

KernelAnswer answer_kernel(const KernelMachine& machine, const KernelRequest& request,
                           const RuntimeSpec& runtime);

}  // namespace joulesim::hw
