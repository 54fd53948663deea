// The operator graph: the one description of a computation that both the simulated machine (shapes,
// bytes, operations) and the numeric kernels (real weights) read. Built by GraphBuilder, then
// frozen.
//
// Models:     a directed acyclic graph of operators joined by tensors, for one step: a prefill of n
// new
//             tokens or a decode of one, after p past tokens, for a batch of b sequences.
// Leaves out: where and when anything runs (sim/mapping).
// Checked by: tests/unit/models_graph.cpp, tests/unit/models_arch.cpp
#pragma once

#include "models/graph/op.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// A run of operators with the same block index. Blocks with equal signatures perform the same work
// on the same shapes and formats, and differ only in which storages they touch; so one simulation
// serves all of them, as far as the machine's state allows.
struct Block {
  int index = 0;
  std::vector<OpId> ops;  // in schedule order
  std::uint64_t signature = 0;
  bool shares_weights_with_previous =
      false;  // immediate block-wise sharing: its weights were just read
};

// What an operator graph is made of before its edges are known.
struct GraphParts {
  std::string name;
  std::vector<Storage> storages;
  std::vector<Tensor> tensors;
  std::vector<Op> ops;
};

class OperatorGraph {
 public:
  // Checks wiring, shapes and acyclicity; every fault is one sentence "operator: found …; expected
  // …".
  static std::optional<OperatorGraph> assemble(GraphParts parts, std::vector<std::string>& faults);

  [[nodiscard]] const std::string& name() const;
  [[nodiscard]] std::span<const Op> ops() const;  // position = OpId.value
  [[nodiscard]] std::span<const Tensor> tensors() const;
  [[nodiscard]] std::span<const Storage> storages() const;
  [[nodiscard]] const Op& op(OpId id) const;
  [[nodiscard]] const Tensor& tensor(TensorId id) const;
  [[nodiscard]] const Storage& storage(StorageId id) const;

  // A topological order; among operators that are ready, the one that was added first comes first.
  [[nodiscard]] std::span<const OpId> order() const;
  [[nodiscard]] std::vector<OpId> predecessors(OpId id) const;
  [[nodiscard]] std::vector<OpId> successors(OpId id) const;
  [[nodiscard]] std::optional<OpId> producer(TensorId id) const;
  [[nodiscard]] std::vector<OpId> consumers(TensorId id) const;
  [[nodiscard]] std::vector<TensorId> tensors_of(TensorKind kind) const;

  [[nodiscard]] std::span<const Block> blocks() const;

  // Graphviz text: one node per operator, one edge per tensor that joins two of them.
  [[nodiscard]] std::string dot() const;

 private:
  struct Impl;
  explicit OperatorGraph(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}

  std::shared_ptr<const Impl> impl_;  // shared because it never changes
};

// Used by assemble and by GraphBuilder: the output shapes that follow from the inputs, or a fault.
struct InferredShapes {
  std::vector<Shape> outputs;
  std::string fault;  // empty = fine
};
InferredShapes infer_shapes(const Op& op, std::span<const Shape> inputs);

// How many: one for most, the state too for recurrent operators, one per cache for an append.
std::size_t outputs_of(const Op& op);
// Keys and values of one sequence that attention reads.
std::int64_t attended_positions(const Attributes& attributes);
[[nodiscard]] bool is_recurrent(OpKind kind);  // its last output is a state

// Groups operators by block index and computes signatures; `order` is a schedule of all of them.
std::vector<Block> find_blocks(const GraphParts& parts, std::span<const OpId> order);

}  // namespace joulesim::models
