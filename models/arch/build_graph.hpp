// Turns a model and a phase into an operator graph.
//
// Checked by: tests/unit/models_arch.cpp, tests/unit/models_zoo.cpp,
// tests/oracle/models_stories.cpp
#pragma once

#include "models/arch/model_spec.hpp"
#include "models/graph/graph.hpp"

#include <cstdint>

namespace joulesim::models {

// One step: `new_tokens` per sequence on top of `past` cached positions, for `batch` sequences.
struct Phase {
  std::int64_t batch = 1;
  std::int64_t new_tokens = 1;
  std::int64_t past = 0;
  bool all_logits = false;  // logits of every new token rather than of each sequence's last

  static Phase prefill(std::int64_t tokens, std::int64_t past = 0, std::int64_t batch = 1) {
    return {batch, tokens, past, false};
  }
  static Phase decode(std::int64_t past, std::int64_t batch = 1) { return {batch, 1, past, false}; }
};

// Names of weight storages, which are also the keys of a loaded model's weights:
//   embedding, positions,
//   block.N.attn.{norm,query,key,value,query_norm,key_norm,sub_norm,out,post_norm},
//   block.N.ffn.{norm,router,gate,up,sub_norm,down,post_norm}, final_norm, rope_factors, head;
//   a bias is the name with ".bias". N counts stored layers; operators are numbered by executed
//   block.
//
// Throws InputError when the spec contradicts itself or the phase does not fit it.
OperatorGraph build_graph(const ModelSpec& spec, const Phase& phase);

}  // namespace joulesim::models
