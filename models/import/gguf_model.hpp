// What the parts of a GGUF model's reader share.
//
// Checked by: tests/unit/models_gguf.cpp, tests/unit/models_families.cpp
#pragma once

#include "models/import/gguf.hpp"
#include "models/import/gguf_values.hpp"
#include "models/import/placing.hpp"

#include <optional>
#include <string>

namespace joulesim::models {

// An id of a token beyond `vocab` counts as none.
TokenTable read_gguf_tokens(GgufValues& values, std::int64_t vocab);

// Dimensions and choices by "general.architecture"; faults go to `values`. The divisors of rotary
// frequencies, where the file asks for some by numbers, are the second.
struct GgufSpec {
  ModelSpec spec;
  std::vector<float> rope_divisors;
};
GgufSpec read_gguf_spec(const GgufFile& gguf, GgufValues& values);

// Our name of a tensor in a file of this architecture.
std::optional<TheirTensor> gguf_name(const std::string& architecture, const std::string& name,
                                     const ModelSpec& spec);

}  // namespace joulesim::models
