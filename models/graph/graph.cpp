#include "models/graph/graph.hpp"

#include <boost/graph/adjacency_list.hpp>
#include <boost/graph/graphviz.hpp>
#include <fmt/format.h>

#include <algorithm>
#include <queue>
#include <sstream>
#include <utility>

namespace joulesim::models {
namespace {

struct Edge {
  TensorId tensor;
};
// Vertex descriptors equal OpId values: vertices are never removed.
using Dag = boost::adjacency_list<boost::vecS, boost::vecS, boost::bidirectionalS, Op, Edge>;

std::size_t index_of(int value) { return static_cast<std::size_t>(value); }

bool in_table(int value, std::size_t size) { return value >= 0 && index_of(value) < size; }

// Kahn's algorithm, smallest number first; shorter than the graph when there is a cycle.
std::vector<OpId> schedule(const Dag& dag) {
  std::vector<std::size_t> waiting(boost::num_vertices(dag));
  std::priority_queue<std::size_t, std::vector<std::size_t>, std::greater<>> ready;
  for (std::size_t v = 0; v < waiting.size(); ++v) {
    waiting[v] = boost::in_degree(v, dag);
    if (waiting[v] == 0) {
      ready.push(v);
    }
  }
  std::vector<OpId> order;
  while (!ready.empty()) {
    const std::size_t v = ready.top();
    ready.pop();
    order.push_back(OpId{static_cast<int>(v)});
    for (auto [edge, end] = boost::out_edges(v, dag); edge != end; ++edge) {
      if (--waiting[boost::target(*edge, dag)] == 0) {
        ready.push(boost::target(*edge, dag));
      }
    }
  }
  return order;
}

// Checks one operator against the tensors it names.
void check_op(const GraphParts& parts, const Op& op, std::vector<std::string>& faults) {
  std::vector<Shape> inputs;
  for (const TensorId id : op.inputs) {
    if (!in_table(id.value, parts.tensors.size())) {
      faults.push_back(fmt::format("{}: found input tensor {}; expected a tensor of the graph",
                                   op.name, id.value));
      return;
    }
    inputs.push_back(parts.tensors[index_of(id.value)].shape);
  }
  const InferredShapes inferred = infer_shapes(op, inputs);
  if (!inferred.fault.empty()) {
    faults.push_back(op.name + ": " + inferred.fault);
    return;
  }
  if (op.outputs.size() != inferred.outputs.size()) {
    faults.push_back(fmt::format("{}: found {} outputs; expected {}", op.name, op.outputs.size(),
                                 inferred.outputs.size()));
    return;
  }
  for (std::size_t i = 0; i < op.outputs.size(); ++i) {
    const int value = op.outputs[i].value;
    if (!in_table(value, parts.tensors.size())) {
      faults.push_back(fmt::format("{}: found output tensor {}; expected a tensor of the graph",
                                   op.name, value));
    } else if (parts.tensors[index_of(value)].shape != inferred.outputs[i]) {
      faults.push_back(fmt::format("{}: found an output of {}; expected {}", op.name,
                                   to_string(parts.tensors[index_of(value)].shape),
                                   to_string(inferred.outputs[i])));
    }
  }
}

// Fills `producer` (operator of each tensor, -1 = none) and reports tensors with none or two.
void check_producers(const GraphParts& parts, std::vector<int>& producer,
                     std::vector<std::string>& faults) {
  producer.assign(parts.tensors.size(), -1);
  for (const Op& op : parts.ops) {
    for (const TensorId out : op.outputs) {
      int& slot = producer[index_of(out.value)];
      if (slot != -1) {
        faults.push_back(fmt::format("{}: found '{}' written a second time; expected one writer",
                                     op.name, parts.tensors[index_of(out.value)].name));
      }
      slot = op.id.value;
    }
  }
  for (const Op& op : parts.ops) {
    for (const TensorId in : op.inputs) {
      const Tensor& tensor = parts.tensors[index_of(in.value)];
      // A cache that this step does not write was filled by an earlier one (cross-attention).
      const bool given = tensor.kind == TensorKind::kWeight || tensor.kind == TensorKind::kInput ||
                         tensor.kind == TensorKind::kKvCache;
      if (!given && producer[index_of(in.value)] == -1) {
        faults.push_back(fmt::format("{}: found '{}' read but never written; expected a writer",
                                     op.name, tensor.name));
      }
    }
  }
}

}  // namespace

struct OperatorGraph::Impl {
  GraphParts parts;
  Dag dag;
  std::vector<int> producer;
  std::vector<OpId> order;
  std::vector<Block> blocks;
};

std::optional<OperatorGraph> OperatorGraph::assemble(GraphParts parts,
                                                     std::vector<std::string>& faults) {
  const std::size_t before = faults.size();
  for (const Op& op : parts.ops) {
    check_op(parts, op, faults);
  }
  if (faults.size() != before) {
    return std::nullopt;
  }
  auto impl = std::make_shared<Impl>();
  check_producers(parts, impl->producer, faults);
  if (faults.size() != before) {
    return std::nullopt;
  }
  for (const Op& op : parts.ops) {
    boost::add_vertex(op, impl->dag);
  }
  for (const Op& op : parts.ops) {
    for (const TensorId in : op.inputs) {
      if (const int from = impl->producer[index_of(in.value)]; from != -1) {
        boost::add_edge(index_of(from), index_of(op.id.value), Edge{in}, impl->dag);
      }
    }
  }
  impl->order = schedule(impl->dag);
  if (impl->order.size() != parts.ops.size()) {
    faults.push_back(fmt::format("{}: found a cycle through {} operators; expected none",
                                 parts.name, parts.ops.size() - impl->order.size()));
    return std::nullopt;
  }
  impl->blocks = find_blocks(parts, impl->order);
  impl->parts = std::move(parts);
  return OperatorGraph(std::move(impl));
}

const std::string& OperatorGraph::name() const { return impl_->parts.name; }
std::span<const Op> OperatorGraph::ops() const { return impl_->parts.ops; }
std::span<const Tensor> OperatorGraph::tensors() const { return impl_->parts.tensors; }
std::span<const Storage> OperatorGraph::storages() const { return impl_->parts.storages; }
std::span<const OpId> OperatorGraph::order() const { return impl_->order; }
std::span<const Block> OperatorGraph::blocks() const { return impl_->blocks; }

const Op& OperatorGraph::op(OpId id) const { return impl_->parts.ops.at(index_of(id.value)); }

const Tensor& OperatorGraph::tensor(TensorId id) const {
  return impl_->parts.tensors.at(index_of(id.value));
}

const Storage& OperatorGraph::storage(StorageId id) const {
  return impl_->parts.storages.at(index_of(id.value));
}

std::vector<OpId> OperatorGraph::predecessors(OpId id) const {
  std::vector<OpId> found;
  for (auto [edge, end] = boost::in_edges(index_of(id.value), impl_->dag); edge != end; ++edge) {
    found.push_back(OpId{static_cast<int>(boost::source(*edge, impl_->dag))});
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::vector<OpId> OperatorGraph::successors(OpId id) const {
  std::vector<OpId> found;
  for (auto [edge, end] = boost::out_edges(index_of(id.value), impl_->dag); edge != end; ++edge) {
    found.push_back(OpId{static_cast<int>(boost::target(*edge, impl_->dag))});
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

std::optional<OpId> OperatorGraph::producer(TensorId id) const {
  const int op = impl_->producer.at(index_of(id.value));
  return op == -1 ? std::nullopt : std::optional<OpId>(OpId{op});
}

std::vector<OpId> OperatorGraph::consumers(TensorId id) const {
  std::vector<OpId> found;
  for (const Op& op : ops()) {
    if (std::find(op.inputs.begin(), op.inputs.end(), id) != op.inputs.end()) {
      found.push_back(op.id);
    }
  }
  return found;
}

std::vector<TensorId> OperatorGraph::tensors_of(TensorKind kind) const {
  std::vector<TensorId> found;
  for (const Tensor& tensor : tensors()) {
    if (tensor.kind == kind) {
      found.push_back(tensor.id);
    }
  }
  return found;
}

std::string OperatorGraph::dot() const {
  std::ostringstream text;
  const auto write_op = [&](std::ostream& out, Dag::vertex_descriptor v) {
    const Op& op = impl_->dag[v];
    out << "[label=" << boost::escape_dot_string(fmt::format("{}\n{}", op.name, name_of(op.kind)))
        << "]";
  };
  const auto write_edge = [&](std::ostream& out, Dag::edge_descriptor e) {
    const Tensor& carried = tensor(impl_->dag[e].tensor);
    out << "[label="
        << boost::escape_dot_string(
               fmt::format("{} {}", to_string(carried.shape), carried.format.name))
        << "]";
  };
  boost::write_graphviz(text, impl_->dag, write_op, write_edge);
  return text.str();
}

}  // namespace joulesim::models
