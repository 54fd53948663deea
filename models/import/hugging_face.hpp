// Hugging Face model folders: config.json, one or several safetensors files, and tokenizer.json.
//
// Models:     the families of hugging_face_spec.hpp, by dimensions alone or with weights.
// Leaves out: quantised checkpoints.
// Checked by: tests/oracle/models_stories.cpp, tests/unit/models_containers.cpp,
//             tests/unit/models_families.cpp
#pragma once

#include "models/import/model.hpp"

#include <string>

namespace joulesim::models {

// Both throw InputError with every fault found.
ModelSpec spec_from_hugging_face(const std::string& config_path);
Model model_from_hugging_face(const std::string& folder);

}  // namespace joulesim::models
