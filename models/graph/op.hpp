// The parts of an operator graph: operators, tensors, and the storage that tensors live in.
//
// Models:     transformer inference at operator level; every tensor is a matrix of rows (tokens,
// output
//             channels, cached positions) by columns, with the sequences of a batch stacked
//             row-wise.
// Leaves out: views with strides, broadcasting, control flow, training.
// Checked by: tests/unit/models_graph.cpp
#pragma once

#include "models/graph/format.hpp"

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models {

// Positions in the graph's own tables; -1 is "none".
struct OpId {
  int value = -1;
  friend auto operator<=>(const OpId&, const OpId&) = default;
};
struct TensorId {
  int value = -1;
  friend auto operator<=>(const TensorId&, const TensorId&) = default;
};
struct StorageId {
  int value = -1;
  friend auto operator<=>(const StorageId&, const StorageId&) = default;
};

struct Shape {
  std::int64_t rows = 0;
  std::int64_t columns = 0;

  [[nodiscard]] std::int64_t elements() const { return rows * columns; }
  friend bool operator==(const Shape&, const Shape&) = default;
};

std::string to_string(Shape shape);  // "57x512"

// Inputs and outputs of each kind, in order. x: activation, w: weight; [..] is optional.
enum class OpKind : std::uint8_t {
  kEmbedding,          // tokens, w table -> x                    rows gathered, times `scale`
  kPositionEmbedding,  // x, w table -> x                         adds row (past + i) of the table
  kRmsNorm,            // x, [w gain], [w bias] -> x
  kLayerNorm,          // x, [w gain], [w bias] -> x
  kMatmul,             // x, w[out][in], [w bias] -> x            y = x * transpose(w)
  kRope,               // x, [w frequency factors] -> x
  kKvAppend,           // k, v -> k cache, v cache
  kAttention,   // q, k, v, [w bias] -> x   softmax(q k^T scale) v; k and v are caches or, in an
                // encoder, activations; the bias is that of relative positions
  kAdd,         // x, x or w[1][columns] -> x
  kActivation,  // x -> x
  kGatedActivation,  // gate, up -> x   activation(gate) * up; a gate of one column serves all
  kSoftmax,          // x -> x                                  along each row
  kTopK,             // router logits, [w bias] -> routing      expert ids and weights per token;
                     // the bias counts for the choice alone
  kExpertMatmul,     // x, w[experts * out][in], routing, [w bias] -> x  a row per (token, expert)
  kExpertSum,        // x, routing -> x                         weighted sum over a token's experts
  kSelectLast,       // x -> x                                  the last token of every sequence
  kScale,        // x -> x                                  times `scale`, then the soft cap if any
  kSelectFirst,  // x -> x                                  the first token of every sequence
  kSlice,        // x -> x               of each head, columns `offset` to `offset + width`
  kConcat,       // x, x -> x            of each head, columns side by side
  kConvolution,  // x, w[out][in * kernel], [w bias] -> x   along the tokens of every sequence
  kHeadMatmul,   // x, w[heads * out][in] -> x              a matrix of its own for every head
  // Recurrent operators: the last output is a state that lives from step to step.
  kCausalConvolution,  // x, w[channels][kernel], [w bias] -> x, state   channel by channel
  kTokenShift,         // x -> x of the token before, state
  kSelectiveScan,      // x, dt, B, C, w A, w D -> x, state              Mamba and Mamba-2
  kWkv,                // k, v, w decay, w bonus -> x, state             RWKV-4
  kLinearAttention,    // r, k, v, decay, w bonus -> x, state            RWKV-5 and 6
  kGeneric,            // x or w, … -> x                  what else reads, computes and writes
  kInterpolate,        // x, before, w share, [x share] -> x             x + (before - x) * share
  kFused,  // what its body reads -> what others read  one kernel that runs `body` without storing
           //                                          what passes between its operators
};

std::string_view name_of(OpKind kind);

// What the operator is for, whatever its kind: reports group by it, formats are chosen by it.
enum class Role : std::uint8_t {
  kEmbedding,
  kNorm,
  kQuery,
  kKey,
  kValue,
  kPosition,
  kCache,
  kAttention,
  kAttentionOutput,
  kResidual,
  kGate,
  kUp,
  kActivation,
  kDown,
  kRouter,
  kHead,
  kConvolution,
  kRecurrence,
  kMix,
  kAdapter,
  kOther,
};

std::string_view name_of(Role role);

enum class Activation : std::uint8_t {
  kNone,
  kSilu,
  kGelu,
  kGeluTanh,
  kRelu,
  kRelu2,
  kQuickGelu,  // x sigmoid(1.702 x)
  kSigmoid,
  kTanh,
  kSoftplus,
  kDecay,  // exp(-exp(x)): a decay between 0 and 1
};

std::string_view name_of(Activation activation);

// How router logits become the weights of the chosen experts.
enum class Routing : std::uint8_t {
  kSoftmax,      // over all experts
  kSigmoid,      // of each on its own
  kSparseMixer,  // one softmax per choice, over the experts that come near the best one
};

// Which elements of a head are turned together: (2i, 2i+1), or (i, i + rotary/2).
enum class RopeLayout : std::uint8_t { kAdjacent, kHalves };

// Side of a square image after a kernel; 0 when it does not fit. Borders are as wide as a stride of
// one needs to keep the size.
constexpr std::int64_t image_side(std::int64_t side, std::int64_t kernel, std::int64_t stride,
                                  bool borders) {
  const std::int64_t room = borders ? side - 1 : side - kernel;
  return room < 0 ? 0 : room / stride + 1;
}

// Only the fields that an operator's kind uses are set; the others keep their defaults.
struct Attributes {
  std::int64_t batch = 1;       // sequences stacked in the rows
  std::int64_t new_tokens = 1;  // rows per sequence
  std::int64_t past = 0;        // positions already in the cache
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t window = 0;  // attention reaches back this many positions, itself included; 0 = all
  bool causal = true;
  std::int64_t rotary = 0;  // elements of each head that rope turns
  double rope_base = 0.0;
  RopeLayout rope_layout = RopeLayout::kAdjacent;
  std::int64_t rotary_from = 0;  // first turned element of each head
  double rope_magnitude = 1.0;   // of the turned elements, against what they were
  double epsilon = 0.0;          // of a norm
  std::int64_t group = 0;        // a norm works on groups of this many columns; 0 = the whole row
  double scale = 1.0;
  double soft_cap = 0.0;  // c * tanh(x / c); 0 = none
  bool alibi = false;     // scores get a per-head slope times the distance
  Activation activation = Activation::kNone;
  std::int64_t experts = 0;
  std::int64_t active_experts = 0;
  Routing routing = Routing::kSoftmax;
  bool renormalise = true;  // the weights of the chosen experts sum to one, before `scale`

  std::int64_t source = 0;     // attention: keys of another sequence, all visible; 0 = its own
  std::int64_t value_dim = 0;  // columns of a head's value where they are not head_dim
  std::int64_t relative_buckets = 0;   // of the bias by relative position; 0 = no bias
  std::int64_t relative_distance = 0;  // the buckets' end: all that is farther shares the last one
  std::int64_t kernel = 0;             // taps of a convolution
  std::int64_t stride = 1;
  std::int64_t padding = 0;  // zero rows before and after each sequence; of an image: 1 = borders
  std::int64_t image = 0;    // rows of pixels of each sequence's square image; 0 = a line of tokens
  std::int64_t kernel_width = 0;  // of an image's convolution, whose height is `kernel`
  std::int64_t offset = 0;        // first column of a slice; rows of a position table to skip
  std::int64_t width = 0;
  std::int64_t state = 0;   // of a scan: elements of state per channel
  std::int64_t groups = 0;  // of a scan: heads of a group share B and C
  Shape result;             // of a generic operator, which no rule infers
  std::int64_t work = 0;    // its elementary operations

  friend bool operator==(const Attributes&, const Attributes&) = default;
};

// A state is kept between steps like a cache, but does not grow: one row per sequence.
enum class TensorKind : std::uint8_t { kWeight, kActivation, kKvCache, kState, kInput, kOutput };

std::string_view name_of(TensorKind kind);

// Bytes that exist once, however many tensors look at them: a tied embedding and head are two
// tensors on one storage, and so are the weights of a block that runs twice. Capacity is counted
// per storage, traffic per use.
struct Storage {
  StorageId id;
  std::string name;  // the key under which loaded weights are found
  TensorKind kind = TensorKind::kActivation;
  Shape shape;
  Format format;

  [[nodiscard]] std::int64_t bytes() const { return format.bytes(shape.rows, shape.columns); }
};

struct Tensor {
  TensorId id;
  std::string name;
  TensorKind kind = TensorKind::kActivation;
  Shape shape;
  Format format;
  StorageId storage;

  [[nodiscard]] std::int64_t bytes() const { return format.bytes(shape.rows, shape.columns); }
};

struct Op {
  OpId id;
  OpKind kind = OpKind::kAdd;
  Role role = Role::kOther;
  std::string name;  // "block.3.ffn.down"
  int block = -1;    // executed block; -1 outside the stack
  std::vector<TensorId> inputs;
  std::vector<TensorId> outputs;
  Attributes attributes;
  std::vector<Op> body = {};  // of kFused: its operators in order; their tensors are the graph's
};

}  // namespace joulesim::models
