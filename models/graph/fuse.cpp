#include "models/graph/passes.hpp"
#include "models/graph/rewrite.hpp"

#include <algorithm>
#include <functional>

namespace joulesim::models {
namespace {

std::size_t index_of(int value) { return static_cast<std::size_t>(value); }

// "block.3.attn.query" -> "block.3.attn."
std::string prefix_of(const std::string& name) { return name.substr(0, name.rfind('.') + 1); }

bool is_norm(const Op& op) { return op.kind == OpKind::kRmsNorm || op.kind == OpKind::kLayerNorm; }

bool is_product(const Op& op) {
  return op.kind == OpKind::kMatmul || std::any_of(op.body.begin(), op.body.end(), is_product);
}

bool is_projection(const Op& op) {
  return op.kind == OpKind::kMatmul &&
         (op.role == Role::kQuery || op.role == Role::kKey || op.role == Role::kValue);
}

class Fuser {
 public:
  explicit Fuser(const OperatorGraph& graph) : rewriter_(graph) {}

  // Calls `merge` for every operator that is still there.
  OperatorGraph run(const std::function<void(Fuser&, int)>& merge) {
    for (std::size_t i = 0; i < rewriter_.parts.ops.size(); ++i) {
      if (!rewriter_.removed(static_cast<int>(i))) {
        merge(*this, static_cast<int>(i));
      }
    }
    return rewriter_.finish();
  }

  [[nodiscard]] const Op& op(int position) const { return rewriter_.parts.ops[index_of(position)]; }
  // The operator that makes an input, if it makes nothing else and nobody else reads it.
  [[nodiscard]] int private_producer(TensorId id) const {
    const int made_by = rewriter_.producer(id);
    return made_by >= 0 && rewriter_.consumers(id).size() == 1 ? made_by : -1;
  }
  [[nodiscard]] bool same_weights_format(int a, int b) const {
    return rewriter_.tensor(op(a).inputs[1]).format == rewriter_.tensor(op(b).inputs[1]).format;
  }
  Rewriter& rewriter() { return rewriter_; }

 private:
  Rewriter rewriter_;
};

void merge_projections(Fuser& f, int at) {
  const Op& first = f.op(at);
  if (!is_projection(first)) {
    return;
  }
  std::vector<int> members;
  for (const int reader : f.rewriter().consumers(first.inputs[0])) {
    if (is_projection(f.op(reader)) && f.op(reader).block == first.block &&
        f.same_weights_format(at, reader)) {
      members.push_back(reader);
    }
  }
  f.rewriter().fuse(members, prefix_of(first.name) + "qkv", Role::kQuery);
}

void merge_gate_up(Fuser& f, int at) {
  const Op& op = f.op(at);
  std::vector<int> members{at};
  if (op.kind != OpKind::kGatedActivation && op.kind != OpKind::kActivation) {
    return;
  }
  for (const TensorId input : op.inputs) {
    const int product = f.private_producer(input);
    if (product < 0 || f.op(product).kind != OpKind::kMatmul) {
      return;
    }
    members.push_back(product);
  }
  if (members.size() == 3 && (f.op(members[1]).inputs[0] != f.op(members[2]).inputs[0] ||
                              !f.same_weights_format(members[1], members[2]))) {
    return;
  }
  const std::string name = prefix_of(op.name) + (members.size() == 3 ? "gate_up" : "up");
  f.rewriter().fuse(members, name, members.size() == 3 ? Role::kGate : Role::kUp);
}

void merge_rope(Fuser& f, int at) {
  if (f.op(at).kind != OpKind::kRope) {
    return;
  }
  std::vector<int> members{at};
  int before = f.private_producer(f.op(at).inputs[0]);
  if (before >= 0 && is_norm(f.op(before))) {
    members.push_back(before);
    before = f.private_producer(f.op(before).inputs[0]);
  }
  if (before >= 0 && is_product(f.op(before))) {
    members.push_back(before);
    f.rewriter().fuse(members, f.op(before).name, f.op(before).role);
  }
}

void merge_norm(Fuser& f, int at) {
  const Op& op = f.op(at);
  if (!is_norm(op) || op.attributes.group != 0) {
    return;
  }
  const std::vector<int> readers = f.rewriter().consumers(op.outputs[0]);
  if (readers.size() == 1 && is_product(f.op(readers[0])) && f.op(readers[0]).block == op.block) {
    f.rewriter().fuse({at, readers[0]}, f.op(readers[0]).name, f.op(readers[0]).role);
  }
}

void merge_residual(Fuser& f, int at) {
  const Op& op = f.op(at);
  if (op.kind != OpKind::kAdd) {
    return;
  }
  for (const TensorId input : op.inputs) {
    const int product = f.private_producer(input);
    if (product >= 0 && is_product(f.op(product)) && f.op(product).block == op.block &&
        f.rewriter().fuse({product, at}, f.op(product).name, f.op(product).role) >= 0) {
      return;
    }
  }
}

void merge_residual_norm(Fuser& f, int at) {
  const Op& op = f.op(at);
  if (op.kind != OpKind::kAdd) {
    return;
  }
  for (const int reader : f.rewriter().consumers(op.outputs[0])) {
    if (is_norm(f.op(reader)) && f.op(reader).attributes.group == 0 &&
        f.rewriter().fuse({at, reader}, op.name + "_norm", Role::kNorm) >= 0) {
      return;
    }
  }
}

}  // namespace

OperatorGraph fuse_qkv(const OperatorGraph& graph) { return Fuser(graph).run(merge_projections); }
OperatorGraph fuse_gate_up(const OperatorGraph& graph) { return Fuser(graph).run(merge_gate_up); }
OperatorGraph fuse_rope(const OperatorGraph& graph) { return Fuser(graph).run(merge_rope); }
OperatorGraph fuse_norm(const OperatorGraph& graph) { return Fuser(graph).run(merge_norm); }
OperatorGraph fuse_residual(const OperatorGraph& graph) { return Fuser(graph).run(merge_residual); }
OperatorGraph fuse_residual_norm(const OperatorGraph& graph) {
  return Fuser(graph).run(merge_residual_norm);
}

OperatorGraph fuse_all(const OperatorGraph& graph) {
  return fuse_residual(fuse_norm(fuse_rope(fuse_gate_up(fuse_qkv(graph)))));
}

}  // namespace joulesim::models
