#include "models/arch/build_graph.hpp"

#include "models/graph/builder.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <utility>

namespace joulesim::models {
namespace {

class DecoderBuilder {
 public:
  DecoderBuilder(const ModelSpec& spec, const Phase& phase)
      : spec_(spec), phase_(phase), formats_(spec.formats), graph_(spec.id) {
    base_.batch = phase.batch;
    base_.new_tokens = phase.new_tokens;
    base_.past = phase.past;
  }

  OperatorGraph build() {
    TensorId x = embed();
    for (std::int64_t executed = 0; executed < spec_.executed_layers(); ++executed) {
      x = block(x, executed);
    }
    block_ = -1;
    if (!phase_.all_logits && phase_.new_tokens > 1) {
      x = apply(OpKind::kSelectLast, Role::kOther, "last_token", {x}, base_, formats_.activation);
    }
    x = norm(x, "final_norm", "final_norm", spec_.hidden, formats_.activation);
    head(x);
    std::vector<std::string> faults;
    auto graph = graph_.finish(faults);
    if (!graph) {
      throw InputError(fmt::format("{}: {}", spec_.id, fmt::join(faults, "; ")));
    }
    return *std::move(graph);
  }

 private:
  TensorId apply(OpKind kind, Role role, const std::string& name, std::vector<TensorId> inputs,
                 const Attributes& attributes, const Format& format,
                 TensorKind tensor_kind = TensorKind::kActivation) {
    return graph_.apply_one({.id = {},
                             .kind = kind,
                             .role = role,
                             .name = name,
                             .block = block_,
                             .inputs = std::move(inputs),
                             .outputs = {},
                             .attributes = attributes},
                            format, tensor_kind);
  }

  // The tensor on the storage `key`, which is made on first use.
  TensorId weight(const std::string& key, Shape shape, const Format& format) {
    if (const auto known = storages_.find(key); known != storages_.end()) {
      return graph_.add_weight_on(key, known->second);
    }
    const auto own = spec_.format_of.find(key);
    const TensorId tensor =
        graph_.add_weight(key, shape, own != spec_.format_of.end() ? own->second : format);
    storages_.emplace(key, graph_.storage_of(tensor));
    return tensor;
  }

  TensorId embed() {
    const TensorId tokens =
        graph_.add_input("tokens", {phase_.batch * phase_.new_tokens, 1}, known_format("int32"));
    Attributes attributes = base_;
    if (spec_.scaled_embedding) {
      attributes.scale = std::sqrt(static_cast<double>(spec_.hidden));
    }
    const TensorId table = weight("embedding", {spec_.vocab, spec_.hidden}, formats_.embedding);
    TensorId x = apply(OpKind::kEmbedding, Role::kEmbedding, "embedding", {tokens, table},
                       attributes, formats_.activation);
    if (spec_.position == PositionKind::kLearned) {
      const TensorId positions =
          weight("positions", {spec_.position_rows, spec_.hidden}, formats_.norm);
      x = apply(OpKind::kPositionEmbedding, Role::kPosition, "positions", {x, positions}, base_,
                formats_.activation);
    }
    return x;
  }

  TensorId norm(TensorId x, const std::string& name, const std::string& key, std::int64_t width,
                const Format& format, bool grouped = false) {
    Attributes attributes = base_;
    attributes.epsilon = spec_.norm_epsilon;
    attributes.group = grouped ? width : 0;
    std::vector<TensorId> inputs{x, weight(key, {1, width}, formats_.norm)};
    if (spec_.norm_bias) {
      inputs.push_back(weight(key + ".bias", {1, width}, formats_.norm));
    }
    const OpKind kind = spec_.norm == NormKind::kRms ? OpKind::kRmsNorm : OpKind::kLayerNorm;
    return apply(kind, Role::kNorm, name, inputs, attributes, format);
  }

  TensorId linear(TensorId x, Role role, const std::string& name, Shape shape, bool bias,
                  const Format& format) {
    const std::string key = stored_ + name;
    std::vector<TensorId> inputs{x, weight(key, shape, formats_.linear)};
    if (bias) {
      inputs.push_back(weight(key + ".bias", {1, shape.rows}, formats_.norm));
    }
    return apply(OpKind::kMatmul, role, prefix_ + name, inputs, base_, format);
  }

  TensorId block_norm(TensorId x, const std::string& name, std::int64_t width, const Format& format,
                      bool grouped = false) {
    return norm(x, prefix_ + name, stored_ + name, width, format, grouped);
  }

  TensorId add(TensorId a, TensorId b, const std::string& name) {
    return apply(OpKind::kAdd, Role::kResidual, prefix_ + name, {a, b}, base_, formats_.activation);
  }

