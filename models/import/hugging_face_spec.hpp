// From a config.json to a ModelSpec, family by family.
//
// Models:     the families of the table in hugging_face_spec.cpp (and of its neighbours), with the
//             defaults that their library gives to keys that are not written.
// Leaves out: towers for pictures and sound beside a language model.
// Checked by: tests/unit/models_families.cpp, tests/oracle/models_stories.cpp
#pragma once

#include "models/arch/model_spec.hpp"
#include "models/import/config_json.hpp"

#include <vector>

namespace joulesim::models {

// `model_type` values that are known.
std::vector<std::string> hugging_face_families();

// Collects faults in the config; the spec is complete only when there are none.
ModelSpec read_hugging_face_spec(const ConfigJson& config);

// One family: reads what all share first, then its own.
using ReadFamily = void (*)(const ConfigJson& config, ModelSpec& spec);
struct Family {
  const char* type;
  ReadFamily read;
  bool tied;  // without a key "tie_word_embeddings"
};
const std::vector<Family>& gated_families();      // hugging_face_gated.cpp
const std::vector<Family>& older_families();      // hugging_face_older.cpp
const std::vector<Family>& recurrent_families();  // hugging_face_recurrent.cpp

// Shared by them: dimensions of a plain decoder, rotary positions, experts.
void read_dimensions(const ConfigJson& config, ModelSpec& spec);
void read_rope(const ConfigJson& config, ModelSpec& spec);
void read_activation(const ConfigJson& config, ModelSpec& spec, const char* fallback);
void read_reach(const ConfigJson& config, ModelSpec& spec);  // windows, layer by layer

}  // namespace joulesim::models
