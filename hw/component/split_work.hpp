// One product dealt to two units that share a memory: what each of them does of it, and the share
// at which both are done at the same time.
//
// Models:      a cut by columns of the output (each unit reads its own weights, both read all
//              inputs) or by rows (each reads all weights and its own inputs); operands stay where
//              they lie, the second unit's part behind the first one's. A balanced share is found
//              by bisection over both units' own programs: the longest of computing and of moving
//              at what the unit draws, and of all bytes over what the memory gives.
// Leaves out:  cuts along k (sums would have to be added), experts, weights in scattered pieces.
// Checked by:  tests/timing/split_work.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"

#include <cstdint>
#include <functional>
#include <optional>

namespace joulesim::hw {

enum class SplitBy : std::uint8_t { columns, rows };

struct DealtWork {
  Work own, other;
};

// What a cut goes in steps of: columns of several rows of weights lie in whole lines.
std::int64_t grain_of(SplitBy by);
// Steps that a work has; none where it cannot be cut.
std::int64_t steps_of(const Work& work, SplitBy by);
// `given` columns or rows of the work to the other unit, the rest to the first.
DealtWork deal(const Work& work, SplitBy by, std::int64_t given);

// How long a program takes on its unit, in front of a memory that it has to itself.
struct ProgramTime {
  Time busy;    // start, drain, and the longer of computing and moving
  Bytes moved;  // over the memory
};
ProgramTime time_alone(const TileProgram& program, const Work& work, const ComputeUnit& unit,
                       const MemoryView& memory);

// The times of both units when the other is given so many steps.
struct DealtTime {
  ProgramTime own, other;
  // Until both are done, sharing the memory.
  [[nodiscard]] Time together(const MemoryView& memory) const;
};
// Steps for the other unit that end soonest; 0 where the first unit alone ends sooner.
std::int64_t balanced_steps(std::int64_t steps, const MemoryView& memory, Time alone,
                            const std::function<DealtTime(std::int64_t)>& at);

}  // namespace joulesim::hw
