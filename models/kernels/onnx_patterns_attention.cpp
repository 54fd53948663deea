// Attention in small operators: two products around a softmax, and what leads to them.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_patterns.hpp"

#include <algorithm>
#include <functional>

namespace joulesim::models::onnx {
namespace {

bool is_move(const std::string& op) {
  static const std::set<std::string> kMoves{"Transpose", "Reshape", "Unsqueeze",
                                            "Squeeze",   "Expand",  "Identity",
                                            "Cast",      "Tile",    "Flatten"};
  return kMoves.contains(op);
}

bool is_elementwise(const std::string& op) {
  static const std::set<std::string> kOps{"Add", "Sub", "Mul",  "Div",     "Where",   "Cast",
                                          "Min", "Max", "Clip", "Reshape", "Identity"};
  return kOps.contains(op);
}

std::int64_t count(const Dims& shape) {
  std::int64_t product = 1;
  for (const std::int64_t size : shape) {
    product *= size;
  }
  return product;
}

}  // namespace

// From the softmax back to the product of queries and keys; branches without one are masks.
bool PatternFinder::find_product(const std::string& value, int depth,
                                 std::vector<std::size_t>& path, std::vector<std::string>& masks) {
  const Node* node = producer(value);
  if (node == nullptr || depth > 10 || is_constant(value)) {
    return false;
  }
  if (node->op_type == "MatMul") {
    if (is_constant(node->inputs[0]) || is_constant(node->inputs[1])) {
      return false;
    }
    path.push_back(index_of(value));
    return true;
  }
  if (!is_elementwise(node->op_type)) {
    return false;
  }
  for (const std::string& input : node->inputs) {
    std::vector<std::size_t> inner;
    if (!input.empty() && find_product(input, depth + 1, inner, masks)) {
      path.insert(path.end(), inner.begin(), inner.end());
      path.push_back(index_of(value));
      for (const std::string& other : node->inputs) {
        if (other != input && !other.empty()) {
          masks.push_back(other);
        }
      }
      return true;
    }
  }
  return false;
}

// Whether a value is a graph input, or a stretch of one: a past state.
bool PatternFinder::comes_from_input(std::string value) const {
  for (int step = 0; step < 8; ++step) {
    const Node* node = producer(value);
    if (node == nullptr) {
      return !is_constant(value) && !value.empty();
    }
    if (!is_move(node->op_type) && node->op_type != "Gather" && node->op_type != "Slice" &&
        node->op_type != "Split") {
      return false;
    }
    value = node->inputs[0];
  }
  return false;
}

// x cos + turned(x) sin in any spelling: sums of products whose other factors are small tables.
bool PatternFinder::trace_rotation(const std::string& value, std::string& source,
                                   std::vector<std::size_t>& path) const {
  const std::int64_t elements = count(known(value).shape);
  std::set<std::string> sources;
  std::set<std::size_t> region;
  int products = 0;
  int sums = 0;
  bool fits = true;
  const std::function<bool(const std::string&, int)> visit = [&](const std::string& at,
                                                                 int depth) -> bool {
    const Node* node = producer(at);
    static const std::set<std::string> kInner{
        "Add",       "Sub",     "Mul",     "Neg",  "Concat",    "Slice", "Split",
        "Unsqueeze", "Squeeze", "Reshape", "Cast", "Transpose", "Gather"};
    const bool bias = node != nullptr && (node->op_type == "Add" || node->op_type == "Mul") &&
                      (is_constant(node->inputs[0]) || is_constant(node->inputs[1]));
    if (node == nullptr || is_constant(at) || depth > 16 || !kInner.contains(node->op_type) ||
        (bias && count(known(at).shape) == elements && depth > 0 && !is_scalar(node->inputs[0]) &&
         !is_scalar(node->inputs[1]) && node->op_type == "Add")) {
      const bool table = node != nullptr && (node->op_type == "Cos" || node->op_type == "Sin");
      if (is_constant(at) || table) {
        return false;
      }
      if (count(known(at).shape) >= elements) {
        sources.insert(at);
        return true;
      }
      return false;  // a table of cosines or sines, or what it is made of
    }
    bool reaches = false;
    int reached = 0;
    const bool moves = is_move(node->op_type) || node->op_type == "Slice" ||
                       node->op_type == "Split" || node->op_type == "Gather";
    for (std::size_t i = 0; i < (moves ? 1 : node->inputs.size()); ++i) {
      if (!node->inputs[i].empty() && visit(node->inputs[i], depth + 1)) {
        reaches = true;
        ++reached;
      }
    }
    if (reaches && region.insert(index_of(at)).second) {
      products += node->op_type == "Mul" ? 1 : 0;
      sums += node->op_type == "Add" || node->op_type == "Sub" ? 1 : 0;
      fits = fits && !(node->op_type == "Mul" && reached == 2);
    }
    return reaches;
  };
  if (!visit(value, 0) || sources.size() != 1 || products < 2 || sums < 1 || !fits) {
    return false;
  }
  source = *sources.begin();
  path.insert(path.end(), region.begin(), region.end());
  return true;
}

Source PatternFinder::trace(std::string value, std::vector<std::size_t>& path) {
  Source source;
  for (int step = 0; step < 32; ++step) {
    const Node* node = producer(value);
    if (node == nullptr || is_constant(value)) {
      break;
    }
    const std::size_t index = index_of(value);
    if (is_move(node->op_type)) {
      path.push_back(index);
      value = node->inputs[0];
    } else if ((node->op_type == "Mul" || node->op_type == "Div") &&
               (is_scalar(node->inputs[0]) || is_scalar(node->inputs[1]))) {
      path.push_back(index);
      value = node->inputs[is_scalar(node->inputs[0]) ? 1 : 0];
    } else if (node->op_type == "Concat" && node->inputs.size() == 2 && !source.has_past &&
               comes_from_input(node->inputs[0]) && !is_constant(node->inputs[1])) {
      source.has_past = true;
      const Dims& whole = known(value).shape;
      const Dims& past = known(node->inputs[0]).shape;
      for (std::size_t d = 0; d < std::min(whole.size(), past.size()); ++d) {
        if (whole[d] != known(node->inputs[1]).shape[d]) {
          source.past = past[d];
        }
      }
      if (known(node->inputs[1]).shape == whole) {
        source.past = 0;  // an empty past
      }
      path.push_back(index);
      value = node->inputs[1];
    } else if (std::string turned; !source.rotated && trace_rotation(value, turned, path)) {
      source.rotated = true;
      value = turned;
    } else if (node->op_type == "Split" || node->op_type == "Slice" || node->op_type == "Gather") {
      const Dims& in = known(node->inputs[0]).shape;
      const std::int64_t part = count(known(value).shape);
      const std::int64_t all = count(in);
      if (part <= 0 || all % part != 0 || source.part >= 0) {
        break;
      }
      // Which of the equal stretches it is.
      source.part = 0;
      if (node->op_type == "Split") {
        const auto at = std::find(node->outputs.begin(), node->outputs.end(), value);
        source.part = at - node->outputs.begin();
      } else if (node->op_type == "Gather" && known(node->inputs[1]).value.defined()) {
        source.part = converted<std::int64_t>(known(node->inputs[1]).value).at(0);
      } else if (node->inputs.size() > 1 && known(node->inputs[1]).value.defined()) {
        source.part = converted<std::int64_t>(known(node->inputs[1]).value).at(0);
      }
      source.width = part;
      path.push_back(index);
      value = node->inputs[0];
    } else {
      break;
    }
  }
  source.value = value;
  return source;
}

bool PatternFinder::hides_later_keys(const std::vector<std::string>& masks) const {
  std::set<std::string> seen;
  std::vector<std::string> open = masks;
  while (!open.empty() && seen.size() < 400) {
    const std::string at = open.back();
    open.pop_back();
    if (!seen.insert(at).second) {
      continue;
    }
    const Known& k = known(at);
    const auto rank = k.shape.size();
    if (k.value.defined() && rank >= 2 && k.shape[rank - 1] > 1 && k.shape[rank - 2] > 1 &&
        k.type != DType::kString) {
      // The first query sees the first key and not the last one.
      const std::vector<double> values = converted<double>(k.value);
      const auto keys = static_cast<std::size_t>(k.shape[rank - 1]);
      if (values[0] != values[keys - 1]) {
        return true;
      }
    }
    const Node* node = producer(at);
    if (node == nullptr) {
      continue;
    }
    if (node->op_type == "Trilu") {
      return true;
    }
    if ((node->op_type == "Less" || node->op_type == "Greater" || node->op_type == "LessOrEqual" ||
         node->op_type == "GreaterOrEqual") &&
        rank >= 2 && !is_scalar(node->inputs[0]) && !is_scalar(node->inputs[1])) {
      return true;
    }
    open.insert(open.end(), node->inputs.begin(), node->inputs.end());
  }
  return false;
}

void PatternFinder::find_attention(std::size_t softmax) {
  const Node& node = graph_.nodes[softmax];
  std::vector<std::size_t> path{softmax};
  std::vector<std::string> masks;
  if (!find_product(node.inputs[0], 0, path, masks)) {
    return;
  }
  const Node& product = graph_.nodes[path[1]];
  Pattern pattern;
  pattern.kind = Pattern::Kind::kAttention;
  pattern.scores = known(product.outputs[0]).shape;
  // Onwards to the product with the values.
  std::string at = node.outputs[0];
  const Node* weighted = nullptr;
  for (int step = 0; step < 6 && weighted == nullptr; ++step) {
    const Node* next = sole_consumer(at);
    if (next == nullptr) {
      return;
    }
    path.push_back(index_of(next->outputs[0]));
    if (next->op_type == "MatMul" && next->inputs[0] == at && !is_constant(next->inputs[1])) {
      weighted = next;
    } else if (is_elementwise(next->op_type) || next->op_type == "Dropout") {
      at = next->outputs[0];
    } else {
      return;
    }
  }
  if (weighted == nullptr || pattern.scores.size() < 3) {
    return;
  }
  pattern.head_dim = known(product.inputs[0]).shape.back();
  pattern.value_dim = known(weighted->outputs[0]).shape.back();
  pattern.query = trace(product.inputs[0], path);
  pattern.key = trace(product.inputs[1], path);
  pattern.value = trace(weighted->inputs[1], path);
  pattern.causal = pattern.key.has_past || hides_later_keys(masks);
  pattern.output = weighted->outputs[0];
  // What merely brings the heads side by side again belongs to it.
  for (const Node* next = sole_consumer(pattern.output);
       next != nullptr && is_move(next->op_type) && next->op_type != "Cast";
       next = sole_consumer(pattern.output)) {
    path.push_back(index_of(next->outputs[0]));
    pattern.output = next->outputs[0];
  }
  std::sort(path.begin(), path.end());
  path.erase(std::unique(path.begin(), path.end()), path.end());
  // Fused projections are cut by nodes that the three share.
  std::vector<std::size_t> own;
  for (const std::size_t i : path) {
    const std::string& op = graph_.nodes[i].op_type;
    if (!absorbed_.contains(i)) {
      own.push_back(i);
    } else if (!is_move(op) && op != "Split" && op != "Slice" && op != "Gather" && op != "Mul" &&
               op != "Concat" && op != "Add" && op != "Neg" && op != "Sub") {
      return;
    }
  }
  claim(own);
  found_[index_of(pattern.output)] = std::move(pattern);
}

}  // namespace joulesim::models::onnx
