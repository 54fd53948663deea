// Published training runs: time, device hours and carbon of so many tokens.
//
// Models:     a forward pass of one sequence by the engine, the way back and what it repeats by
//             operations (models/graph/training), shards of every layer where one device does not
//             hold the model; a share of the time for exchange between replicas, optimiser,
//             checkpoints and restarts; carbon at the boards' power limit and a mean grid.
// Leaves out: overlap of exchanges, pipelines, other precisions than 16 bits.
// Checked by: tests/anchors/published.cpp.
#pragma once

#include "sim/engine/published_rows.hpp"
#include "sim/engine/published_run.hpp"

#include <optional>
#include <string>

namespace joulesim::engine {

struct TrainingAnswer {
  std::string refusal;
  double si =
      0;  // seconds (of one device, or of all where the metric says hours of devices), grams
  std::string bound;
};

// `request` names machine, model and stack; `limit` is the board's power limit.
TrainingAnswer answer_training(PublishedRunner& runner, const PublishedRow& row,
                               PublishedRequest request, std::optional<Power> limit);

}  // namespace joulesim::engine
