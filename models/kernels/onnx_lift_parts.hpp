// What lifting an ONNX graph is made of: tensors of values, weights of initialisers, costs of
// operators that have no pattern, blocks.
//
// Checked by: tests/oracle/models_onnx_lift.cpp, tests/kernels/models_onnx_lift.cpp
#pragma once

#include "models/graph/builder.hpp"
#include "models/kernels/onnx_infer.hpp"
#include "models/kernels/onnx_lift.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace joulesim::models::onnx {

std::int64_t count(const Dims& shape);
// Rows are all axes but the last.
Shape matrix_of(const Dims& shape);
// What elements of a type take; floats in the scenario's format when it names one.
Format format_of(DType type, const LiftSettings& settings);
// Elementary operations of a node that has no pattern.
std::int64_t work_of(const Node& node, const Inferred& graph);
// The same graph with blocks found around its attentions, roles and names told by their place.
std::optional<OperatorGraph> with_blocks(const OperatorGraph& graph,
                                         std::vector<std::string>& faults);

// Weights by the initialisers they come from, through transpositions, casts and scales.
class Weights {
 public:
  Weights(const Model& model, const Inferred& graph, const LiftSettings& settings);

  // The matrix of a product: input `input` of the node, as [out][in].
  TensorId matrix(GraphBuilder& builder, const Node& node, std::size_t input, Shape shape,
                  bool head = false);
  TensorId table(GraphBuilder& builder, const std::string& value, Shape shape);
  TensorId vector(GraphBuilder& builder, const std::string& value);  // all elements in one row
  [[nodiscard]] Shape shape_of(TensorId id) const;

 private:
  [[nodiscard]] std::string root_of(const std::string& value) const;
  TensorId put(GraphBuilder& builder, const std::string& root, Shape shape, const Format& format);

  const Inferred& graph_;
  const LiftSettings& settings_;
  std::map<std::string, const Tensor*> initializers_;
  std::map<std::string, const Node*> producer_;
  std::map<std::pair<std::string, std::pair<std::int64_t, std::int64_t>>, StorageId> storages_;
  std::map<int, Shape> shapes_;
};

class LiftParts {
 protected:
  LiftParts(const Model& model, const Phase& phase, const LiftSettings& settings);

  [[nodiscard]] const Known& known(const std::string& value) const {
    return graph_.values.at(value);
  }
  [[nodiscard]] bool is_constant(const std::string& value) const {
    return !value.empty() && (known(value).constant || known(value).value.defined());
  }

  // The tensor of a value: made by an operator before, or an input of the graph.
  TensorId tensor(const std::string& value) {
    const auto made = tensors_.find(value);
    if (made != tensors_.end()) {
      return made->second;
    }
    if (is_constant(value)) {
      return tensors_[value] = weights_.vector(builder_, value);
    }
    const Known& input = known(value);
    Shape shape = matrix_of(input.shape);
    if (is_integer(input.type)) {  // ids, one to a row
      shape = {shape.elements(), 1};
    }
    const TensorId id = builder_.add_input(value, shape, format_of(known(value).type, settings_));
    shapes_[id.value] = shape;
    return tensors_[value] = id;
  }

  Shape shape_of(TensorId id) const {
    const auto found = shapes_.find(id.value);
    return found == shapes_.end() ? Shape{} : found->second;
  }

  // The same elements as rows of `columns`; in another arrangement they are copied.
  TensorId arranged(const std::string& value, std::int64_t columns, const std::string& name) {
    const TensorId id = tensor(value);
    const Shape shape = shape_of(id);
    if (columns <= 0 || shape.columns == columns || shape.elements() % columns != 0) {
      return id;
    }
    Op op = operation(OpKind::kGeneric, Role::kOther, name + ".rows", {id});
    op.attributes.result = {shape.elements() / columns, columns};
    return add(std::move(op), activation_of(value), TensorKind::kActivation);
  }

