// What an ONNX kernel sees: one node with its inputs and attributes, and where its outputs go.
//
// Models:     values that are arrays, sequences of values, or nothing (an empty optional).
// Checked by: tests/kernels/models_onnx_ops.cpp, tests/oracle/models_onnx.cpp
#pragma once

#include "models/import/array.hpp"
#include "models/import/onnx_model.hpp"

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::models::onnx {

struct Value {
  enum class Kind : std::uint8_t { kNone, kArray, kSequence };
  Kind kind = Kind::kNone;
  Array array;
  std::shared_ptr<const std::vector<Value>> items;

  Value() = default;
  Value(Array given) : kind(Kind::kArray), array(std::move(given)) {}  // NOLINT: meant to convert
  static Value sequence(std::vector<Value> items);
};

// Runs a subgraph of the node on the values of its inputs, with all outer values in sight.
using RunGraph = std::function<std::vector<Value>(const Graph&, std::vector<Value>)>;

class Call {
 public:
  Call(const Node& node, std::int64_t opset, std::vector<Value> inputs, const Model& model,
       RunGraph run)
      : node_(node),
        opset_(opset),
        inputs_(std::move(inputs)),
        outputs_(node.outputs.size()),
        model_(model),
        run_(std::move(run)) {}

  [[nodiscard]] const Node& node() const { return node_; }
  [[nodiscard]] std::int64_t opset() const { return opset_; }

  // Inputs. `in` throws ArrayFault for one that is left out or no array.
  [[nodiscard]] std::size_t count() const { return inputs_.size(); }
  [[nodiscard]] bool has(std::size_t i) const;
  [[nodiscard]] const Array& in(std::size_t i) const;
  [[nodiscard]] const Array* maybe(std::size_t i) const;  // null when left out
  [[nodiscard]] const Value& value(std::size_t i) const;
  [[nodiscard]] const std::vector<Value>& sequence(std::size_t i) const;
  // Elements of an integer input of any width; a floating one is refused.
  [[nodiscard]] std::vector<std::int64_t> ints_in(std::size_t i) const;
  [[nodiscard]] std::int64_t int_in(std::size_t i) const;  // of one element
  [[nodiscard]] double number_in(std::size_t i) const;     // one element of any numeric type
  std::vector<Value>& inputs() { return inputs_; }

  // Attributes, with what an absent one means.
  [[nodiscard]] bool has_attribute(const std::string& name) const;
  [[nodiscard]] std::int64_t integer(const std::string& name, std::int64_t absent) const;
  [[nodiscard]] std::int64_t integer(const std::string& name) const;  // must be there
  [[nodiscard]] double number(const std::string& name, double absent) const;
  [[nodiscard]] std::string text(const std::string& name, const std::string& absent) const;
  [[nodiscard]] std::vector<std::int64_t> integers(const std::string& name) const;
  [[nodiscard]] std::vector<float> numbers(const std::string& name) const;
  [[nodiscard]] std::vector<std::string> texts(const std::string& name) const;
  [[nodiscard]] Array tensor(const std::string& name) const;
  [[nodiscard]] const Graph& graph(const std::string& name) const;
  std::vector<Value> run(const Graph& graph, std::vector<Value> values) const {
    return run_(graph, std::move(values));
  }

  // Outputs; setting one that nobody reads does nothing.
  [[nodiscard]] bool wants(std::size_t i) const;
  [[nodiscard]] std::size_t output_count() const { return outputs_.size(); }
  void set(std::size_t i, Value value);
  std::vector<Value>& outputs() { return outputs_; }

 private:
  const Node& node_;
  std::int64_t opset_;
  std::vector<Value> inputs_;
  std::vector<Value> outputs_;
  const Model& model_;
  RunGraph run_;
};

// Throws ArrayFault: "found …; expected …".
[[noreturn]] void refuse(const std::string& found, const std::string& expected);
void expect(bool holds, const std::string& found, const std::string& expected);

// An axis from -rank to rank - 1 as one from 0; throws otherwise.
std::int64_t axis_of(std::int64_t axis, std::int64_t rank);
std::vector<std::int64_t> axes_of(std::vector<std::int64_t> axes, std::int64_t rank);

}  // namespace joulesim::models::onnx
