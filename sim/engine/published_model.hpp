// The model that a published row ran: its file, stored as the row's precision says, and one
// device's part of it.
//
// Models:      formats by name ("q4_0", "fp8", "int4-g32", "w2a8") or by bits per weight; what the
//              stack keeps beside narrow weights; shards of every layer, or some of the layers.
// Leaves out:  mixes of formats within a stack of layers: one format of the same mean bits.
// Checked by:  tests/anchors/published.cpp.
#pragma once

#include "hw/component/compute_unit.hpp"
#include "models/arch/model_spec.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/published_rows.hpp"

#include <optional>
#include <string>

namespace joulesim::engine {

// The zoo's model of that name, whatever its case and separators; tuned copies have the dimensions
// of their base.
const models::ZooEntry* published_model(const Library& library, const std::string& name);

// The format that stores the weights of a row; nothing when neither precision nor bits are known.
std::optional<models::Format> published_format(const std::string& precision,
                                               std::optional<double> bits);

// Sets weights, activations and cache as the row and its stack have them, in types that the unit
// can multiply (without one: in any).
void store_as(models::ModelSpec& model, const PublishedRow& row, const models::Format& weights,
              const hw::StackHabits& habits, const hw::ComputeUnit* unit);

}  // namespace joulesim::engine
