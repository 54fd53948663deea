#include "models/kernels/onnx_infer.hpp"

#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"
#include "models/kernels/onnx_schedule.hpp"
#include "models/kernels/onnx_session.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace joulesim::models::onnx {
namespace {

// Values of more elements are not kept, and operators on more are not tried on zeros.
constexpr std::int64_t kMostFolded = std::int64_t{1} << 20;
constexpr std::int64_t kMostTried = std::int64_t{1} << 25;

class Inference {
 public:
  Inference(const Model& model, const std::map<std::string, std::int64_t>& symbols)
      : model_(model), symbols_(symbols) {}

  Inferred run() {
    for (const std::string& fault : faults_of(model_)) {
      faults_.error(model_.path, fault);
    }
    stop_if_faulty();
    result_.nodes =
        flattened(model_.graph.nodes, names_of(model_.graph.outputs), model_.opsets, "");
    for (const Tensor& tensor : model_.graph.initializers) {
      Known& known = result_.values[tensor.name];
      known.type = dtype_of_code(tensor.type_code).value_or(DType::kUndefined);
      known.shape = tensor.dims;
      known.constant = true;
      if (elements_of(tensor.dims) <= kMostFolded / 16) {
        known.value = array_of(tensor, model_);
      }
    }
    for (const ValueInfo& input : model_.graph.inputs) {
      if (!result_.values.contains(input.name)) {
        add_input(input);
      }
    }
    stop_if_faulty();
    for (const Node& node : result_.nodes) {
      visit(node);
      stop_if_faulty();  // what follows would only repeat the fault
    }
    return std::move(result_);
  }

 private:
  void stop_if_faulty() {
    if (!faults_.ok()) {
      throw InputError(std::move(faults_));
    }
  }

  void add_input(const ValueInfo& input) {
    Known known;
    known.type = dtype_of_code(input.type_code).value_or(DType::kUndefined);
    if (input.kind != ValueInfo::Kind::kTensor || !input.has_shape) {
      faults_.error(model_.path, fmt::format("found input '{}' without a shape; expected a tensor "
                                             "with one",
                                             input.name));
      return;
    }
    for (std::size_t axis = 0; axis < input.shape.size(); ++axis) {
      const std::string name = name_of(input, axis);
      const auto size = size_of(name, symbols_);
      if (input.shape[axis].value) {
        known.shape.push_back(*input.shape[axis].value);
      } else if (size) {
        known.shape.push_back(*size);
      } else {
        if (asked_.insert(name).second) {
          faults_.error(model_.path,
                        fmt::format("input '{}': found a dimension '{}' of unknown size; expected "
                                    "--dim {}=SIZE, or {} in [model.dims]",
                                    input.name, name, name, name));
        }
        known.shape.push_back(1);
      }
    }
    result_.values[input.name] = std::move(known);
  }

  // Nodes in order; calls of functions are replaced by their nodes with names of their own.
  std::vector<Node> flattened(const std::vector<Node>& nodes,
                              const std::vector<std::string>& results,
                              const std::map<std::string, std::int64_t>& opsets,
                              const std::string& prefix) {
    std::vector<Node> flat;
    for (const Node* node : schedule_of(nodes, results).order) {
      const Function* function = function_of(model_, *node);
      if (function == nullptr) {
        const auto version = opsets.find(node->domain);
        opset_of_[flat_name(*node)] = version == opsets.end() ? 1 : version->second;
        flat.push_back(*node);
        continue;
      }
      const std::string inner = fmt::format("{}{}#{}.", prefix, function->name, calls_++);
      std::map<std::string, std::string> renamed;
      for (std::size_t i = 0; i < function->inputs.size(); ++i) {
        renamed[function->inputs[i]] = i < node->inputs.size() ? node->inputs[i] : "";
      }
      for (std::size_t i = 0; i < function->outputs.size(); ++i) {
        if (i < node->outputs.size() && !node->outputs[i].empty()) {
          renamed[function->outputs[i]] = node->outputs[i];
        }
      }
      std::vector<Node> body;
      for (const Node& written : function->nodes) {
        Node copy = bound(written, *node, *function);
        for (auto* names : {&copy.inputs, &copy.outputs}) {
          for (std::string& name : *names) {
            if (!name.empty()) {
              const auto known = renamed.find(name);
              name = known != renamed.end() ? known->second : inner + name;
            }
          }
        }
        body.push_back(std::move(copy));
      }
      for (Node& each : flattened(body, node->outputs,
                                  function->opsets.empty() ? opsets : function->opsets, inner)) {
        flat.push_back(std::move(each));
      }
    }
    return flat;
  }

