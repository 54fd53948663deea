// How far a strided access pattern slows a banked memory down.
//
// Lines of `width` bytes are dealt out to the banks in turn; each port of a bank serves one line
// per clock. Elements `stride` apart fall on  banks / gcd(stride / width, banks)  different banks,
// so a group of as many elements as there are banks takes gcd(…) / ports clocks instead of one.
//
// Models:      low-order interleaving; one stride, or any group of addresses at once, of which
//              those in one line are served together.
// Leaves out:  hashed bank indices, ports that only read or only write.
// Checked by:  tests/unit/platform_sram.cpp (against counting the clocks of every bank).
#pragma once

#include "hw/sram/sram.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <span>

namespace joulesim::hw {

// 1: no conflicts; `banks`: every element falls on the same bank. A stride of zero reads one line.
[[nodiscard]] int conflict_factor(const SramSpec& spec, Bytes stride);

// Clocks that a group of accesses asked for at once takes: the longest queue at a bank over its
// ports. Addresses in the same line are one access.
[[nodiscard]] std::uint64_t group_clocks(const SramSpec& spec,
                                         std::span<const std::uint64_t> addresses);

// Bytes per second of elements of `element` bytes, `stride` apart, each a line access of its own
// unless the elements are contiguous.
[[nodiscard]] Bandwidth strided_bandwidth(const SramSpec& spec, Bytes element, Bytes stride);

}  // namespace joulesim::hw
