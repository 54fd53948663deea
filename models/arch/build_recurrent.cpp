// Blocks with a state instead of a cache: Mamba, Mamba-2, RWKV-4 to 6.
#include "models/arch/graph_writer.hpp"

#include <fmt/format.h>

namespace joulesim::models {

TensorId GraphWriter::convolve(TensorId x, std::int64_t channels) {
  Attributes attributes = base_;
  attributes.kernel = spec_.scan.taps;
  std::vector<TensorId> inputs{
      x, weight(stored_ + "ssm.conv", {channels, spec_.scan.taps}, formats_.norm)};
  if (spec_.scan.conv_bias) {
    inputs.push_back(weight(stored_ + "ssm.conv.bias", {1, channels}, formats_.norm));
  }
  const TensorId y =
      recur(OpKind::kCausalConvolution, Role::kConvolution, "ssm.conv", inputs, attributes);
  return activate(y, Activation::kSilu, prefix_ + "ssm.conv.activation", formats_.activation);
}

TensorId GraphWriter::mamba(TensorId x) {
  const ScanShape& scan = spec_.scan;
  const Format& act = formats_.activation;
  const TensorId both =
      linear(x, Role::kUp, "ssm.in", {2 * scan.inner, spec_.hidden}, scan.linear_bias, act);
  const TensorId channels = convolve(slice(both, "ssm.channels", 0, scan.inner), scan.inner);
  const TensorId gate_row = slice(both, "ssm.gate", scan.inner, scan.inner);
  const TensorId made = linear(channels, Role::kRecurrence, "ssm.x",
                               {scan.dt_rank + 2 * scan.state, scan.inner}, false, act);
  TensorId step = slice(made, "ssm.step_row", 0, scan.dt_rank);
  TensorId in = slice(made, "ssm.b", scan.dt_rank, scan.state);
  TensorId out = slice(made, "ssm.c", scan.dt_rank + scan.state, scan.state);
  if (scan.norms) {
    step = block_norm(step, "ssm.dt_norm", scan.dt_rank, act);
    in = block_norm(in, "ssm.b_norm", scan.state, act);
    out = block_norm(out, "ssm.c_norm", scan.state, act);
  }
  step = linear(step, Role::kRecurrence, "ssm.dt", {scan.inner, scan.dt_rank}, true, act);
  step = activate(step, Activation::kSoftplus, prefix_ + "ssm.step", act);
  Attributes attributes = base_;
  attributes.state = scan.state;
  attributes.groups = 1;
  const TensorId y = recur(
      OpKind::kSelectiveScan, Role::kRecurrence, "ssm.scan",
      {channels, step, in, out, weight(stored_ + "ssm.a", {scan.inner, scan.state}, formats_.norm),
       weight(stored_ + "ssm.d", {1, scan.inner}, formats_.norm)},
      attributes);
  const TensorId gated =
      gate(gate_row, y, Activation::kSilu, "ssm.activation", formats_.linear_input);
  return linear(gated, Role::kDown, "ssm.out", {spec_.hidden, scan.inner}, scan.linear_bias, act);
}

TensorId GraphWriter::mamba2(TensorId x) {
  const ScanShape& scan = spec_.scan;
  const Format& act = formats_.activation;
  const std::int64_t heads = scan.inner / scan.head_dim;
  const std::int64_t shared = scan.groups * scan.state;
  const std::int64_t mixed = scan.inner + 2 * shared;
  const TensorId all = linear(x, Role::kUp, "ssm.in", {scan.inner + mixed + heads, spec_.hidden},
                              scan.linear_bias, act);
  const TensorId gate_row = slice(all, "ssm.gate", 0, scan.inner);
  const TensorId convolved = convolve(slice(all, "ssm.channels", scan.inner, mixed), mixed);
  TensorId step = slice(all, "ssm.step_row", scan.inner + mixed, heads);
  step = apply(OpKind::kAdd, Role::kRecurrence, prefix_ + "ssm.step_bias",
               {step, weight(stored_ + "ssm.dt.bias", {1, heads}, formats_.norm)}, base_, act);
  step = activate(step, Activation::kSoftplus, prefix_ + "ssm.step", act);
  Attributes attributes = base_;
  attributes.state = scan.state;
  attributes.groups = scan.groups;
  attributes.heads = heads;
  TensorId y = recur(OpKind::kSelectiveScan, Role::kRecurrence, "ssm.scan",
                     {slice(convolved, "ssm.values", 0, scan.inner), step,
                      slice(convolved, "ssm.b", scan.inner, shared),
                      slice(convolved, "ssm.c", scan.inner + shared, shared),
                      weight(stored_ + "ssm.a", {1, heads}, formats_.norm),
                      weight(stored_ + "ssm.d", {1, heads}, formats_.norm)},
                     attributes);
  y = gate(gate_row, y, Activation::kSilu, "ssm.activation", act);
  Attributes grouped = base_;
  grouped.epsilon = spec_.norm_epsilon;
  grouped.group = scan.inner / scan.groups;
  y = apply(OpKind::kRmsNorm, Role::kNorm, prefix_ + "ssm.norm",
            {y, weight(stored_ + "ssm.norm", {1, scan.inner}, formats_.norm)}, grouped,
            formats_.linear_input);
  return linear(y, Role::kDown, "ssm.out", {spec_.hidden, scan.inner}, scan.linear_bias, act);
}

TensorId GraphWriter::interpolate(TensorId x, TensorId before, const std::string& name,
                                  TensorId share) {
  std::vector<TensorId> inputs{x, before, weight(stored_ + name, {1, spec_.hidden}, formats_.norm)};
  if (share.value >= 0) {
    inputs.push_back(share);
  }
  return apply(OpKind::kInterpolate, Role::kMix, prefix_ + name, inputs, base_,
               formats_.linear_input);
}

// Names as in the authors' own code: receptance, key, value, gate, decay.
TensorId GraphWriter::time_mix(TensorId x, Mixer version) {
  const Format& act = formats_.activation;
  const Shape square{spec_.hidden, spec_.hidden};
  const bool fourth = version == Mixer::kRwkv4;
  const bool sixth = version == Mixer::kRwkv6;
  const TensorId before = recur(OpKind::kTokenShift, Role::kMix, "attn.shift", {x}, base_);
  TensorId low;
  if (sixth) {
    low = interpolate(x, before, "attn.mix", {});
    low =
        linear(low, Role::kMix, "attn.mix_in", {5 * spec_.rwkv.mix_rank, spec_.hidden}, false, act);
    low = activate(low, Activation::kTanh, prefix_ + "attn.mix_tanh", act);
  }
  const auto mixed = [&](const std::string& name, std::int64_t position) {
    TensorId share;
    if (sixth) {
      const TensorId part =
          slice(low, "attn.mix_part_" + name, position * spec_.rwkv.mix_rank, spec_.rwkv.mix_rank);
      share = linear(part, Role::kMix, "attn.mix_out_" + name, {spec_.hidden, spec_.rwkv.mix_rank},
                     false, act);
    }
    return interpolate(x, before, "attn.mix_" + name, share);
  };
  // The five of RWKV-6 come in this order out of one matrix.
  TensorId decay = weight(stored_ + "attn.decay", {1, spec_.hidden}, formats_.norm);
  if (sixth) {
    TensorId row = linear(mixed("decay", 0), Role::kMix, "attn.decay_in",
                          {spec_.rwkv.decay_rank, spec_.hidden}, false, act);
    row = activate(row, Activation::kTanh, prefix_ + "attn.decay_tanh", act);
    row = linear(row, Role::kMix, "attn.decay_out", {spec_.hidden, spec_.rwkv.decay_rank}, false,
                 act);
    row = apply(OpKind::kAdd, Role::kMix, prefix_ + "attn.decay_sum", {row, decay}, base_, act);
    decay = activate(row, Activation::kDecay, prefix_ + "attn.decay", act);
  }
  const TensorId k = linear(mixed("key", 1), Role::kKey, "attn.key", square, false, act);
  const TensorId v = linear(mixed("value", 2), Role::kValue, "attn.value", square, false, act);
  const TensorId r =
      linear(mixed("receptance", 3), Role::kQuery, "attn.receptance", square, false, act);
  const TensorId bonus = weight(stored_ + "attn.bonus", {1, spec_.hidden}, formats_.norm);
  TensorId y;
  if (fourth) {
    y = recur(OpKind::kWkv, Role::kRecurrence, "attn.wkv", {k, v, decay, bonus}, base_);
    y = gate(r, y, Activation::kSigmoid, "attn.gated", formats_.linear_input);
  } else {
    const TensorId g = linear(mixed("gate", 4), Role::kGate, "attn.gate", square, false, act);
    Attributes attributes = base_;
    attributes.heads = spec_.hidden / spec_.head_dim;
    attributes.head_dim = attributes.value_dim = spec_.head_dim;
    y = recur(OpKind::kLinearAttention, Role::kRecurrence, "attn.wkv", {r, k, v, decay, bonus},
              attributes);
    // The authors divide by 8 before a norm of the usual epsilon: the same as 64 times it.
    Attributes grouped = base_;
    grouped.epsilon = 64.0 * spec_.norm_epsilon;
    grouped.group = spec_.head_dim;
    y = apply(OpKind::kLayerNorm, Role::kNorm, prefix_ + "attn.group_norm",
              {y, weight(stored_ + "attn.group_norm", {1, spec_.hidden}, formats_.norm),
               weight(stored_ + "attn.group_norm.bias", {1, spec_.hidden}, formats_.norm)},
              grouped, act);
    y = gate(g, y, Activation::kSilu, "attn.gated", formats_.linear_input);
  }
  return linear(y, Role::kAttentionOutput, "attn.out", square, false, act);
}

TensorId GraphWriter::channel_mix(TensorId x, std::int64_t width) {
  const Format& act = formats_.activation;
  const TensorId before = recur(OpKind::kTokenShift, Role::kMix, "ffn.shift", {x}, base_);
  const TensorId k = linear(interpolate(x, before, "ffn.mix_key", {}), Role::kUp, "ffn.up",
                            {width, spec_.hidden}, false, act);
  const TensorId squared =
      activate(k, Activation::kRelu2, prefix_ + "ffn.activation", formats_.linear_input);
  const TensorId r = linear(interpolate(x, before, "ffn.mix_receptance", {}), Role::kGate,
                            "ffn.receptance", {spec_.hidden, spec_.hidden}, false, act);
  const TensorId v = linear(squared, Role::kDown, "ffn.down", {spec_.hidden, width}, false, act);
  return gate(r, v, Activation::kSigmoid, "ffn.gated", act);
}

}  // namespace joulesim::models
