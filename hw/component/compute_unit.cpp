#include "hw/component/compute_unit.hpp"

#include <fmt/format.h>

namespace joulesim::hw {

TileProgram ComputeUnit::lower_before(const MemoryView& /*memory*/, const Work& work,
                                      std::size_t index, const RuntimeSpec& runtime) const {
  return lower(work, index, runtime);
}

KernelAnswer ComputeUnit::answer(const KernelRequest& /*request*/, const MemoryView& /*memory*/,
                                 const RuntimeSpec& /*runtime*/) const {
  KernelAnswer answer;
  answer.refusal = fmt::format("'{}' has no model of single kernels", name());
  return answer;
}

}  // namespace joulesim::hw
