#include "models/kernels/onnx_lift.hpp"

#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_lift_parts.hpp"
#include "models/kernels/onnx_patterns.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::models::onnx {
namespace {

class Lifter : private LiftParts {
 public:
  Lifter(const Model& model, const Phase& phase, const LiftSettings& settings)
      : LiftParts(model, phase, settings), finder_(graph_) {}

  OperatorGraph run() {
    patterns_ = finder_.find();
    find_biases();
    for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
      const Node& node = graph_.nodes[i];
      if (const auto pattern = patterns_.find(i); pattern != patterns_.end()) {
        emit(pattern->second);
      } else if (!finder_.absorbed().contains(i) && !bias_nodes_.contains(i)) {
        emit(node);
      }
    }
    std::vector<std::string> faults;
    auto graph = builder_.finish(faults);
    if (graph) {
      graph = with_blocks(*graph, faults);
    }
    if (!graph) {
      Diagnostics diagnostics;
      for (const std::string& fault : faults) {
        diagnostics.error(model_.path, fault);
      }
      throw InputError(std::move(diagnostics));
    }
    return *std::move(graph);
  }

 private:
  // An addition of a constant vector right after a product with weights is the product's bias.
  void find_biases() {
    for (const Node& node : graph_.nodes) {
      if (node.op_type != "MatMul" && node.op_type != "MatMulNBits") {
        continue;
      }
      const auto next = finder_.consumers(node.outputs[0]);
      if (next.size() != 1 || is_constant(node.outputs[0]) ||
          (node.op_type == "MatMul" && !is_constant(node.inputs[1]))) {
        continue;
      }
      const Node& add = graph_.nodes[next.front()];
      if (add.op_type != "Add" || finder_.absorbed().contains(next.front())) {
        continue;
      }
      const std::string& other = add.inputs[add.inputs[0] == node.outputs[0] ? 1 : 0];
      if (is_constant(other) && count(known(other).shape) == known(node.outputs[0]).shape.back()) {
        bias_of_[node.outputs[0]] = {other, add.outputs[0]};
        bias_nodes_.insert(next.front());
      }
    }
  }

  void emit(const Pattern& p) {
    const std::string& name = p.output;
    switch (p.kind) {
      case Pattern::Kind::kAttention:
        return emit_attention(p);
      case Pattern::Kind::kRmsNorm:
      case Pattern::Kind::kLayerNorm: {
        std::vector<TensorId> inputs{tensor(p.inputs[0])};
        const std::int64_t width = known(p.inputs[0]).shape.back();
        emit_norm(p.kind == Pattern::Kind::kRmsNorm, name, inputs[0], p.gain, p.bias, p.epsilon,
                  width);
        return;
      }
      case Pattern::Kind::kActivation: {
        Op op = operation(OpKind::kActivation, Role::kActivation, name, {tensor(p.inputs[0])});
        op.attributes.activation = p.activation;
        define(name, add(std::move(op), activation_of(name), kind_of(name)));
        return;
      }
      case Pattern::Kind::kGate: {
        Op op = operation(OpKind::kGatedActivation, Role::kActivation, name,
                          {tensor(p.inputs[0]), tensor(p.inputs[1])});
        op.attributes.activation = p.activation;
        define(name, add(std::move(op), activation_of(name), kind_of(name)));
        return;
      }
    }
  }

  // The columns of a query, key or value, turned when they are.
  TensorId part_of(const Source& source, std::int64_t heads, std::int64_t size,
                   const std::string& name, Role role) {
    TensorId id = tensor(source.value);
    const std::int64_t width = heads * size;
    const Shape shape = shape_of(id);
    if (source.part >= 0 && shape.columns > width) {
      Op cut = operation(OpKind::kSlice, role, name + ".part", {id});
      cut.attributes.heads = 1;
      cut.attributes.width = width;
      cut.attributes.offset =
          std::clamp<std::int64_t>(source.part * width, 0, shape.columns - width);
      id = add(std::move(cut), activation_of(source.value), TensorKind::kActivation);
    } else if (shape.columns != width && shape.elements() % width == 0) {
      id = arranged(source.value, width, name);
    }
    if (source.rotated) {
      Op turn = operation(OpKind::kRope, Role::kPosition, name + ".rope", {id});
      turn.attributes.heads = heads;
      turn.attributes.head_dim = size;
      turn.attributes.rotary = size - size % 2;
      id = add(std::move(turn), activation_of(source.value), TensorKind::kActivation);
    }
    return id;
  }

