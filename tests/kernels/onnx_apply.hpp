// One ONNX operator applied to arrays, for tests against values worked out by hand.
#pragma once

#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_session.hpp"
#include "tests/kernels/onnx_bytes.hpp"

#include <catch2/catch.hpp>

#include <map>
#include <string>
#include <vector>

namespace joulesim::models::onnx::test {

using Numbers = std::vector<double>;

inline Array floats(const Dims& shape, const std::vector<float>& values) {
  return Array::of(DType::kFloat, shape, values);
}
inline Array typed(DType type, const Dims& shape, const Numbers& values) {
  return cast(Array::of(DType::kDouble, shape, values), type);
}

struct Form {
  std::int64_t opset = 17;
  std::vector<std::string> attributes = {};
  std::string domain = {};
  std::size_t outputs = 1;
};

// One node; an undefined array is an input that is left out.
inline std::vector<Array> apply(const std::string& op, const std::vector<Array>& inputs,
                                const Form& form = {}) {
  GraphText text;
  std::vector<std::string> in;
  std::vector<std::string> out;
  std::map<std::string, Value> values;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    in.push_back(inputs[i].defined() ? "i" + std::to_string(i) : "");
    if (inputs[i].defined()) {
      text.inputs.push_back(value_info(in.back(), inputs[i].type(), inputs[i].shape()));
      values[in.back()] = inputs[i];
    }
  }
  for (std::size_t i = 0; i < form.outputs; ++i) {
    out.push_back("o" + std::to_string(i));
    text.outputs.push_back(value_info(out.back(), DType::kFloat, {}));
  }
  text.nodes = {node(op, in, out, form.attributes, form.domain)};
  const Model m = parsed(model(form.opset, text));
  std::vector<Array> arrays;
  for (const Value& value : Session(m).run(values)) {
    arrays.push_back(value.array);
  }
  return arrays;
}

inline Numbers numbers(const std::vector<Array>& arrays, std::size_t i = 0) {
  return converted<double>(arrays.at(i));
}

inline void check_near(const Numbers& found, const Numbers& expected, double tolerance = 1e-6) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("element " << i);
    CHECK(found[i] == Approx(expected[i]).margin(tolerance));
  }
}

}  // namespace joulesim::models::onnx::test
