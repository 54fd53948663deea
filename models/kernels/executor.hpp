// Runs an operator graph on real numbers, keeping the key-value cache between steps.
//
// Models:     every operator kind of models/graph/op.hpp; linear layers through a Datapath.
//             Caches whose format is narrower than 16 bits hold what that format can.
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

  // The same for graphs with other inputs or several outputs, both by tensor name. An input of ids
  // that is not given is all zero (token types).
  struct Inputs {
    std::map<std::string, std::vector<std::int32_t>> ids;
    std::map<std::string, FloatArray> rows;
  };
  std::map<std::string, FloatArray> run(const OperatorGraph& graph, const Inputs& inputs);

  // What operators of later blocks read of earlier ones, by tensor.
  using Border = std::map<TensorId, std::vector<float>>;
  // Runs one executed block alone, the first one with what comes before it. `border` is what the
  // run of the block before left there, and becomes what the next block reads. The caches are
  // those of this run.
  void run_block(const OperatorGraph& graph, std::span<const std::int32_t> tokens, int block,
                 Border& border);

  void forget() {  // empties caches and states
    caches_.clear();
    states_.clear();
  }

 private:
  using Values = std::vector<float>;
  struct Step;  // the tensors of one run: executor_step.hpp
  struct State {
    std::int64_t tokens = 0;  // seen so far
    std::vector<double> values;
  };

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
  void take_inputs(Step& step);
  void arrange(const Op& op, Step& step);  // slices and joins rows or columns

  // executor_recurrent.cpp
  void convolve(const Op& op, Step& step);
  void convolve_causally(const Op& op, Step& step);
  void shift_tokens(const Op& op, Step& step);
  void interpolate(const Op& op, Step& step);
  void scan(const Op& op, Step& step);
  void average(const Op& op, Step& step);
  void attend_linearly(const Op& op, Step& step);
  void multiply_heads(const Op& op, Step& step);
  std::vector<double>& state_of(const Op& op, const Step& step, std::int64_t sequence);

  const WeightMatrix& weight(const OperatorGraph& graph, TensorId id) const;
  const Values& vector_weight(const OperatorGraph& graph, TensorId id);

  const Model& model_;
  Datapath& datapath_;
  std::map<std::string, std::vector<Values>> caches_;  // by storage name, one per sequence
  std::map<std::string, std::vector<State>> states_;   // by storage name, one per sequence
  std::map<std::string, Values> vectors_;              // decoded gains and biases
};

}  // namespace joulesim::models
