#include "models/graph/axes.hpp"

#include "models/graph/rewrite.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>

namespace joulesim::models {
namespace {

std::size_t index_of(int value) { return static_cast<std::size_t>(value); }

// A class's indices, once for every time that an axis repeats it.
std::vector<std::int64_t> kept_of(const Cut& cut, std::int64_t length) {
  std::vector<std::int64_t> kept;
  for (std::int64_t start = 0; start < length; start += cut.size) {
    for (const std::int64_t index : cut.kept) {
      kept.push_back(start + index);
    }
  }
  return kept;
}

template <class Change>
void for_each_op(std::vector<Op>& ops, const Change& change) {
  for (Op& op : ops) {
    for_each_op(op.body, change);
    change(op);
  }
}

}  // namespace

Axes::Axes(const OperatorGraph& graph) : graph_(&graph), parent_(2 * graph.storages().size()) {
  std::iota(parent_.begin(), parent_.end(), 0);
  for (const Op& op : graph.ops()) {
    read(op);
  }
}

int Axes::node(TensorId id, bool columns) const {
  return 2 * graph_->tensor(id).storage.value + (columns ? 1 : 0);
}

int Axes::root(int node) const {
  while (parent_[index_of(node)] != node) {
    parent_[index_of(node)] = parent_[index_of(parent_[index_of(node)])];
    node = parent_[index_of(node)];
  }
  return node;
}

void Axes::join(int a, int b) {
  a = root(a);
  b = root(b);
  if (a == b) {
    return;
  }
  const int first = std::min(a, b);
  const int second = std::max(a, b);
  parent_[index_of(second)] = first;
  if (const auto found = fixed_.find(second); found != fixed_.end()) {
    fixed_.emplace(first, found->second);
  }
}

void Axes::fix(int node, const std::string& op) { fixed_.emplace(root(node), op); }

int Axes::rows_of(TensorId id) const { return root(node(id, false)); }
int Axes::columns_of(TensorId id) const { return root(node(id, true)); }

std::string Axes::fixed_by(int axis) const {
  const auto found = fixed_.find(root(axis));
  return found != fixed_.end() ? found->second : std::string();
}

void Axes::read(const Op& op) {
  const auto columns = [&](TensorId id) { return node(id, true); };
  const auto join_columns = [&](TensorId a, TensorId b) { join(columns(a), columns(b)); };
  const bool plain = op.attributes.group == 0;
  switch (op.kind) {
    case OpKind::kEmbedding:
      join_columns(op.outputs[0], op.inputs[1]);
      return;
    case OpKind::kPositionEmbedding:
    case OpKind::kAdd:
      join_columns(op.inputs[0], op.inputs[1]);
      join_columns(op.outputs[0], op.inputs[0]);
      return;
    case OpKind::kRmsNorm:
    case OpKind::kLayerNorm:
      join_columns(op.outputs[0], op.inputs[0]);
      for (std::size_t i = 1; plain && i < op.inputs.size(); ++i) {
        join_columns(op.inputs[i], op.inputs[0]);
      }
      return;
    case OpKind::kMatmul:
    case OpKind::kExpertMatmul:
      join_columns(op.inputs[0], op.inputs[1]);
      join(columns(op.outputs[0]), node(op.inputs[1], false));
      if (op.kind == OpKind::kMatmul && op.inputs.size() > 2) {
        join_columns(op.inputs[2], op.outputs[0]);
      }
      return;
    case OpKind::kGatedActivation:
      if (graph_->tensor(op.inputs[0]).shape == graph_->tensor(op.inputs[1]).shape) {
        join_columns(op.inputs[0], op.inputs[1]);
        join_columns(op.outputs[0], op.inputs[0]);
        return;
      }
      break;
    case OpKind::kRope:
    case OpKind::kActivation:
    case OpKind::kScale:
    case OpKind::kSelectLast:
    case OpKind::kExpertSum:
      join_columns(op.outputs[0], op.inputs[0]);
      return;
    case OpKind::kKvAppend:
      for (std::size_t i = 0; i < op.outputs.size(); ++i) {
        join_columns(op.outputs[i], op.inputs[i]);
      }
      return;
    case OpKind::kAttention:
      join_columns(op.outputs[0], op.inputs[0]);
      if (op.inputs.size() == 3 &&
          graph_->tensor(op.inputs[1]).shape == graph_->tensor(op.inputs[2]).shape) {
        join_columns(op.inputs[1], op.inputs[2]);
        return;
      }
      break;
    case OpKind::kTopK:
      fix(columns(op.inputs[0]), op.name);
      return;
    case OpKind::kFused:
      for (const Op& inner : op.body) {
        read(inner);
      }
      return;
    default:
      break;
  }
  for (const auto* list : {&op.inputs, &op.outputs}) {
    for (const TensorId id : *list) {
      fix(node(id, false), op.name);
      fix(node(id, true), op.name);
    }
  }
}

std::map<std::string, WeightCut> weight_cuts(const OperatorGraph& graph, const Axes& axes,
                                             std::span<const Cut> cuts) {
  std::map<std::string, WeightCut> result;
  for (const Tensor& tensor : graph.tensors()) {
    if (tensor.kind != TensorKind::kWeight) {
      continue;
    }
    for (const Cut& cut : cuts) {
      const std::string& name = graph.storage(tensor.storage).name;
      if (axes.rows_of(tensor.id) == cut.axis) {
        result[name].rows = kept_of(cut, tensor.shape.rows);
      }
      if (axes.columns_of(tensor.id) == cut.axis) {
        result[name].columns = kept_of(cut, tensor.shape.columns);
      }
    }
  }
  return result;
}

OperatorGraph cut(const OperatorGraph& graph, const Axes& axes, std::span<const Cut> cuts) {
  for (const Cut& one : cuts) {
    const std::string fixed = axes.fixed_by(one.axis);
    if (!fixed.empty()) {
      throw InputError(
          fmt::format("{}: found {}, whose width cannot change; expected operators "
                      "that pruning knows",
                      graph.name(), fixed));
    }
  }
  Rewriter rewriter(graph);
  const std::map<std::string, WeightCut> weights = weight_cuts(graph, axes, cuts);
  const auto shrink = [&](const std::string& name, Shape& shape) {
    const auto found = weights.find(name);
    if (found == weights.end()) {
      return;
    }
    if (found->second.rows) {
      shape.rows = static_cast<std::int64_t>(found->second.rows->size());
    }
    if (found->second.columns) {
      shape.columns = static_cast<std::int64_t>(found->second.columns->size());
    }
  };
  for (Tensor& tensor : rewriter.parts.tensors) {
    if (tensor.kind == TensorKind::kWeight) {
      shrink(graph.storage(tensor.storage).name, tensor.shape);
    }
  }
  for (Storage& storage : rewriter.parts.storages) {
    if (storage.kind == TensorKind::kWeight) {
      shrink(storage.name, storage.shape);
    }
  }
  // Heads follow from the widths.
  const auto heads_after = [&](TensorId id, std::int64_t head_dim, std::int64_t before) {
    for (const Cut& one : cuts) {
      if (axes.columns_of(id) == one.axis) {
        return static_cast<std::int64_t>(one.kept.size()) / head_dim;
      }
    }
    return before;
  };
  for_each_op(rewriter.parts.ops, [&](Op& op) {
    Attributes& a = op.attributes;
    if (op.kind == OpKind::kAttention) {
      a.heads = heads_after(op.inputs[0], a.head_dim, a.heads);
      a.kv_heads = heads_after(op.inputs[1], a.head_dim, a.kv_heads);
    } else if (op.kind == OpKind::kRope) {
      a.heads = heads_after(op.inputs[0], a.head_dim, a.heads);
    }
  });
  return rewriter.finish();
}

OperatorGraph drop_blocks(const OperatorGraph& graph, std::span<const int> blocks) {
  Rewriter rewriter(graph);
  for (const Block& block : graph.blocks()) {
    if (std::find(blocks.begin(), blocks.end(), block.index) == blocks.end()) {
      continue;
    }
    // The stream: the one activation that is read from outside, the one that is read outside.
    std::vector<TensorId> in;
    std::vector<TensorId> out;
    const auto inside = [&](int op) {
      return op >= 0 && rewriter.parts.ops[index_of(op)].block == block.index;
    };
    const auto note = [](std::vector<TensorId>& list, TensorId id) {
      if (std::find(list.begin(), list.end(), id) == list.end()) {
        list.push_back(id);
      }
    };
    for (const OpId id : block.ops) {
      const Op& op = rewriter.parts.ops[index_of(id.value)];
      for (const TensorId input : op.inputs) {
        if (rewriter.tensor(input).kind != TensorKind::kWeight &&
            !inside(rewriter.producer(input))) {
          note(in, input);
        }
      }
      for (const TensorId made : op.outputs) {
        const std::vector<int> readers = rewriter.consumers(made);
        if (std::any_of(readers.begin(), readers.end(), [&](int op_) { return !inside(op_); })) {
          note(out, made);
        }
      }
    }
    if (in.size() != 1 || out.size() != 1 ||
        rewriter.tensor(in[0]).shape != rewriter.tensor(out[0]).shape) {
      throw InputError(fmt::format(
          "{}: found block {} that reads {} tensors and gives {}; expected one each, of one shape",
          graph.name(), block.index, in.size(), out.size()));
    }
    for (const OpId id : block.ops) {
      rewriter.remove(id.value);
    }
    rewriter.redirect(out[0], in[0]);
  }
  int next = 0;
  for (const Block& block : graph.blocks()) {
    if (std::find(blocks.begin(), blocks.end(), block.index) != blocks.end()) {
      continue;
    }
    for_each_op(rewriter.parts.ops, [&](Op& op) {
      // Numbers only fall, so that a number once given is not met again.
      if (op.block == block.index) {
        op.block = next;
      }
    });
    ++next;
  }
  return rewriter.finish();
}

}  // namespace joulesim::models