  static std::string flat_name(const Node& node) {
    return node.outputs.empty() ? node.name : node.outputs.front();
  }

  void visit(const Node& node) {
    try {
      infer_node(node);
    } catch (const ArrayFault& fault) {
      faults_.error(model_.path, node.shown() + ": " + fault.what());
    }
  }

  void infer_node(const Node& node) {
    for (const Attribute& attribute : node.attributes) {
      expect(attribute.graphs.empty(), "control flow",
             "operators whose shapes are known beforehand");
    }
    std::vector<const Known*> inputs;
    bool constant = true;
    bool folds = true;
    std::int64_t elements = 0;
    for (const std::string& name : node.inputs) {
      const auto found = result_.values.find(name);
      const bool given = !name.empty() && found != result_.values.end();
      inputs.push_back(given ? &found->second : nullptr);
      if (given) {
        constant = constant && found->second.constant;
        folds = folds && found->second.value.defined();
        elements += elements_of(found->second.shape);
      }
    }
    std::vector<Known> outputs(node.outputs.size());
    const std::int64_t opset = opset_of_.at(flat_name(node));
    if (node.op_type == "Shape" || node.op_type == "Size") {
      // Follows from the shape, whatever the elements are.
      run_on(node, opset, inputs, outputs, true);
      constant = true;
    } else if (folds && elements <= kMostFolded) {
      run_on(node, opset, inputs, outputs, true);
    } else if (!infer_by_rule(node, opset, inputs, outputs)) {
      expect(elements <= kMostTried, fmt::format("{} elements", elements),
             "fewer, or an operator whose shapes are known by rule");
      run_on(node, opset, inputs, outputs, false);
    }
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!node.outputs[i].empty()) {
        outputs[i].constant = constant;
        result_.values[node.outputs[i]] = std::move(outputs[i]);
      }
    }
  }

  // Computes the node, with zeros for what is not known; keeps the values only if all were known.
  void run_on(const Node& node, std::int64_t opset, const std::vector<const Known*>& inputs,
              std::vector<Known>& outputs, bool keep) {
    const KernelRow* row = find_kernel(node.domain, node.op_type, opset);
    expect(row != nullptr, "an operator that is not supported", "another");
    std::vector<Value> values;
    for (const Known* known : inputs) {
      if (known == nullptr) {
        values.emplace_back();
      } else {
        values.emplace_back(known->value.defined() ? known->value
                                                   : Array(known->type, known->shape));
      }
    }
    const std::vector<Value> made = run_kernel(*row, node, opset, std::move(values), model_, {});
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      const Value& value = made[i];
      expect(value.kind == Value::Kind::kArray || node.outputs[i].empty(), "a sequence",
             "an array");
      outputs[i].type = value.array.type();
      outputs[i].shape = value.array.shape();
      if (keep && value.array.size() <= kMostFolded) {
        outputs[i].value = value.array;
      }
    }
  }

  const Model& model_;
  const std::map<std::string, std::int64_t>& symbols_;
  Inferred result_;
  std::map<std::string, std::int64_t> opset_of_;  // by the node's first output
  Diagnostics faults_;
  std::set<std::string> asked_;  // names of dimensions that are missing
  int calls_ = 0;
};

}  // namespace

Inferred infer(const Model& model, const std::map<std::string, std::int64_t>& symbols) {
  try {
    return Inference(model, symbols).run();
  } catch (const ArrayFault& fault) {
    Diagnostics faults;
    faults.error(model.path, fault.what());
    throw InputError(std::move(faults));
  }
}

}  // namespace joulesim::models::onnx
