#include "models/graph/passes.hpp"

#include "models/graph/rewrite.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <optional>

namespace joulesim::models {
namespace {

std::size_t index_of(int value) { return static_cast<std::size_t>(value); }

// Weights of an operator in the order of its inputs.
std::vector<TensorId> weights_of(const OperatorGraph& graph, const Op& op) {
  std::vector<TensorId> found;
  for (const TensorId id : op.inputs) {
    if (graph.tensor(id).kind == TensorKind::kWeight) {
      found.push_back(id);
    }
  }
  return found;
}

void put_on(Rewriter& rewriter, TensorId tensor, StorageId storage) {
  rewriter.parts.tensors[index_of(tensor.value)].storage = storage;
  rewriter.parts.tensors[index_of(tensor.value)].format =
      rewriter.parts.storages[index_of(storage.value)].format;
}

// Calls `visit` for every operator, and those inside fused ones.
template <class Visit>
void for_each_op(std::span<const Op> ops, const Visit& visit) {
  for (const Op& op : ops) {
    visit(op);
    for_each_op(std::span<const Op>(op.body), visit);
  }
}

}  // namespace

OperatorGraph tie_embeddings(const OperatorGraph& graph) {
  Rewriter rewriter(graph);
  std::optional<TensorId> table;
  std::optional<TensorId> head;
  for_each_op(graph.ops(), [&](const Op& op) {
    if (op.kind == OpKind::kEmbedding && !table) {
      table = op.inputs[1];
    }
    if (op.kind == OpKind::kMatmul && op.role == Role::kHead) {
      head = op.inputs[1];
    }
  });
  if (!table || !head) {
    throw InputError(fmt::format("{}: found no {}; expected one to tie", graph.name(),
                                 table ? "head" : "embedding"));
  }
  if (graph.tensor(*table).shape != graph.tensor(*head).shape) {
    throw InputError(fmt::format("{}: found a head of {}; expected {}, as the embedding has",
                                 graph.name(), to_string(graph.tensor(*head).shape),
                                 to_string(graph.tensor(*table).shape)));
  }
  put_on(rewriter, *head, graph.tensor(*table).storage);
  return rewriter.finish();
}

OperatorGraph share_blocks(const OperatorGraph& graph, std::int64_t times) {
  if (times < 1) {
    throw InputError(fmt::format("found blocks shared by {}; expected at least 1", times));
  }
  Rewriter rewriter(graph);
  std::vector<TensorId> source;
  std::int64_t position = 0;
  for (const Block& block : graph.blocks()) {
    std::vector<TensorId> weights;
    for (const OpId id : block.ops) {
      const std::vector<TensorId> more = weights_of(graph, graph.op(id));
      weights.insert(weights.end(), more.begin(), more.end());
    }
    if (position++ % times == 0) {
      source = std::move(weights);
      continue;
    }
    bool fits = weights.size() == source.size();
    for (std::size_t i = 0; fits && i < weights.size(); ++i) {
      fits = graph.tensor(weights[i]).shape == graph.tensor(source[i]).shape;
    }
    if (!fits) {
      throw InputError(fmt::format(
          "{}: found block {} with weights of other shapes than the block before; expected blocks "
          "that are alike",
          graph.name(), block.index));
    }
    for (std::size_t i = 0; i < weights.size(); ++i) {
      put_on(rewriter, weights[i], graph.tensor(source[i]).storage);
    }
  }
  return rewriter.finish();
}

OperatorGraph quantise_kv_cache(const OperatorGraph& graph, const std::string& format) {
  Rewriter rewriter(graph);
  constexpr std::string_view kPerHead = "_head";
  const bool per_head = format.ends_with(kPerHead);
  const auto set_format = [&](TensorId id, std::int64_t head_dim) {
    const std::string name =
        per_head
            ? fmt::format("{}_g{}", format.substr(0, format.size() - kPerHead.size()), head_dim)
            : format;
    const auto found = find_format(name);
    if (!found) {
      throw InputError(fmt::format("found key-value format '{}'; expected int8_head or one of {}{}",
                                   format, fmt::join(format_names(), ", "),
                                   did_you_mean(format, format_names())));
    }
    Tensor& tensor = rewriter.parts.tensors[index_of(id.value)];
    tensor.format = *found;
    rewriter.parts.storages[index_of(tensor.storage.value)].format = *found;
  };
  for_each_op(graph.ops(), [&](const Op& op) {
    if (op.kind != OpKind::kAttention) {
      return;
    }
    for (const TensorId id : op.inputs) {
      if (graph.tensor(id).kind == TensorKind::kKvCache) {
        set_format(id, op.attributes.head_dim);
      }
    }
  });
  return rewriter.finish();
}

OperatorGraph attach_lora(const OperatorGraph& graph, std::int64_t rank, double scale,
                          bool everywhere) {
  if (rank < 1) {
    throw InputError(fmt::format("found adapters of rank {}; expected at least 1", rank));
  }
  Rewriter rewriter(graph);
  std::map<StorageId, std::pair<TensorId, TensorId>> adapters;  // of shared weights: one pair
  const std::size_t count = rewriter.parts.ops.size();
  for (std::size_t i = 0; i < count; ++i) {
    const Op product = rewriter.parts.ops[i];
    const bool wanted = everywhere || product.role == Role::kQuery || product.role == Role::kValue;
    if (product.kind != OpKind::kMatmul || product.block < 0 || !wanted) {
      continue;
    }
    const Tensor y = rewriter.tensor(product.outputs[0]);
    const Tensor weight = rewriter.tensor(product.inputs[1]);
    const std::string stored = rewriter.storage_of(product.inputs[1]).name;
    const auto known = adapters.find(weight.storage);
    const auto pair = known != adapters.end()
                          ? known->second
                          : std::pair(rewriter.add_tensor(stored + ".lora_a", TensorKind::kWeight,
                                                          {rank, weight.shape.columns}, y.format),
                                      rewriter.add_tensor(stored + ".lora_b", TensorKind::kWeight,
                                                          {weight.shape.rows, rank}, y.format));
    adapters.emplace(weight.storage, pair);
    const auto add = [&](OpKind kind, const std::string& name, std::vector<TensorId> inputs,
                         Shape shape, int after) {
      Op op;
      op.kind = kind;
      op.role = Role::kAdapter;
      op.name = product.name + name;
      op.block = product.block;
      op.inputs = std::move(inputs);
      op.attributes.batch = product.attributes.batch;
      op.attributes.new_tokens = product.attributes.new_tokens;
      op.attributes.past = product.attributes.past;
      op.attributes.scale = kind == OpKind::kScale ? scale : 1.0;
      op.outputs = {rewriter.add_tensor(op.name, TensorKind::kActivation, shape, y.format)};
      return rewriter.insert(std::move(op), after);
    };
    const auto made = [&](int op) { return rewriter.parts.ops[index_of(op)].outputs[0]; };
    const int at = static_cast<int>(i);
    const Shape narrow{y.shape.rows, rank};
    const int down = add(OpKind::kMatmul, ".lora_a", {product.inputs[0], pair.first}, narrow, at);
    const int scaled = add(OpKind::kScale, ".lora_scale", {made(down)}, narrow, at);
    const int up = add(OpKind::kMatmul, ".lora_b", {made(scaled), pair.second}, y.shape, at);
    const int sum = add(OpKind::kAdd, ".lora_sum", {y.id, made(up)}, y.shape, at);
    rewriter.redirect(y.id, made(sum));
    rewriter.parts.ops[index_of(sum)].inputs[0] = y.id;  // the sum itself still reads the product
  }
  return rewriter.finish();
}

}  // namespace joulesim::models
