// Builds an operator graph operator by operator, inferring shapes on the way.
//
// Checked by: tests/unit/models_graph.cpp
#pragma once

#include "models/graph/graph.hpp"

#include <optional>
#include <string>
#include <vector>

namespace joulesim::models {

class GraphBuilder {
 public:
  explicit GraphBuilder(std::string name) { parts_.name = std::move(name); }

  // A storage of its own for one tensor, or a further tensor on an existing storage.
  TensorId add_weight(std::string name, Shape shape, const Format& format);
  TensorId add_weight_on(std::string name, StorageId storage);
  TensorId add_input(std::string name, Shape shape, const Format& format);
  [[nodiscard]] StorageId storage_of(TensorId tensor) const;

  // Adds an operator whose inputs and attributes are set; makes its outputs, all in `format`, named
  // after it; the state of a recurrent operator is in `state_format`. After a fault the outputs are
  // empty tensors and finish() returns nothing.
  std::vector<TensorId> apply(Op op, const Format& format,
                              TensorKind kind = TensorKind::kActivation);
  TensorId apply_one(Op op, const Format& format, TensorKind kind = TensorKind::kActivation);
  TensorId apply_recurrent(Op op, const Format& format, const Format& state_format);

  // An operator with outputs that exist already, in any order: for importers.
  OpId add_op(Op op);
  TensorId add_tensor(std::string name, TensorKind kind, Shape shape, const Format& format);

  std::optional<OperatorGraph> finish(std::vector<std::string>& faults);

 private:
  GraphParts parts_;
  std::vector<std::string> faults_;
};

}  // namespace joulesim::models
