// What one training step over a graph costs: arithmetic, what must be kept for the way back, and
// the state of the optimiser.
//
// Models:     back-propagation with every operator's own needs: a product keeps its input (and, for
//             trained weights, forms a second product for their gradient), attention keeps query,
//             key, value, its result and one number per row and head and computes its scores again
//             (FlashAttention, arXiv 2205.14135), gates and activations keep their inputs.
//             Reversible blocks keep nothing inside: the way back computes them again from their
//             outputs. Frozen weights need no gradient and no state.
// Leaves out: pipeline and data parallelism, checkpoints inside blocks, fused optimisers.
// Checked by: tests/kernels/models_training.cpp
#pragma once

#include "models/graph/graph.hpp"

#include <cstdint>
#include <string>

namespace joulesim::models {

struct TrainingOptions {
  bool adapters_only = false;  // weights of other operators than adapters are frozen
  // Bytes of optimiser state and master copy for each trained parameter: Adam in fp32 keeps two
  // moments and the weight itself.
  std::int64_t state_bytes = 12;
};

struct TrainingCost {
  std::int64_t forward_flops = 0;
  std::int64_t backward_flops = 0;   // gradients of inputs and of trained weights
  std::int64_t recompute_flops = 0;  // forward work that the way back repeats
  std::int64_t stored_bytes = 0;     // activations kept from the way there
  std::int64_t working_bytes = 0;    // of one block at a time, when blocks are computed again
  std::int64_t trained_parameters = 0;
  std::int64_t gradient_bytes = 0;  // in the activations' format
  std::int64_t optimiser_bytes = 0;
  std::int64_t weight_bytes = 0;

  [[nodiscard]] std::int64_t flops() const {
    return forward_flops + backward_flops + recompute_flops;
  }
  [[nodiscard]] std::int64_t memory() const {
    return stored_bytes + working_bytes + gradient_bytes + optimiser_bytes + weight_bytes;
  }
};

// Of a graph without a cache before it (past = 0) that gives the logits of all tokens. Reversible
// graphs (make_reversible) are known by their two streams. Throws InputError for another phase and
// for operators without a way back here, by name.
TrainingCost training_cost(const OperatorGraph& graph, const TrainingOptions& options = {});

// Whether every block adds to two streams, so that its inputs follow from its outputs.
bool is_reversible(const OperatorGraph& graph);

}  // namespace joulesim::models
