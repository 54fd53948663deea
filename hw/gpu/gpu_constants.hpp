// What the GPU model assumes about all chips and libraries: the few numbers that no data sheet
// gives.
//
// Each is global (one value for every device, model and row) and was set on public kernel times of
// an A100, an H100 and an RTX 3090; hw/gpu/README.md lists data, effect and leave-one-out spread.
#pragma once

namespace joulesim::hw {

struct GpuConstants {
  // Any kernel.
  double launch_cycles = 2115;  // from the first block's issue to the last one's retirement
  double loaded_latency = 2.8;  // latency with translation and queues over the unloaded figure
  double dram_share = 0.95;     // of what the channels sustain, when tiles jump between pages
  // Products.
  double write_share = 0.6;      // of the DRAM rate while a wave's results leave
  double matrix_share = 0.97;    // of the matrix unit's rate inside a loop
  double lanes_share = 0.9;      // of the lanes' rate: loads take issue slots between their FMAs
  double sync_cycles = 40;       // barrier and address work of a K step, one block alone
  double shared_bytes = 128;     // a clock of one SM's shared memory
  double epilogue_cycles = 300;  // converting and storing a tile
  double group_rows = 7;         // rasterisation: rows of 128 that are walked together
  double reduce = 2.4e-6;        // seconds of a second kernel that sums split K, beside its bytes
  // Attention.
  double softmax_ops = 6;       // vector instructions of a score beside the exponential
  double hidden_warp = 0.0;     // of the softmax's time under products: warps in lockstep,
  double hidden_group = 0.45;   // warpgroups that take turns,
  double hidden_tensor = 0.75;  // accumulators outside the registers
  double attention_waits = 4;   // dependent memory waits of a block: tables, queries, keys, out
  // Mixtures of experts.
  int moe_stages = 3;           // of the compiled grouped product
  double compiled_share = 0.6;  // of a tuned loop's pace
  // Vector kernels.
  double issue_lanes = 128;  // thread instructions a clock of one SM
  // Clock under the board's power limit.
  double toggle = 1.2;          // data with full toggling over the part's energies
  double zeros = 0.55;          // nought over random data
  double dram_joule = 65e-12;   // joules a byte, DRAM and its interface
  double clock_exponent = 2.8;  // dynamic power over clock, voltage following
};

}  // namespace joulesim::hw
