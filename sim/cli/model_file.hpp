// Writing a changed model, so that what is read back is the same model.
#pragma once

#include "models/import/model.hpp"

#include <string>

namespace joulesim::cli {

// Writes a GGUF file as a plain llama's. Reads it back first, and computes a few tokens with both:
// throws InputError, and leaves nothing, when a plain llama's file cannot say what this model does.
void write_model(const models::Model& model, const std::string& path);

}  // namespace joulesim::cli
