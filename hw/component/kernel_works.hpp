// A single operator as the works of a step, and its answer from a unit's own tile programs: for
// units that have no finer model of single kernels.
//
// Models:      products, attention, experts and vector operators as works whose operands all lie in
//              memory; time as the larger of computing and moving, after the start and before the
//              drain; energy of the unit's causes, its standing power and the memory's.
// Leaves out:  overlap with neighbours, caches.
// Checked by:  tests/timing/npu_arrays.cpp, tests/timing/other_units.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"

#include <optional>
#include <string>
#include <vector>

namespace joulesim::hw {

// Vector operators by name.
const std::vector<std::string>& vector_op_names();
std::optional<VectorOp> find_vector_op(const std::string& name);

// Equal works that make up the operator.
struct KernelWorks {
  Work work;
  double count = 1;
};
std::vector<KernelWorks> works_of(const KernelRequest& request);

// `clock`: of the unit, for the count of cycles; none: not counted.
KernelAnswer answer_by_works(const ComputeUnit& unit, const KernelRequest& request,
                             const MemoryView& memory, const RuntimeSpec& runtime,
                             std::optional<Frequency> clock);

}  // namespace joulesim::hw
