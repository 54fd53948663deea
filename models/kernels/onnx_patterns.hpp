// What groups of ONNX nodes mean: attention, norms, activations, rotations spelled out in small
// operators, as exporters write them.
//
// Models:     attention with grouped heads, past states, fused or separate projections; RMS and
//             layer norms; SiLU, GELU (exact, tanh, sigmoid) and gates; rotary embedding.
// Leaves out: attention whose softmax is written out, sparse patterns, mixtures of experts.
// Checked by: tests/oracle/models_onnx_lift.cpp, tests/kernels/models_onnx_lift.cpp
#pragma once

#include "models/graph/op.hpp"
#include "models/kernels/onnx_infer.hpp"

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

namespace joulesim::models::onnx {

// Where a query, key or value comes from: a value, turned by position or not, a stretch of its
// columns or all.
struct Source {
  std::string value;
  bool rotated = false;
  std::int64_t part = -1;   // of `parts` equal stretches; -1 = all
  std::int64_t offset = 0;  // elements along the last axis
  std::int64_t width = 0;
  bool has_past = false;
  std::int64_t past = 0;
};

struct Pattern {
  enum class Kind : std::uint8_t { kAttention, kRmsNorm, kLayerNorm, kActivation, kGate };
  Kind kind = Kind::kActivation;
  std::string output;
  std::vector<std::string> inputs;  // x, or gate and up
  std::string gain, bias;           // of a norm
  double epsilon = 0;
  Activation activation = Activation::kNone;
  Source query, key, value;  // of attention
  Dims scores;               // [.., heads, queries, keys]
  std::int64_t head_dim = 0;
  std::int64_t value_dim = 0;
  bool causal = false;
};

class PatternFinder {
 public:
  explicit PatternFinder(const Inferred& graph);

  // Patterns by the index of the node that writes their output.
  std::map<std::size_t, Pattern> find();
  // Nodes that patterns stand for.
  [[nodiscard]] const std::set<std::size_t>& absorbed() const { return absorbed_; }

  [[nodiscard]] const Node* producer(const std::string& value) const;
  [[nodiscard]] std::vector<std::size_t> consumers(const std::string& value) const;

 private:
  [[nodiscard]] const Known& known(const std::string& value) const;
  [[nodiscard]] bool is_constant(const std::string& value) const;
  [[nodiscard]] bool is_number(const std::string& value, double number, double tolerance) const;
  [[nodiscard]] bool is_scalar(const std::string& value) const;
  [[nodiscard]] std::size_t index_of(const std::string& value) const;
  [[nodiscard]] const Node* sole_consumer(const std::string& value) const;
  [[nodiscard]] std::string other_input(const Node& node, const std::string& value) const;
  [[nodiscard]] std::string unpadded(std::string value) const;  // through casts and identities

  void find_attention(std::size_t softmax);
  bool find_product(const std::string& value, int depth, std::vector<std::size_t>& path,
                    std::vector<std::string>& masks);
  Source trace(std::string value, std::vector<std::size_t>& path);
  bool trace_rotation(const std::string& value, std::string& source,
                      std::vector<std::size_t>& path) const;
  bool comes_from_input(std::string value) const;
  void collect_casts(std::string value, const std::string& end,
                     std::vector<std::size_t>& path) const;
  bool is_same(const std::string& value, const std::string& other,
               std::vector<std::size_t>& path) const;
  void find_norm(std::size_t mean);
  void find_activation(std::size_t node);
  void find_gates();
  [[nodiscard]] bool hides_later_keys(const std::vector<std::string>& masks) const;
  bool claim(const std::vector<std::size_t>& nodes);  // false when one is taken

  const Inferred& graph_;
  std::map<std::string, std::size_t> producer_;
  std::map<std::string, std::vector<std::size_t>> consumers_;
  std::set<std::size_t> absorbed_;
  std::map<std::size_t, Pattern> found_;
};

}  // namespace joulesim::models::onnx
