// Runs an operator graph on real numbers, keeping the key-value cache between steps.
//
// Models:     every operator kind of models/graph/op.hpp; linear layers through a Datapath.
// Leaves out: rounding of activations between operators (they stay fp32).
// Checked by: tests/oracle/models_stories.cpp, tests/kernels/models_executor.cpp
#pragma once

#include "models/graph/graph.hpp"
#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "models/kernels/linear.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

class Executor {
 public:
  // Both outlive the executor.
  Executor(const Model& model, Datapath& datapath) : model_(model), datapath_(datapath) {}

  // `tokens` holds batch * new_tokens ids, sequence by sequence. The graph's `past` must be what
  // earlier runs left in the cache. Returns the graph's output rows. Throws InputError for an id
  // outside the vocabulary or a position outside a learned table.
  FloatArray run(const OperatorGraph& graph, std::span<const std::int32_t> tokens);

  void forget() { caches_.clear(); }  // empties the key-value cache

 private:
  using Values = std::vector<float>;
  struct Step;  // the tensors of one run

  void execute(const Op& op, Step& step);
  void embed(const Op& op, Step& step);
  void add_positions(const Op& op, Step& step);
  void normalise(const Op& op, Step& step);
  void multiply(const Op& op, Step& step);
  void rotate(const Op& op, Step& step);
  void append(const Op& op, Step& step);
  void attention(const Op& op, Step& step);
  void elementwise(const Op& op, Step& step);
  void choose_experts(const Op& op, Step& step);
  void expert_multiply(const Op& op, Step& step);
  void sum_experts(const Op& op, Step& step);
  void select_last(const Op& op, Step& step);

  const WeightMatrix& weight(const OperatorGraph& graph, TensorId id) const;
  const Values& vector_weight(const OperatorGraph& graph, TensorId id);

  const Model& model_;
  Datapath& datapath_;
  std::map<std::string, std::vector<Values>> caches_;  // by storage name, one per sequence
  std::map<std::string, Values> vectors_;              // decoded gains and biases
};

}  // namespace joulesim::models
