// What operands of a graph are to a multiplier, and works of kernels that merge several operators.
//
// Models:      the type that an element is multiplied in, and products that share their input as
//              one, with the arithmetic around them.
// Leaves out:  which kernels a software stack has (models/graph/passes.hpp makes them).
// Checked by:  tests/unit/mapping.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "models/graph/cost.hpp"
#include "sim/mapping/placement.hpp"

#include <optional>

namespace joulesim::mapping {

// Nothing for elements that no multiplier takes as they are.
std::optional<hw::DataType> plain_type(models::Element element);

// The multiplier's type follows the activations: narrower weights are unpacked to it. Only ternary
// weights against int8 activations have a datapath of their own where the unit offers one.
hw::DataType multiplier(models::Element weight, models::Element activation,
                        const hw::ComputeUnit& unit);

// Sets what a fused operator does; bytes are its caller's business.
void describe_fused(const models::OperatorGraph& graph, const models::Op& op,
                    const models::OpCost& cost, const hw::ComputeUnit& unit,
                    const hw::RuntimeSpec& runtime, hw::Work& work);

// Activations that are too many for half of the unit's own memory come from and go to a tier.
// An image's operators: stacks that compile the whole graph pass images on by rows, so that what a
// kernel covers must fit the unit's memory; what no operator made comes from memory.
void add_image_streams(const models::OperatorGraph& graph, const models::Op& op,
                       const models::OpCost& cost, const Placement& placement,
                       const hw::ComputeUnit& unit, const hw::RuntimeSpec& runtime, hw::Work& work);
void add_activation_streams(const models::OpCost& cost, const Placement& placement,
                            const hw::ComputeUnit& unit, hw::Work& work);

}  // namespace joulesim::mapping
