// Structured pruning: heads, feed-forward neurons, stream channels and whole layers leave the
// model, and its matrices and graph become smaller.
//
// Models:     what goes is chosen by what it adds to the output of the matrix that reads it: the
//             mean magnitude of its inputs in a calibration text times the norm of its column, or
//             the norm alone without a text. Heads go by groups that share a key-value head, the
//             same number in every layer; layers are named by whoever asks.
//             The small model computes what the large one does with the rest masked by zeros; for
//             channels of the stream, gains and epsilon of its RMS norms are scaled to make it so.
// Leaves out: retraining.
// Checked by: tests/kernels/models_prune.cpp
#pragma once

#include "models/graph/axes.hpp"
#include "models/import/model.hpp"
#include "models/transform/input_statistics.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

struct PruneOptions {
  std::int64_t heads = 0;     // key-value groups to take from every layer
  std::int64_t neurons = 0;   // of every feed-forward
  std::int64_t channels = 0;  // of the stream
  std::vector<int> layers;    // stored layers to take out, from 0
};

struct Pruned {
  Model small;   // without what was chosen
  Model masked;  // of the old size, zeros where something was chosen; all layers still there
};

// Throws InputError when too much is asked for, or the family does not allow it.
Pruned prune(const Model& model, const PruneOptions& options,
             std::span<const std::vector<std::int32_t>> calibration);

}  // namespace joulesim::models
