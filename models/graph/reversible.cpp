#include "models/graph/passes.hpp"
#include "models/graph/rewrite.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

namespace joulesim::models {
namespace {

std::size_t index_of(int value) { return static_cast<std::size_t>(value); }

// A branch of a block: what it reads, its operators, and the sum that joins its outcome to the
// stream.
struct Branch {
  TensorId input, outcome;
  int join = -1;
  std::vector<int> ops;  // in order, without the join
};

// The residual sums of a pre-norm block: each adds a branch to the stream that the branch read.
std::vector<Branch> branches_of(const OperatorGraph& graph, const Block& block) {
  std::vector<Branch> branches;
  std::vector<int> since;
  for (const OpId id : block.ops) {
    const Op& op = graph.op(id);
    if (op.kind == OpKind::kAdd && op.role == Role::kResidual) {
      branches.push_back({op.inputs[0], op.inputs[1], id.value, since});
      since.clear();
    } else {
      since.push_back(id.value);
    }
  }
  bool fits = branches.size() == 2 && since.empty() &&
              branches[1].input == graph.op(OpId{branches[0].join}).outputs[0];
  for (std::size_t i = 0; fits && i < branches.size(); ++i) {
    const auto& inputs = graph.op(OpId{branches[i].ops.front()}).inputs;
    fits = !branches[i].ops.empty() && inputs.front() == branches[i].input;
  }
  if (!fits) {
    throw InputError(fmt::format(
        "{}: found block {} without an attention and a feed-forward sum; expected two branches, "
        "each added to the stream that it reads",
        graph.name(), block.index));
  }
  return branches;
}

void replace_inputs(Op& op, TensorId from, TensorId to) {
  std::replace(op.inputs.begin(), op.inputs.end(), from, to);
  for (Op& inner : op.body) {
    replace_inputs(inner, from, to);
  }
}

Op plain(OpKind kind, const std::string& name, int block, const Op& like) {
  Op op;
  op.kind = kind;
  op.role = Role::kResidual;
  op.name = name;
  op.block = block;
  op.attributes.batch = like.attributes.batch;
  op.attributes.new_tokens = like.attributes.new_tokens;
  op.attributes.past = like.attributes.past;
  return op;
}

}  // namespace

OperatorGraph make_reversible(const OperatorGraph& graph) {
  Rewriter rewriter(graph);
  if (graph.blocks().empty()) {
    throw InputError(fmt::format("{}: found no blocks; expected some", graph.name()));
  }
  const TensorId start = branches_of(graph, graph.blocks().front())[0].input;
  TensorId x1 = start;
  TensorId x2 = start;
  TensorId last = start;
  int last_op = -1;
  for (const Block& block : graph.blocks()) {
    const std::vector<Branch> branches = branches_of(graph, block);
    // y1 = x1 + attention(x2)
    for (const int op : branches[0].ops) {
      replace_inputs(rewriter.parts.ops[index_of(op)], branches[0].input, x2);
    }
    Op& first = rewriter.parts.ops[index_of(branches[0].join)];
    first.inputs = {x1, branches[0].outcome};
    const TensorId y1 = first.outputs[0];
    // y2 = x2 + feed_forward(y1): its branch reads y1 as before.
    Op& second = rewriter.parts.ops[index_of(branches[1].join)];
    second.inputs = {x2, branches[1].outcome};
    x1 = y1;
    x2 = second.outputs[0];
    last = x2;
    last_op = branches[1].join;
  }
  const Op like = rewriter.parts.ops[index_of(last_op)];
  const Tensor stream = rewriter.tensor(last);
  Op sum = plain(OpKind::kAdd, "streams.sum", -1, like);
  sum.inputs = {x1, x2};
  sum.outputs = {
      rewriter.add_tensor(sum.name, TensorKind::kActivation, stream.shape, stream.format)};
  Op mean = plain(OpKind::kScale, "streams.mean", -1, like);
  mean.attributes.scale = 0.5;
  mean.inputs = sum.outputs;
  mean.outputs = {
      rewriter.add_tensor(mean.name, TensorKind::kActivation, stream.shape, stream.format)};
  // Whatever read the end of the stack reads the mean; blocks were rewired above.
  for (Op& op : rewriter.parts.ops) {
    if (op.block < 0) {
      replace_inputs(op, last, mean.outputs[0]);
    }
  }
  const int at = rewriter.insert(std::move(sum), last_op);
  rewriter.insert(std::move(mean), at);
  return rewriter.finish();
}

OperatorGraph with_inverse(const OperatorGraph& graph) {
  struct Sums {
    Op first, second;
    std::vector<int> attention, feed_forward;
  };
  Rewriter rewriter(graph);
  std::vector<Sums> all;
  for (const Block& block : graph.blocks()) {
    Sums sums;
    std::vector<int> since;
    int found = 0;
    for (const OpId id : block.ops) {
      const Op& op = graph.op(id);
      if (op.kind == OpKind::kAdd && op.role == Role::kResidual) {
        (found == 0 ? sums.first : sums.second) = op;
        (found == 0 ? sums.attention : sums.feed_forward) = since;
        since.clear();
        ++found;
      } else {
        since.push_back(id.value);
      }
    }
    if (found != 2 || sums.second.inputs[0] == sums.first.outputs[0]) {
      throw InputError(
          fmt::format("{}: found block {} with one stream; expected a reversible graph",
                      graph.name(), block.index));
    }
    all.push_back(std::move(sums));
  }
  if (all.empty()) {
    throw InputError(fmt::format("{}: found no blocks; expected some", graph.name()));
  }
  int at = static_cast<int>(rewriter.parts.ops.size()) - 1;
  // A copy of a branch on other tensors; its caches are its own.
  const auto again = [&](const std::vector<int>& branch, TensorId from, TensorId to,
                         TensorId outcome) {
    std::map<TensorId, TensorId> copies{{from, to}};
    for (const int position : branch) {
      Op op = graph.op(OpId{position});
      op.name += ".again";
      for (TensorId& id : op.inputs) {
        const auto copy = copies.find(id);
        id = copy != copies.end() ? copy->second : id;
      }
      for (TensorId& id : op.outputs) {
        const Tensor made = rewriter.tensor(id);
        const TensorId copy =
            rewriter.add_tensor(made.name + ".again", made.kind, made.shape, made.format);
        copies[id] = copy;
        id = copy;
      }
      at = rewriter.insert(std::move(op), at);
    }
    return copies.at(outcome);
  };
  const auto minus = [&](TensorId a, TensorId b, const std::string& name, const Op& like) {
    const Tensor stream = rewriter.tensor(a);
    Op negative = plain(OpKind::kScale, name + ".negative", like.block, like);
    negative.attributes.scale = -1.0;
    negative.inputs = {b};
    negative.outputs = {
        rewriter.add_tensor(negative.name, TensorKind::kActivation, stream.shape, stream.format)};
    Op sum = plain(OpKind::kAdd, name, like.block, like);
    sum.inputs = {a, negative.outputs[0]};
    sum.outputs = {
        rewriter.add_tensor(sum.name, TensorKind::kActivation, stream.shape, stream.format)};
    const TensorId result = sum.outputs[0];
    at = rewriter.insert(std::move(negative), at);
    at = rewriter.insert(std::move(sum), at);
    return result;
  };
  TensorId y1 = all.back().first.outputs[0];
  TensorId y2 = all.back().second.outputs[0];
  for (auto sums = all.rbegin(); sums != all.rend(); ++sums) {
    const std::string back = "back." + std::to_string(sums->first.block);
    const TensorId fed =
        again(sums->feed_forward, sums->first.outputs[0], y1, sums->second.inputs[1]);
    const TensorId x2 = minus(y2, fed, back + ".second", sums->second);
    const TensorId attended =
        again(sums->attention, sums->second.inputs[0], x2, sums->first.inputs[1]);
    y1 = minus(y1, attended, back + ".first", sums->first);
    y2 = x2;
  }
  for (Tensor& tensor : rewriter.parts.tensors) {
    if (tensor.kind == TensorKind::kOutput) {
      tensor.kind = TensorKind::kActivation;
    }
  }
  for (const TensorId id : {y1, y2}) {
    Tensor& tensor = rewriter.parts.tensors[index_of(id.value)];
    tensor.kind = TensorKind::kOutput;
    rewriter.parts.storages[index_of(tensor.storage.value)].kind = TensorKind::kOutput;
  }
  return rewriter.finish();
}

}  // namespace joulesim::models
