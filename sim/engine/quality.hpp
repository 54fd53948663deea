// The [quality] section of a scenario: what arithmetic does to what the model says, beside the
// joules.
//
// Models:     each datapath on the model file's weights against fp32, on given tokens with a greedy
//             continuation, or on a text, whose perplexity is measured too.
// Leaves out: weights in another format than the file's (a quantised file is a model of its own).
// Checked by: tests/unit/engine_gguf.cpp
#pragma once

#include "models/kernels/quality.hpp"
#include "sim/base/config.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::engine {

struct QualityWish {
  std::string file;  // a model file with weights
  std::string text;  // a text file, or empty: then tokens
  std::vector<std::int64_t> tokens;
  std::int64_t greedy = 0;
  std::int64_t window = 0;  // of the text; 0: the model's context
  std::vector<std::string> datapaths;
};

// How far a modelled datapath is from the float reference.
struct QualityRun {
  std::string datapath;
  models::Comparison comparison;
  std::optional<double> perplexity, reference_perplexity;  // on a text
};

// `model` is the scenario's own model file, or empty; names are relative to the scenario's folder.
QualityWish read_quality(const ConfigNode& node, const std::string& scenario_path,
                         const std::string& model);

std::vector<QualityRun> judge(const QualityWish& wish);

}  // namespace joulesim::engine
