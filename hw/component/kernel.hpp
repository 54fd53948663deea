// One operator on one unit, asked for and answered on its own: what `kernel` prints and what
// measured kernels are compared with.
#pragma once

#include "hw/component/work.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::hw {

enum class KernelOp : std::uint8_t { gemm, attention, elementwise, moe };

struct KernelRequest {
  KernelOp op = KernelOp::gemm;
  DataType type = DataType::fp16;  // of the multiplier
  double activation_bits = 16, weight_bits = 16, output_bits = 16;

  std::int64_t m = 0, n = 0, k = 0;  // gemm: C[m, n] = A[m, k] W[n, k]

  // attention: `q_len` new queries a sequence, the last of `kv_len` positions; causal
  std::int64_t batch = 0, q_len = 0, kv_len = 0, heads = 0, kv_heads = 0, head_dim = 0, window = 0;
  double kv_bits = 16;
  bool causal = true;

  VectorOp vector = VectorOp::add;  // elementwise
  bool eager = false;               // as the several kernels of a framework without fusion
  std::int64_t rows = 0, width = 0;

  // moe: a gated MLP of three matrices an expert; `experts` and `inter` before sharding
  std::int64_t tokens = 0, hidden = 0, inter = 0, topk = 0, experts = 0, tensor_shards = 1,
               expert_shards = 1;
  double skew = 0;  // exponent of the power law that tokens follow over experts; 0: uniform
};

// The board's memory as a kernel sees it.
struct MemoryView {
  Bandwidth peak;    // of the pins
  Bandwidth stream;  // that long reads sustain
  Time latency{};    // of a read of a closed row, idle memory
  // What a run of reads gets from the exact channel: measured when it is asked for.
  std::function<Bandwidth()> measured{};
  std::optional<EnergyPerByte> energy{};  // activates of a stream and the interface included
  std::optional<Power> standing{};        // all channels, clocks running
  bool behind_cache = false;              // a system cache of all units lies in between
};

struct KernelAnswer {
  std::string refusal;  // why it cannot run; empty when it can
  Time time;
  Time roofline;  // data-sheet peak and bandwidth, nothing else
  Energy energy;  // dynamic and standing, of the unit and its memory
  Ops ops;        // that the operator needs
  Bytes bytes;    // least traffic with memory
  std::string bound;
  std::string mapping;
  double share_of_peak = 0;  // ops over time over the peak of the type
  double cycles = 0;         // of the unit's clock; nought where the kind does not count them
};

}  // namespace joulesim::hw
