#include "models/kernels/onnx_patterns.hpp"

#include "models/kernels/onnx_elements.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::models::onnx {

PatternFinder::PatternFinder(const Inferred& graph) : graph_(graph) {
  for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& output : graph.nodes[i].outputs) {
      producer_[output] = i;
    }
    const auto& outputs = graph.nodes[i].outputs;
    if (std::all_of(outputs.begin(), outputs.end(), [&](const std::string& output) {
          return output.empty() || known(output).value.defined();
        })) {
      continue;  // folded: reads nothing when the graph runs
    }
    for (const std::string& input : graph.nodes[i].inputs) {
      auto& list = consumers_[input];
      if (!input.empty() && (list.empty() || list.back() != i)) {
        list.push_back(i);
      }
    }
  }
}

const Node* PatternFinder::producer(const std::string& value) const {
  const auto found = producer_.find(value);
  return found == producer_.end() || value.empty() ? nullptr : &graph_.nodes[found->second];
}

std::size_t PatternFinder::index_of(const std::string& value) const { return producer_.at(value); }

std::vector<std::size_t> PatternFinder::consumers(const std::string& value) const {
  const auto found = consumers_.find(value);
  return found == consumers_.end() ? std::vector<std::size_t>{} : found->second;
}

const Known& PatternFinder::known(const std::string& value) const {
  static const Known kNothing;
  const auto found = graph_.values.find(value);
  return found == graph_.values.end() ? kNothing : found->second;
}

bool PatternFinder::is_constant(const std::string& value) const {
  return known(value).constant || known(value).value.defined();
}

bool PatternFinder::is_scalar(const std::string& value) const {
  return is_constant(value) && known(value).value.defined() && known(value).value.size() == 1;
}

bool PatternFinder::is_number(const std::string& value, double number, double tolerance) const {
  return is_scalar(value) &&
         std::fabs(converted<double>(known(value).value)[0] - number) <= tolerance;
}

const Node* PatternFinder::sole_consumer(const std::string& value) const {
  const auto list = consumers(value);
  return list.size() == 1 ? &graph_.nodes[list.front()] : nullptr;
}

std::string PatternFinder::other_input(const Node& node, const std::string& value) const {
  return node.inputs.size() == 2 ? node.inputs[node.inputs[0] == value ? 1 : 0] : std::string();
}

std::string PatternFinder::unpadded(std::string value) const {
  for (const Node* node = producer(value);
       node != nullptr && (node->op_type == "Cast" || node->op_type == "Identity");
       node = producer(value)) {
    value = node->inputs[0];
  }
  return value;
}

void PatternFinder::collect_casts(std::string value, const std::string& end,
                                  std::vector<std::size_t>& path) const {
  while (value != end && producer(value) != nullptr) {
    path.push_back(index_of(value));
    value = producer(value)->inputs[0];
  }
}

bool PatternFinder::claim(const std::vector<std::size_t>& nodes) {
  if (std::any_of(nodes.begin(), nodes.end(),
                  [&](std::size_t i) { return absorbed_.contains(i); })) {
    return false;
  }
  absorbed_.insert(nodes.begin(), nodes.end());
  return true;
}

// The same value, or one computed from the same inputs once more (which then belongs to the path).
bool PatternFinder::is_same(const std::string& value, const std::string& other,
                            std::vector<std::size_t>& path) const {
  if (value == other) {
    return true;
  }
  const Node* a = producer(value);
  const Node* b = producer(other);
  if (a == nullptr || b == nullptr || a->op_type != "Sub" || b->op_type != "Sub" ||
      a->inputs != b->inputs) {
    return false;
  }
  path.push_back(index_of(value));
  return true;
}

