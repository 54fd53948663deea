// Predictions for measured serving runs: inter-token latency, throughput, power, energy per token.
//
// Models:      a row's device, model and parallelism; a steady state at the row's mean batch.
// Leaves out:  prompts' lengths where a table does not give them: a chat prompt is taken (assumed).
// Checked by:  tests/anchors/gpu_measured.cpp.
#pragma once

#include "sim/engine/measured.hpp"

#include <string>
#include <vector>

namespace joulesim::engine {

struct ServingPrediction {
  std::string skipped;
  double itl_ms = 0, tokens_per_s = 0, power_w = 0, joule_per_token = 0;
  std::string bound;
};

std::vector<ServingPrediction> predict_serving(const Library& library, MeasuredSetting& setting,
                                               const MeasuredTable& table);
std::string serving_csv(const MeasuredTable& table,
                        const std::vector<ServingPrediction>& predictions);
void add_serving_errors(const MeasuredTable& table,
                        const std::vector<ServingPrediction>& predictions,
                        reports::Validation& into);

}  // namespace joulesim::engine
