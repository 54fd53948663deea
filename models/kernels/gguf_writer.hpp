// Writes a llama-family model as a GGUF v3 file.
//
// Models:     fp32, fp16, bf16, q8_0 and q4_0 weights; norm gains always fp32; the token table.
//             Formats that GGUF has no type for are stored as plain bytes (type I8, one dimension),
//             with the keys joulesim.packed.{names,formats,columns,rows} to tell what they are.
// Leaves out: other architectures.
// Checked by: tests/kernels/models_executor.cpp
#pragma once

#include "models/import/model.hpp"

#include <string>
#include <vector>

namespace joulesim::models {

// Weights are re-encoded in `format`; throws InputError when it cannot be encoded, when a row is no
// whole number of its blocks, or when the model is no plain llama.
std::vector<std::byte> gguf_bytes(const Model& model, const Format& format);

// Every weight in the format that it has.
std::vector<std::byte> gguf_bytes_as_stored(const Model& model);

}  // namespace joulesim::models
