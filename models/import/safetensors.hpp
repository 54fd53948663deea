// The safetensors container: a JSON directory, then raw row-major data.
//
// Models:     F32, F16 and BF16 tensors of any rank, taken as matrices whose columns are the last
// dimension. Leaves out: all other element types, which are refused by name. Checked by:
// tests/oracle/models_stories.cpp, tests/unit/models_containers.cpp
#pragma once

#include "models/import/mapped_file.hpp"
#include "models/import/model.hpp"

#include <map>
#include <memory>
#include <string>

namespace joulesim::models {

// Adds the file's tensors, by their own names. Throws InputError about `path`.
void read_safetensors(const std::string& path, std::map<std::string, WeightMatrix>& tensors);

}  // namespace joulesim::models
