// A model with its weights in fewer bits.
//
// Models:     the linear layers of all blocks to nearest, by GPTQ with a calibration text, or to
//             -1, 0, 1 times their mean magnitude (BitNet); embedding and head as they are or to
//             nearest in a format of their own. Each block is calibrated on what the blocks before
//             it give once they are rounded.
// Leaves out: training with rounded weights; experts under GPTQ (refused).
// Checked by: tests/kernels/models_quantise.cpp, tests/oracle/models_gptq.cpp
#pragma once

#include "models/import/model.hpp"
#include "models/transform/rounding.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

enum class Method : std::uint8_t { kNearest, kGptq, kTernary };

struct QuantiseOptions {
  Method method = Method::kNearest;
  int bits = 4;            // 2, 3, 4, 5, 6 or 8
  std::int64_t group = 0;  // elements of a row that share a scale; 0 = the whole row
  bool zero_point = false;
  RoundingOptions rounding;
  bool in_turn = true;  // GPTQ: layers of a block see the inputs that those before them, rounded,
                        // give; else all of a block are calibrated at once, four times as fast
  std::optional<Format> embedding;  // also of the head
};

// "rtn", "gptq", "ternary"; throws InputError with the nearest.
Method find_method(const std::string& name);
std::vector<std::string> method_names();
std::string_view name_of(Method method);

// The format that the options ask for, before GGUF's own types take its place where they fit.
Format format_of(const QuantiseOptions& options);

using Sequences = std::vector<std::vector<std::int32_t>>;

// `calibration` is read by GPTQ alone. `progress` hears how many of how many blocks are done.
// Throws InputError for GPTQ without a text, and for what has no such format.
Model quantise(const Model& model, const QuantiseOptions& options, const Sequences& calibration,
               const std::function<void(std::int64_t, std::int64_t)>& progress = nullptr);

// Whether quantise() changes a weight of this name: a matrix of a block, but no router.
bool is_linear_weight(const std::string& name, Shape shape);

}  // namespace joulesim::models
