// Hugging Face model folders: config.json, and one or several safetensors files.
//
// Models:     model types llama, mistral, qwen2 and qwen3 with weights; mixtral, qwen3_moe and
// phimoe by
//             their dimensions; rotary scaling of type "llama3".
// Leaves out: quantised checkpoints, other rotary scalings, fused matrices.
// Checked by: tests/oracle/models_stories.cpp, tests/unit/models_containers.cpp
#pragma once

#include "models/import/model.hpp"

#include <string>

namespace joulesim::models {

// Both throw InputError with every fault found.
ModelSpec spec_from_hugging_face(const std::string& config_path);
Model model_from_hugging_face(const std::string& folder);

}  // namespace joulesim::models
