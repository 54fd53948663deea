// Low-rank adapters as weights: drawn for tests, and merged into the matrices that they adapt.
//
// Models:     W + scale * B A, in double, rounded once to fp32 (models/graph/passes.hpp attaches
//             the operators).
// Leaves out: training; merging into a narrower format than fp32 (quantise afterwards).
// Checked by: tests/kernels/models_prune.cpp
#pragma once

#include "models/import/model.hpp"

#include <cstdint>

namespace joulesim::models {

// Adds an adapter of `rank` for every block matrix whose name ends with one of `layers`
// ("attn.query"), A and B drawn evenly.
Model with_random_adapters(const Model& model, std::int64_t rank,
                           const std::vector<std::string>& layers, std::uint64_t seed);

// The model without adapters whose matrices hold them. Throws InputError for half an adapter.
Model merge_adapters(const Model& model, double scale);

}  // namespace joulesim::models
