// The interface of plug-ins: shared libraries that bring kinds of compute units of their own,
// loaded by `joulesim --plugin FILE.so`. The one header that a plug-in includes; worked example:
// tests/plugin/dot_engine.cpp.
//
// What a plug-in is: a class derived from ComputeUnit, a description of it that is read from a part
// file, and a function that adds the kind to a registry:
//
//   struct MyUnitSpec { static MyUnitSpec from(const ConfigNode& part); };   // reads every key
//   class MyUnit : public ComputeUnit { static constexpr const char* kModel = "my_unit"; … };
//   void add_kinds(hw::Registry& kinds) {
//     kinds.add(hw::unit_kind<MyUnit, MyUnitSpec>("one sentence that `list components` shows"));
//   }
//   JOULESIM_PLUGIN(add_kinds)                                               // outside namespaces
//
// What a kind answers (compute_unit.hpp):
//   refusal         why it cannot run a work; nothing if it can. Scenarios whose operators are
//                   refused are wrong input, all of them named at once.
//   lower           a work as a tile program: runs of equal tiles, each with the bytes that it
//                   loads and stores of the work's streams, picoseconds of computing, and joules by
//                   cause. Pure: the same work gives the same program. Loads, memories, overlap and
//                   contention are simulated by the engine, not by the kind.
//   causes          names of its energies, in the order of TileRun::joules. Memories book their own
//                   energy, the engine books idle_power and active_power: neither belongs here.
//   peak, types     for rooflines and for the choice of the multiplier's type
//   local_memory    activations that fit there are not moved (their streams have tier -1)
//   port_bandwidth, tile_buffers   how fast and how far ahead the engine loads for it
//   at_corner, scaled              the same unit with ranges at an end, or made faster: uncertainty
//                                  and bottlenecks come from simulating these
//
// Helpers:     Arithmetic (rates and energies by type), spread and cheapest_passes (tiling.hpp),
//              EnergyCause::of, move_to_corner.
// Units:       quantities are types in SI units (sim/base/quantity.hpp); `_ps` are whole
//              picoseconds, joules are J, Work's bits are bits. Peaks and energies per operation
//              count a MAC as two.
// Errors:      `from` reports what is wrong with a part by ConfigNode::error, at the key, and goes
//              on; reading has required keys, units and sources checked already. What is thrown
//              later, and a program that moves what its work does not have or has figures that are
//              negative or not finite, ends the run as wrong input that names the plug-in. A
//              plug-in is code that runs with the program's rights, and may not write to the
//              standard streams.
// Leaves out:  kinds that are no compute units; unloading.
// Checked by:  tests/plugin/plugin.cpp.
#pragma once

#include "hw/component/arithmetic.hpp"
#include "hw/component/compute_unit.hpp"
#include "hw/component/registry.hpp"
#include "hw/component/tiling.hpp"

#include <cstddef>
#include <cstdint>

namespace joulesim::hw {

// Raised with every change of what the headers included here declare.
inline constexpr std::int32_t kPluginInterface = 1;

// Sizes of what crosses the interface: differs when a plug-in saw other headers or another standard
// library than the program, whatever its interface says.
constexpr std::uint64_t plugin_layout() {
  std::uint64_t layout = 14695981039346656037ULL;
  for (const std::size_t size :
       {sizeof(Work), sizeof(DataStream), sizeof(TileProgram), sizeof(TileRun), sizeof(RuntimeSpec),
        sizeof(KernelRequest), sizeof(KernelAnswer), sizeof(MemoryView), sizeof(EnergyCause),
        sizeof(Arithmetic), sizeof(ComponentKind), sizeof(Registry), sizeof(ConfigNode),
        sizeof(Sourced<double>), sizeof(std::string)}) {
    layout = (layout ^ size) * 1099511628211ULL;
  }
  return layout;
}

// What the program looks for in the library. `interface` stays first in all interfaces.
struct PluginDescription {
  std::int32_t interface = 0;
  std::uint64_t layout = 0;
  void (*add_kinds)(Registry& kinds) = nullptr;
};
inline constexpr const char* kPluginSymbol = "joulesim_plugin";

}  // namespace joulesim::hw

extern "C" {
__attribute__((visibility("default"))) extern const joulesim::hw::PluginDescription joulesim_plugin;
}

// Describes the library; once in it, outside all namespaces.
#define JOULESIM_PLUGIN(add_kinds)                       \
  const joulesim::hw::PluginDescription joulesim_plugin{ \
      joulesim::hw::kPluginInterface, joulesim::hw::plugin_layout(), &(add_kinds)};
