#include "models/graph/op.hpp"

namespace joulesim::models {

std::string_view name_of(OpKind kind) {
  switch (kind) {
    case OpKind::kEmbedding:
      return "embedding";
    case OpKind::kPositionEmbedding:
      return "position_embedding";
    case OpKind::kRmsNorm:
      return "rms_norm";
    case OpKind::kLayerNorm:
      return "layer_norm";
    case OpKind::kMatmul:
      return "matmul";
    case OpKind::kRope:
      return "rope";
    case OpKind::kKvAppend:
      return "kv_append";
    case OpKind::kAttention:
      return "attention";
    case OpKind::kAdd:
      return "add";
    case OpKind::kActivation:
      return "activation";
    case OpKind::kGatedActivation:
      return "gated_activation";
    case OpKind::kSoftmax:
      return "softmax";
    case OpKind::kTopK:
      return "top_k";
    case OpKind::kExpertMatmul:
      return "expert_matmul";
    case OpKind::kExpertSum:
      return "expert_sum";
    case OpKind::kSelectLast:
      return "select_last";
    case OpKind::kScale:
      return "scale";
    case OpKind::kGeneric:
      return "generic";
    case OpKind::kSelectFirst:
      return "select_first";
    case OpKind::kSlice:
      return "slice";
    case OpKind::kConcat:
      return "concat";
    case OpKind::kConvolution:
      return "convolution";
    case OpKind::kHeadMatmul:
      return "head_matmul";
    case OpKind::kCausalConvolution:
      return "causal_convolution";
    case OpKind::kTokenShift:
      return "token_shift";
    case OpKind::kSelectiveScan:
      return "selective_scan";
    case OpKind::kWkv:
      return "wkv";
    case OpKind::kLinearAttention:
      return "linear_attention";
    case OpKind::kInterpolate:
      return "interpolate";
    case OpKind::kFused:
      return "fused";
  }
  return "unknown";
}

std::string_view name_of(Role role) {
  switch (role) {
    case Role::kEmbedding:
      return "embedding";
    case Role::kNorm:
      return "norm";
    case Role::kQuery:
      return "query";
    case Role::kKey:
      return "key";
    case Role::kValue:
      return "value";
    case Role::kPosition:
      return "position";
    case Role::kCache:
      return "cache";
    case Role::kAttention:
      return "attention";
    case Role::kAttentionOutput:
      return "attention_output";
    case Role::kResidual:
      return "residual";
    case Role::kGate:
      return "gate";
    case Role::kUp:
      return "up";
    case Role::kActivation:
      return "activation";
    case Role::kDown:
      return "down";
    case Role::kRouter:
      return "router";
    case Role::kHead:
      return "head";
    case Role::kConvolution:
      return "convolution";
    case Role::kRecurrence:
      return "recurrence";
    case Role::kMix:
      return "mix";
    case Role::kAdapter:
      return "adapter";
    case Role::kOther:
      return "other";
  }
  return "unknown";
}

std::string_view name_of(Activation activation) {
  switch (activation) {
    case Activation::kNone:
      return "none";
    case Activation::kSilu:
      return "silu";
    case Activation::kGelu:
      return "gelu";
    case Activation::kGeluTanh:
      return "gelu_tanh";
    case Activation::kRelu:
      return "relu";
    case Activation::kRelu2:
      return "relu2";
    case Activation::kQuickGelu:
      return "quick_gelu";
    case Activation::kSigmoid:
      return "sigmoid";
    case Activation::kTanh:
      return "tanh";
    case Activation::kSoftplus:
      return "softplus";
    case Activation::kDecay:
      return "decay";
  }
  return "unknown";
}

std::string_view name_of(TensorKind kind) {
  switch (kind) {
    case TensorKind::kWeight:
      return "weight";
    case TensorKind::kActivation:
      return "activation";
    case TensorKind::kKvCache:
      return "kv_cache";
    case TensorKind::kState:
      return "state";
    case TensorKind::kInput:
      return "input";
    case TensorKind::kOutput:
      return "output";
  }
  return "unknown";
}

}  // namespace joulesim::models
