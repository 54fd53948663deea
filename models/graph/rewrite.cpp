#include "models/graph/rewrite.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <queue>
#include <set>
#include <utility>

namespace joulesim::models {
namespace {

std::size_t index_of(int value) { return static_cast<std::size_t>(value); }
std::size_t index_of(TensorId id) { return static_cast<std::size_t>(id.value); }

// Places of inserted operators lie between those of their neighbours.
constexpr std::int64_t kSpacing = std::int64_t{1} << 20U;

bool contains(const std::vector<TensorId>& list, TensorId id) {
  return std::find(list.begin(), list.end(), id) != list.end();
}

template <class Change>
void for_all_tensors(Op& op, const Change& change) {
  for (TensorId& id : op.inputs) {
    change(id);
  }
  for (TensorId& id : op.outputs) {
    change(id);
  }
  for (Op& inner : op.body) {
    for_all_tensors(inner, change);
  }
}

void redirect_inputs(Op& op, TensorId from, TensorId to) {
  std::replace(op.inputs.begin(), op.inputs.end(), from, to);
  for (Op& inner : op.body) {
    redirect_inputs(inner, from, to);
  }
}

}  // namespace

Rewriter::Rewriter(const OperatorGraph& graph) {
  parts.name = graph.name();
  parts.storages.assign(graph.storages().begin(), graph.storages().end());
  parts.tensors.assign(graph.tensors().begin(), graph.tensors().end());
  parts.ops.assign(graph.ops().begin(), graph.ops().end());
  removed_.assign(parts.ops.size(), false);
  for (std::size_t i = 0; i < parts.ops.size(); ++i) {
    place_.push_back(static_cast<std::int64_t>(i) * kSpacing);
  }
}

const Tensor& Rewriter::tensor(TensorId id) const { return parts.tensors.at(index_of(id)); }

const Storage& Rewriter::storage_of(TensorId id) const {
  return parts.storages.at(index_of(tensor(id).storage.value));
}

void Rewriter::refresh() const {
  if (!stale_) {
    return;
  }
  producer_.assign(parts.tensors.size(), -1);
  consumers_.assign(parts.tensors.size(), {});
  for (std::size_t i = 0; i < parts.ops.size(); ++i) {
    if (removed_[i]) {
      continue;
    }
    for (const TensorId id : parts.ops[i].outputs) {
      producer_[index_of(id)] = static_cast<int>(i);
    }
    for (const TensorId id : parts.ops[i].inputs) {
      std::vector<int>& readers = consumers_[index_of(id)];
      if (readers.empty() || readers.back() != static_cast<int>(i)) {
        readers.push_back(static_cast<int>(i));
      }
    }
  }
  stale_ = false;
}

int Rewriter::producer(TensorId id) const {
  refresh();
  return producer_.at(index_of(id));
}

std::vector<int> Rewriter::consumers(TensorId id) const {
  refresh();
  return consumers_.at(index_of(id));
}

TensorId Rewriter::add_tensor(const std::string& name, TensorKind kind, Shape shape,
                              const Format& format) {
  const StorageId storage{static_cast<int>(parts.storages.size())};
  parts.storages.push_back({storage, name, kind, shape, format});
  const TensorId id{static_cast<int>(parts.tensors.size())};
  parts.tensors.push_back({id, name, kind, shape, format, storage});
  stale_ = true;
  return id;
}

int Rewriter::insert(Op op, int after) {
  const int position = static_cast<int>(parts.ops.size());
  op.id = OpId{position};
  parts.ops.push_back(std::move(op));
  removed_.push_back(false);
  place_.push_back(after < 0 ? -kSpacing + position : place_[index_of(after)] + position);
  stale_ = true;
  return position;
}

void Rewriter::remove(int op) {
  removed_.at(index_of(op)) = true;
  stale_ = true;
}

bool Rewriter::removed(int op) const { return removed_.at(index_of(op)); }

void Rewriter::redirect(TensorId from, TensorId to) {
  for (Op& op : parts.ops) {
    redirect_inputs(op, from, to);
  }
  stale_ = true;
}

// No operator outside the set both depends on it and is needed by it.
bool Rewriter::is_convex(const std::vector<int>& members) const {
  const std::set<int> inside(members.begin(), members.end());
  std::vector<int> waiting;
  std::set<int> seen;
  const auto visit = [&](int op) {
    for (const TensorId made : parts.ops[index_of(op)].outputs) {
      for (const int reader : consumers(made)) {
        if (seen.insert(reader).second) {
          waiting.push_back(reader);
        }
      }
    }
  };
  for (const int member : members) {
    for (const TensorId made : parts.ops[index_of(member)].outputs) {
      for (const int reader : consumers(made)) {
        if (!inside.contains(reader) && seen.insert(reader).second) {
          waiting.push_back(reader);
        }
      }
    }
  }
  while (!waiting.empty()) {
    const int op = waiting.back();
    waiting.pop_back();
    if (inside.contains(op)) {
      return false;
    }
    visit(op);
  }
  return true;
}

// Every member behind those that it reads from; else as they stand.
void Rewriter::put_in_order(std::vector<int>& members) const {
  std::set<int> left(members.begin(), members.end());
  for (auto next = members.begin(); next != members.end(); ++next) {
    const auto ready = std::find_if(next, members.end(), [&](int member) {
      const std::vector<TensorId>& inputs = parts.ops[index_of(member)].inputs;
      return std::none_of(inputs.begin(), inputs.end(),
                          [&](TensorId id) { return left.contains(producer(id)); });
    });
    std::rotate(next, ready, std::next(ready));
    left.erase(*next);
  }
}

int Rewriter::fuse(std::vector<int> members, const std::string& name, Role role) {
  std::sort(members.begin(), members.end(), [&](int a, int b) {
    return std::pair(place_[index_of(a)], a) < std::pair(place_[index_of(b)], b);
  });
  members.erase(std::unique(members.begin(), members.end()), members.end());
  if (members.size() < 2 || !is_convex(members)) {
    return -1;
  }
  const std::set<int> inside(members.begin(), members.end());
  put_in_order(members);
  Op fused;
  fused.kind = OpKind::kFused;
  fused.role = role;
  fused.name = name;
  fused.block = parts.ops[index_of(members.front())].block;
  fused.attributes.batch = parts.ops[index_of(members.front())].attributes.batch;
  fused.attributes.new_tokens = parts.ops[index_of(members.front())].attributes.new_tokens;
  for (const int member : members) {
    const Op& op = parts.ops[index_of(member)];
    for (const TensorId id : op.inputs) {
      if (!inside.contains(producer(id)) && !contains(fused.inputs, id)) {
        fused.inputs.push_back(id);
      }
    }
    for (const TensorId id : op.outputs) {
      const std::vector<int> readers = consumers(id);
      const bool leaves = tensor(id).kind != TensorKind::kActivation ||
                          std::any_of(readers.begin(), readers.end(),
                                      [&](int reader) { return !inside.contains(reader); });
      if (leaves) {
        fused.outputs.push_back(id);
      }
    }
    if (op.kind == OpKind::kFused) {
      fused.body.insert(fused.body.end(), op.body.begin(), op.body.end());
    } else {
      fused.body.push_back(op);
    }
  }
  const int last = members.back();
  fused.id = OpId{last};
  for (const int member : members) {
    removed_[index_of(member)] = member != last;
  }
  parts.ops[index_of(last)] = std::move(fused);
  stale_ = true;
  return last;
}

// Living operators so that every one stands behind those that it reads from, by place otherwise.
std::vector<int> Rewriter::schedule() const {
  refresh();
  std::vector<std::size_t> waiting(parts.ops.size(), 0);
  using Entry = std::pair<std::int64_t, int>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> ready;
  for (std::size_t i = 0; i < parts.ops.size(); ++i) {
    if (removed_[i]) {
      continue;
    }
    for (const TensorId id : parts.ops[i].inputs) {
      waiting[i] += producer_[index_of(id)] >= 0 ? 1U : 0U;
    }
    if (waiting[i] == 0) {
      ready.emplace(place_[i], static_cast<int>(i));
    }
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int op = ready.top().second;
    ready.pop();
    order.push_back(op);
    for (const TensorId made : parts.ops[index_of(op)].outputs) {
      for (const int reader : consumers_[index_of(made)]) {
        const auto& inputs = parts.ops[index_of(reader)].inputs;
        waiting[index_of(reader)] -=
            static_cast<std::size_t>(std::count(inputs.begin(), inputs.end(), made));
        if (waiting[index_of(reader)] == 0) {
          ready.emplace(place_[index_of(reader)], reader);
        }
      }
    }
  }
  return order;
}

void Rewriter::infer_shapes_anew(const std::vector<int>& order) {
  const auto set_shape = [&](TensorId id, Shape shape) {
    Tensor& made = parts.tensors[index_of(id)];
    made.shape = shape;
    parts.storages[index_of(made.storage.value)].shape = shape;
  };
  const auto infer = [&](const Op& op) {
    std::vector<Shape> inputs;
    for (const TensorId id : op.inputs) {
      inputs.push_back(tensor(id).shape);
    }
    const InferredShapes made = infer_shapes(op, inputs);
    for (std::size_t i = 0; i < std::min(made.outputs.size(), op.outputs.size()); ++i) {
      set_shape(op.outputs[i], made.outputs[i]);
    }
  };
  for (const int position : order) {
    const Op& op = parts.ops[index_of(position)];
    for (const Op& inner : op.body) {
      infer(inner);
    }
    if (op.kind != OpKind::kFused) {
      infer(op);
    }
  }
}

OperatorGraph Rewriter::finish() {
  const std::vector<int> order = schedule();
  infer_shapes_anew(order);
  GraphParts result;
  result.name = parts.name;
  std::vector<int> new_tensor(parts.tensors.size(), -1);
  std::vector<int> new_storage(parts.storages.size(), -1);
  for (const int position : order) {
    Op op = parts.ops[index_of(position)];
    for_all_tensors(op, [&](TensorId& id) {
      new_tensor[index_of(id)] = 0;
      new_storage[index_of(tensor(id).storage.value)] = 0;
    });
  }
  for (std::size_t i = 0; i < parts.storages.size(); ++i) {
    if (new_storage[i] == 0) {
      new_storage[i] = static_cast<int>(result.storages.size());
      result.storages.push_back(parts.storages[i]);
      result.storages.back().id = StorageId{new_storage[i]};
    }
  }
  for (std::size_t i = 0; i < parts.tensors.size(); ++i) {
    if (new_tensor[i] == 0) {
      new_tensor[i] = static_cast<int>(result.tensors.size());
      result.tensors.push_back(parts.tensors[i]);
      result.tensors.back().id = TensorId{new_tensor[i]};
      result.tensors.back().storage =
          StorageId{new_storage[index_of(parts.tensors[i].storage.value)]};
    }
  }
  for (const int position : order) {
    Op op = parts.ops[index_of(position)];
    op.id = OpId{static_cast<int>(result.ops.size())};
    for_all_tensors(op, [&](TensorId& id) { id = TensorId{new_tensor[index_of(id)]}; });
    result.ops.push_back(std::move(op));
  }
  std::vector<std::string> faults;
  auto graph = OperatorGraph::assemble(std::move(result), faults);
  if (!graph) {
    throw InputError(fmt::format("{}: {}", parts.name, fmt::join(faults, "; ")));
  }
  return *std::move(graph);
}

}  // namespace joulesim::models
