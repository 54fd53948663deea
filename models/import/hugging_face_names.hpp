// Names of tensors in Hugging Face files, and what is done to them on the way in.
//
// Checked by: tests/unit/models_placing.cpp
#pragma once

#include "models/import/placing.hpp"

#include <optional>
#include <string>

namespace joulesim::models {

// Nothing for a name that no family has. `family` is the model type.
std::optional<TheirTensor> hugging_face_name(const std::string& family, const std::string& name);

// The same for Mamba and RWKV, without the prefix of the whole model.
std::optional<TheirTensor> recurrent_name(const std::string& family, const std::string& name);

}  // namespace joulesim::models
