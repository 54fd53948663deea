// Whether a model can be computed at all: everything that is wrong with it, before anything runs.
#include "models/kernels/onnx_registry.hpp"
#include "models/kernels/onnx_session.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::models::onnx {
namespace {

// Calls of functions by functions: more is a cycle.
constexpr int kDeepestCalls = 40;

class Checker {
 public:
  explicit Checker(const Model& model) : model_(model) {}

  std::vector<std::string> faults() {
    const auto standard = model_.opsets.find("");
    if (standard == model_.opsets.end()) {
      faults_.push_back("found no operator set of the standard's domain; expected one");
    } else if (standard->second < kOldestOpset || standard->second > kNewestOpset) {
      faults_.push_back(fmt::format("found operator set {}; expected {} to {}", standard->second,
                                    kOldestOpset, kNewestOpset));
    }
    if (!faults_.empty()) {
      return faults_;
    }
    graph(model_.graph, {}, model_.opsets);
    for (const Function& function : model_.functions) {
      const std::set<std::string> known(function.inputs.begin(), function.inputs.end());
      nodes(function.nodes, known, opsets_of(function), function.outputs,
            fmt::format("function '{}'", function.name));
    }
    if (faults_.empty()) {
      for (const Function& function : model_.functions) {
        calls(function.nodes, 0);
      }
    }
    return faults_;
  }

 private:
  using Opsets = std::map<std::string, std::int64_t>;

  [[nodiscard]] Opsets opsets_of(const Function& function) const {
    return function.opsets.empty() ? model_.opsets : function.opsets;
  }

  [[nodiscard]] const Function* function_of(const Node& node) const {
    const auto found = std::find_if(
        model_.functions.begin(), model_.functions.end(),
        [&](const Function& f) { return f.name == node.op_type && f.domain == node.domain; });
    return found == model_.functions.end() ? nullptr : &*found;
  }

  void calls(const std::vector<Node>& body, int depth) {
    if (depth > kDeepestCalls) {
      if (faults_.empty()) {
        faults_.push_back("found functions that call each other; expected no cycle");
      }
      return;
    }
    for (const Node& node : body) {
      const Function* function = function_of(node);
      if (function != nullptr && faults_.empty()) {
        calls(function->nodes, depth + 1);
      }
    }
  }

  void add(std::string fault) {
    if (std::find(faults_.begin(), faults_.end(), fault) == faults_.end()) {
      faults_.push_back(std::move(fault));
    }
  }

  void graph(const Graph& graph, std::set<std::string> known, const Opsets& opsets) {
    for (const std::string& name : graph.sparse_initializers) {
      add(fmt::format("found a sparse initialiser '{}'; expected dense ones", name));
    }
    for (const ValueInfo& input : graph.inputs) {
      known.insert(input.name);
      if (input.kind == ValueInfo::Kind::kOther) {
        add(
            fmt::format("found input '{}' of a map or sparse type; expected a tensor, a sequence "
                        "or an optional",
                        input.name));
      }
    }
    for (const Tensor& tensor : graph.initializers) {
      known.insert(tensor.name);
      if (!dtype_of_code(tensor.type_code)) {
        add(
            fmt::format("found initialiser '{}' of type {}; expected one of ONNX's types but "
                        "complex numbers and 2- or 4-bit floats",
                        tensor.name, tensor.type_code));
      }
    }
    std::vector<std::string> outputs;
    for (const ValueInfo& output : graph.outputs) {
      outputs.push_back(output.name);
    }
    nodes(graph.nodes, std::move(known), opsets, outputs, fmt::format("graph '{}'", graph.name));
  }

  // Every name that is read must be written somewhere; the order is found later.
  void nodes(const std::vector<Node>& body, std::set<std::string> known, const Opsets& opsets,
             const std::vector<std::string>& outputs, const std::string& owner) {
    std::set<std::string> written;
    std::set<std::string> constants;
    for (const Node& node : body) {
      const bool constant = node.op_type == "Constant" && node.domain.empty();
      for (const std::string& output : node.outputs) {
        // Among constants the last one counts, as in engines that make initialisers of them.
        const bool replaced = constant && !constants.insert(output).second;
        if (!output.empty() && !written.insert(output).second && !replaced) {
          add(fmt::format("{}: found '{}' written a second time; expected one writer", node.shown(),
                          output));
        }
      }
    }
    known.insert(written.begin(), written.end());
    for (const Node& node : body) {
      check_operator(node, opsets);
      for (const std::string& input : node.inputs) {
        if (!input.empty() && !known.contains(input)) {
          add(fmt::format("{}: found input '{}' that nothing writes; expected a writer",
                          node.shown(), input));
        }
      }
      for (const Attribute& attribute : node.attributes) {
        if (attribute.kind == Attribute::Kind::kSparseTensor ||
            attribute.kind == Attribute::Kind::kSparseTensors) {
          add(fmt::format("{}: found a sparse tensor '{}'; expected a dense one", node.shown(),
                          attribute.name));
        }
        for (const auto& inner : attribute.graphs) {
          graph(*inner, known, opsets);
        }
      }
    }
    for (const std::string& output : outputs) {
      if (!known.contains(output)) {
        add(fmt::format("{}: found output '{}' that nothing writes; expected a writer", owner,
                        output));
      }
    }
  }

  void check_operator(const Node& node, const Opsets& opsets) {
    if (function_of(node) != nullptr) {
      return;
    }
    const auto version = opsets.find(node.domain);
    if (version == opsets.end()) {
      // Exporters forget to import Microsoft's domain; it has had one version.
      if (find_kernel(node.domain, node.op_type, 1) == nullptr || node.domain.empty()) {
        add(fmt::format(
            "{}: found domain '{}', which the model does not import; expected an import",
            node.shown(), node.domain));
      }
      return;
    }
    if (find_kernel(node.domain, node.op_type, version->second) == nullptr) {
      add(knows_operator(node.domain, node.op_type)
              ? fmt::format("{}: found version {} of this operator; expected another, which is "
                            "supported",
                            node.shown(), version->second)
              : fmt::format("{}: found an operator that is not supported", node.shown()));
    }
  }

  const Model& model_;
  std::vector<std::string> faults_;
};

}  // namespace

std::vector<std::string> faults_of(const Model& model) { return Checker(model).faults(); }

}  // namespace joulesim::models::onnx
