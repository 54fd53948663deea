#include "hw/catalog.hpp"

#include "hw/battery/battery.hpp"
#include "hw/cpu/cpu_cluster.hpp"
#include "hw/display/display.hpp"
#include "hw/dram/part.hpp"
#include "hw/flash/flash.hpp"
#include "hw/flash/storage_system.hpp"
#include "hw/gpu/simt_gpu.hpp"
#include "hw/link/link.hpp"
#include "hw/lpu/lpu_pipeline.hpp"
#include "hw/neuro/event_cores.hpp"
#include "hw/npu/systolic_npu.hpp"
#include "hw/pim/pim_banks.hpp"
#include "hw/power/power.hpp"
#include "hw/quantum/quantum_estimate.hpp"
#include "hw/runtime/runtime.hpp"
#include "hw/sram/sram.hpp"

namespace joulesim::hw {
namespace {

template <class Spec>
ComponentKind kind_of(std::string model, std::string role, std::string description) {
  return {std::move(model), std::move(role), std::move(description),
          [](const ConfigNode& part) { (void)Spec::from(part); }, nullptr};
}

}  // namespace

Registry make_registry() {
  Registry registry;
  registry.add(kind_of<DramPart>(
      "dram", "memory", "DRAM channel: banks, rows, timing gates, refresh, energy per command"));
  registry.add(kind_of<FlashSpec>(
      "flash", "storage", "flash store: channels, dies, planes, pages, controller, host link"));
  registry.add(kind_of<StorageSystemSpec>(
      kStorageSystemModel, "storage_system",
      "an operating system's way from a store to memory: calls, faults, copies, page cache"));
  registry.add(kind_of<SramSpec>("sram", "cache",
                                 "on-chip memory: residency, bandwidth, energy per byte, leakage"));
  registry.add(unit_kind<SystolicNpu, SystolicNpuSpec>(
      "neural processing unit: systolic arrays, scratchpad, double-buffered DMA"));
  registry.add(unit_kind<LpuPipeline, LpuSpec>(
      "chips of SRAM in a pipeline: compiled schedule, chip-to-chip links"));
  registry.add(unit_kind<PimBanks, PimSpec>(
      "multipliers at DRAM banks, driven by the memory's own commands"));
  registry.add(unit_kind<EventCores, EventCoresSpec>(
      "neuromorphic chips: event-driven cores with their synapses in SRAM"));
  registry.add(unit_kind<QuantumEstimate, QuantumSpec>(
      "bound on a quantum computer: input, output and gate rates of logical qubits"));
  registry.add(unit_kind<SimtGpu, SimtGpuSpec>(
      "GPU: thread-block tiles in waves over streaming multiprocessors, L2"));
  registry.add(unit_kind<CpuCluster, CpuClusterSpec>("CPU cores with SIMD units and caches"));
  registry.add(kind_of<DisplaySpec>("display", "display",
                                    "display: panel power and paced reads of the frame buffer"));
  registry.add(kind_of<BatterySpec>("battery", "battery",
                                    "battery: voltage curve, resistance, usable energy"));
  registry.add(kind_of<LinkSpec>("link", "link", "point-to-point link: rate, latency, energy"));
  registry.add(kind_of<SupplySpec>("supply", "supply", "regulators: losses per rail"));
  registry.add(kind_of<BaseLoadSpec>("base_load", "rest", "everything else that draws power"));
  registry.add({kRuntimeModel, "runtime", "software stack: launch cost, fusion, prefetch",
                [](const ConfigNode& part) { (void)runtime_from(part); }, nullptr});
  return registry;
}

}  // namespace joulesim::hw
