// Predictions for published end-to-end figures: a row's device, model, bits, stack and lengths make
// a scenario; the engine's analytic level answers it.
//
// Models:      prefill of a batch, decode over the answer's contexts, serving at a steady batch
//              (serving_step), energy by boundary (accelerator boards, whole device, wall), weights
//              and cache in memory, loading and building, several devices as shards of each layer
//              (with all-reduces) or as layers in turn.
// Leaves out:  accuracy scores, training, fleets, grids, ratios between two systems: such rows are
//              skipped and say so.
// Checked by:  tests/anchors/published.cpp.
#pragma once

#include "sim/engine/library.hpp"
#include "sim/engine/published_rows.hpp"

#include <string>
#include <vector>

namespace joulesim::engine {

struct PublishedPrediction {
  std::string skipped;       // why there is no prediction
  double value = 0;          // in the row's own unit
  double naive = 0;          // weights over the data sheet's bandwidth or operations over its peak
  std::string device_class;  // "phone gpu", "server gpu", …
  std::string group;         // metrics that are judged together: "decode", "prefill", …
  std::string stack;         // part that was taken for the software
  std::string bound, mapping;  // of the longest operator
  std::string assumptions;     // lengths that the row does not give, boundaries taken
};

// One per row, in order.
std::vector<PublishedPrediction> predict_published(const Library& library,
                                                   const std::vector<PublishedRow>& rows);

}  // namespace joulesim::engine
