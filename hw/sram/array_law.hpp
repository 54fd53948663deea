// What an SRAM array costs by its size, the width of its port and its node: one law for all parts
// that state no figures of their own.
//
// Data: CACTI 7, 22 nm, low operating power ("itrs-lop"), one bank with one port, 350 K, 8 KiB to
// 8 MiB at 64 and 256 bits (the table is in tests/oracle/array_law.cpp). Least squares in
// logarithms over all twelve rows; every row is met within 13 %:
//   read    1.24 pJ (S / 8 KiB)^0.504 (b / 64)^(0.461 + 0.0635 ln(S / 8 KiB))
//   write   1.04 pJ (S / 8 KiB)^0.507 (b / 64)^(0.932 - 0.0130 ln(S / 8 KiB))
//   access  0.249 ns + 0.0489 ns (S / KiB)^0.5       leakage  0.212 mW a KiB
// Energy at another node is energy at 22 nm times (node / 22 nm)^0.47: an assumption, with a range
// of 0.6 to 1.6 around it; it stands for supply and capacitance together and gives one half at 5
// nm. Wire from array to user: 70 fJ/bit/mm, assumed, 60 to 80 at 7 to 5 nm.
//
// Leaves out:  nodes above 22 nm, several ports, error correction, tags.
// Checked by:  tests/oracle/array_law.cpp.
#pragma once

#include "sim/base/config.hpp"
#include "sim/base/quantity.hpp"

namespace joulesim::hw {

struct ArrayCost {
  Energy read, write;  // one access of the port's width
  Time access;
  Power leakage;
};

// At 22 nm.
ArrayCost array_cost(Bytes size, Bytes port);
// Energy at a node relative to 22 nm; the node in nm, 2 to 22.
double node_energy(double nanometres);

struct SramLawFigures {
  Sourced<EnergyPerByte> read, write;
  Sourced<Power> leakage, retention;
};

// The table [energy.law] of a part of `capacity`: `bank`, `port`, `node` (nm), `wire` (mm),
// `leakage` and `retention` (shares of what the law gives at 22 nm and 350 K).
SramLawFigures read_array_law(const ConfigNode& law, Bytes capacity);

}  // namespace joulesim::hw
