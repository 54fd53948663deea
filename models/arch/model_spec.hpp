// A model as a list of dimensions and choices: what a model file says, independent of any phase.
//
// Models:     decoders, encoders and both together: grouped-query and multi-latent attention,
//             sliding windows, rotary, learned, relative or ALiBi positions, gated or plain
//             feed-forward, norms before, after or around, parallel blocks, per-layer widths,
//             immediate block-wise layer sharing, mixtures of experts with shared ones, selective
//             state spaces (Mamba 1 and 2), RWKV-4 to 6, and stacks that mix them; networks of
//             convolutions over an image.
// Leaves out: cross-layer sharing of caches, images beside tokens, retrieval.
// Checked by: tests/unit/models_zoo.cpp (parameter counts against published ones).
#pragma once

#include "models/arch/image_net.hpp"
#include "models/graph/op.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace joulesim::models {

enum class NormKind : std::uint8_t { kRms, kLayer };
enum class PositionKind : std::uint8_t { kRope, kLearned, kAlibi, kRelative, kNone };
// What carries information from token to token.
enum class Mixer : std::uint8_t { kAttention, kMamba, kMamba2, kRwkv4, kRwkv5, kRwkv6 };
// How far attention reaches in a model with a window.
enum class Reach : std::uint8_t { kAsModel, kLocal, kGlobal };

// What may differ from layer to layer.
struct LayerShape {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t ffn = 0;  // 0 = no feed-forward
  Mixer mixer = Mixer::kAttention;
  Reach reach = Reach::kAsModel;
  bool dense = false;   // no experts here, though the model has some
  bool rotates = true;  // rotary positions, where the model has them
  friend bool operator==(const LayerShape&, const LayerShape&) = default;
};

// Multi-latent attention (DeepSeek-AI, arXiv 2405.04434): keys and values of all heads are made
// from one cached row of kv_rank + rope_dim elements. Run in the form that reads this row as it is.
struct LatentShape {
  std::int64_t q_rank = 0;     // 0 = queries are not compressed
  std::int64_t kv_rank = 0;    // 0 = the model has plain attention
  std::int64_t plain_dim = 0;  // elements of a head's key without position
  std::int64_t rope_dim = 0;   // and with
  std::int64_t value_dim = 0;
  friend bool operator==(const LatentShape&, const LatentShape&) = default;
};

// Selective state spaces.
struct ScanShape {
  std::int64_t inner = 0;     // channels
  std::int64_t state = 0;     // elements of state per channel
  std::int64_t taps = 0;      // of the convolution before the scan
  std::int64_t dt_rank = 0;   // Mamba
  std::int64_t head_dim = 0;  // Mamba-2
  std::int64_t groups = 1;    // Mamba-2
  bool conv_bias = true;
  bool linear_bias = false;
  bool norms = false;  // over step, B and C of Mamba (Falcon-Mamba, Jamba)
  friend bool operator==(const ScanShape&, const ScanShape&) = default;
};

// The low-rank matrices by which RWKV-6 makes its shares and decays depend on the token.
struct RwkvShape {
  std::int64_t mix_rank = 0;
  std::int64_t decay_rank = 0;
  friend bool operator==(const RwkvShape&, const RwkvShape&) = default;
};

struct ExpertShape {
  std::int64_t experts = 0;     // 0 = dense
  std::int64_t active = 0;      // per token
  std::int64_t ffn = 0;         // of one expert; 0 = as the layer's own
  std::int64_t shared_ffn = 0;  // of the experts that every token passes, together; 0 = none
  bool shared_gate = false;     // a learned weight for them
  Routing routing = Routing::kSoftmax;
  bool renormalise = true;
  bool choice_bias = false;  // added to the scores for the choice alone
  bool router_bias = false;
  bool bias = false;  // on the experts' matrices
  double scale = 1.0;
  friend bool operator==(const ExpertShape&, const ExpertShape&) = default;
};

