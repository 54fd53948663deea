#include "models/graph/graph.hpp"

#include <algorithm>
#include <bit>
#include <map>
#include <set>

namespace joulesim::models {
namespace {

// FNV-1a over 64-bit words: the same on every machine, unlike std::hash.
class Hash {
 public:
  void add(std::uint64_t word) {
    for (int byte = 0; byte < 8; ++byte) {
      value_ ^= (word >> (8 * byte)) & 0xffU;
      value_ *= 0x100000001b3U;
    }
  }
  void add(std::int64_t word) { add(static_cast<std::uint64_t>(word)); }
  void add(double number) { add(std::bit_cast<std::uint64_t>(number)); }
  void add(const std::string& text) {
    add(static_cast<std::uint64_t>(text.size()));
    for (const char c : text) {
      add(static_cast<std::uint64_t>(static_cast<unsigned char>(c)));
    }
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

void add(Hash& hash, const Attributes& a) {
  for (const std::int64_t number : {a.batch,
                                    a.new_tokens,
                                    a.past,
                                    a.heads,
                                    a.kv_heads,
                                    a.head_dim,
                                    a.window,
                                    std::int64_t{a.causal ? 1 : 0},
                                    std::int64_t{a.alibi ? 1 : 0},
                                    a.rotary,
                                    static_cast<std::int64_t>(a.rope_layout),
                                    a.group,
                                    static_cast<std::int64_t>(a.activation),
                                    a.experts,
                                    a.active_experts,
                                    a.rotary_from,
                                    static_cast<std::int64_t>(a.routing),
                                    std::int64_t{a.renormalise ? 1 : 0},
                                    a.source,
                                    a.value_dim,
                                    a.relative_buckets,
                                    a.relative_distance,
                                    a.kernel,
                                    a.stride,
                                    a.padding,
                                    a.offset,
                                    a.width,
                                    a.work,
                                    a.result.rows,
                                    a.result.columns,
                                    a.state,
                                    a.groups}) {
    hash.add(number);
  }
  for (const double number : {a.rope_base, a.rope_magnitude, a.epsilon, a.scale, a.soft_cap}) {
    hash.add(number);
  }
}

void add(Hash& hash, const Tensor& tensor) {
  hash.add(static_cast<std::int64_t>(tensor.kind));
  hash.add(tensor.shape.rows);
  hash.add(tensor.shape.columns);
  hash.add(tensor.format.name);
  hash.add(tensor.format.block_elements);
  hash.add(tensor.format.block_bytes);
  hash.add(tensor.format.row_bytes);
  hash.add(tensor.format.tensor_bytes);
}

const Tensor& tensor_of(const GraphParts& parts, TensorId id) {
  return parts.tensors[static_cast<std::size_t>(id.value)];
}

// One operator, and the operators of a fused one, with tensors numbered by first use.
void add(Hash& hash, const GraphParts& parts, const Op& op,
         std::map<TensorId, std::int64_t>& local) {
  hash.add(static_cast<std::int64_t>(op.kind));
  hash.add(static_cast<std::int64_t>(op.role));
  add(hash, op.attributes);
  for (const auto* list : {&op.inputs, &op.outputs}) {
    hash.add(static_cast<std::int64_t>(list->size()));
    for (const TensorId tensor : *list) {
      const auto [slot, is_new] =
          local.try_emplace(tensor, static_cast<std::int64_t>(local.size()));
      hash.add(slot->second);
      add(hash, tensor_of(parts, tensor));
    }
  }
  for (const Op& inner : op.body) {
    add(hash, parts, inner, local);
  }
}

// Wiring inside the block is told by the position of each tensor's first use, so that two blocks
// agree exactly when one can be laid over the other; tensors from outside the block look alike.
std::uint64_t signature_of(const GraphParts& parts, const Block& block) {
  Hash hash;
  std::map<TensorId, std::int64_t> local;
  for (const OpId id : block.ops) {
    add(hash, parts, parts.ops[static_cast<std::size_t>(id.value)], local);
  }
  return hash.value();
}

std::set<StorageId> weights_of(const GraphParts& parts, const Block& block) {
  std::set<StorageId> found;
  for (const OpId id : block.ops) {
    for (const TensorId input : parts.ops[static_cast<std::size_t>(id.value)].inputs) {
      if (tensor_of(parts, input).kind == TensorKind::kWeight) {
        found.insert(tensor_of(parts, input).storage);
      }
    }
  }
  return found;
}

}  // namespace

std::vector<Block> find_blocks(const GraphParts& parts, std::span<const OpId> order) {
  std::map<int, Block> by_index;
  for (const OpId id : order) {
    const int index = parts.ops[static_cast<std::size_t>(id.value)].block;
    if (index >= 0) {
      by_index[index].ops.push_back(id);
    }
  }
  std::vector<Block> blocks;
  std::set<StorageId> previous;
  for (auto& [index, block] : by_index) {
    block.index = index;
    block.signature = signature_of(parts, block);
    const std::set<StorageId> weights = weights_of(parts, block);
    block.shares_weights_with_previous = !weights.empty() && weights == previous;
    previous = weights;
    blocks.push_back(std::move(block));
  }
  return blocks;
}

}  // namespace joulesim::models