  TensorId block(TensorId x, std::int64_t executed) {
    const std::int64_t stored = executed / spec_.layer_repeat;
    const LayerShape& shape = spec_.stack[static_cast<std::size_t>(stored)];
    block_ = static_cast<int>(executed);
    prefix_ = fmt::format("block.{}.", executed);
    stored_ = fmt::format("block.{}.", stored);

    const TensorId attention_in = block_norm(x, "attn.norm", spec_.hidden, formats_.linear_input);
    TensorId attended = attention(attention_in, shape, stored);
    if (spec_.sandwich_norm) {
      attended = block_norm(attended, "attn.post_norm", spec_.hidden, formats_.activation);
    }
    if (spec_.parallel_block) {
      const TensorId fed = feed_forward(attention_in, shape);
      return add(x, add(attended, fed, "join"), "residual");
    }
    const TensorId middle = add(x, attended, "attn.residual");
    const TensorId ffn_in = block_norm(middle, "ffn.norm", spec_.hidden, formats_.linear_input);
    TensorId fed = feed_forward(ffn_in, shape);
    if (spec_.sandwich_norm) {
      fed = block_norm(fed, "ffn.post_norm", spec_.hidden, formats_.activation);
    }
    return add(middle, fed, "ffn.residual");
  }

  TensorId rotate(TensorId x, const std::string& name, std::int64_t heads) {
    Attributes attributes = base_;
    attributes.heads = heads;
    attributes.head_dim = spec_.head_dim;
    attributes.rotary = spec_.rotary;
    attributes.rope_base = spec_.rope_base;
    attributes.rope_layout = spec_.rope_layout;
    std::vector<TensorId> inputs{x};
    if (spec_.rope_factors) {
      inputs.push_back(weight("rope_factors", {1, spec_.rotary / 2}, formats_.norm));
    }
    return apply(OpKind::kRope, Role::kPosition, prefix_ + name, inputs, attributes,
                 formats_.activation);
  }

  TensorId attention(TensorId x, const LayerShape& shape, std::int64_t stored) {
    const std::int64_t q_width = shape.heads * spec_.head_dim;
    const std::int64_t kv_width = shape.kv_heads * spec_.head_dim;
    const Format& act = formats_.activation;
    TensorId q =
        linear(x, Role::kQuery, "attn.query", {q_width, spec_.hidden}, spec_.qkv_bias, act);
    TensorId k = linear(x, Role::kKey, "attn.key", {kv_width, spec_.hidden}, spec_.qkv_bias, act);
    const TensorId v =
        linear(x, Role::kValue, "attn.value", {kv_width, spec_.hidden}, spec_.qkv_bias, act);
    if (spec_.qk_norm) {
      q = block_norm(q, "attn.query_norm", spec_.head_dim, act, true);
      k = block_norm(k, "attn.key_norm", spec_.head_dim, act, true);
    }
    if (spec_.position == PositionKind::kRope) {
      q = rotate(q, "attn.query_rope", shape.heads);
      k = rotate(k, "attn.key_rope", shape.kv_heads);
    }
    const std::vector<TensorId> cache = graph_.apply({.id = {},
                                                      .kind = OpKind::kKvAppend,
                                                      .role = Role::kCache,
                                                      .name = prefix_ + "attn.cache",
                                                      .block = block_,
                                                      .inputs = {k, v},
                                                      .outputs = {},
                                                      .attributes = base_},
                                                     formats_.kv_cache, TensorKind::kKvCache);
    const Attributes attributes = attention_attributes(shape, stored);
    TensorId y =
        apply(OpKind::kAttention, Role::kAttention, prefix_ + "attn.attention",
              {q, cache[0], cache[1]}, attributes, spec_.sub_norm ? act : formats_.linear_input);
    if (spec_.sub_norm) {
      y = block_norm(y, "attn.sub_norm", q_width, formats_.linear_input);
    }
    return linear(y, Role::kAttentionOutput, "attn.out", {spec_.hidden, q_width}, spec_.output_bias,
                  act);
  }

  [[nodiscard]] Attributes attention_attributes(const LayerShape& shape,
                                                std::int64_t stored) const {
    Attributes attributes = base_;
    attributes.heads = shape.heads;
    attributes.kv_heads = shape.kv_heads;
    attributes.head_dim = spec_.head_dim;
    attributes.scale = spec_.attention_scale > 0.0
                           ? spec_.attention_scale
                           : 1.0 / std::sqrt(static_cast<double>(spec_.head_dim));
    attributes.soft_cap = spec_.attention_soft_cap;
    attributes.alibi = spec_.position == PositionKind::kAlibi;
    const bool global = spec_.global_every > 0 && (stored + 1) % spec_.global_every == 0;
    attributes.window = global ? 0 : spec_.window;
    return attributes;
  }

