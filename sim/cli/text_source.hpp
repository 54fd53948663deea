// Model files with their token tables, and the texts that they are calibrated and judged on.
#pragma once

#include "models/import/model.hpp"
#include "sim/cli/commands.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::cli {

// A model file; the table of a llama2.c checkpoint is read where one is named.
models::Model load_for_text(const std::string& path, const TextArguments& arguments);

struct Text {
  std::vector<std::vector<std::int32_t>> windows;
  std::string
      description;  // "story.txt", "64 sequences of 128 tokens that the model wrote (seed 1)"
};

// The file's text in windows, or without a file what the model writes. Throws InputError for a text
// that cannot be read or is too short.
Text text_of(const models::Model& model, const std::string& file, const TextArguments& arguments,
             std::uint64_t seed);

}  // namespace joulesim::cli
