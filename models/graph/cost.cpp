#include "models/graph/cost.hpp"

#include <algorithm>
#include <cmath>
#include <set>

namespace joulesim::models {
namespace {

// Elementary operations per element. A norm squares, sums, scales and applies its gain (layer norm
// also subtracts the mean and adds a bias); softmax subtracts the maximum, exponentiates, sums and
// divides, and finds the maximum; rope turns a pair with four products and two sums.
constexpr std::int64_t kRmsNormFlops = 4;
constexpr std::int64_t kLayerNormFlops = 7;
constexpr std::int64_t kSoftmaxFlops = 5;
constexpr std::int64_t kRopeFlopsPerPair = 6;

std::int64_t activation_flops(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return 0;
    case Activation::kSilu:  // x / (1 + exp(-x))
      return 4;
    case Activation::kGelu:  // x/2 (1 + erf(x / sqrt 2))
      return 5;
    case Activation::kGeluTanh:  // x/2 (1 + tanh(c (x + 0.044715 x^3)))
      return 9;
    case Activation::kRelu:
      return 1;
    case Activation::kRelu2:
      return 2;
    case Activation::kQuickGelu:
      return 5;
    case Activation::kSigmoid:
      return 3;
    case Activation::kTanh:
      return 1;
    case Activation::kSoftplus:  // log(1 + exp(x))
      return 3;
    case Activation::kDecay:
      return 3;
  }
  return 0;
}

// Per token and element of state. Selective scan: the decay's exponent and exponential, the decayed
// state, the product with B, their sum, the product with C and its sum; where a head shares its
// decay, the first two fall to the head.
constexpr std::int64_t kScanFlops = 7;
constexpr std::int64_t kHeadScanFlops = 5;
constexpr std::int64_t kScanChannelFlops = 3;  // step times x, skip times x, their sum
// RWKV-4, per channel: two maxima, four exponentials with their differences, four products and
// sums for each of numerator and denominator, a quotient, the bonus and the decay.
constexpr std::int64_t kWkvFlops = 25;
// k v, the bonus, the decay, two sums, the product with r and its sum.
constexpr std::int64_t kLinearAttentionFlops = 7;

std::int64_t recurrent_flops(const Op& op, Shape in) {
  const Attributes& a = op.attributes;
  switch (op.kind) {
    case OpKind::kCausalConvolution:
      return (2 * a.kernel - 1 + (op.inputs.size() == 3 ? 1 : 0)) * in.elements();
    case OpKind::kSelectiveScan:
      return a.heads > 0 ? in.elements() * (kHeadScanFlops * a.state + kScanChannelFlops) +
                               2 * in.rows * a.heads
                         : in.elements() * (kScanFlops * a.state + kScanChannelFlops);
    case OpKind::kWkv:
      return kWkvFlops * in.elements();
    case OpKind::kLinearAttention:
      return kLinearAttentionFlops * in.rows * a.heads * a.head_dim * a.value_dim;
    default:
      return 0;
  }
}

std::int64_t vector_flops_of(const Op& op, Shape in, Shape out) {
  const Attributes& a = op.attributes;
  switch (op.kind) {
    case OpKind::kRmsNorm:
      return kRmsNormFlops * in.elements();
    case OpKind::kLayerNorm:
      return kLayerNormFlops * in.elements();
    case OpKind::kRope:
      return kRopeFlopsPerPair * in.rows * (in.columns / a.head_dim) * (a.rotary / 2);
    case OpKind::kAttention:  // scaling, soft cap (division, tanh, product) and softmax of every
                              // score
      return a.batch * a.heads * attention_pairs(a) *
             (1 + kSoftmaxFlops + (a.soft_cap > 0.0 ? 3 : 0) + (a.alibi ? 2 : 0) +
              (a.relative_buckets > 0 ? 1 : 0));
    case OpKind::kPositionEmbedding:
    case OpKind::kAdd:
      return out.elements();
    case OpKind::kActivation:
      return activation_flops(a.activation) * out.elements();
    case OpKind::kGatedActivation:
      return (activation_flops(a.activation) + 1) * out.elements();
    case OpKind::kSoftmax:
      return kSoftmaxFlops * in.elements();
    case OpKind::kTopK:  // softmax, then one comparison per logit and choice
      return (kSoftmaxFlops + a.active_experts) * in.elements();
    case OpKind::kExpertSum:
      return 2 * in.elements();
    case OpKind::kEmbedding:
      return a.scale == 1.0 ? 0 : out.elements();
    case OpKind::kScale:
      return (1 + (a.soft_cap > 0.0 ? 3 : 0)) * out.elements();
    case OpKind::kGeneric:
      return a.work;
    case OpKind::kInterpolate:
      return (3 + (op.inputs.size() == 4 ? 1 : 0)) * out.elements();
    case OpKind::kCausalConvolution:
    case OpKind::kSelectiveScan:
    case OpKind::kWkv:
    case OpKind::kLinearAttention:
      return recurrent_flops(op, in);
    case OpKind::kMatmul:
    case OpKind::kKvAppend:
    case OpKind::kExpertMatmul:
    case OpKind::kSelectLast:
    case OpKind::kSelectFirst:
    case OpKind::kSlice:
    case OpKind::kConcat:
    case OpKind::kConvolution:
    case OpKind::kHeadMatmul:
    case OpKind::kTokenShift:
    case OpKind::kFused:
      return 0;
  }
  return 0;
}

// Where values are a part of the keys, both are one input and read once.
bool is_read_before(const Op& op, std::size_t input) {
  return op.kind == OpKind::kAttention && input == 2 && op.inputs[1] == op.inputs[2];
}

// Caches of another sequence, which no further token makes longer.
std::set<StorageId> fixed_caches(const OperatorGraph& graph) {
  std::set<StorageId> found;
  for (const Op& op : graph.ops()) {
    if (op.kind == OpKind::kAttention && op.attributes.source > 0) {
      found.insert(graph.tensor(op.inputs[1]).storage);
      found.insert(graph.tensor(op.inputs[2]).storage);
    }
  }
  return found;
}

std::int64_t weight_bytes_read(const Op& op, const Tensor& weight, std::int64_t tokens) {
  const Attributes& a = op.attributes;
  switch (op.kind) {
    case OpKind::kEmbedding:
      return tokens * weight.format.bytes_of_row(weight.shape.columns);
    case OpKind::kPositionEmbedding:
      return a.new_tokens * weight.format.bytes_of_row(weight.shape.columns);
    case OpKind::kExpertMatmul: {
      const std::int64_t reached =
          experts_reached(a.experts, a.active_experts, a.batch * a.new_tokens);
      return weight.format.bytes(weight.shape.rows / a.experts, weight.shape.columns) * reached;
    }
    default:
      return weight.bytes();
  }
}

}  // namespace

