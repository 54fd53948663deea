#include "models/graph/builder.hpp"

#include <utility>

namespace joulesim::models {

TensorId GraphBuilder::add_tensor(std::string name, TensorKind kind, Shape shape,
                                  const Format& format) {
  const StorageId storage{static_cast<int>(parts_.storages.size())};
  parts_.storages.push_back({storage, name, kind, shape, format});
  const TensorId tensor{static_cast<int>(parts_.tensors.size())};
  parts_.tensors.push_back({tensor, std::move(name), kind, shape, format, storage});
  return tensor;
}

TensorId GraphBuilder::add_weight(std::string name, Shape shape, const Format& format) {
  return add_tensor(std::move(name), TensorKind::kWeight, shape, format);
}

TensorId GraphBuilder::add_weight_on(std::string name, StorageId storage) {
  const Storage& existing = parts_.storages.at(static_cast<std::size_t>(storage.value));
  const TensorId tensor{static_cast<int>(parts_.tensors.size())};
  parts_.tensors.push_back(
      {tensor, std::move(name), TensorKind::kWeight, existing.shape, existing.format, storage});
  return tensor;
}

TensorId GraphBuilder::add_input(std::string name, Shape shape, const Format& format) {
  return add_tensor(std::move(name), TensorKind::kInput, shape, format);
}

StorageId GraphBuilder::storage_of(TensorId tensor) const {
  return parts_.tensors.at(static_cast<std::size_t>(tensor.value)).storage;
}

OpId GraphBuilder::add_op(Op op) {
  op.id = OpId{static_cast<int>(parts_.ops.size())};
  parts_.ops.push_back(std::move(op));
  return parts_.ops.back().id;
}

std::vector<TensorId> GraphBuilder::apply(Op op, const Format& format, TensorKind kind) {
  std::vector<Shape> inputs;
  inputs.reserve(op.inputs.size());
  for (const TensorId input : op.inputs) {
    inputs.push_back(parts_.tensors.at(static_cast<std::size_t>(input.value)).shape);
  }
  InferredShapes inferred = infer_shapes(op, inputs);
  if (!inferred.fault.empty()) {
    faults_.push_back(op.name + ": " + inferred.fault);
    inferred.outputs.assign(outputs_of(op), Shape{});
  }
  const bool several = inferred.outputs.size() > 1;
  for (std::size_t i = 0; i < inferred.outputs.size(); ++i) {
    const std::string name = several ? op.name + "." + std::to_string(i) : op.name;
    op.outputs.push_back(add_tensor(name, kind, inferred.outputs[i], format));
  }
  std::vector<TensorId> outputs = op.outputs;
  add_op(std::move(op));
  return outputs;
}

TensorId GraphBuilder::apply_one(Op op, const Format& format, TensorKind kind) {
  return apply(std::move(op), format, kind).front();
}

TensorId GraphBuilder::apply_recurrent(Op op, const Format& format, const Format& state_format) {
  std::vector<TensorId> outputs = apply(std::move(op), format);
  const auto state = static_cast<std::size_t>(outputs.back().value);
  Tensor& tensor = parts_.tensors[state];
  Storage& storage = parts_.storages[static_cast<std::size_t>(tensor.storage.value)];
  tensor.kind = storage.kind = TensorKind::kState;
  tensor.format = storage.format = state_format;
  return outputs.front();
}

std::optional<OperatorGraph> GraphBuilder::finish(std::vector<std::string>& faults) {
  if (!faults_.empty()) {
    faults.insert(faults.end(), faults_.begin(), faults_.end());
    return std::nullopt;
  }
  return OperatorGraph::assemble(std::move(parts_), faults);
}

}  // namespace joulesim::models
