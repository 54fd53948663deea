// One step (a prefill or a decode of one token per sequence) as works with addresses and tile
// programs.
//
// Models:      placement of operands, activations on chip where they fit, fusion of vector work
// into its
//              neighbours where the software stack does so, the multiplier type that formats
//              ask for; products that a group of units splits.
// Leaves out:  search over units, reordering.
// Checked by:  tests/unit/mapping.cpp (bytes and operations equal the graph's own counts),
//              tests/unit/split_step.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "models/graph/graph.hpp"
#include "sim/mapping/placement.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::mapping {

// A stretch of works that is simulated, and perhaps replayed, as a whole.
struct Segment {
  std::string name;  // "before", "block", "after"
  int block = -1;
  std::size_t first = 0, count = 0;  // works
  std::uint64_t signature = 0;       // equal: same work on other addresses
  bool repeats_weights = false;      // its weights were just read by the segment before
};

// What a partner does of a product while the first unit does the rest.
struct PartnerProgram {
  std::size_t beside = 0;  // index of the first unit's program
  hw::TileProgram program;
};

struct StepPlan {
  // The segments' works, and behind them the parts of those that are split.
  std::vector<hw::Work> works;
  std::vector<hw::TileProgram> programs;  // one per work of the segments
  std::vector<PartnerProgram> partner;    // in the order of what they run beside
  std::vector<Segment> segments;
};

// `memory` is what the unit stands in front of; without one it sees what it can draw at most.
// Throws InputError when the unit refuses an operator, naming all refusals once.
StepPlan plan_step(const models::OperatorGraph& graph, const Placement& placement,
                   const hw::ComputeUnit& unit, const hw::RuntimeSpec& runtime, const Region& where,
                   const hw::MemoryView& memory = {});

}  // namespace joulesim::mapping
