// The tensors of one run of the executor, for its own source files.
#pragma once

#include "models/kernels/executor.hpp"

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace joulesim::models {

inline std::size_t size(std::int64_t n) { return static_cast<std::size_t>(n); }

inline std::span<float> row_of(std::vector<float>& values, std::int64_t row, std::int64_t columns) {
  return std::span(values).subspan(size(row * columns), size(columns));
}
inline std::span<const float> row_of(const std::vector<float>& values, std::int64_t row,
                                     std::int64_t columns) {
  return std::span(values).subspan(size(row * columns), size(columns));
}

struct Executor::Step {
  const OperatorGraph& graph;
  const Inputs& inputs;
  std::vector<Values> values;        // by tensor
  std::vector<std::size_t> readers;  // of each tensor, still to come

  const Values& in(const Op& op, std::size_t i) const { return values[size(op.inputs[i].value)]; }
  [[nodiscard]] Shape shape(TensorId id) const { return graph.tensor(id).shape; }
  [[nodiscard]] bool is_weight(const Op& op, std::size_t i) const {
    return graph.tensor(op.inputs[i]).kind == TensorKind::kWeight;
  }
  Values& out(const Op& op) {
    Values& made = values[size(op.outputs.front().value)];
    made.resize(size(shape(op.outputs.front()).elements()));
    return made;
  }
};

}  // namespace joulesim::models