  [[nodiscard]] Format activation_of(const std::string& value) const {
    return format_of(known(value).type, settings_);
  }

  Op operation(OpKind kind, Role role, std::string name, std::vector<TensorId> inputs) const {
    Op op;
    op.kind = kind;
    op.role = role;
    op.name = std::move(name);
    op.inputs = std::move(inputs);
    op.attributes = base_;
    return op;
  }

  TensorId add(Op op, const Format& format, TensorKind kind) {
    const std::vector<TensorId> outputs = add_all(std::move(op), format, kind);
    return outputs.front();
  }

  std::vector<TensorId> add_all(Op op, const Format& format, TensorKind kind) {
    std::vector<Shape> inputs;
    for (const TensorId input : op.inputs) {
      inputs.push_back(shape_of(input).elements() > 0 ? shape_of(input) : weights_.shape_of(input));
    }
    const InferredShapes inferred = infer_shapes(op, inputs);
    std::vector<TensorId> outputs = builder_.apply(std::move(op), format, kind);
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      shapes_[outputs[i].value] = i < inferred.outputs.size() ? inferred.outputs[i] : Shape{};
    }
    return outputs;
  }

  [[nodiscard]] TensorKind kind_of(const std::string& value) const {
    return outputs_.contains(value) ? TensorKind::kOutput : TensorKind::kActivation;
  }

  void define(const std::string& value, TensorId id) { tensors_[value] = id; }

  static std::string name_of_node(const Node& node) {
    return node.name.empty() ? node.outputs.front() : node.name;
  }

  void emit_norm(bool rms, const std::string& name, TensorId x, const std::string& gain,
                 const std::string& bias, double epsilon, std::int64_t width) {
    std::vector<TensorId> inputs{x};
    if (!gain.empty()) {
      inputs.push_back(weights_.vector(builder_, gain));
    }
    if (!bias.empty()) {
      inputs.push_back(weights_.vector(builder_, bias));
    }
    Op op = operation(rms ? OpKind::kRmsNorm : OpKind::kLayerNorm, Role::kNorm, name,
                      std::move(inputs));
    op.attributes.epsilon = epsilon;
    op.attributes.group = shape_of(x).columns == width ? 0 : width;
    define(name, add(std::move(op), activation_of(name), kind_of(name)));
  }

  struct Heads {
    std::int64_t heads, kv_heads, size, value_size;
  };

  void attend(const std::string& name, TensorId q, TensorId k, TensorId v, const Heads& heads,
              bool causal, bool cached, std::int64_t keys, const std::string& output) {
    const std::int64_t rows = shape_of(q).rows;
    Attributes a = base_;
    a.heads = heads.heads;
    a.kv_heads = heads.kv_heads;
    a.head_dim = heads.size;
    a.value_dim = heads.value_size == heads.size ? 0 : heads.value_size;
    a.causal = causal;
    a.batch = std::max<std::int64_t>(1, base_.batch);
    a.new_tokens = rows / a.batch;
    if (!cached) {
      a.past = 0;
      if (keys != a.new_tokens) {
        a.source = keys;
      }
    }
    if (cached) {
      Op append = operation(OpKind::kKvAppend, Role::kCache, name + ".cache", {k, v});
      const Format format = settings_.kv_cache.value_or(activation_of(output));
      const std::vector<TensorId> caches = add_all(std::move(append), format, TensorKind::kKvCache);
      k = caches[0];
      v = caches[1];
    }
    Op op = operation(OpKind::kAttention, Role::kAttention, name, {q, k, v});
    op.attributes = a;
    define(output, add(std::move(op), activation_of(output), kind_of(output)));
  }

  const LiftSettings& settings_;
  const Model& model_;
  Inferred graph_;
  Weights weights_;
  GraphBuilder builder_;
  Attributes base_;
  std::set<std::string> outputs_;
  std::map<std::string, TensorId> tensors_;
  std::map<int, Shape> shapes_;
};

}  // namespace joulesim::models::onnx
