// Where one block of a lifted graph ends and the next begins, and what its operators are for.
#include "models/kernels/onnx_lift_parts.hpp"

#include <fmt/format.h>

namespace joulesim::models::onnx {
namespace {

class Marker {
 public:
  explicit Marker(const OperatorGraph& graph) : graph_(graph) {
    parts_.name = graph.name();
    parts_.storages.assign(graph.storages().begin(), graph.storages().end());
    parts_.tensors.assign(graph.tensors().begin(), graph.tensors().end());
    parts_.ops.assign(graph.ops().begin(), graph.ops().end());
  }

  GraphParts run() {
    find_blocks();
    for (const Op& op : graph_.ops()) {
      if (op.kind == OpKind::kAttention) {
        name_projection(op.inputs[0], Role::kQuery, "attn.query");
        name_projection(op.inputs[1], Role::kKey, "attn.key");
        name_projection(op.inputs[2], Role::kValue, "attn.value");
        name_next(op, Role::kAttentionOutput, "attn.out");
        call(op.id, Role::kAttention, "attn.attention");
      } else if (op.kind == OpKind::kGatedActivation || op.kind == OpKind::kActivation) {
        const bool gated = op.kind == OpKind::kGatedActivation;
        name_projection(op.inputs[0], gated ? Role::kGate : Role::kUp,
                        gated ? "ffn.gate" : "ffn.up");
        if (gated) {
          name_projection(op.inputs[1], Role::kUp, "ffn.up");
        }
        name_next(op, Role::kDown, "ffn.down");
        call(op.id, Role::kActivation, "ffn.activation");
      }
    }
    return std::move(parts_);
  }

 private:
  Op& op(OpId id) { return parts_.ops[static_cast<std::size_t>(id.value)]; }

  // "block.N." and what it is, once per block; operators outside keep their file's names.
  void call(OpId id, Role role, const char* what) {
    Op& named = op(id);
    named.role = role;
    if (named.block >= 0) {
      const std::string name = fmt::format("block.{}.{}", named.block, what);
      if (names_.insert(name).second) {
        named.name = name;
      }
    }
  }

  static bool passes(OpKind kind) {
    return kind == OpKind::kSlice || kind == OpKind::kRope || kind == OpKind::kKvAppend ||
           kind == OpKind::kRmsNorm || kind == OpKind::kLayerNorm;
  }

  // The product that a value comes from, through rotations, slices, caches and head norms.
  [[nodiscard]] const Op* projection(TensorId value, std::size_t which = 0) const {
    for (int step = 0; step < 8; ++step) {
      const auto made = graph_.producer(value);
      if (!made) {
        return nullptr;
      }
      const Op& candidate = graph_.op(*made);
      if (candidate.kind == OpKind::kMatmul) {
        return &candidate;
      }
      if (!passes(candidate.kind)) {
        return nullptr;
      }
      if (candidate.kind == OpKind::kKvAppend) {
        which = candidate.outputs[0] == value ? 0 : candidate.inputs.size() - 1;
        value = candidate.inputs[which];
      } else {
        value = candidate.inputs[0];
      }
    }
    return nullptr;
  }

  void name_projection(TensorId value, Role role, const char* what) {
    if (const Op* found = projection(value);
        found != nullptr && op(found->id).role == Role::kOther) {
      call(found->id, role, what);
    }
  }

  void name_next(const Op& from, Role role, const char* what) {
    for (const OpId next : graph_.consumers(from.outputs[0])) {
      if (graph_.op(next).kind == OpKind::kMatmul && op(next).role == Role::kOther) {
        call(next, role, what);
      }
    }
  }

  // A block begins with the norm that feeds its projections, or with the first projection where
  // that norm is also part of the residual stream (norms after the blocks).
  [[nodiscard]] int start_of(const Op& attention) const {
    const Op* first = projection(attention.inputs[0]);
    if (first == nullptr) {
      return attention.id.value;
    }
    int start = first->id.value;
    for (const std::size_t i : {1, 2}) {
      if (const Op* other = projection(attention.inputs[i])) {
        start = std::min(start, other->id.value);
      }
    }
    const auto norm = graph_.producer(first->inputs[0]);
    if (norm && (graph_.op(*norm).kind == OpKind::kRmsNorm ||
                 graph_.op(*norm).kind == OpKind::kLayerNorm)) {
      const auto readers = graph_.consumers(graph_.op(*norm).outputs[0]);
      const bool residual = std::any_of(readers.begin(), readers.end(), [&](OpId reader) {
        return graph_.op(reader).kind == OpKind::kAdd;
      });
      if (!residual) {
        return norm->value;
      }
    }
    return start;
  }

