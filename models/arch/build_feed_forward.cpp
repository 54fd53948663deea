// The feed-forward of a block: dense, or a mixture of experts.
#include "models/arch/graph_writer.hpp"

namespace joulesim::models {

TensorId GraphWriter::feed_forward(TensorId x, const LayerShape& layer) {
  const ExpertShape& e = spec_.experts;
  if (e.experts == 0 || layer.dense) {
    return dense(x, "ffn.", layer.ffn, spec_.sub_norm);
  }
  const TensorId routed = experts(x, e.ffn > 0 ? e.ffn : layer.ffn);
  if (e.shared_ffn == 0) {
    return routed;
  }
  TensorId shared = dense(x, "ffn.shared.", e.shared_ffn, false);
  if (e.shared_gate) {
    const TensorId weight_of = linear(x, Role::kRouter, "ffn.shared.weight", {1, spec_.hidden},
                                      false, formats_.activation);
    shared =
        gate(weight_of, shared, Activation::kSigmoid, "ffn.shared.weighted", formats_.activation);
  }
  return add(routed, shared, "ffn.shared.join");
}

TensorId GraphWriter::dense(TensorId x, const std::string& name, std::int64_t width,
                            bool sub_norm) {
  const Format& act = formats_.activation;
  const Format& into_down = sub_norm ? act : formats_.linear_input;
  const Shape widen{width, spec_.hidden};
  TensorId y;
  if (spec_.gated) {
    const TensorId gate_row = linear(x, Role::kGate, name + "gate", widen, spec_.ffn_bias, act);
    const TensorId up = linear(x, Role::kUp, name + "up", widen, spec_.ffn_bias, act);
    y = gate(gate_row, up, spec_.activation, name + "activation", into_down);
  } else {
    const TensorId up = linear(x, Role::kUp, name + "up", widen, spec_.ffn_bias, act);
    y = activate(up, spec_.activation, prefix_ + name + "activation", into_down);
  }
  if (sub_norm) {
    y = block_norm(y, name + "sub_norm", width, formats_.linear_input);
  }
  return linear(y, Role::kDown, name + "down", {spec_.hidden, width}, spec_.ffn_bias, act);
}

TensorId GraphWriter::expert_linear(TensorId x, Role role, const std::string& name, Shape one,
                                    TensorId routing, const Attributes& attributes) {
  const std::int64_t count = spec_.experts.experts;
  std::vector<TensorId> inputs{
      x, weight(stored_ + name, {count * one.rows, one.columns}, formats_.linear), routing};
  if (spec_.experts.bias) {
    inputs.push_back(weight(stored_ + name + ".bias", {count, one.rows}, formats_.norm));
  }
  return apply(OpKind::kExpertMatmul, role, prefix_ + name, inputs, attributes,
               formats_.activation);
}

TensorId GraphWriter::experts(TensorId x, std::int64_t width) {
  const ExpertShape& e = spec_.experts;
  const Format& act = formats_.activation;
  Attributes attributes = base_;
  attributes.experts = e.experts;
  attributes.active_experts = e.active;
  const TensorId logits =
      linear(x, Role::kRouter, "ffn.router", {e.experts, spec_.hidden}, e.router_bias, act);
  Attributes rule = attributes;
  rule.routing = e.routing;
  rule.renormalise = e.renormalise;
  rule.scale = e.scale;
  std::vector<TensorId> inputs{logits};
  if (e.choice_bias) {
    inputs.push_back(weight(stored_ + "ffn.choice", {1, e.experts}, formats_.norm));
  }
  const TensorId routing =
      apply(OpKind::kTopK, Role::kRouter, prefix_ + "ffn.choice", inputs, rule, act);
  const Shape widen{width, spec_.hidden};
  const TensorId up = expert_linear(x, Role::kUp, "ffn.up", widen, routing, attributes);
  TensorId y;
  if (spec_.gated) {
    const TensorId gate_rows =
        expert_linear(x, Role::kGate, "ffn.gate", widen, routing, attributes);
    y = gate(gate_rows, up, spec_.activation, "ffn.activation", formats_.linear_input);
  } else {
    y = activate(up, spec_.activation, prefix_ + "ffn.activation", formats_.linear_input);
  }
  const TensorId down =
      expert_linear(y, Role::kDown, "ffn.down", {spec_.hidden, width}, routing, attributes);
  return apply(OpKind::kExpertSum, Role::kDown, prefix_ + "ffn.sum", {down, routing}, attributes,
               act);
}

}  // namespace joulesim::models
