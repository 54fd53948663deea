#include "hw/component/compute_unit.hpp"

#include "hw/component/kernel_works.hpp"

namespace joulesim::hw {

TileProgram ComputeUnit::lower_before(const MemoryView& /*memory*/, const Work& work,
                                      std::size_t index, const RuntimeSpec& runtime) const {
  return lower(work, index, runtime);
}

KernelAnswer ComputeUnit::answer(const KernelRequest& request, const MemoryView& memory,
                                 const RuntimeSpec& runtime) const {
  return answer_by_works(*this, request, memory, runtime, std::nullopt);
}

}  // namespace joulesim::hw