// A mean of squares, of x itself or of x less its mean; then what makes a norm of it.
void PatternFinder::find_norm(std::size_t mean) {
  const Node& node = graph_.nodes[mean];
  const std::string squares = unpadded(node.inputs[0]);
  const Node* square = producer(squares);
  if (square == nullptr || is_constant(squares)) {
    return;
  }
  const bool by_power = square->op_type == "Pow" && is_number(square->inputs[1], 2, 0);
  const bool by_product = square->op_type == "Mul" && square->inputs[0] == square->inputs[1];
  if (!by_power && !by_product) {
    return;
  }
  Pattern pattern;
  pattern.kind = Pattern::Kind::kRmsNorm;
  const std::string centred = unpadded(square->inputs[0]);
  std::string x = centred;
  std::vector<std::size_t> path{mean, index_of(squares)};
  collect_casts(node.inputs[0], squares, path);
  collect_casts(square->inputs[0], centred, path);
  if (const Node* minus = producer(centred); minus != nullptr && minus->op_type == "Sub") {
    const Node* inner = producer(unpadded(minus->inputs[1]));
    if (inner != nullptr && inner->op_type == "ReduceMean" &&
        unpadded(inner->inputs[0]) == unpadded(minus->inputs[0])) {
      pattern.kind = Pattern::Kind::kLayerNorm;
      x = unpadded(minus->inputs[0]);
      path.push_back(index_of(centred));
      path.push_back(index_of(inner->outputs[0]));
      collect_casts(minus->inputs[0], x, path);
    }
  }
  // Forward: epsilon, root, reciprocal or division, gain, bias.
  std::string at = node.outputs[0];
  bool rooted = false;
  bool divided = false;
  for (int step = 0; step < 10; ++step) {
    const auto next_nodes = consumers(at);
    if (next_nodes.size() != 1) {
      break;
    }
    const Node& next = graph_.nodes[next_nodes.front()];
    const std::string other = other_input(next, at);
    const bool constant = !other.empty() && is_constant(other);
    if (next.op_type == "Cast") {
      // types change, numbers stay
    } else if (!rooted && next.op_type == "Add" && is_scalar(other)) {
      pattern.epsilon = converted<double>(known(other).value)[0];
    } else if (!rooted && next.op_type == "Sqrt") {
      rooted = true;
    } else if (rooted && !divided &&
               (next.op_type == "Reciprocal" ||
                (next.op_type == "Div" && is_number(other, 1, 0)))) {
      // one over the root
    } else if (rooted && !divided && (next.op_type == "Div" || next.op_type == "Mul") &&
               is_same(unpadded(other), centred, path)) {
      divided = true;
    } else if (divided && pattern.gain.empty() && next.op_type == "Mul" && constant) {
      pattern.gain = other;
    } else if (!pattern.gain.empty() && pattern.bias.empty() && next.op_type == "Add" && constant &&
               pattern.kind == Pattern::Kind::kLayerNorm) {
      pattern.bias = other;
    } else {
      break;
    }
    path.push_back(next_nodes.front());
    at = next.outputs[0];
  }
  std::sort(path.begin(), path.end());
  path.erase(std::unique(path.begin(), path.end()), path.end());
  if (!divided || pattern.epsilon <= 0 || !claim(path)) {
    return;
  }
  pattern.inputs = {x};
  pattern.output = at;
  found_[index_of(at)] = std::move(pattern);
}

// From the inner function outwards: erf and tanh for GELU, sigmoid for SiLU.
void PatternFinder::find_activation(std::size_t index) {
  const Node& node = graph_.nodes[index];
  Pattern pattern;
  pattern.kind = Pattern::Kind::kActivation;
  std::vector<std::size_t> path{index};
  std::string x = node.inputs[0];
  const auto step_back = [&](const char* op) {
    const Node* made = producer(x);
    if (made == nullptr || made->op_type != op || is_constant(x)) {
      return false;
    }
    const std::size_t dynamic = is_scalar(made->inputs[0]) ? 1 : 0;
    if (made->inputs.size() != 2 || !is_scalar(made->inputs[1 - dynamic])) {
      return false;
    }
    path.push_back(index_of(x));
    x = made->inputs[dynamic];
    return true;
  };
  if (node.op_type == "Erf") {
    pattern.activation = Activation::kGelu;
    if (!step_back("Div") && !step_back("Mul")) {
      return;
    }
  } else if (node.op_type == "Sigmoid") {
    const std::string direct = x;
    pattern.activation = step_back("Mul") ? Activation::kQuickGelu : Activation::kSilu;
  } else {  // tanh(c (x + 0.044715 x^3)), in whatever order it is multiplied out
    pattern.activation = Activation::kGeluTanh;
    std::vector<std::string> open{x};
    std::map<std::string, int> leaves;
    for (int step = 0; !open.empty() && step < 24; ++step) {
      const std::string at = open.back();
      open.pop_back();
      const Node* made = producer(at);
      const bool inner =
          made != nullptr && !is_constant(at) &&
          (made->op_type == "Mul" || made->op_type == "Add" || made->op_type == "Pow") &&
          consumers(at).size() <= 2 &&
          (is_scalar(made->inputs[0]) || is_scalar(made->inputs[1]) || made->op_type == "Mul" ||
           step == 1);
      if (!inner) {
        ++leaves[at];
        continue;
      }
      path.push_back(index_of(at));
      for (const std::string& input : made->inputs) {
        if (!is_constant(input)) {
          open.push_back(input);
        }
      }
    }
    if (leaves.size() != 1 || !open.empty()) {
      return;
    }
    x = leaves.begin()->first;
  }
  // Outwards: plus one, times x, times a half; x may have been halved before.
  std::string at = node.outputs[0];
  bool multiplied = false;
  for (int step = 0; step < 4; ++step) {
    const auto next_nodes = consumers(at);
    if (next_nodes.size() != 1) {
      break;
    }
    const Node& next = graph_.nodes[next_nodes.front()];
    const std::string other = other_input(next, at);
    const Node* other_made = producer(other);
    const bool halved =
        other_made != nullptr && other_made->op_type == "Mul" &&
        (is_number(other_made->inputs[0], 0.5, 0) || is_number(other_made->inputs[1], 0.5, 0)) &&
        (other_made->inputs[0] == x || other_made->inputs[1] == x);
    if (next.op_type == "Add" && is_number(other, 1, 0) && !multiplied) {
      // plus one
    } else if (next.op_type == "Mul" && is_number(other, 0.5, 0)) {
      // the half
    } else if (next.op_type == "Mul" && (other == x || halved) && !multiplied) {
      multiplied = true;
      if (halved) {
        path.push_back(index_of(other));
      }
    } else {
      break;
    }
    path.push_back(next_nodes.front());
    at = next.outputs[0];
  }
  if (!multiplied) {
    if (node.op_type != "Sigmoid" && node.op_type != "Tanh") {
      return;
    }
    path = {index};
    x = node.inputs[0];
    at = node.outputs[0];
    pattern.activation = node.op_type == "Sigmoid" ? Activation::kSigmoid : Activation::kTanh;
  }
  std::sort(path.begin(), path.end());
  path.erase(std::unique(path.begin(), path.end()), path.end());
  if (!claim(path)) {
    return;
  }
  pattern.inputs = {x};
  pattern.output = at;
  found_[index_of(at)] = std::move(pattern);
}

