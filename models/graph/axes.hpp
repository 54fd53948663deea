// Which dimensions of a graph's tensors belong together, and graphs with some of them cut smaller.
//
// Models:     every storage has two axes; operators tie axes to each other (a product's output
//             columns are its weight's rows, a sum has one width). All axes of a class shrink
//             together, which keeps the graph whole: structured pruning. Rows of expert weights
//             repeat their class once per expert.
// Leaves out: operators that are not listed in axes.cpp: their axes are fixed, and cutting them is
//             refused by name.
// Checked by: tests/kernels/models_prune.cpp
#pragma once

#include "models/graph/graph.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

class Axes {
 public:
  explicit Axes(const OperatorGraph& graph);

  // The class of a tensor's rows or columns.
  [[nodiscard]] int rows_of(TensorId id) const;
  [[nodiscard]] int columns_of(TensorId id) const;
  // The operator that holds a class fixed; empty when none does.
  [[nodiscard]] std::string fixed_by(int axis) const;

 private:
  [[nodiscard]] int root(int node) const;
  void join(int a, int b);
  void fix(int node, const std::string& op);
  [[nodiscard]] int node(TensorId id, bool columns) const;
  void read(const Op& op);

  const OperatorGraph* graph_;  // outlives this
  mutable std::vector<int> parent_;
  std::map<int, std::string> fixed_;
};

// What stays of a class: indices in rising order, of `size` that there were.
struct Cut {
  int axis = -1;
  std::int64_t size = 0;
  std::vector<std::int64_t> kept;
};

// What stays of a weight; nothing said means all of it.
struct WeightCut {
  std::optional<std::vector<std::int64_t>> rows, columns;
};

// What cuts mean for every weight storage that they touch, by name.
std::map<std::string, WeightCut> weight_cuts(const OperatorGraph& graph, const Axes& axes,
                                             std::span<const Cut> cuts);

// The graph with smaller weights, heads counted anew. Throws InputError for a fixed class.
OperatorGraph cut(const OperatorGraph& graph, const Axes& axes, std::span<const Cut> cuts);

// The graph without some blocks: what read a block's output reads what the block read. Blocks that
// remain keep their storages and are numbered anew.
OperatorGraph drop_blocks(const OperatorGraph& graph, std::span<const int> blocks);

}  // namespace joulesim::models
