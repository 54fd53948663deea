#include "hw/gpu/gpu_spec.hpp"

#include <algorithm>
#include <memory>

namespace joulesim::hw {
namespace {

MatrixIssue issue_of(const std::string& name) {
  return name == "warp"            ? MatrixIssue::warp
         : name == "warpgroup"     ? MatrixIssue::warpgroup
         : name == "tensor_memory" ? MatrixIssue::tensor_memory
                                   : MatrixIssue::lanes;
}

TileCopy copy_of(const std::string& name) {
  return name == "async" ? TileCopy::async : name == "bulk" ? TileCopy::bulk : TileCopy::registers;
}

// Clocks, schedulers, register files and the crossbar of an SM that has work, in vector operations
// a cycle. Set on one serving run's power (H100, 8B model, batch 8 to 691), global for all chips.
constexpr double kCycleOps = 900;
// Boards with a low limit run their SMs at a lower voltage.
constexpr double kMostOfLimit = 0.4;

Sourced<Power> active_power_of(const SimtGpuSpec& spec) {
  Sourced<Power> active;
  active.value = Power(std::min(static_cast<double>(spec.sms) * spec.clock.value.si() * kCycleOps *
                                    spec.vector_energy.value.si(),
                                kMostOfLimit * spec.limit.value.si()));
  constexpr double kRange = 0.3;
  active.low = active.value * (1 - kRange);
  active.high = active.value * (1 + kRange);
  Source source;
  source.id = "active";
  source.kind = "assumed";
  source.title = "Power of active SMs, crossbar and clocks";
  source.detail =
      "the energy of so many vector operations a clock and SM, one number for all chips";
  active.source = std::make_shared<const Source>(std::move(source));
  return active;
}

}  // namespace

SimtGpuSpec SimtGpuSpec::from(const ConfigNode& part) {
  SimtGpuSpec spec;
  spec.part = part.text("part");
  spec.title = part.text("title");
  const ConfigNode sm = part.table("sm");
  spec.sms = sm.whole("count", 1, 1 << 16);
  spec.clock = sm.figure<Frequency>("clock");
  spec.shared_memory = sm.figure<Bytes>("shared_memory");
  spec.registers = sm.figure<Bytes>("registers");
  spec.threads = sm.whole("threads", 1, 1 << 16);
  spec.blocks = sm.whole("blocks", 1, 1 << 10);
  spec.shared_memory_energy = sm.figure<EnergyPerByte>("shared_memory_energy");
  if (sm.has("peak")) {
    // There to be cross-checked by its own `equals`.
    (void)sm.figure<FlopRate>("peak");
    (void)sm.figure_if<Flops>("tensor_rate");
    (void)sm.figure_if<Flops>("lane_rate");
    (void)sm.figure_if<Frequency>("rated_clock");
  }
  const ConfigNode matrix = part.table("matrix");
  spec.issue = issue_of(matrix.choice("issue", {"lanes", "warp", "warpgroup", "tensor_memory"}));
  if (const auto ratio = matrix.count_if("narrow_sums")) {
    spec.narrow_sums = ratio->value;
  }
  spec.copy = copy_of(matrix.choice("copy", {"registers", "async", "bulk"}));
  spec.arithmetic = Arithmetic::from(part);
  const ConfigNode vector = part.table("vector");
  spec.vector_ops_per_cycle = vector.count("ops_per_cycle");
  spec.exponentials_per_cycle = vector.count("exponentials_per_cycle");
  spec.vector_energy = vector.figure<EnergyPerOp>("energy");
  spec.control_energy = part.table("control").figure<EnergyPerOp>("energy");
  const ConfigNode l2 = part.table("l2");
  spec.l2 = l2.figure<Bytes>("capacity");
  spec.l2_bandwidth = l2.figure<Bandwidth>("bandwidth");
  spec.sm_port = l2.figure<Bytes>("sm_port");
  spec.l2_latency = l2.figure<Time>("latency");
  spec.l2_energy = l2.figure<EnergyPerByte>("energy");
  // A chip without a memory-side cache behind its L2 needs neither: the memory is the limit.
  spec.port = l2.figure_if<Bandwidth>("fill_bandwidth").value_or(spec.l2_bandwidth);
  spec.memory = l2.figure_if<Bandwidth>("memory_bandwidth").value_or(spec.port);
  spec.memory_latency = part.table("memory").figure<Time>("latency");
  spec.block_start = sm.figure_if<Time>("block_start").value_or(spec.memory_latency);
  const ConfigNode power = part.table("power");
  spec.idle = power.figure_or_zero<Power>("idle");
  spec.limit = power.figure<Power>("limit");
  spec.active = power.figure_if<Power>("active").value_or(active_power_of(spec));
  return spec;
}

}  // namespace joulesim::hw
