// Turns a model and a phase into an operator graph.
//
// Checked by: tests/unit/models_arch.cpp, tests/unit/models_families.cpp,
// tests/unit/models_zoo.cpp, tests/oracle/models_stories.cpp
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
  // Of a model with an encoder: the tokens that it has read, and whether it reads them now.
  std::int64_t source = 0;
  bool encode = false;

  static Phase prefill(std::int64_t tokens, std::int64_t past = 0, std::int64_t batch = 1) {
    return {batch, tokens, past, false, 0, false};
  }
  static Phase decode(std::int64_t past, std::int64_t batch = 1) {
    return {batch, 1, past, false, 0, false};
  }
};

// A phase whose graph has every weight of the model: for counting and checking.
Phase whole_phase(const ModelSpec& spec);

// What a request of `prompt` tokens asks of the model first, and then per token once `context`
// tokens, prompt and answer together, are there. With an encoder, the prompt is what it reads and
// the answer starts with one token; an encoder of frames reads as many as it always does, and the
// prompt is the decoder's. A model without a decoder reads the whole prompt each time.
Phase prefill_phase(const ModelSpec& spec, std::int64_t prompt, std::int64_t batch = 1);
Phase decode_phase(const ModelSpec& spec, std::int64_t prompt, std::int64_t context,
                   std::int64_t batch = 1);

// Names of weight storages, which are also the keys of a loaded model's weights. N counts stored
// layers; operators are numbered by executed block. A bias is the name with ".bias".
//   embedding, embedding.in (widens a narrow table), embedding.norm, positions, token_types,
//   block.N.attn.{norm,query,key,value,query_norm,key_norm,sub_norm,out,post_norm},
//   block.N.cross.{norm,query,key,value,out,post_norm},
//   block.N.attn.{query_down,query_up,latent,latent_norm,key_up,value_up} (multi-latent),
//   block.N.ffn.{norm,router,gate,up,sub_norm,down,post_norm}, ffn.choice (bias of the choice),
//   block.N.ffn.shared.{gate,up,down,weight},
//   block.N.ssm.{in,conv,x,dt,dt_norm,b_norm,c_norm,a,d,norm,out},
//   block.N.attn.{receptance,gate,decay,bonus,group_norm,mix_*,decay_in,decay_out},
//   block.N.ffn.{receptance,mix_key,mix_receptance} (RWKV),
//   final_norm, rope_factors, relative (biases by position), head.transform, head.norm, head.in,
//   head, pooler, classifier; the encoder's own begin with "encoder.".
//
// Throws InputError when the spec contradicts itself or the phase does not fit it.
OperatorGraph build_graph(const ModelSpec& spec, const Phase& phase);

}  // namespace joulesim::models
