// All kinds of components, listed by explicit calls.
#pragma once

#include "hw/component/registry.hpp"

namespace joulesim::hw {

Registry make_registry();

}  // namespace joulesim::hw
