// Small random models from a seed, so that tests and examples need no file.
//
// Models:     a ModelSpec's weights drawn evenly from ±sqrt(3 / columns) (unit variance out of unit
// variance
//             in), gains from 0.5 to 1.5; the same bits on every machine.
// Leaves out: meaning.
// Checked by: tests/kernels/models_executor.cpp
#pragma once

#include "models/import/model.hpp"

#include <cstdint>

namespace joulesim::models {

// A llama of 3 layers, hidden 64, 4 heads on 2 key-value heads, feed-forward 96, vocabulary 128.
ModelSpec small_llama();

// Every weight that the graph of `spec` needs, in fp32.
Model random_model(const ModelSpec& spec, std::uint64_t seed);

}  // namespace joulesim::models
