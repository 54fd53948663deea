#include "models/kernels/onnx_session.hpp"

#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"
#include "models/kernels/onnx_schedule.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::models::onnx {
namespace {

using Opsets = std::map<std::string, std::int64_t>;
using Names = std::map<std::string, Value>;

// Names in sight: those of this graph, then those of the graphs around it.
struct Scope {
  Names values;
  const Scope* outer = nullptr;

  [[nodiscard]] const Value* find(const std::string& name) const {
    const auto found = values.find(name);
    if (found != values.end()) {
      return &found->second;
    }
    return outer == nullptr ? nullptr : outer->find(name);
  }
};

}  // namespace

struct Session::Impl {
  const Model& model;
  Names constants;                                // of the main graph
  std::map<const Graph*, Names> inner_constants;  // of subgraphs, as they are first met
  std::map<const Graph*, Schedule> schedules;
  // Function bodies bound to their callers' attributes, kept because schedules point into them.
  std::map<const Node*, std::pair<std::vector<Node>, Schedule>> bodies;

  explicit Impl(const Model& given) : model(given) {}

  Names constants_of(const Graph& graph) const {
    Names names;
    for (const Tensor& tensor : graph.initializers) {
      names[tensor.name] = array_of(tensor, model);
    }
    return names;
  }

  const Schedule& schedule(const Graph& graph) {
    const auto found = schedules.find(&graph);
    if (found != schedules.end()) {
      return found->second;
    }
    return schedules.emplace(&graph, schedule_of(graph.nodes, names_of(graph.outputs)))
        .first->second;
  }

  std::vector<Value> run_graph(const Graph& graph, std::vector<Value> values, const Scope* outer,
                               const Opsets& opsets) {
    Scope scope;
    scope.outer = outer;
    const auto known = inner_constants.find(&graph);
    scope.values = known != inner_constants.end()
                       ? known->second
                       : inner_constants.emplace(&graph, constants_of(graph)).first->second;
    expect(values.size() <= graph.inputs.size(), fmt::format("{} values", values.size()),
           fmt::format("{} for the inputs of graph '{}'", graph.inputs.size(), graph.name));
    for (std::size_t i = 0; i < values.size(); ++i) {
      scope.values[graph.inputs[i].name] = std::move(values[i]);
    }
    return run_nodes(schedule(graph), scope, names_of(graph.outputs), opsets);
  }

  std::vector<Value> run_nodes(const Schedule& schedule, Scope& scope,
                               const std::vector<std::string>& results, const Opsets& opsets) {
    for (std::size_t i = 0; i < schedule.order.size(); ++i) {
      const Node& node = *schedule.order[i];
      std::vector<Value> outputs;
      try {
        outputs = run_node(node, scope, opsets);
      } catch (const ArrayFault& fault) {
        const std::string text = fault.what();
        // Faults inside of subgraphs name their own node already.
        throw ArrayFault(text.starts_with("node '") ? text : node.shown() + ": " + text);
      }
      for (std::size_t o = 0; o < node.outputs.size(); ++o) {
        if (!node.outputs[o].empty()) {
          scope.values[node.outputs[o]] = std::move(outputs[o]);
        }
      }
      for (const std::string& name : schedule.dead[i]) {
        scope.values.erase(name);
      }
    }
    std::vector<Value> found;
    for (const std::string& name : results) {
      const Value* value = scope.find(name);
      expect(value != nullptr, "no value of '" + name + "'", "one");
      found.push_back(*value);
    }
    return found;
  }

  std::vector<Value> run_node(const Node& node, const Scope& scope, const Opsets& opsets) {
    std::vector<Value> inputs;
    for (const std::string& name : node.inputs) {
      const Value* value = name.empty() ? nullptr : scope.find(name);
      expect(value != nullptr || name.empty(), "no value of '" + name + "'", "one");
      inputs.push_back(value == nullptr ? Value() : *value);
    }
    if (const Function* function = function_of(model, node)) {
      return call_function(node, *function, std::move(inputs));
    }
    const auto version = opsets.find(node.domain);
    const std::int64_t opset = version == opsets.end() ? 1 : version->second;
    const KernelRow* row = find_kernel(node.domain, node.op_type, opset);
    expect(row != nullptr, "an operator that is not supported", "another");
    return run_kernel(*row, node, opset, std::move(inputs), model,
                      [&](const Graph& g, auto values) {
                        return run_graph(g, std::move(values), &scope, opsets);
                      });
  }

