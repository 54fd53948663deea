// Over all banks at once: which of the candidates may have its command first?
//
// Eight banks a step where the processor has AVX2, found out when the program starts; elsewhere,
// and on request, candidate by candidate. Both give the same answer.
//
// Models:      per bank gates and floors of its unit; half clocks, where columns and activates
// start
//              on odd ticks only and a precharge must keep off one edge of some banks.
// Checked by:  tests/unit/dram_structures.cpp (the two against each other),
//              tests/oracle/dram_ticking.cpp (whole channels on both).
#pragma once

#include "hw/dram/bank_state.hpp"

#include <cstdint>

namespace joulesim::hw {

// What is asked: three kinds of candidates, each a set of banks. Ticks count from the banks' epoch.
struct ScanAsk {
  std::uint64_t active = 0, active_writes = 0;  // activated for a column command; those that write
  std::uint64_t columns = 0;                    // column commands of one buffer
  bool write = false;
  std::uint64_t rows = 0;  // a precharge when open, else an activate
  Tick column_from = 0, row_from = 0;
  Tick odd = 0;  // 1: half clocks
  Tick pair_edge = -kNeverTick;
  std::uint64_t pair_banks = 0;        // whose precharge may not start at pair_edge
  const Tick* column_order = nullptr;  // per bank: the smaller came first
  const Tick* row_order = nullptr;
};

// The earliest tick of each kind; of buffered commands ready then the one that came first.
struct ScanAnswer {
  Tick active_at = kNeverTick, column_at = kNeverTick, row_at = kNeverTick;
  Tick column_order = kNeverTick, row_order = kNeverTick;
  int column_bank = 0, row_bank = 0;
  std::uint64_t active = 0;  // all that are ready at active_at
};

// Writes the answer of every kind that has candidates and leaves the others as they are.
using Scan = void (*)(const BankState& banks, const ScanAsk& ask, ScanAnswer& answer);

void scan_portable(const BankState& banks, const ScanAsk& ask, ScanAnswer& answer);

// The fastest of this machine for that many banks in units of that size.
Scan best_scan(int banks, int banks_per_unit);
// Whether it is a wide one.
bool wide_scan();

}  // namespace joulesim::hw