  void emit_attention(const Pattern& p) {
    const std::size_t rank = p.scores.size();
    const std::int64_t queries = p.scores[rank - 2];
    const std::int64_t keys = p.scores[rank - 1];
    const std::int64_t batch = std::max<std::int64_t>(1, base_.batch);
    Heads heads{count(p.scores) / (batch * queries * std::max<std::int64_t>(1, keys)), 0,
                p.head_dim, p.value_dim};
    const Shape k = shape_of(tensor(p.key.value));
    const std::int64_t key_width = p.key.part >= 0 ? heads.heads * p.head_dim : k.columns;
    heads.kv_heads = std::clamp<std::int64_t>(
        k.rows == batch * (keys - p.key.past)
            ? key_width / p.head_dim
            : k.elements() / (batch * std::max<std::int64_t>(1, keys - p.key.past) * p.head_dim),
        1, heads.heads);
    const TensorId q_tensor =
        part_of(p.query, heads.heads, p.head_dim, p.output + ".query", Role::kQuery);
    const TensorId k_tensor =
        part_of(p.key, heads.kv_heads, p.head_dim, p.output + ".key", Role::kKey);
    const TensorId v_tensor =
        part_of(p.value, heads.kv_heads, p.value_dim, p.output + ".value", Role::kValue);
    const bool cached = p.key.has_past && p.key.past == base_.past;
    attend(p.output, q_tensor, k_tensor, v_tensor, heads, p.causal, cached, keys, p.output);
  }

  // Products with weights.
  bool emit_product(const Node& node) {
    const bool few_bits = node.op_type == "MatMulNBits";
    const std::size_t w = 1;
    static const std::set<std::string> kProducts{
        "MatMul",    "Gemm",        "MatMulInteger",         "FusedMatMul",
        "FusedGemm", "MatMulNBits", "DynamicQuantizeMatMul", "MatMulIntegerToFloat"};
    if (!kProducts.contains(node.op_type) || !is_constant(node.inputs[w]) ||
        is_constant(node.inputs[0]) || (!few_bits && known(node.inputs[w]).shape.size() != 2)) {
      return false;
    }
    const Known& y = known(node.outputs[0]);
    const std::int64_t n = y.shape.back();
    const std::int64_t k = known(node.inputs[0]).shape.back();
    const std::string name = name_of_node(node);
    std::string output = node.outputs[0];
    const auto bias = bias_of_.find(output);
    output = bias != bias_of_.end() ? bias->second.second : output;
    std::vector<TensorId> inputs{
        arranged(node.inputs[0], k, name),
        weights_.matrix(builder_, node, w, {n, k}, outputs_.contains(output))};
    if (bias != bias_of_.end()) {
      inputs.push_back(weights_.vector(builder_, bias->second.first));
    } else if ((node.op_type == "Gemm" || node.op_type == "FusedGemm") && node.inputs.size() > 2 &&
               is_constant(node.inputs[2]) && count(known(node.inputs[2]).shape) == n) {
      inputs.push_back(weights_.vector(builder_, node.inputs[2]));
    }
    Op op = operation(OpKind::kMatmul, outputs_.contains(output) ? Role::kHead : Role::kOther, name,
                      std::move(inputs));
    define(output, add(std::move(op), activation_of(output), kind_of(output)));
    return true;
  }

  bool emit_embedding(const Node& node) {
    const Attribute* axis = node.attribute("axis");
    if (node.op_type != "Gather" || !is_constant(node.inputs[0]) || is_constant(node.inputs[1]) ||
        known(node.inputs[0]).shape.size() != 2 || (axis != nullptr && axis->i != 0)) {
      return false;
    }
    const Dims& table = known(node.inputs[0]).shape;
    Op op = operation(OpKind::kEmbedding, Role::kEmbedding, name_of_node(node),
                      {arranged(node.inputs[1], 1, name_of_node(node)),
                       weights_.table(builder_, node.inputs[0], {table[0], table[1]})});
    define(node.outputs[0],
           add(std::move(op), activation_of(node.outputs[0]), kind_of(node.outputs[0])));
    return true;
  }

  bool emit_addition(const Node& node) {
    if (node.op_type != "Add" || is_constant(node.inputs[0]) || is_constant(node.inputs[1])) {
      return false;
    }
    const TensorId a = tensor(node.inputs[0]);
    const TensorId b = tensor(node.inputs[1]);
    if (!(shape_of(a) == shape_of(b)) ||
        known(node.inputs[0]).shape != known(node.inputs[1]).shape) {
      return false;
    }
    define(node.outputs[0],
           add(operation(OpKind::kAdd, Role::kResidual, name_of_node(node), {a, b}),
               activation_of(node.outputs[0]), kind_of(node.outputs[0])));
    return true;
  }

  static double epsilon_of(const Node& node, double absent) {
    const Attribute* attribute = node.attribute("epsilon");
    const double value = attribute == nullptr ? absent : static_cast<double>(attribute->f);
    return value > 0 ? value : absent;
  }

