#include "models/graph/training.hpp"

#include "models/graph/cost.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

namespace joulesim::models {
namespace {

// Attention's way back forms five products where the way there has two: scores again, and the
// gradients of values, probabilities, queries and keys.
constexpr std::int64_t kAttentionProducts = 5;
constexpr std::int64_t kStatisticBytes = 4;  // log-sum-exp of a row and head, fp32

class Step {
 public:
  Step(const OperatorGraph& graph, const TrainingOptions& options)
      : graph_(graph), options_(options), reversible_(is_reversible(graph)) {}

  TrainingCost run() {
    for (const Op& op : graph_.ops()) {
      visit(op);
    }
    for (const auto& [block, bytes] : inside_) {
      if (reversible_) {
        cost_.working_bytes = std::max(cost_.working_bytes, bytes);
      } else {
        cost_.stored_bytes += bytes;
      }
    }
    if (reversible_) {
      keep_streams();
    }
    for (const Storage& storage : graph_.storages()) {
      if (storage.kind == TensorKind::kWeight) {
        cost_.weight_bytes += storage.bytes();
      }
    }
    for (const auto& [storage, format] : trained_) {
      const std::int64_t parameters = graph_.storage(storage).shape.elements();
      cost_.trained_parameters += parameters;
      cost_.gradient_bytes += format.bytes(1, parameters);
    }
    cost_.optimiser_bytes = options_.state_bytes * cost_.trained_parameters;
    return cost_;
  }

 private:
  void visit(const Op& op) {
    if (op.kind == OpKind::kFused) {
      for (const Op& inner : op.body) {
        visit(inner);
      }
      return;
    }
    const OpCost cost = cost_of(graph_, op);
    const bool again = reversible_ && op.block >= 0;
    cost_.forward_flops += cost.flops();
    cost_.recompute_flops += again ? cost.flops() : 0;
    const bool trained = !options_.adapters_only || op.role == Role::kAdapter;
    for (const TensorId id : op.inputs) {
      const Tensor& tensor = graph_.tensor(id);
      if (tensor.kind == TensorKind::kWeight && trained) {
        trained_.emplace(tensor.storage, graph_.tensor(op.outputs.front()).format);
      }
    }
    switch (op.kind) {
      case OpKind::kEmbedding:
      case OpKind::kPositionEmbedding:
      case OpKind::kAdd:
      case OpKind::kRope:
      case OpKind::kKvAppend:
      case OpKind::kScale:
      case OpKind::kSelectLast:
        cost_.backward_flops += cost.vector_flops;
        return;
      case OpKind::kMatmul:
        // Gradients of the input, and of the weight, which needs the input.
        cost_.backward_flops += 2 * cost.macs * (trained ? 2 : 1) + cost.vector_flops;
        if (trained) {
          keep(op, op.inputs[0]);
        }
        return;
      case OpKind::kRmsNorm:
      case OpKind::kLayerNorm:
      case OpKind::kActivation:
      case OpKind::kGatedActivation:
      case OpKind::kSoftmax:
        cost_.backward_flops += 2 * cost.vector_flops;
        for (const TensorId id : op.inputs) {
          keep(op, id);
        }
        return;
      case OpKind::kAttention:
        cost_.backward_flops += cost.macs * kAttentionProducts + 2 * cost.vector_flops;
        keep(op, op.inputs[0]);
        keep(op, op.inputs[1]);
        keep(op, op.inputs[2]);
        keep(op, op.outputs[0]);
        inside_[op.block] +=
            kStatisticBytes * op.attributes.heads * graph_.tensor(op.inputs[0]).shape.rows;
        return;
      default:
        throw InputError(
            fmt::format("{}: found {}, a {}; expected operators whose way back is "
                        "known",
                        graph_.name(), op.name, name_of(op.kind)));
    }
  }

  // Once per tensor, in the block that needs it.
  void keep(const Op& op, TensorId id) {
    const Tensor& tensor = graph_.tensor(id);
    const bool counted = tensor.kind != TensorKind::kWeight && kept_.insert(id).second;
    inside_[op.block] += counted ? tensor.bytes() : 0;
  }

  // Only the ends of the two streams stay, from which the blocks are computed backwards.
  void keep_streams() {
    cost_.stored_bytes += inside_[-1];
    const Block& last = graph_.blocks().back();
    for (const OpId id : last.ops) {
      const Op& op = graph_.op(id);
      if (op.kind == OpKind::kAdd && op.role == Role::kResidual) {
        cost_.stored_bytes += graph_.tensor(op.outputs[0]).bytes();
      }
    }
  }

  const OperatorGraph& graph_;
  const TrainingOptions& options_;
  bool reversible_;
  TrainingCost cost_;
  std::map<int, std::int64_t> inside_;  // bytes kept, by block
  std::set<TensorId> kept_;
  std::map<StorageId, Format> trained_;
};

}  // namespace

bool is_reversible(const OperatorGraph& graph) {
  if (graph.blocks().empty()) {
    return false;
  }
  for (const Block& block : graph.blocks()) {
    std::vector<const Op*> sums;
    for (const OpId id : block.ops) {
      const Op& op = graph.op(id);
      if (op.kind == OpKind::kAdd && op.role == Role::kResidual) {
        sums.push_back(&op);
      }
    }
    if (sums.size() != 2 || sums[1]->inputs[0] == sums[0]->outputs[0]) {
      return false;
    }
  }
  return true;
}

TrainingCost training_cost(const OperatorGraph& graph, const TrainingOptions& options) {
  for (const Op& op : graph.ops()) {
    if (op.attributes.past != 0) {
      throw InputError(fmt::format("{}: found {} cached positions; expected a step without a cache",
                                   graph.name(), op.attributes.past));
    }
  }
  return Step(graph, options).run();
}

}  // namespace joulesim::models
