// Changes an operator graph: a copy of its tables to edit, and a way back to a checked graph.
//
// Models:     operators replaced, rewired, merged into one kernel or taken out; shapes that follow
//             from changed weights and attributes are inferred anew; tensors and storages that
//             nothing reads any more are dropped.
// Leaves out: which changes are worth making (models/graph/passes.hpp).
// Checked by: tests/kernels/models_passes.cpp
#pragma once

#include "models/graph/graph.hpp"

#include <string>
#include <vector>

namespace joulesim::models {

class Rewriter {
 public:
  explicit Rewriter(const OperatorGraph& graph);

  // The tables; positions are ids until finish(). An operator may be changed freely, and new ones
  // appended with an id equal to their position.
  GraphParts parts;

  [[nodiscard]] const Tensor& tensor(TensorId id) const;
  [[nodiscard]] const Storage& storage_of(TensorId id) const;
  // Positions of living operators, after every change so far.
  [[nodiscard]] int producer(TensorId id) const;  // -1 = none
  [[nodiscard]] std::vector<int> consumers(TensorId id) const;

  TensorId add_tensor(const std::string& name, TensorKind kind, Shape shape, const Format& format);
  // A further operator, scheduled right behind `after` (or first, -1) among those that are ready.
  int insert(Op op, int after);
  void remove(int op);
  [[nodiscard]] bool removed(int op) const;
  // Every reader of `from` reads `to` instead.
  void redirect(TensorId from, TensorId to);

  // Merges operators (fused ones included) into one kernel at the place of the last of them. Does
  // nothing and returns -1 when a path leaves the set and comes back into it; else its position.
  int fuse(std::vector<int> members, const std::string& name, Role role);

  // Throws InputError when what was made is no graph.
  [[nodiscard]] OperatorGraph finish();

 private:
  void refresh() const;
  [[nodiscard]] bool is_convex(const std::vector<int>& members) const;
  void put_in_order(std::vector<int>& members) const;
  void infer_shapes_anew(const std::vector<int>& order);
  [[nodiscard]] std::vector<int> schedule() const;

  std::vector<bool> removed_;
  std::vector<std::int64_t> place_;  // rank in the order of addition
  mutable bool stale_ = true;
  mutable std::vector<int> producer_;
  mutable std::vector<std::vector<int>> consumers_;
};

}  // namespace joulesim::models