  bool emit_fused_norm(const Node& node) {
    const bool skip = node.op_type == "SkipLayerNormalization" ||
                      node.op_type == "SkipSimplifiedLayerNormalization";
    const bool rms = node.op_type == "SimplifiedLayerNormalization" ||
                     node.op_type == "RMSNormalization" ||
                     node.op_type == "SkipSimplifiedLayerNormalization";
    if (!skip && !rms && node.op_type != "LayerNormalization") {
      return false;
    }
    const std::string name = name_of_node(node);
    TensorId x = tensor(node.inputs[0]);
    if (skip) {
      x = add(operation(OpKind::kAdd, Role::kResidual, name + ".sum", {x, tensor(node.inputs[1])}),
              activation_of(node.inputs[0]), TensorKind::kActivation);
      if (node.outputs.size() > 3 && !node.outputs[3].empty()) {
        define(node.outputs[3], x);
      }
    }
    const std::size_t gain = skip ? 2 : 1;
    const std::string bias =
        !rms && node.inputs.size() > gain + 1 ? node.inputs[gain + 1] : std::string();
    emit_norm(rms, node.outputs[0], x, node.inputs[gain], bias, epsilon_of(node, 1e-5),
              known(node.inputs[0]).shape.back());
    return true;
  }

  bool emit_fused_attention(const Node& node) {
    static const std::set<std::string> kOps{"GroupQueryAttention", "MultiHeadAttention",
                                            "Attention"};
    const bool merged = node.op_type == "Attention" && !node.domain.empty();
    if (!kOps.contains(node.op_type)) {
      return false;
    }
    const std::string name = name_of_node(node);
    const auto integer = [&](const char* key, std::int64_t absent) {
      const Attribute* attribute = node.attribute(key);
      return attribute == nullptr ? absent : attribute->i;
    };
    const Dims& x = known(node.inputs[0]).shape;
    const bool standard = node.op_type == "Attention" && node.domain.empty();
    Heads heads{integer(standard ? "q_num_heads" : "num_heads", x.size() == 4 ? x[1] : 1), 0, 0, 0};
    const Dims& y = known(node.outputs[0]).shape;
    heads.kv_heads = integer(standard ? "kv_num_heads" : "kv_num_heads", heads.heads);
    const std::int64_t width = y.size() == 4 ? y[1] * y[3] : y.back();
    heads.size = heads.value_size = width / std::max<std::int64_t>(1, heads.heads);
    if (heads.size < 1) {
      return false;
    }
    TensorId q;
    TensorId k;
    TensorId v;
    const bool packed = merged || node.inputs.size() < 3 || node.inputs[1].empty();
    if (packed) {
      TensorId all;
      if (merged) {
        const std::int64_t n = known(node.inputs[1]).shape.back();
        std::vector<TensorId> inputs{arranged(node.inputs[0], x.back(), name),
                                     weights_.matrix(builder_, node, 1, {n, x.back()})};
        if (node.inputs.size() > 2 && !node.inputs[2].empty()) {
          inputs.push_back(weights_.vector(builder_, node.inputs[2]));
        }
        all = add(operation(OpKind::kMatmul, Role::kQuery, name + ".qkv", std::move(inputs)),
                  activation_of(node.outputs[0]), TensorKind::kActivation);
      } else {
        all = tensor(node.inputs[0]);
      }
      const auto cut = [&](std::int64_t offset, std::int64_t columns, const char* part) {
        Op op = operation(OpKind::kSlice, Role::kQuery, name + part, {all});
        op.attributes.heads = 1;
        op.attributes.offset = offset;
        op.attributes.width = columns;
        return add(std::move(op), activation_of(node.outputs[0]), TensorKind::kActivation);
      };
      const std::int64_t kv = heads.kv_heads * heads.size;
      q = cut(0, heads.heads * heads.size, ".query");
      k = cut(heads.heads * heads.size, kv, ".key");
      v = cut(heads.heads * heads.size + kv, kv, ".value");
    } else {
      q = arranged(node.inputs[0], heads.heads * heads.size, name);
      k = arranged(node.inputs[1], heads.kv_heads * heads.size, name);
      v = arranged(node.inputs[2], heads.kv_heads * heads.size, name);
    }
    if (integer("do_rotary", 0) != 0) {
      const auto turn = [&](TensorId id, std::int64_t count_of_heads, const char* part) {
        Op op = operation(OpKind::kRope, Role::kPosition, name + part, {id});
        op.attributes.heads = count_of_heads;
        op.attributes.head_dim = heads.size;
        op.attributes.rotary = heads.size - heads.size % 2;
        return add(std::move(op), activation_of(node.outputs[0]), TensorKind::kActivation);
      };
      q = turn(q, heads.heads, ".query_rope");
      k = turn(k, heads.kv_heads, ".key_rope");
    }
    const std::size_t past = merged                                  ? 4
                             : node.op_type == "GroupQueryAttention" ? 3
                             : standard                              ? 4
                                                                     : 6;
    const bool cached = node.inputs.size() > past && !node.inputs[past].empty();
    const bool causal = cached || node.op_type == "GroupQueryAttention" ||
                        integer("unidirectional", 0) != 0 || integer("is_causal", 0) != 0;
    attend(name, q, k, v, heads, causal, cached,
           shape_of(k).rows / std::max<std::int64_t>(1, base_.batch), node.outputs[0]);
    return true;
  }

