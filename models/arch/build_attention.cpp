// Attention of a block: plain, across to an encoder, and multi-latent.
#include "models/arch/graph_writer.hpp"

#include <cmath>
#include <utility>

namespace joulesim::models {

TensorId GraphWriter::rotate(TensorId x, const std::string& name, std::int64_t heads,
                             std::int64_t head_dim, std::int64_t from, bool local) {
  Attributes attributes = base_;
  const bool own_base = local && spec_.local_rope_base > 0.0;
  attributes.heads = heads;
  attributes.head_dim = head_dim;
  attributes.rotary = spec_.rotary;
  attributes.rotary_from = from;
  attributes.rope_base = own_base ? spec_.local_rope_base : spec_.rope_base;
  attributes.rope_magnitude = own_base ? 1.0 : spec_.rope_magnitude;
  attributes.rope_layout = spec_.rope_layout;
  std::vector<TensorId> inputs{x};
  if (spec_.rope_factors && !own_base) {
    inputs.push_back(weight("rope_factors", {1, spec_.rotary / 2}, formats_.norm));
  }
  return apply(OpKind::kRope, Role::kPosition, prefix_ + name, inputs, attributes,
               formats_.activation);
}

std::vector<TensorId> GraphWriter::append(const std::string& name, std::vector<TensorId> rows,
                                          const Attributes& attributes) {
  return graph_.apply({.id = {},
                       .kind = OpKind::kKvAppend,
                       .role = Role::kCache,
                       .name = prefix_ + name,
                       .block = block_,
                       .inputs = std::move(rows),
                       .outputs = {},
                       .attributes = attributes},
                      formats_.kv_cache, TensorKind::kKvCache);
}

Attributes GraphWriter::attention_attributes(const LayerShape& layer, std::int64_t stored) const {
  Attributes attributes = base_;
  attributes.heads = layer.heads;
  attributes.kv_heads = layer.kv_heads;
  attributes.head_dim = spec_.head_dim;
  attributes.scale = spec_.attention_scale > 0.0
                         ? spec_.attention_scale
                         : 1.0 / std::sqrt(static_cast<double>(spec_.head_dim));
  attributes.soft_cap = spec_.attention_soft_cap;
  attributes.alibi = spec_.position == PositionKind::kAlibi;
  attributes.causal = causal_;
  attributes.window = stage_.empty() && spec_.is_local(stored) ? spec_.window : 0;
  return attributes;
}

TensorId GraphWriter::attention(TensorId x, const LayerShape& layer, std::int64_t stored) {
  const std::int64_t q_width = layer.heads * spec_.head_dim;
  const std::int64_t kv_width = layer.kv_heads * spec_.head_dim;
  const Format& act = formats_.activation;
  TensorId q = linear(x, Role::kQuery, "attn.query", {q_width, spec_.hidden}, spec_.qkv_bias, act);
  TensorId k = linear(x, Role::kKey, "attn.key", {kv_width, spec_.hidden},
                      spec_.qkv_bias && spec_.key_bias, act);
  const TensorId v =
      linear(x, Role::kValue, "attn.value", {kv_width, spec_.hidden}, spec_.qkv_bias, act);
  if (spec_.qk_norm) {
    q = block_norm(q, "attn.query_norm", spec_.head_dim, act, true);
    k = block_norm(k, "attn.key_norm", spec_.head_dim, act, true);
  } else if (spec_.qk_norm_whole) {
    q = block_norm(q, "attn.query_norm", q_width, act);
    k = block_norm(k, "attn.key_norm", kv_width, act);
  }
  if (spec_.position == PositionKind::kRope && layer.rotates) {
    const bool local = stage_.empty() && spec_.is_local(stored);
    q = rotate(q, "attn.query_rope", layer.heads, spec_.head_dim, 0, local);
    k = rotate(k, "attn.key_rope", layer.kv_heads, spec_.head_dim, 0, local);
  }
  Attributes attributes = attention_attributes(layer, stored);
  std::vector<TensorId> inputs{q};
  if (causal_) {
    const std::vector<TensorId> cache = append("attn.cache", {k, v}, base_);
    inputs.insert(inputs.end(), cache.begin(), cache.end());
  } else {
    inputs.insert(inputs.end(), {k, v});
  }
  if (spec_.position == PositionKind::kRelative) {
    attributes.relative_buckets = spec_.relative_buckets;
    attributes.relative_distance = spec_.relative_distance;
    inputs.push_back(
        weight(stage_ + "relative", {spec_.relative_buckets, layer.heads}, formats_.norm));
  }
  TensorId y = apply(OpKind::kAttention, Role::kAttention, prefix_ + "attn.attention", inputs,
                     attributes, spec_.sub_norm ? act : formats_.linear_input);
  if (spec_.sub_norm) {
    y = block_norm(y, "attn.sub_norm", q_width, formats_.linear_input);
  }
  return linear(y, Role::kAttentionOutput, "attn.out", {spec_.hidden, q_width}, spec_.output_bias,
                act);
}

// Keys and values of the encoder's output are made once, when it is there, and kept.
TensorId GraphWriter::cross_attention(TensorId x, const LayerShape& layer) {
  const std::int64_t q_width = layer.heads * spec_.head_dim;
  const std::int64_t kv_width = layer.kv_heads * spec_.head_dim;
  const Format& act = formats_.activation;
  const TensorId q =
      linear(x, Role::kQuery, "cross.query", {q_width, spec_.hidden}, spec_.qkv_bias, act);
  std::vector<TensorId> cache;
  if (phase_.encode) {
    const TensorId k = linear(memory_, Role::kKey, "cross.key", {kv_width, spec_.hidden},
                              spec_.qkv_bias && spec_.key_bias, act);
    const TensorId v =
        linear(memory_, Role::kValue, "cross.value", {kv_width, spec_.hidden}, spec_.qkv_bias, act);
    Attributes attributes = base_;
    attributes.new_tokens = phase_.source;
    attributes.past = 0;
    cache = append("cross.cache", {k, v}, attributes);
  } else {
    for (const char* name : {"cross.cache.0", "cross.cache.1"}) {
      cache.push_back(graph_.add_tensor(prefix_ + name, TensorKind::kKvCache,
                                        {phase_.batch * phase_.source, kv_width},
                                        formats_.kv_cache));
    }
  }
  Attributes attributes = attention_attributes(layer, 0);
  attributes.window = 0;
  attributes.causal = false;
  attributes.alibi = false;
  attributes.source = phase_.source;
  const TensorId y = apply(OpKind::kAttention, Role::kAttention, prefix_ + "cross.attention",
                           {q, cache[0], cache[1]}, attributes, formats_.linear_input);
  return linear(y, Role::kAttentionOutput, "cross.out", {spec_.hidden, q_width}, spec_.output_bias,
                act);
}

// In the form that reads the cached row as it is: queries are carried into the space of the row
// (key_up), and its weighted sums out of it (value_up), head by head.
TensorId GraphWriter::latent_attention(TensorId x, const LayerShape& layer) {
  const LatentShape& latent = spec_.latent;
  const std::int64_t head = latent.plain_dim + latent.rope_dim;
  const std::int64_t row = latent.kv_rank + latent.rope_dim;
  const Format& act = formats_.activation;
  const Shape q_shape{layer.heads * head, latent.q_rank > 0 ? latent.q_rank : spec_.hidden};
  TensorId q;
  if (latent.q_rank > 0) {
    q = linear(x, Role::kQuery, "attn.query_down", {latent.q_rank, spec_.hidden}, spec_.qkv_bias,
               act);
    q = block_norm(q, "attn.query_norm", latent.q_rank, formats_.linear_input);
    q = linear(q, Role::kQuery, "attn.query_up", q_shape, false, act);
  } else {
    q = linear(x, Role::kQuery, "attn.query", q_shape, false, act);
  }
  q = rotate(q, "attn.query_rope", layer.heads, head, latent.plain_dim, false);
  Attributes heads = base_;
  heads.heads = layer.heads;
  const TensorId plain = slice(q, "attn.query_plain", 0, latent.plain_dim, layer.heads);
  const TensorId turned =
      slice(q, "attn.query_turned", latent.plain_dim, latent.rope_dim, layer.heads);
  const TensorId carried =
      apply(OpKind::kHeadMatmul, Role::kQuery, prefix_ + "attn.key_up",
            {plain, weight(stored_ + "attn.key_up",
                           {layer.heads * latent.kv_rank, latent.plain_dim}, formats_.linear)},
            heads, act);
  q = apply(OpKind::kConcat, Role::kQuery, prefix_ + "attn.query_row", {carried, turned}, heads,
            act);

  const TensorId made =
      linear(x, Role::kKey, "attn.latent", {row, spec_.hidden}, spec_.qkv_bias, act);
  const TensorId content = block_norm(slice(made, "attn.latent_content", 0, latent.kv_rank),
                                      "attn.latent_norm", latent.kv_rank, act);
  const TensorId position =
      rotate(slice(made, "attn.latent_position", latent.kv_rank, latent.rope_dim), "attn.key_rope",
             1, latent.rope_dim, 0, false);
  Attributes one = base_;
  one.heads = 1;
  const TensorId cached = apply(OpKind::kConcat, Role::kKey, prefix_ + "attn.latent_row",
                                {content, position}, one, act);
  const TensorId cache = append("attn.cache", {cached}, base_).front();

  Attributes attributes = attention_attributes(layer, 0);
  attributes.kv_heads = 1;
  attributes.head_dim = row;
  attributes.value_dim = latent.kv_rank;
  attributes.window = 0;
  attributes.scale = spec_.attention_scale > 0.0 ? spec_.attention_scale
                                                 : 1.0 / std::sqrt(static_cast<double>(head));
  TensorId y = apply(OpKind::kAttention, Role::kAttention, prefix_ + "attn.attention",
                     {q, cache, cache}, attributes, act);
  y = apply(OpKind::kHeadMatmul, Role::kValue, prefix_ + "attn.value_up",
            {y, weight(stored_ + "attn.value_up", {layer.heads * latent.value_dim, latent.kv_rank},
                       formats_.linear)},
            heads, formats_.linear_input);
  return linear(y, Role::kAttentionOutput, "attn.out",
                {spec_.hidden, layer.heads * latent.value_dim}, spec_.output_bias, act);
}

}  // namespace joulesim::models
