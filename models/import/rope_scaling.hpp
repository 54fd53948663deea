// Rotary frequencies stretched for longer contexts, as config.json files ask for it.
//
// Models:     "linear", "llama3", "yarn" and "longrope" (its factors for contexts up to the
//             original one).
// Checked by: tests/unit/models_families.cpp
#pragma once

#include "models/arch/model_spec.hpp"
#include "models/import/config_json.hpp"

#include <vector>

namespace joulesim::models {

// What each frequency is divided by; empty when nothing is asked for. Sets spec.rope_magnitude and
// spec.attention_scale where the rule changes them.
std::vector<float> scale_rope(const ConfigJson& config, ModelSpec& spec);

}  // namespace joulesim::models
