// A model as a list of dimensions and choices: what a model file says, independent of any phase.
//
// Models:     decoder-only transformers: grouped-query attention, rotary, learned or ALiBi
// positions,
//             gated or plain feed-forward, RMS or layer norm with the usual extra norms, parallel
//             blocks, per-layer widths, immediate block-wise layer sharing, mixtures of experts.
// Leaves out: encoder-decoder attention, state-space and recurrent layers, multi-latent attention.
// Checked by: tests/unit/models_zoo.cpp (parameter counts against published ones).
#pragma once

#include "models/graph/op.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace joulesim::models {

enum class NormKind : std::uint8_t { kRms, kLayer };
enum class PositionKind : std::uint8_t { kRope, kLearned, kAlibi, kNone };

// The widths that may differ from layer to layer.
struct LayerShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t ffn = 0;
  friend bool operator==(const LayerShape&, const LayerShape&) = default;
};

// Weights are stored by role; the activation formats are what passes between operators.
struct ModelFormats {
  Format embedding;
  Format linear;        // attention and feed-forward matrices
  Format head;          // used when the head is not tied to the embedding
  Format norm;          // gains, biases, position tables
  Format activation;    // between operators
  Format linear_input;  // what a linear layer reads: int8 where activations are quantised
  Format kv_cache;
};

struct ModelSpec {
  std::string id;
  std::string title;
  std::vector<std::string> aliases;

  std::int64_t hidden = 0;
  std::int64_t head_dim = 0;
  std::int64_t vocab = 0;
  std::int64_t max_context = 0;
  std::vector<LayerShape> stack;  // stored layers, in order
  std::int64_t layer_repeat = 1;  // each stored layer runs this many times in a row
  bool tied = false;              // the head reads the embedding table

  NormKind norm = NormKind::kRms;
  double norm_epsilon = 0.0;
  bool norm_bias = false;
  bool qk_norm = false;        // a norm over each head of query and key
  bool sandwich_norm = false;  // a second norm after attention and after the feed-forward
  bool sub_norm = false;  // a norm before the attention output and before the down matrix (BitNet)

  PositionKind position = PositionKind::kRope;
  double rope_base = 0.0;
  std::int64_t rotary = 0;  // elements of each head that are turned
  RopeLayout rope_layout = RopeLayout::kHalves;
  bool rope_factors = false;       // a table of frequency factors is among the weights
  std::int64_t position_rows = 0;  // of a learned table
  std::int64_t window = 0;         // sliding-window attention; 0 = none
  std::int64_t global_every = 0;   // with a window: every n-th layer sees everything; 0 = none does
  double attention_scale = 0.0;    // 0 = 1 / sqrt(head_dim)
  double attention_soft_cap = 0.0;  // 0 = none
  double logit_soft_cap = 0.0;      // 0 = none
  bool scaled_embedding = false;    // rows of the embedding times sqrt(hidden)
  bool qkv_bias = false;
  bool output_bias = false;  // on the attention output matrix
  bool ffn_bias = false;     // on the feed-forward matrices
  bool head_bias = false;
  bool parallel_block =
      false;  // attention and feed-forward read the same norm and are added together

  bool gated = true;
  Activation activation = Activation::kSilu;
  std::int64_t experts = 0;         // 0 = dense
  std::int64_t active_experts = 0;  // per token

  ModelFormats formats;
  std::map<std::string, Format> format_of;  // by weight storage, where a file mixes formats

  [[nodiscard]] std::int64_t stored_layers() const {
    return static_cast<std::int64_t>(stack.size());
  }
  [[nodiscard]] std::int64_t executed_layers() const { return stored_layers() * layer_repeat; }
};

// Everything in the spec that contradicts itself, each as "found …; expected …"; empty = fine.
std::vector<std::string> faults_of(const ModelSpec& spec);

// Sets the format of the linear matrices and, for an integer or ternary one, leaves embedding and
// head alone: what "run it in int4" means in a scenario.
void set_linear_format(ModelSpec& spec, const Format& format);

// The same format for every weight and activation: what a plain fp32 or fp16 file holds.
ModelFormats uniform_formats(const Format& format);

}  // namespace joulesim::models
