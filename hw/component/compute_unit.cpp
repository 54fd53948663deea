#include "hw/component/compute_unit.hpp"

#include "hw/component/kernel_works.hpp"

namespace joulesim::hw {

KernelAnswer ComputeUnit::answer(const KernelRequest& request, const MemoryView& memory,
                                 const RuntimeSpec& runtime) const {
  return answer_by_works(*this, request, memory, runtime, std::nullopt);
}

}  // namespace joulesim::hw
