// Works that a software stack runs in one kernel.
//
// Models:      products of one input side by side (query, key and value; gate and up); both
//              rotations in one kernel; a residual addition inside the norm behind it.
// Leaves out:  merged weights of different formats; what scenarios merge by their own transforms.
// Checked by:  tests/unit/mapping.cpp (bytes and operations stay).
#pragma once

#include "hw/component/compute_unit.hpp"
#include "models/graph/graph.hpp"
#include "sim/mapping/placement.hpp"

#include <map>
#include <tuple>
#include <vector>

namespace joulesim::mapping {

class Merger {
 public:
  Merger(const models::OperatorGraph& graph, const Placement& placement,
         const hw::RuntimeSpec& runtime)
      : graph_(graph), placement_(placement), runtime_(runtime) {}

  // Adds `work` to one that is planned already and says so, or marks what it rides on.
  bool joins(const models::Op& op, hw::Work& work, std::vector<hw::Work>& planned);

 private:
  bool joins_product(const models::Op& op, const hw::Work& work, std::vector<hw::Work>& planned);
  void ride(const models::Op& op, hw::Work& work, std::vector<hw::Work>& planned);

  const models::OperatorGraph& graph_;
  const Placement& placement_;
  const hw::RuntimeSpec& runtime_;
  std::map<std::tuple<int, int, models::OpKind>, std::size_t>
      products_;                          // by block, input and kind
  std::map<int, std::size_t> rotations_;  // by block
  bool residual_ = false;                 // an addition was left to the next norm
};

}  // namespace joulesim::mapping