  std::vector<Value> call_function(const Node& node, const Function& function,
                                   std::vector<Value> inputs) {
    auto body = bodies.find(&node);
    if (body == bodies.end()) {
      body = bodies.try_emplace(&node).first;
      for (const Node& inner : function.nodes) {
        body->second.first.push_back(bound(inner, node, function));
      }
      body->second.second = schedule_of(body->second.first, function.outputs);
    }
    Scope scope;
    for (std::size_t i = 0; i < function.inputs.size(); ++i) {
      scope.values[function.inputs[i]] = i < inputs.size() ? std::move(inputs[i]) : Value();
    }
    const Opsets& opsets = function.opsets.empty() ? model.opsets : function.opsets;
    std::vector<Value> results = run_nodes(body->second.second, scope, function.outputs, opsets);
    results.resize(node.outputs.size());
    return results;
  }
};

Session::Session(const Model& model) : model_(model) {
  Diagnostics diagnostics;
  for (const std::string& fault : faults_of(model)) {
    diagnostics.error(model.path, fault);
  }
  if (!diagnostics.ok()) {
    throw InputError(std::move(diagnostics));
  }
  impl_ = std::make_unique<Impl>(model);
  try {
    impl_->constants = impl_->constants_of(model.graph);
    (void)impl_->schedule(model.graph);
  } catch (const ArrayFault& fault) {
    diagnostics.error(model.path, fault.what());
    throw InputError(std::move(diagnostics));
  }
}

Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

std::vector<const ValueInfo*> Session::required_inputs() const {
  std::vector<const ValueInfo*> required;
  for (const ValueInfo& input : model_.graph.inputs) {
    if (!impl_->constants.contains(input.name)) {
      required.push_back(&input);
    }
  }
  return required;
}

namespace {

std::string declared(const ValueInfo& info) {
  std::vector<std::string> dims;
  for (const Dimension& dim : info.shape) {
    dims.push_back(dim.value            ? fmt::format("{}", *dim.value)
                   : dim.symbol.empty() ? "?"
                                        : dim.symbol);
  }
  const auto type = dtype_of_code(info.type_code);
  return fmt::format("{} [{}]", type ? name_of(*type) : "undefined", fmt::join(dims, ","));
}

// What is wrong with a value for a declared input. Symbols are not held against each other: files
// that use one for two sizes are common, and operators check what they need.
std::string fault_of(const ValueInfo& info, const Value& value) {
  if (info.kind != ValueInfo::Kind::kTensor || value.kind != Value::Kind::kArray) {
    return {};
  }
  const Array& array = value.array;
  bool fits = info.type_code == static_cast<std::int64_t>(array.type());
  if (fits && info.has_shape) {
    fits = static_cast<std::int64_t>(info.shape.size()) == array.rank();
    for (std::size_t d = 0; fits && d < info.shape.size(); ++d) {
      fits = !info.shape[d].value || *info.shape[d].value == array.shape()[d];
    }
  }
  return fits ? std::string()
              : fmt::format("input '{}': found {} {}; expected {}", info.name,
                            name_of(array.type()), to_string(array.shape()), declared(info));
}

}  // namespace

std::vector<Value> Session::run(std::map<std::string, Value> values) const {
  Diagnostics diagnostics;
  std::vector<std::string> names;
  for (const ValueInfo& input : model_.graph.inputs) {
    names.push_back(input.name);
    const auto given = values.find(input.name);
    if (given == values.end()) {
      if (!impl_->constants.contains(input.name)) {
        diagnostics.error(model_.path, fmt::format("found no input '{}'; expected {}", input.name,
                                                   declared(input)));
      }
    } else if (const std::string fault = fault_of(input, given->second); !fault.empty()) {
      diagnostics.error(model_.path, fault);
    }
  }
  for (const auto& [name, value] : values) {
    if (std::find(names.begin(), names.end(), name) == names.end()) {
      diagnostics.error(model_.path,
                        fmt::format("found input '{}', which the model does not have{}", name,
                                    did_you_mean(name, names)));
    }
  }
  if (!diagnostics.ok()) {
    throw InputError(std::move(diagnostics));
  }
  Scope scope;
  scope.values = impl_->constants;
  for (auto& [name, value] : values) {
    scope.values[name] = std::move(value);
  }
  try {
    return impl_->run_nodes(impl_->schedule(model_.graph), scope, names_of(model_.graph.outputs),
                            model_.opsets);
  } catch (const ArrayFault& fault) {
    diagnostics.error(model_.path, fault.what());
    throw InputError(std::move(diagnostics));
  }
}

}  // namespace joulesim::models::onnx
