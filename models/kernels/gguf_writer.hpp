// Writes a model as a GGUF v3 file.
//
// Models:     fp32, fp16, bf16, q8_0 and q4_0 weights; norm gains always fp32; the token table.
//             Formats that GGUF has no type for are stored as plain bytes (type I8, one dimension),
//             with the keys joulesim.packed.{names,formats,columns,rows} to tell what they are.
// Leaves out: state-space models, encoders, latent attention and scaled rotary positions; what is
//             written as stored is a plain llama.
// Checked by: tests/kernels/models_executor.cpp, tests/unit/models_gguf_families.cpp
#pragma once

#include "models/import/model.hpp"

#include <string>
#include <vector>

namespace joulesim::models {

// Weights are re-encoded in `format`; throws InputError when it cannot be encoded, when a row is no
// whole number of its blocks, or when the architecture has no name for a weight. The architecture
// is the one that the model is: what it fixes without saying so is not written.
std::vector<std::byte> gguf_bytes(const Model& model, const Format& format,
                                  const std::string& architecture = "llama");

// Every weight in the format that it has.
std::vector<std::byte> gguf_bytes_as_stored(const Model& model);

}  // namespace joulesim::models
