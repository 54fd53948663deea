// A scenario's model over its devices: cut where it can be, refused with every reason where not.
#pragma once

#include "sim/engine/prepare.hpp"

namespace joulesim::engine {

// Leaves in `prepared` what one device holds. Throws InputError when the model does not divide, the
// device has no link, or the scenario asks for what several devices do not do.
void share_out(Prepared& prepared);

// What the devices exchange in a step.
StepReduces reduces_of(const Prepared& prepared, const PlannedStep& step);

}  // namespace joulesim::engine
