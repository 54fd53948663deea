// An ONNX model made ready to compute: checked as a whole, constants loaded once, nodes in order.
//
// Models:     the standard's graphs with subgraphs and functions; every operator of the registry.
// Leaves out: training, sparse tensors, maps; operators that draw random numbers (see
//             models/README.md for what is refused and why).
// Checked by: tests/oracle/models_onnx.cpp, tests/kernels/models_onnx_session.cpp
#pragma once

#include "models/import/onnx_model.hpp"
#include "models/kernels/onnx_call.hpp"

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace joulesim::models::onnx {

// What the model cannot be computed for: unknown operators and versions, names that nobody writes,
// sparse tensors …; one sentence each, naming the node. Nothing is computed.
std::vector<std::string> faults_of(const Model& model);

class Session {
 public:
  // Throws InputError with all faults of the model. The model outlives the session.
  explicit Session(const Model& model);
  ~Session();
  Session(Session&&) noexcept;

  // The graph's outputs, in its order. `values` by the names of its inputs, of the types and
  // shapes that it declares; others are refused, all at once, with InputError.
  std::vector<Value> run(std::map<std::string, Value> values) const;
  [[nodiscard]] const Model& model() const { return model_; }
  // Inputs that must be given: declared ones without an initialiser.
  [[nodiscard]] std::vector<const ValueInfo*> required_inputs() const;

 private:
  struct Impl;
  const Model& model_;
  std::unique_ptr<Impl> impl_;
};

}  // namespace joulesim::models::onnx
