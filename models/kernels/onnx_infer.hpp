// Types and shapes of every value of an ONNX graph for given sizes of its symbols, without the
// work of computing it.
//
// Models:     functions are written out in place; what follows from shapes and constants alone
//             (shape arithmetic, tables of positions) is folded to its value; heavy operators have
//             a rule for their shapes, light ones are tried on zeros.
// Leaves out: control flow, and shapes that depend on the data: both are refused by name.
// Checked by: tests/oracle/models_onnx_lift.cpp, tests/kernels/models_onnx_lift.cpp
#pragma once

#include "models/import/onnx_model.hpp"
#include "models/kernels/onnx_call.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::models::onnx {

struct Known {
  DType type = DType::kUndefined;
  Dims shape;
  Array value;            // defined when it follows from shapes and small constants
  bool constant = false;  // follows from initialisers alone, whether or not its value is kept
};

struct Inferred {
  std::vector<Node> nodes;  // in order, functions written out
  std::map<std::string, Known> values;
};

// The name under which a dimension's size is given: its symbol, or "input[axis]" without one.
std::string name_of(const ValueInfo& input, std::size_t axis);

// The size of a symbol: given, or a sum, difference, product or quotient of given ones and numbers,
// as exporters write them ("past_length + length"). Nothing when some of it is unknown.
std::optional<std::int64_t> size_of(const std::string& symbol,
                                    const std::map<std::string, std::int64_t>& given);

// Sizes that an input's dimensions stand for. Throws InputError with everything that is unknown or
// refused.
Inferred infer(const Model& model, const std::map<std::string, std::int64_t>& symbols);

// Shapes of the outputs by rule; false when the operator has none. Throws ArrayFault.
bool infer_by_rule(const Node& node, std::int64_t opset, const std::vector<const Known*>& inputs,
                   std::vector<Known>& outputs);

}  // namespace joulesim::models::onnx
