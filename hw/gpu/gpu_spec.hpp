// A GPU's chip as its part file describes it (hw/gpu/README.md lists every key).
//
// Models:      nothing; figures with their sources.
// Leaves out:  boards' memory (a device file's business), links.
// Checked by:  tests/lint (every part is read), tests/timing/gpu.cpp.
#pragma once

#include "hw/component/arithmetic.hpp"

#include <cstdint>
#include <string>

namespace joulesim::hw {

// Who issues a matrix instruction, which sets the tiles a library can use.
enum class MatrixIssue : std::uint8_t {
  lanes,          // no matrix unit: products run on the vector lanes
  warp,           // one warp (mma.sync, MFMA, WMMA, XMX)
  warpgroup,      // four warps, operands from shared memory (Hopper)
  tensor_memory,  // one thread for the SM, accumulators outside the registers (data-centre
                  // Blackwell)
};

// How tiles come from L2 into shared memory.
enum class TileCopy : std::uint8_t {
  registers,  // loaded and stored by threads
  async,      // cp.async: past the registers
  bulk,       // a copy engine takes whole tiles (TMA)
};

struct SimtGpuSpec {
  std::string part, title;
  std::int64_t sms = 0;
  Sourced<Frequency> clock;                 // highest that the SMs sustain without a power limit
  Sourced<Bytes> shared_memory, registers;  // of one SM
  std::int64_t threads = 0, blocks = 0;     // resident on one SM at most
  MatrixIssue issue = MatrixIssue::lanes;
  TileCopy copy = TileCopy::registers;
  double narrow_sums = 1;  // 16-bit products with sums of 16 bits over those with sums of 32
  Arithmetic arithmetic;   // MACs per cycle of one SM
  Sourced<double> vector_ops_per_cycle;    // of one SM, fp32
  Sourced<double> exponentials_per_cycle;  // of one SM
  Sourced<EnergyPerOp> vector_energy, control_energy;
  Sourced<EnergyPerByte> shared_memory_energy;
  Sourced<Bytes> l2;
  Sourced<Bandwidth> l2_bandwidth;   // L2 to all SMs, read
  Sourced<Bytes> sm_port;            // that one SM can take from L2 per cycle
  Sourced<Time> l2_latency;          // load to use, hit
  Sourced<EnergyPerByte> l2_energy;  // L2 to SM, wires included
  Sourced<Bandwidth> port;           // system cache or memory to L2
  Sourced<Bandwidth> memory;         // what its outstanding requests draw from DRAM
  Sourced<Time> memory_latency;      // load to use, missing L2
  Sourced<Time> block_start;         // prologue of a thread block: first loads, address set-up
  Sourced<Power> idle, active;
  Sourced<Power> limit;  // of the board; the clock is lowered until it is met

  static SimtGpuSpec from(const ConfigNode& part);
};

}  // namespace joulesim::hw
