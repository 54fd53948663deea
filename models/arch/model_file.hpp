// Reads a model file (models/zoo/*.toml) into a ModelSpec, with the sources of its dimensions.
//
// Checked by: tests/unit/models_zoo.cpp, tests/unit/models_arch.cpp (messages of wrong
// files).
#pragma once

#include "models/arch/model_spec.hpp"
#include "sim/base/config.hpp"

#include <optional>
#include <string>
#include <vector>

namespace joulesim::models {

// What the makers say of the finished model, for checking ours.
struct Published {
  std::int64_t parameters = 0;
  double tolerance = 0.0;  // relative; covers rounding in print
};

// What was published of the model's answers: how many of a benchmark's questions are right.
struct PublishedAccuracy {
  std::string benchmark;   // as its makers name it: "MMLU"; equal names are compared
  std::int64_t shots = 0;  // worked examples before each question
  double value = 0;        // share of right answers
  std::string weights;     // format that was judged, where it is not the file's own
  std::string source;      // title
};

struct ModelFile {
  ModelSpec spec;
  std::optional<Published> published;
  std::vector<PublishedAccuracy> accuracy;
  std::vector<Figure> figures;  // every dimension with its source
  std::string text;             // for digests
};

// Throws InputError with every fault of the file.
ModelFile read_model_file(const std::string& path);
ModelFile read_model_file(ConfigFile& file);
// Asks a file for all that a model may say; without a file of its own, for its schema.
void read_model_keys(const ConfigNode& root, ConfigFile* file, ModelFile& model);

}  // namespace joulesim::models
