// How far a strided access pattern slows a banked memory down.
//
// Lines of `width` bytes are dealt out to the banks in turn; each bank serves one line per clock.
// Elements `stride` apart fall on  banks / gcd(stride / width, banks)  different banks, so a group
// of as many elements as there are banks takes gcd(…) clocks instead of one.
//
// Models:      low-order interleaving, one stride, elements no wider than a bank's line.
// Leaves out:  several streams at once, hashed bank indices, writes that collide with reads.
// Checked by:  tests/unit/platform_sram.cpp (against counting the clocks of every bank).
#pragma once

#include "hw/sram/sram.hpp"
#include "sim/base/quantity.hpp"

namespace joulesim::hw {

// 1: no conflicts; `banks`: every element falls on the same bank. A stride of zero reads one line.
[[nodiscard]] int conflict_factor(const SramSpec& spec, Bytes stride);

// Bytes per second of elements of `element` bytes, `stride` apart, each a line access of its own
// unless the elements are contiguous.
[[nodiscard]] Bandwidth strided_bandwidth(const SramSpec& spec, Bytes element, Bytes stride);

}  // namespace joulesim::hw
