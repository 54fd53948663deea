// How GGUF files name and arrange the weights of each architecture, for writing them.
//
// Checked by: tests/unit/models_gguf_families.cpp (files of every architecture read back)
#pragma once

#include "models/arch/model_spec.hpp"

#include <string>

namespace joulesim::models {

struct GgufLayout {
  std::string architecture = "llama";
  bool fused_qkv = false;      // one matrix of queries, keys and values
  bool fused_gate_up = false;  // one of gate and up
  bool adjacent = true;        // rotary pairs lie side by side
};

// Throws InputError for an architecture that is not written.
GgufLayout gguf_layout(const std::string& architecture);

// Throws InputError for a weight that the architecture does not have.
std::string gguf_weight_name(const GgufLayout& layout, const ModelSpec& spec,
                             const std::string& ours);

}  // namespace joulesim::models