// An activation that multiplies another value of its shape, and nothing else, is a gate.
void PatternFinder::find_gates() {
  std::map<std::size_t, Pattern> gates;
  for (auto& [index, pattern] : found_) {
    if (pattern.kind != Pattern::Kind::kActivation) {
      continue;
    }
    const Node* next = sole_consumer(pattern.output);
    if (next == nullptr || next->op_type != "Mul") {
      continue;
    }
    const std::string other = other_input(*next, pattern.output);
    const std::size_t place = index_of(next->outputs[0]);
    if (other.empty() || is_constant(other) || known(other).shape != known(pattern.output).shape ||
        absorbed_.contains(place) || !claim({place})) {
      continue;
    }
    Pattern gate = pattern;
    gate.kind = Pattern::Kind::kGate;
    gate.inputs.push_back(other);
    gate.output = next->outputs[0];
    pattern.kind = Pattern::Kind::kGate;  // replaced below
    pattern.output.clear();
    gates[place] = std::move(gate);
  }
  std::erase_if(found_, [](const auto& entry) { return entry.second.output.empty(); });
  found_.merge(gates);
}

std::map<std::size_t, Pattern> PatternFinder::find() {
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    if (node.outputs.empty() || is_constant(node.outputs[0])) {
      continue;
    }
    if (node.op_type == "ReduceMean") {
      find_norm(i);
    } else if (node.op_type == "Softmax") {
      find_attention(i);
    }
  }
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    if (!node.outputs.empty() && !is_constant(node.outputs[0]) && !absorbed_.contains(i) &&
        (node.op_type == "Erf" || node.op_type == "Sigmoid" || node.op_type == "Tanh")) {
      find_activation(i);
    }
  }
  static const std::map<std::string, Activation> kPlain{{"Relu", Activation::kRelu},
                                                        {"Gelu", Activation::kGelu},
                                                        {"FastGelu", Activation::kGeluTanh},
                                                        {"QuickGelu", Activation::kQuickGelu},
                                                        {"Softplus", Activation::kSoftplus}};
  for (std::size_t i = 0; i < graph_.nodes.size(); ++i) {
    const Node& node = graph_.nodes[i];
    const auto plain = kPlain.find(node.op_type);
    if (plain != kPlain.end() && node.inputs.size() == 1 && !is_constant(node.outputs[0]) &&
        claim({i})) {
      Pattern pattern;
      pattern.activation = plain->second;
      pattern.inputs = {node.inputs[0]};
      pattern.output = node.outputs[0];
      found_[i] = std::move(pattern);
    }
  }
  find_gates();
  return found_;
}

}  // namespace joulesim::models::onnx