  void find_blocks() {
    std::vector<int> starts;
    for (const Op& each : graph_.ops()) {
      if (each.kind == OpKind::kAttention) {
        const int start = start_of(each);
        if (starts.empty() || start > starts.back()) {
          starts.push_back(start);
        }
      }
    }
    if (starts.empty()) {
      return;
    }
    // The last block ends with its last addition, and the norm after it where norms close blocks.
    int end = starts.back();
    for (const Op& each : graph_.ops()) {
      if (each.kind == OpKind::kAdd && each.id.value > starts.back()) {
        end = each.id.value;
      }
    }
    const auto first = graph_.op(OpId{starts.back()}).kind;
    const bool closing = first != OpKind::kRmsNorm && first != OpKind::kLayerNorm;
    for (const OpId next : graph_.consumers(graph_.op(OpId{end}).outputs[0])) {
      const OpKind kind = graph_.op(next).kind;
      if (closing && (kind == OpKind::kRmsNorm || kind == OpKind::kLayerNorm)) {
        end = std::max(end, next.value);
      }
    }
    std::size_t block = 0;
    for (Op& each : parts_.ops) {
      while (block < starts.size() && starts[block] <= each.id.value) {
        ++block;
      }
      each.block = block == 0 || each.id.value > end ? -1 : static_cast<int>(block) - 1;
    }
  }

  const OperatorGraph& graph_;
  GraphParts parts_;
  std::set<std::string> names_;
};

}  // namespace

std::optional<OperatorGraph> with_blocks(const OperatorGraph& graph,
                                         std::vector<std::string>& faults) {
  return OperatorGraph::assemble(Marker(graph).run(), faults);
}

ModelSpec described(const OperatorGraph& graph) {
  ModelSpec spec;
  spec.id = graph.name();
  spec.title = graph.name() + " (ONNX)";
  spec.max_context = std::int64_t{1} << 40;  // the file does not say
  spec.formats = uniform_formats(known_format("fp32"));
  spec.formats.activation = spec.formats.linear_input = known_format("fp32");
  for (const Block& block : graph.blocks()) {
    LayerShape layer;
    for (const OpId id : block.ops) {
      const Op& op = graph.op(id);
      const Shape out = graph.tensor(op.outputs.front()).shape;
      if (op.kind == OpKind::kAttention) {
        layer.heads = op.attributes.heads;
        layer.kv_heads = op.attributes.kv_heads;
        spec.head_dim = op.attributes.head_dim;
      } else if (op.role == Role::kAttentionOutput) {
        spec.hidden = out.columns;
        spec.formats.linear = graph.tensor(op.inputs[1]).format;
        spec.formats.activation = graph.tensor(op.outputs[0]).format;
        spec.formats.linear_input = graph.tensor(op.inputs[0]).format;
      } else if (op.role == Role::kDown) {
        layer.ffn = graph.tensor(op.inputs[0]).shape.columns;
      } else if (op.kind == OpKind::kKvAppend) {
        spec.formats.kv_cache = graph.tensor(op.outputs[0]).format;
      }
    }
    spec.stack.push_back(layer);
  }
  std::set<StorageId> tables;
  for (const Op& op : graph.ops()) {
    if (op.kind == OpKind::kEmbedding) {
      const models::Tensor& table = graph.tensor(op.inputs[1]);
      if (table.shape.rows > spec.vocab) {
        spec.vocab = table.shape.rows;
        spec.formats.embedding = table.format;
      }
      tables.insert(table.storage);
    } else if (op.kind == OpKind::kMatmul && tables.contains(graph.tensor(op.inputs[1]).storage)) {
      spec.tied = true;
    }
  }
  return spec;
}

}  // namespace joulesim::models::onnx
