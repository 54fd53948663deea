// Over all banks at once: which of the candidates may have its command first?
//
// Four banks a step where the processor has AVX2, chosen when the program starts; elsewhere the
// callers compare bank by bank. Both give the same answer.
//
// Checked by: tests/unit/dram_structures.cpp (against a plain loop),
// tests/oracle/dram_reference.cpp.
#pragma once

#include "hw/dram/timing.hpp"

#include <cstdint>

namespace joulesim::hw {

struct Earliest {
  Clock at = 0;             // meaningless without banks
  std::uint64_t banks = 0;  // all that are ready then
};

// Whether scans are worth calling on this machine.
bool wide_scan();

// Row commands: a candidate needs a precharge when its bank is open (not before `pre_floor`), else
// an activate. Column commands: pass the same clocks and floor twice. `n` banks, a multiple of
// four.
Earliest earliest_of(std::uint64_t candidates, std::uint64_t open, const Clock* pre,
                     Clock pre_floor, const Clock* act, Clock act_floor, int n);

}  // namespace joulesim::hw