  // A convolution over all channels is a matrix product over gathered windows.
  bool emit_convolution(const Node& node) {
    const Attribute* group = node.attribute("group");
    if (node.op_type != "Conv" || (group != nullptr && group->i != 1) ||
        !is_constant(node.inputs[1]) || is_constant(node.inputs[0])) {
      return false;
    }
    const Dims& w = known(node.inputs[1]).shape;
    const Dims& y = known(node.outputs[0]).shape;
    const std::int64_t maps = w[0];
    const std::int64_t depth = count(w) / std::max<std::int64_t>(1, maps);
    const std::int64_t places = count(y) / std::max<std::int64_t>(1, maps);
    const std::string name = name_of_node(node);
    TensorId x = tensor(node.inputs[0]);
    if (!(shape_of(x) == Shape{places, depth})) {
      Op windows = operation(OpKind::kGeneric, Role::kConvolution, name + ".windows", {x});
      windows.attributes.result = {places, depth};
      x = add(std::move(windows), activation_of(node.inputs[0]), TensorKind::kActivation);
    }
    std::vector<TensorId> inputs{x, weights_.matrix(builder_, node, 1, {maps, depth})};
    if (node.inputs.size() > 2 && is_constant(node.inputs[2])) {
      inputs.push_back(weights_.vector(builder_, node.inputs[2]));
    }
    define(node.outputs[0],
           add(operation(OpKind::kMatmul, Role::kConvolution, name, std::move(inputs)),
               activation_of(node.outputs[0]), kind_of(node.outputs[0])));
    return true;
  }

  // Shapes change, elements stay where they are.
  bool emit_view(const Node& node) {
    static const std::set<std::string> kViews{"Reshape", "Squeeze",  "Unsqueeze",
                                              "Flatten", "Identity", "Dropout"};
    if (!kViews.contains(node.op_type)) {
      return false;
    }
    define(node.outputs[0], tensor(node.inputs[0]));
    return true;
  }

  void emit(const Node& node) {
    for (const std::string& input : node.inputs) {
      if (!input.empty() && !is_constant(input) && !tensors_.contains(input) &&
          finder_.producer(input) != nullptr) {
        return;  // repackages what a pattern has taken up: a cache handed out in another form
      }
    }
    bool constant = true;
    for (const std::string& output : node.outputs) {
      constant = constant && (output.empty() || is_constant(output));
    }
    if (constant || emit_product(node) || emit_embedding(node) || emit_addition(node) ||
        emit_fused_norm(node) || emit_fused_attention(node) || emit_convolution(node) ||
        emit_view(node)) {
      return;
    }
    emit_generic(node);
  }

  void emit_generic(const Node& node) {
    std::vector<TensorId> inputs;
    for (const std::string& input : node.inputs) {
      if (!input.empty() && count(known(input).shape) > 0) {
        inputs.push_back(tensor(input));
      }
    }
    for (std::size_t i = 0; i < node.outputs.size(); ++i) {
      const std::string& output = node.outputs[i];
      if (output.empty() || is_constant(output)) {
        continue;
      }
      if (inputs.empty()) {
        inputs.push_back(weights_.vector(builder_, node.inputs.empty() ? output : node.inputs[0]));
      }
      const Known& y = known(output);
      Op op = operation(OpKind::kGeneric, Role::kOther,
                        name_of_node(node) + (i > 0 ? fmt::format(".{}", i) : ""), inputs);
      // Element by element, rows stay what they were.
      const Shape first = shape_of(inputs.front());
      op.attributes.result = first.elements() == count(y.shape) ? first : matrix_of(y.shape);
      op.attributes.work = i == 0 ? work_of(node, graph_) : 0;
      define(output, add(std::move(op), activation_of(output), kind_of(output)));
    }
  }

  PatternFinder finder_;
  std::map<std::size_t, Pattern> patterns_;
  std::set<std::size_t> bias_nodes_;
  std::map<std::string, std::pair<std::string, std::string>> bias_of_;  // product -> bias, sum
};

}  // namespace

OperatorGraph lift(const Model& model, const Phase& phase, const LiftSettings& settings) {
  return Lifter(model, phase, settings).run();
}

}  // namespace joulesim::models::onnx
