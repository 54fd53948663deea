#include "models/kernels/onnx_call.hpp"

#include "models/kernels/onnx_elements.hpp"

#include <fmt/format.h>

#include <set>

namespace joulesim::models::onnx {

Value Value::sequence(std::vector<Value> items) {
  Value value;
  value.kind = Kind::kSequence;
  value.items = std::make_shared<const std::vector<Value>>(std::move(items));
  return value;
}

void refuse(const std::string& found, const std::string& expected) {
  throw ArrayFault(fmt::format("found {}; expected {}", found, expected));
}

void expect(bool holds, const std::string& found, const std::string& expected) {
  if (!holds) {
    refuse(found, expected);
  }
}

std::int64_t axis_of(std::int64_t axis, std::int64_t rank) {
  if (axis < -rank || axis >= rank) {
    refuse(fmt::format("axis {}", axis), fmt::format("one of an array of rank {}", rank));
  }
  return axis < 0 ? axis + rank : axis;
}

std::vector<std::int64_t> axes_of(std::vector<std::int64_t> axes, std::int64_t rank) {
  std::set<std::int64_t> seen;
  for (std::int64_t& axis : axes) {
    axis = axis_of(axis, rank);
    if (!seen.insert(axis).second) {
      refuse(fmt::format("axis {} twice", axis), "every axis at most once");
    }
  }
  return axes;
}

bool Call::has(std::size_t i) const {
  return i < inputs_.size() && inputs_[i].kind != Value::Kind::kNone;
}

const Array& Call::in(std::size_t i) const {
  const Array* array = maybe(i);
  if (array == nullptr) {
    refuse(fmt::format("no input {}", i), "an array");
  }
  return *array;
}

const Array* Call::maybe(std::size_t i) const {
  return i < inputs_.size() && inputs_[i].kind == Value::Kind::kArray ? &inputs_[i].array : nullptr;
}

const Value& Call::value(std::size_t i) const {
  if (i >= inputs_.size()) {
    refuse(fmt::format("no input {}", i), "one");
  }
  return inputs_[i];
}

const std::vector<Value>& Call::sequence(std::size_t i) const {
  if (value(i).kind != Value::Kind::kSequence) {
    refuse(fmt::format("no sequence as input {}", i), "one");
  }
  return *value(i).items;
}

std::vector<std::int64_t> Call::ints_in(std::size_t i) const {
  const Array& array = in(i);
  if (!is_integer(array.type()) && array.type() != DType::kBool) {
    refuse(fmt::format("input {} of {}", i, name_of(array.type())), "integers");
  }
  return converted<std::int64_t>(array);
}

std::int64_t Call::int_in(std::size_t i) const {
  const std::vector<std::int64_t> values = ints_in(i);
  if (values.size() != 1) {
    refuse(fmt::format("{} elements in input {}", values.size(), i), "one");
  }
  return values.front();
}

double Call::number_in(std::size_t i) const {
  const std::vector<double> values = converted<double>(in(i));
  if (values.size() != 1) {
    refuse(fmt::format("{} elements in input {}", values.size(), i), "one");
  }
  return values.front();
}

namespace {

const Attribute* typed(const Node& node, const std::string& name, Attribute::Kind kind) {
  const Attribute* attribute = node.attribute(name);
  if (attribute != nullptr && attribute->kind != kind) {
    refuse(fmt::format("attribute '{}' of kind {}", name, static_cast<int>(attribute->kind)),
           fmt::format("kind {}", static_cast<int>(kind)));
  }
  return attribute;
}

}  // namespace

bool Call::has_attribute(const std::string& name) const { return node_.attribute(name) != nullptr; }

std::int64_t Call::integer(const std::string& name, std::int64_t absent) const {
  const Attribute* attribute = typed(node_, name, Attribute::Kind::kInt);
  return attribute == nullptr ? absent : attribute->i;
}

std::int64_t Call::integer(const std::string& name) const {
  expect(has_attribute(name), "no attribute '" + name + "'", "one");
  return integer(name, 0);
}

double Call::number(const std::string& name, double absent) const {
  const Attribute* attribute = typed(node_, name, Attribute::Kind::kFloat);
  return attribute == nullptr ? absent : attribute->f;
}

std::string Call::text(const std::string& name, const std::string& absent) const {
  const Attribute* attribute = typed(node_, name, Attribute::Kind::kString);
  return attribute == nullptr ? absent : attribute->s;
}

std::vector<std::int64_t> Call::integers(const std::string& name) const {
  const Attribute* attribute = typed(node_, name, Attribute::Kind::kInts);
  return attribute == nullptr ? std::vector<std::int64_t>{} : attribute->ints;
}

std::vector<float> Call::numbers(const std::string& name) const {
  const Attribute* attribute = typed(node_, name, Attribute::Kind::kFloats);
  return attribute == nullptr ? std::vector<float>{} : attribute->floats;
}

std::vector<std::string> Call::texts(const std::string& name) const {
  const Attribute* attribute = typed(node_, name, Attribute::Kind::kStrings);
  return attribute == nullptr ? std::vector<std::string>{} : attribute->strings;
}

Array Call::tensor(const std::string& name) const {
  const Attribute* attribute = typed(node_, name, Attribute::Kind::kTensor);
  if (attribute == nullptr || attribute->tensors.empty()) {
    refuse("no tensor attribute '" + name + "'", "one");
  }
  return array_of(attribute->tensors.front(), model_);
}

const Graph& Call::graph(const std::string& name) const {
  const Attribute* attribute = typed(node_, name, Attribute::Kind::kGraph);
  if (attribute == nullptr || attribute->graphs.empty()) {
    refuse("no graph attribute '" + name + "'", "one");
  }
  return *attribute->graphs.front();
}

bool Call::wants(std::size_t i) const {
  return i < node_.outputs.size() && !node_.outputs[i].empty();
}

void Call::set(std::size_t i, Value value) {
  if (wants(i)) {
    outputs_[i] = std::move(value);
  }
}

}  // namespace joulesim::models::onnx
