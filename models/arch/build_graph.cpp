#include "models/arch/build_graph.hpp"

#include "models/arch/graph_writer.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <utility>

namespace joulesim::models {

GraphWriter::GraphWriter(const ModelSpec& spec, const Phase& phase)
    : spec_(spec), phase_(phase), formats_(spec.formats), graph_(spec.id) {
  base_.batch = phase.batch;
  base_.new_tokens = phase.new_tokens;
  base_.past = phase.past;
}

TensorId GraphWriter::apply(OpKind kind, Role role, const std::string& name,
                            std::vector<TensorId> inputs, const Attributes& attributes,
                            const Format& format, TensorKind tensor_kind) {
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

TensorId GraphWriter::recur(OpKind kind, Role role, const std::string& name,
                            std::vector<TensorId> inputs, const Attributes& attributes) {
  return graph_.apply_recurrent({.id = {},
                                 .kind = kind,
                                 .role = role,
                                 .name = prefix_ + name,
                                 .block = block_,
                                 .inputs = std::move(inputs),
                                 .outputs = {},
                                 .attributes = attributes},
                                formats_.activation, formats_.kv_cache);
}

// The tensor on the storage `key`, which is made on first use.
TensorId GraphWriter::weight(const std::string& key, Shape shape, const Format& format) {
  if (const auto known = storages_.find(key); known != storages_.end()) {
    return graph_.add_weight_on(key, known->second);
  }
  const auto own = spec_.format_of.find(key);
  const TensorId tensor =
      graph_.add_weight(key, shape, own != spec_.format_of.end() ? own->second : format);
  storages_.emplace(key, graph_.storage_of(tensor));
  return tensor;
}

TensorId GraphWriter::norm(TensorId x, const std::string& name, const std::string& key,
                           std::int64_t width, const Format& format, bool grouped) {
  Attributes attributes = base_;
  attributes.epsilon = spec_.norm_epsilon;
  attributes.group = grouped ? width : 0;
  std::vector<TensorId> inputs{x};
  if (spec_.norm_gain) {
    inputs.push_back(weight(key, {1, width}, formats_.norm));
  }
  if (spec_.norm_bias && spec_.norm_gain) {
    inputs.push_back(weight(key + ".bias", {1, width}, formats_.norm));
  }
  const OpKind kind = spec_.norm == NormKind::kRms ? OpKind::kRmsNorm : OpKind::kLayerNorm;
  return apply(kind, Role::kNorm, name, inputs, attributes, format);
}

TensorId GraphWriter::block_norm(TensorId x, const std::string& name, std::int64_t width,
                                 const Format& format, bool grouped) {
  return norm(x, prefix_ + name, stored_ + name, width, format, grouped);
}

TensorId GraphWriter::matmul(TensorId x, Role role, const std::string& name, const std::string& key,
                             Shape shape, bool bias, const Format& format, TensorKind kind) {
  std::vector<TensorId> inputs{x, weight(key, shape, formats_.linear)};
  if (bias) {
    inputs.push_back(weight(key + ".bias", {1, shape.rows}, formats_.norm));
  }
  return apply(OpKind::kMatmul, role, name, inputs, base_, format, kind);
}

TensorId GraphWriter::linear(TensorId x, Role role, const std::string& name, Shape shape, bool bias,
                             const Format& format) {
  return matmul(x, role, prefix_ + name, stored_ + name, shape, bias, format);
}

TensorId GraphWriter::activate(TensorId x, Activation activation, const std::string& name,
                               const Format& format) {
  Attributes attributes = base_;
  attributes.activation = activation;
  return apply(OpKind::kActivation, Role::kActivation, name, {x}, attributes, format);
}

TensorId GraphWriter::gate(TensorId gate, TensorId x, Activation activation,
                           const std::string& name, const Format& format) {
  Attributes attributes = base_;
  attributes.activation = activation;
  return apply(OpKind::kGatedActivation, Role::kActivation, prefix_ + name, {gate, x}, attributes,
               format);
}

TensorId GraphWriter::add(TensorId a, TensorId b, const std::string& name) {
  return apply(OpKind::kAdd, Role::kResidual, prefix_ + name, {a, b}, base_, formats_.activation);
}

TensorId GraphWriter::slice(TensorId x, const std::string& name, std::int64_t offset,
                            std::int64_t width, std::int64_t heads) {
  Attributes attributes = base_;
  attributes.offset = offset;
  attributes.width = width;
  attributes.heads = heads;
  return apply(OpKind::kSlice, Role::kOther, prefix_ + name, {x}, attributes, formats_.activation);
}

TensorId GraphWriter::embed_tokens(const std::string& prefix) {
  const std::int64_t rows = base_.batch * base_.new_tokens;
  const Format ids = known_format("int32");
  const std::int64_t width = spec_.table_width();
  const TensorId tokens =
      graph_.add_input(prefix.empty() ? "tokens" : "source_tokens", {rows, 1}, ids);
  Attributes attributes = base_;
  attributes.scale = spec_.embedding_scale;
  if (spec_.scaled_embedding) {
    attributes.scale *= std::sqrt(static_cast<double>(spec_.hidden));
  }
  const TensorId table = weight("embedding", {spec_.vocab, width}, formats_.embedding);
  TensorId x = apply(OpKind::kEmbedding, Role::kEmbedding, prefix + "embedding", {tokens, table},
                     attributes, formats_.activation);
  if (width != spec_.hidden) {
    x = matmul(x, Role::kEmbedding, prefix + "embedding.in", "embedding.in", {spec_.hidden, width},
               false, formats_.activation);
  }
  if (spec_.token_types > 0) {
    const TensorId types = graph_.add_input("token_types", {rows, 1}, ids);
    const TensorId of_type =
        apply(OpKind::kEmbedding, Role::kEmbedding, "token_types",
              {types, weight("token_types", {spec_.token_types, spec_.hidden}, formats_.norm)},
              base_, formats_.activation);
    x = apply(OpKind::kAdd, Role::kEmbedding, "embedding.types", {x, of_type}, base_,
              formats_.activation);
  }
  return x;
}

TensorId GraphWriter::add_positions(TensorId x, const std::string& prefix, std::int64_t rows) {
  const TensorId table = weight(prefix + "positions", {rows, spec_.hidden}, formats_.norm);
  Attributes attributes = base_;
  attributes.offset = spec_.position_offset;
  return apply(OpKind::kPositionEmbedding, Role::kPosition, prefix + "positions", {x, table},
               attributes, formats_.activation);
}

TensorId GraphWriter::embed() {
  if (!spec_.embedded) {
    return graph_.add_input("inputs_embeds", {base_.batch * base_.new_tokens, spec_.hidden},
                            formats_.activation);
  }
  TensorId x = embed_tokens(stage_);
  if (spec_.position == PositionKind::kLearned) {
    const bool own = !stage_.empty() && spec_.encoder.positions > 0;
    x = add_positions(x, stage_, own ? spec_.encoder.positions : spec_.position_rows);
  }
  return spec_.embedding_norm ? norm(x, stage_ + "embedding.norm", stage_ + "embedding.norm",
                                     spec_.hidden, formats_.activation)
                              : x;
}

// Two convolutions of three taps; the second halves the frames (Radford et al., arXiv 2212.04356,
// section 2.2).
TensorId GraphWriter::read_frames() {
  Attributes attributes = base_;
  attributes.kernel = 3;
  attributes.padding = 1;
  TensorId x = graph_.add_input(
      "frames", {2 * base_.batch * base_.new_tokens, spec_.encoder.features}, formats_.activation);
  std::int64_t columns = spec_.encoder.features;
  for (const std::string name : {"encoder.conv.0", "encoder.conv.1"}) {
    const TensorId w = weight(name, {spec_.hidden, 3 * columns}, formats_.linear);
    const TensorId bias = weight(name + ".bias", {1, spec_.hidden}, formats_.norm);
    x = apply(OpKind::kConvolution, Role::kConvolution, name, {x, w, bias}, attributes,
              formats_.activation);
    x = activate(x, spec_.activation, name + ".activation", formats_.activation);
    columns = spec_.hidden;
    attributes.stride = 2;
  }
  return add_positions(x, "encoder.", spec_.encoder.positions);
}

void GraphWriter::encode() {
  const Attributes decoder = base_;
  base_.new_tokens = phase_.source;
  base_.past = 0;
  stage_ = "encoder.";
  causal_ = false;
  TensorId x = spec_.encoder.features > 0 ? read_frames() : embed();
  for (std::size_t i = 0; i < spec_.encoder.stack.size(); ++i) {
    block_ = static_cast<int>(i);
    prefix_ = stored_ = fmt::format("encoder.block.{}.", i);
    x = block(x, spec_.encoder.stack[i], static_cast<std::int64_t>(i));
  }
  block_ = -1;
  memory_ = spec_.final_norm ? norm(x, "encoder.final_norm", "encoder.final_norm", spec_.hidden,
                                    formats_.linear_input)
                             : x;
  stage_.clear();
  causal_ = true;
  base_ = decoder;
}

TensorId GraphWriter::sublayer(TensorId x, const std::string& name,
                               const std::function<TensorId(TensorId)>& inner) {
  const TensorId in =
      spec_.pre_norm ? block_norm(x, name + ".norm", spec_.hidden, formats_.linear_input) : x;
  TensorId y = inner(in);
  if (spec_.sandwich_norm) {
    y = block_norm(y, name + ".post_norm", spec_.hidden, formats_.activation);
  }
  if (spec_.residual_scale != 1.0) {
    Attributes attributes = base_;
    attributes.scale = spec_.residual_scale;
    y = apply(OpKind::kScale, Role::kResidual, prefix_ + name + ".scale", {y}, attributes,
              formats_.activation);
  }
  const TensorId sum = add(x, y, name + ".residual");
  return spec_.post_norm ? block_norm(sum, name + ".post_norm", spec_.hidden, formats_.activation)
                         : sum;
}

TensorId GraphWriter::block(TensorId x, const LayerShape& layer, std::int64_t stored) {
  const auto mix = [&](TensorId in) {
    switch (layer.mixer) {
      case Mixer::kMamba:
        return mamba(in);
      case Mixer::kMamba2:
        return mamba2(in);
      case Mixer::kRwkv4:
      case Mixer::kRwkv5:
      case Mixer::kRwkv6:
        return time_mix(in, layer.mixer);
      case Mixer::kAttention:
        break;
    }
    return spec_.latent.kv_rank > 0 ? latent_attention(in, layer) : attention(in, layer, stored);
  };
  const auto feed = [&](TensorId in) {
    const bool rwkv = layer.mixer == Mixer::kRwkv4 || layer.mixer == Mixer::kRwkv5 ||
                      layer.mixer == Mixer::kRwkv6;
    return rwkv ? channel_mix(in, layer.ffn) : feed_forward(in, layer);
  };
  if (spec_.parallel_block) {
    const TensorId in = block_norm(x, "attn.norm", spec_.hidden, formats_.linear_input);
    const TensorId fed_in =
        spec_.parallel_norms ? block_norm(x, "ffn.norm", spec_.hidden, formats_.linear_input) : in;
    const TensorId mixed = mix(in);
    return add(x, add(mixed, feed(fed_in), "join"), "residual");
  }
  x = sublayer(x, "attn", mix);
  if (spec_.has_encoder() && stage_.empty()) {
    x = sublayer(x, "cross", [&](TensorId in) { return cross_attention(in, layer); });
  }
  return layer.ffn > 0 ? sublayer(x, "ffn", feed) : x;
}

void GraphWriter::head(TensorId x) {
  if (spec_.head_transform) {
    x = matmul(x, Role::kHead, "head.transform", "head.transform", {spec_.hidden, spec_.hidden},
               true, formats_.activation);
    x = activate(x, spec_.activation, "head.activation", formats_.activation);
    x = norm(x, "head.norm", "head.norm", spec_.hidden, formats_.activation);
  }
  const std::int64_t width = spec_.table_width();
  if (width != spec_.hidden) {
    x = matmul(x, Role::kHead, "head.in", "head.in", {width, spec_.hidden}, false,
               formats_.activation);
  }
  const Shape shape{spec_.vocab, width};
  std::vector<TensorId> inputs{x, spec_.tied ? weight("embedding", shape, formats_.embedding)
                                             : weight("head", shape, formats_.head)};
  if (spec_.head_bias) {
    inputs.push_back(weight("head.bias", {1, spec_.vocab}, formats_.norm));
  }
  const bool changed = spec_.logit_soft_cap > 0.0 || spec_.logit_scale != 1.0;
  const TensorId logits =
      apply(OpKind::kMatmul, Role::kHead, "head", inputs, base_, formats_.activation,
            changed ? TensorKind::kActivation : TensorKind::kOutput);
  if (changed) {
    Attributes attributes = base_;
    attributes.scale = spec_.logit_scale;
    attributes.soft_cap = spec_.logit_soft_cap;
    apply(OpKind::kScale, Role::kHead, "head.soft_cap", {logits}, attributes, formats_.activation,
          TensorKind::kOutput);
  }
}

void GraphWriter::pool(TensorId x) {
  const TensorId first =
      apply(OpKind::kSelectFirst, Role::kHead, "first_token", {x}, base_, formats_.activation);
  TensorId pooled = matmul(first, Role::kHead, "pooler", "pooler", {spec_.hidden, spec_.hidden},
                           true, formats_.activation);
  Attributes attributes = base_;
  attributes.activation = Activation::kTanh;
  pooled = apply(OpKind::kActivation, Role::kHead, "pooler_output", {pooled}, attributes,
                 formats_.activation, TensorKind::kOutput);
  if (spec_.labels > 0) {
    matmul(pooled, Role::kHead, "classifier", "classifier", {spec_.labels, spec_.hidden}, true,
           formats_.activation, TensorKind::kOutput);
  }
}

// What follows the stack. Models without logits give their hidden rows.
void GraphWriter::finish(TensorId x) {
  const bool last = spec_.language_head && !phase_.all_logits && phase_.new_tokens > 1 && causal_;
  if (last) {
    x = apply(OpKind::kSelectLast, Role::kOther, "last_token", {x}, base_, formats_.activation);
  }
  if (spec_.final_norm) {
    x = norm(x, "final_norm", "final_norm", spec_.hidden, formats_.activation);
  }
  if (spec_.language_head) {
    head(x);
  } else {
    Attributes attributes = base_;
    attributes.width = spec_.hidden;
    attributes.heads = 1;
    apply(OpKind::kSlice, Role::kOther, "last_hidden_state", {x}, attributes, formats_.activation,
          TensorKind::kOutput);
  }
  if (spec_.pooler) {
    pool(x);
  }
}

OperatorGraph GraphWriter::build() {
  if (phase_.encode) {
    encode();
  }
  causal_ = spec_.causal;
  TensorId x = embed();
  const auto first = static_cast<int>(spec_.encoder.stack.size());
  for (std::int64_t executed = 0; executed < spec_.executed_layers(); ++executed) {
    const std::int64_t stored = executed / spec_.layer_repeat;
    block_ = first + static_cast<int>(executed);
    prefix_ = fmt::format("block.{}.", executed);
    stored_ = fmt::format("block.{}.", stored);
    x = block(x, spec_.stack[static_cast<std::size_t>(stored)], stored);
  }
  block_ = -1;
  prefix_.clear();
  finish(x);
  std::vector<std::string> faults;
  auto graph = graph_.finish(faults);
  if (!graph) {
    throw InputError(fmt::format("{}: {}", spec_.id, fmt::join(faults, "; ")));
  }
  return *std::move(graph);
}

Phase whole_phase(const ModelSpec& spec) { return prefill_phase(spec, 1); }

Phase prefill_phase(const ModelSpec& spec, std::int64_t prompt, std::int64_t batch) {
  Phase phase = Phase::prefill(prompt, 0, batch);
  if (spec.has_encoder()) {
    const bool frames = spec.encoder.features > 0;
    phase.encode = true;
    phase.source = frames ? spec.encoder.positions : prompt;
    phase.new_tokens = frames ? prompt : 1;
  }
  return phase;
}

Phase decode_phase(const ModelSpec& spec, std::int64_t prompt, std::int64_t context,
                   std::int64_t batch) {
  if (!spec.causal) {
    return Phase::prefill(prompt, 0, batch);
  }
  Phase phase = Phase::decode(context, batch);
  if (spec.has_encoder()) {
    const bool frames = spec.encoder.features > 0;
    phase.source = frames ? spec.encoder.positions : prompt;
    phase.past = frames ? context : context - prompt + 1;
  }
  return phase;
}

OperatorGraph build_graph(const ModelSpec& spec, const Phase& phase) {
  std::vector<std::string> faults = faults_of(spec);
  if (phase.batch < 1 || phase.new_tokens < 1 || phase.past < 0) {
    faults.push_back(
        fmt::format("found a batch of {}, {} new and {} past tokens; expected at least 1, 1 and 0",
                    phase.batch, phase.new_tokens, phase.past));
  }
  if (spec.has_encoder() ? phase.source < 1 : phase.source != 0 || phase.encode) {
    faults.push_back(
        fmt::format("found {} tokens of another sequence; expected {}", phase.source,
                    spec.has_encoder() ? "what the encoder has read" : "none without an encoder"));
  }
  if (!spec.causal && phase.past > 0) {
    faults.push_back(
        fmt::format("found {} past tokens; expected none, as all see all", phase.past));
  }
  if (!faults.empty()) {
    throw InputError(fmt::format("{}: {}", spec.id, fmt::join(faults, "; ")));
  }
  return spec.reads_image() ? build_image_graph(spec, phase.batch)
                            : GraphWriter(spec, phase).build();
}

}  // namespace joulesim::models