  TensorId feed_forward(TensorId x, const LayerShape& shape) {
    if (spec_.experts > 0) {
      return experts(x, shape);
    }
    const Format& act = formats_.activation;
    const Format& into_down = spec_.sub_norm ? act : formats_.linear_input;
    Attributes attributes = base_;
    attributes.activation = spec_.activation;
    const Shape widen{shape.ffn, spec_.hidden};
    TensorId y;
    if (spec_.gated) {
      const TensorId gate = linear(x, Role::kGate, "ffn.gate", widen, spec_.ffn_bias, act);
      const TensorId up = linear(x, Role::kUp, "ffn.up", widen, spec_.ffn_bias, act);
      y = apply(OpKind::kGatedActivation, Role::kActivation, prefix_ + "ffn.activation", {gate, up},
                attributes, into_down);
    } else {
      const TensorId up = linear(x, Role::kUp, "ffn.up", widen, spec_.ffn_bias, act);
      y = apply(OpKind::kActivation, Role::kActivation, prefix_ + "ffn.activation", {up},
                attributes, into_down);
    }
    if (spec_.sub_norm) {
      y = block_norm(y, "ffn.sub_norm", shape.ffn, formats_.linear_input);
    }
    return linear(y, Role::kDown, "ffn.down", {spec_.hidden, shape.ffn}, spec_.ffn_bias, act);
  }

  TensorId expert_linear(TensorId x, Role role, const std::string& name, Shape one,
                         TensorId routing, const Attributes& attributes) {
    const TensorId w =
        weight(stored_ + name, {spec_.experts * one.rows, one.columns}, formats_.linear);
    return apply(OpKind::kExpertMatmul, role, prefix_ + name, {x, w, routing}, attributes,
                 formats_.activation);
  }

  TensorId experts(TensorId x, const LayerShape& shape) {
    const Format& act = formats_.activation;
    Attributes attributes = base_;
    attributes.experts = spec_.experts;
    attributes.active_experts = spec_.active_experts;
    const TensorId logits =
        linear(x, Role::kRouter, "ffn.router", {spec_.experts, spec_.hidden}, false, act);
    const TensorId routing =
        apply(OpKind::kTopK, Role::kRouter, prefix_ + "ffn.choice", {logits}, attributes, act);
    const Shape widen{shape.ffn, spec_.hidden};
    const TensorId gate = expert_linear(x, Role::kGate, "ffn.gate", widen, routing, attributes);
    const TensorId up = expert_linear(x, Role::kUp, "ffn.up", widen, routing, attributes);
    Attributes activation = base_;
    activation.activation = spec_.activation;
    const TensorId y =
        apply(OpKind::kGatedActivation, Role::kActivation, prefix_ + "ffn.activation", {gate, up},
              activation, formats_.linear_input);
    const TensorId down =
        expert_linear(y, Role::kDown, "ffn.down", {spec_.hidden, shape.ffn}, routing, attributes);
    return apply(OpKind::kExpertSum, Role::kDown, prefix_ + "ffn.sum", {down, routing}, attributes,
                 act);
  }

  void head(TensorId x) {
    std::vector<TensorId> inputs{x};
    const Shape shape{spec_.vocab, spec_.hidden};
    inputs.push_back(spec_.tied ? weight("embedding", shape, formats_.embedding)
                                : weight("head", shape, formats_.head));
    if (spec_.head_bias) {
      inputs.push_back(weight("head.bias", {1, spec_.vocab}, formats_.norm));
    }
    const bool capped = spec_.logit_soft_cap > 0.0;
    const TensorId logits =
        apply(OpKind::kMatmul, Role::kHead, "head", inputs, base_, formats_.activation,
              capped ? TensorKind::kActivation : TensorKind::kOutput);
    if (capped) {
      Attributes attributes = base_;
      attributes.soft_cap = spec_.logit_soft_cap;
      apply(OpKind::kScale, Role::kHead, "head.soft_cap", {logits}, attributes, formats_.activation,
            TensorKind::kOutput);
    }
  }

  const ModelSpec& spec_;
  const Phase& phase_;
  const ModelFormats& formats_;
  GraphBuilder graph_;
  Attributes base_;
  std::map<std::string, StorageId> storages_;
  std::string prefix_;  // names of the executed block
  std::string stored_;  // names of the stored layer that it runs
  int block_ = -1;
};

}  // namespace

OperatorGraph build_graph(const ModelSpec& spec, const Phase& phase) {
  std::vector<std::string> faults = faults_of(spec);
  if (phase.batch < 1 || phase.new_tokens < 1 || phase.past < 0) {
    faults.push_back(
        fmt::format("found a batch of {}, {} new and {} past tokens; expected at least 1, 1 and 0",
                    phase.batch, phase.new_tokens, phase.past));
  }
  if (!faults.empty()) {
    throw InputError(fmt::format("{}: {}", spec.id, fmt::join(faults, "; ")));
  }
  return DecoderBuilder(spec, phase).build();
}

}  // namespace joulesim::models
