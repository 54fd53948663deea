#include "hw/component/compute_unit.hpp"

#include <fmt/format.h>

namespace joulesim::hw {

KernelAnswer ComputeUnit::answer(const KernelRequest& /*request*/, const MemoryView& /*memory*/,
                                 const RuntimeSpec& /*runtime*/) const {
  KernelAnswer answer;
  answer.refusal = fmt::format("'{}' has no model of single kernels", name());
  return answer;
}

}  // namespace joulesim::hw