// An encoder in front of the decoder; its layers have the model's norms and activations.
struct EncoderShape {
  std::vector<LayerShape> stack;
  std::int64_t positions = 0;  // rows of its position table, or what it always reads; 0 = any
  std::int64_t features = 0;   // columns of an input frame that two convolutions halve; 0 = tokens
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
  bool norm_gain = true;
  bool norm_bias = false;
  bool qk_norm = false;        // a norm over each head of query and key
  bool qk_norm_whole = false;  // the same over the whole row instead
  bool pre_norm = true;        // a norm before attention and before the feed-forward
  bool sandwich_norm = false;  // a norm after attention and after the feed-forward
  bool post_norm = false;      // a norm after each residual addition (BERT)
  bool sub_norm = false;  // a norm before the attention output and before the down matrix (BitNet)
  bool embedding_norm = false;
  bool final_norm = true;

  bool causal = true;  // false: an encoder, without cache
  PositionKind position = PositionKind::kRope;
  double rope_base = 0.0;
  double local_rope_base = 0.0;  // of layers with a window; 0 = the same
  std::int64_t rotary = 0;       // elements of each head that are turned
  RopeLayout rope_layout = RopeLayout::kHalves;
  bool rope_factors = false;  // a table of frequency factors is among the weights
  double rope_magnitude = 1.0;
  std::int64_t position_rows = 0;    // of a learned table
  std::int64_t position_offset = 0;  // rows of it that come before the first position
  std::int64_t relative_buckets = 0;
  std::int64_t relative_distance = 0;
  std::int64_t window = 0;        // sliding-window attention; 0 = none
  std::int64_t global_every = 0;  // with a window: every n-th layer sees everything; 0 = none does
  double attention_scale = 0.0;   // 0 = 1 / sqrt(head_dim)
  double attention_soft_cap = 0.0;  // 0 = none
  double logit_soft_cap = 0.0;      // 0 = none
  double logit_scale = 1.0;
  double residual_scale = 1.0;    // of what attention and feed-forward add
  bool scaled_embedding = false;  // rows of the embedding times sqrt(hidden)
  double embedding_scale = 1.0;
  bool qkv_bias = false;
  bool key_bias = true;      // where query and value have one
  bool output_bias = false;  // on the attention output matrix
  bool ffn_bias = false;     // on the feed-forward matrices
  bool head_bias = false;
  bool parallel_block = false;  // attention and feed-forward read the same x and are added together
  bool parallel_norms = false;  // each through a norm of its own

  bool gated = true;
  Activation activation = Activation::kSilu;
  ExpertShape experts;
  LatentShape latent;
  ScanShape scan;
  RwkvShape rwkv;
  EncoderShape encoder;

  bool embedded = true;              // false: the input is rows, not tokens
  std::int64_t embedding_width = 0;  // of the table, where it is not `hidden`
  std::int64_t token_types = 0;      // rows of a second table
  bool language_head = true;         // logits over the vocabulary
  bool head_transform = false;       // a matrix, activation and norm before them (BERT)
  bool pooler = false;               // a matrix and tanh on the first token
  std::int64_t labels = 0;           // of a classifier on the pooled row; 0 = none

  ModelFormats formats;
  std::map<std::string, Format> format_of;  // by weight storage, where a file mixes formats

  [[nodiscard]] std::int64_t stored_layers() const {
    return static_cast<std::int64_t>(stack.size());
  }
  [[nodiscard]] std::int64_t executed_layers() const { return stored_layers() * layer_repeat; }
  ImageShape image;  // what the model is instead of a stack of layers, where it reads an image
  [[nodiscard]] bool reads_image() const { return image.side > 0; }
  [[nodiscard]] bool has_encoder() const { return !encoder.stack.empty(); }
  [[nodiscard]] std::int64_t table_width() const {
    return embedding_width > 0 ? embedding_width : hidden;
  }
  // Whether the layer sees only a window, and so turns by the local base.
  [[nodiscard]] bool is_local(std::int64_t layer) const;
};

// Everything in the spec that contradicts itself, each as "found …; expected …"; empty = fine.
std::vector<std::string> faults_of(const ModelSpec& spec);

// Sets the format of the linear matrices and, for an integer or ternary one, leaves embedding and
// head alone: what "run it in int4" means in a scenario.
void set_linear_format(ModelSpec& spec, const Format& format);

// The same format for every weight and activation: what a plain fp32 or fp16 file holds.
ModelFormats uniform_formats(const Format& format);

}  // namespace joulesim::models
