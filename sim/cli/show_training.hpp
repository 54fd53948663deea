// What a training step of a model costs, as it is and in the ways that save memory.
#pragma once

#include "models/arch/model_spec.hpp"
#include "sim/cli/commands.hpp"

namespace joulesim::cli {

void show_training(const Common& common, const models::ModelSpec& spec);

}  // namespace joulesim::cli