OpCost& OpCost::operator+=(const OpCost& other) {
  macs += other.macs;
  vector_flops += other.vector_flops;
  weight_bytes += other.weight_bytes;
  activation_in_bytes += other.activation_in_bytes;
  activation_out_bytes += other.activation_out_bytes;
  kv_read_bytes += other.kv_read_bytes;
  kv_write_bytes += other.kv_write_bytes;
  return *this;
}

std::int64_t attention_pairs(const Attributes& a) {
  const std::int64_t n = a.new_tokens;
  if (a.source > 0) {
    return n * a.source;
  }
  if (!a.causal) {
    return n * (a.past + n);
  }
  // Query i (1-based) sees past + i positions, or the window if that is narrower.
  if (a.window == 0 || a.window >= a.past + n) {
    return n * a.past + n * (n + 1) / 2;
  }
  const std::int64_t growing = std::clamp<std::int64_t>(a.window - a.past, 0, n);
  return growing * a.past + growing * (growing + 1) / 2 + (n - growing) * a.window;
}

std::int64_t experts_reached(std::int64_t experts, std::int64_t active, std::int64_t tokens) {
  const auto all = static_cast<double>(experts);
  const double missed =
      std::pow(1.0 - static_cast<double>(active) / all, static_cast<double>(tokens));
  return std::max(active, std::int64_t{std::lround(all * (1.0 - missed))});
}

