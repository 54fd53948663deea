// An ONNX graph as an operator graph of models/graph, for the sizes of one step: what the simulated
// machine runs when a scenario names an .onnx file.
//
// Models:     the patterns of onnx_patterns.hpp and the fused operators of the standard's and of
//             Microsoft's set become the graph's own operators; products with weights become matrix
//             products, convolutions too, over gathered windows; all else is a generic operator
//             that reads, computes and writes what its shapes say. Weights keep the file's formats.
// Leaves out: control flow; whatever a runtime would fuse beyond these patterns.
// Checked by: tests/oracle/models_onnx_lift.cpp (against the same model described by its
//             dimensions), tests/kernels/models_onnx_lift.cpp
#pragma once

#include "models/arch/build_graph.hpp"
#include "models/graph/graph.hpp"
#include "models/import/onnx_model.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace joulesim::models::onnx {

struct LiftSettings {
  std::map<std::string, std::int64_t> sizes;  // of symbols that the phase does not decide
  // Instead of what the file holds:
  std::optional<Format> weights;     // of matrices, heads left alone
  std::optional<Format> embedding;   // and head
  std::optional<Format> activation;  // between operators
  std::optional<Format> kv_cache;
};

// Throws InputError with everything that is unknown or refused. The phase decides the symbols of
// the token input (batch and new tokens), of past states and of masks; a fixed size must agree.
OperatorGraph lift(const Model& model, const Phase& phase, const LiftSettings& settings = {});

// Whether keys and values of earlier tokens are inputs: the model goes on token by token.
bool has_past(const Model& model);

// The symbols and what the phase makes of them, for messages and listings.
std::map<std::string, std::int64_t> sizes_of(const Model& model, const Phase& phase,
                                             const std::map<std::string, std::int64_t>& given);

// A step that the file's fixed sizes allow: one token after 128 where there are past states, else
// 128 tokens, and fewer where tables inside the graph hold no more; sizes that are given count
// first.
Phase natural_phase(const Model& model, const std::map<std::string, std::int64_t>& given);

// Dimensions as a ModelSpec tells them, as far as the graph shows them: for titles and reports.
ModelSpec described(const OperatorGraph& graph);

}  // namespace joulesim::models::onnx