namespace {

// The work of the whole body, but activations only where they enter or leave the kernel.
OpCost cost_of_fused(const OperatorGraph& graph, const Op& op) {
  OpCost cost;
  for (const Op& inner : op.body) {
    cost += cost_of(graph, inner);
  }
  cost.activation_in_bytes = 0;
  cost.activation_out_bytes = 0;
  for (const TensorId id : op.inputs) {
    const Tensor& tensor = graph.tensor(id);
    const bool counted = tensor.kind == TensorKind::kWeight || tensor.kind == TensorKind::kKvCache;
    cost.activation_in_bytes += counted ? 0 : tensor.bytes();
  }
  for (const TensorId id : op.outputs) {
    const Tensor& tensor = graph.tensor(id);
    cost.activation_out_bytes += tensor.kind == TensorKind::kKvCache ? 0 : tensor.bytes();
  }
  return cost;
}

}  // namespace

OpCost cost_of(const OperatorGraph& graph, const Op& op) {
  if (op.kind == OpKind::kFused) {
    return cost_of_fused(graph, op);
  }
  OpCost cost;
  const Attributes& a = op.attributes;
  const Tensor& out = graph.tensor(op.outputs.front());
  const Shape in = graph.tensor(op.inputs.front()).shape;
  for (std::size_t i = 0; i < op.inputs.size(); ++i) {
    const Tensor& tensor = graph.tensor(op.inputs[i]);
    if (is_read_before(op, i)) {
      continue;
    }
    if (tensor.kind == TensorKind::kWeight) {
      cost.weight_bytes += weight_bytes_read(op, tensor, in.rows);
    } else if (tensor.kind == TensorKind::kKvCache) {
      // Of each sequence, only what the window of its oldest query reaches.
      const std::int64_t all = attended_positions(a);
      const std::int64_t reach = a.window == 0 ? all : std::min(all, a.window + a.new_tokens - 1);
      cost.kv_read_bytes += tensor.format.bytes(a.batch * reach, tensor.shape.columns);
    } else if (op.kind == OpKind::kSelectLast || op.kind == OpKind::kSelectFirst ||
               op.kind == OpKind::kSlice) {
      cost.activation_in_bytes += tensor.format.bytes(out.shape.rows, out.shape.columns);
    } else {
      cost.activation_in_bytes += tensor.bytes();
    }
  }
  for (const TensorId id : op.outputs) {
    const Tensor& tensor = graph.tensor(id);
    if (tensor.kind == TensorKind::kKvCache) {
      cost.kv_write_bytes += tensor.format.bytes(a.batch * a.new_tokens, tensor.shape.columns);
    } else if (tensor.kind == TensorKind::kState) {
      cost.kv_write_bytes += tensor.bytes();
      cost.kv_read_bytes += a.past > 0 ? tensor.bytes() : 0;
    } else {
      cost.activation_out_bytes += tensor.bytes();
    }
  }
  if (op.kind == OpKind::kMatmul || op.kind == OpKind::kExpertMatmul ||
      op.kind == OpKind::kConvolution || op.kind == OpKind::kHeadMatmul) {
    cost.macs = out.shape.elements() * graph.tensor(op.inputs[1]).shape.columns;
  } else if (op.kind == OpKind::kAttention) {
    const std::int64_t value = a.value_dim > 0 ? a.value_dim : a.head_dim;
    cost.macs = a.batch * a.heads * (a.head_dim + value) * attention_pairs(a);
  }
  cost.vector_flops = vector_flops_of(op, in, out.shape);
  const bool product = op.kind == OpKind::kMatmul || op.kind == OpKind::kConvolution;
  if ((product && op.inputs.size() == 3) ||
      (op.kind == OpKind::kExpertMatmul && op.inputs.size() == 4)) {
    cost.vector_flops += out.shape.elements();  // the bias
  }
  return cost;
}

GraphTotals totals_of(const OperatorGraph& graph) {
  GraphTotals totals;
  const std::set<StorageId> fixed = fixed_caches(graph);
  for (const Storage& storage : graph.storages()) {
    if (storage.kind == TensorKind::kWeight) {
      totals.parameters += storage.shape.elements();
      totals.weight_bytes += storage.bytes();
    } else if (storage.kind == TensorKind::kState) {
      totals.kv_bytes += storage.bytes();
    } else if (storage.kind == TensorKind::kKvCache) {
      totals.kv_bytes += storage.bytes();
      if (!fixed.contains(storage.id)) {
        totals.kv_bytes_per_token += storage.format.bytes_of_row(storage.shape.columns);
      }
    }
  }
  for (const Op& op : graph.ops()) {
    totals.cost += cost_of(graph, op);
  }
  return totals;
}

}  // namespace joulesim::models
