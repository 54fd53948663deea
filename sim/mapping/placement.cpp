#include "sim/mapping/placement.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <stdexcept>

namespace joulesim::mapping {
namespace {

constexpr std::uint64_t kAlignment = 4096;

std::uint64_t aligned(std::uint64_t bytes) {
  return (bytes + kAlignment - 1) / kAlignment * kAlignment;
}

// Bytes of a cache storage when every sequence has room for `positions`.
std::uint64_t cache_bytes(const models::OperatorGraph& graph, const models::Storage& storage,
                          std::int64_t positions) {
  for (const models::Op& op : graph.ops()) {
    if (op.kind != models::OpKind::kAttention) {
      continue;
    }
    for (const models::TensorId input : op.inputs) {
      if (graph.tensor(input).storage == storage.id) {
        const models::Attributes& a = op.attributes;
        const std::int64_t rows = a.batch * (a.source > 0 ? a.source : positions);
        return static_cast<std::uint64_t>(storage.format.bytes(rows, storage.shape.columns));
      }
    }
  }
  return static_cast<std::uint64_t>(storage.bytes());
}

std::uint64_t widest_activations(const models::OperatorGraph& graph) {
  std::int64_t widest = 0;
  for (const models::Op& op : graph.ops()) {
    std::int64_t bytes = 0;
    for (const auto& list : {op.inputs, op.outputs}) {
      for (const models::TensorId id : list) {
        const models::Tensor& tensor = graph.tensor(id);
        if (tensor.kind == models::TensorKind::kActivation ||
            tensor.kind == models::TensorKind::kOutput) {
          bytes += tensor.bytes();
        }
      }
    }
    widest = std::max(widest, bytes);
  }
  return static_cast<std::uint64_t>(widest);
}

// Weights that only a gather reads: a few rows of them a step.
std::set<models::StorageId> gathered(const models::OperatorGraph& graph) {
  std::set<models::StorageId> only;
  std::set<models::StorageId> read;
  for (const models::Op& op : graph.ops()) {
    for (const models::TensorId input : op.inputs) {
      if (graph.tensor(input).kind == models::TensorKind::kWeight) {
        (op.kind == models::OpKind::kEmbedding ? only : read).insert(graph.tensor(input).storage);
      }
    }
  }
  for (const models::StorageId id : read) {
    only.erase(id);
  }
  return only;
}

// Weights in the order of their use, as long as they fit; those that are only gathered come last.
std::set<std::string> pinned_weights(const models::OperatorGraph& graph, std::uint64_t budget) {
  const std::set<models::StorageId> last = gathered(graph);
  std::vector<models::StorageId> order;
  for (const bool rare : {false, true}) {
    for (const models::Storage& storage : graph.storages()) {
      if (storage.kind == models::TensorKind::kWeight && last.contains(storage.id) == rare) {
        order.push_back(storage.id);
      }
    }
  }
  std::set<std::string> pinned;
  for (const models::StorageId id : order) {
    const std::uint64_t bytes = aligned(static_cast<std::uint64_t>(graph.storage(id).bytes()));
    if (bytes > budget) {
      break;
    }
    budget -= bytes;
    pinned.insert(graph.storage(id).name);
  }
  return pinned;
}

// Weights of dense feed-forward layers: matrices of neurons.
std::set<std::string> feed_forward(const models::OperatorGraph& graph) {
  std::set<std::string> found;
  for (const models::Op& op : graph.ops()) {
    if (!is_neuron_matrix(op)) {
      continue;
    }
    for (const models::TensorId input : op.inputs) {
      if (graph.tensor(input).kind == models::TensorKind::kWeight) {
        found.insert(graph.storage(graph.tensor(input).storage).name);
      }
    }
  }
  return found;
}

}  // namespace

bool is_neuron_matrix(const models::Op& op) {
  return op.kind == models::OpKind::kMatmul &&
         (op.role == models::Role::kGate || op.role == models::Role::kUp ||
          op.role == models::Role::kDown);
}

const Place& Placement::of(const models::Storage& storage) const {
  const auto found = storages.find(storage.name);
  if (found == storages.end()) {
    throw std::logic_error(fmt::format("storage '{}' has no place", storage.name));
  }
  return found->second;
}

Placement place(const models::OperatorGraph& largest, const models::OperatorGraph& widest,
                std::int64_t kv_positions, const std::vector<MemoryTier>& tiers,
                const PlacementWish& wish, const Region& where) {
  Placement placement;
  placement.kv_positions = kv_positions;
  placement.use.resize(tiers.size());
  std::vector<std::uint64_t> next(tiers.size(), 0);
  Diagnostics diagnostics;

  std::size_t weights_tier = tiers.size();
  std::vector<std::string> names;
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    names.push_back(tiers[i].name);
    if (tiers[i].name == wish.weights) {
      weights_tier = i;
    }
  }
  if (weights_tier == tiers.size()) {
    diagnostics.error(
        where, fmt::format("found no memory '{}' in the machine; expected {}{}", wish.weights,
                           fmt::join(names, ", "), did_you_mean(wish.weights, names)));
    throw InputError(std::move(diagnostics));
  }
  const auto working =
      std::find_if(tiers.begin(), tiers.end(), [](const MemoryTier& t) { return t.writable; });
  if (working == tiers.end()) {
    diagnostics.error(where, "the machine has no memory that can be written");
    throw InputError(std::move(diagnostics));
  }
  const auto working_tier = static_cast<std::size_t>(working - tiers.begin());

  placement.window = wish.window;
  const std::set<std::string> neurons =
      wish.window ? feed_forward(largest) : std::set<std::string>();
  if (wish.window && neurons.empty()) {
    diagnostics.error(where,
                      "the model has no dense feed-forward layers whose neurons could be kept in "
                      "part; expected another policy");
    throw InputError(std::move(diagnostics));
  }
  const std::set<std::string> pinned =
      pinned_weights(largest, static_cast<std::uint64_t>(wish.pinned.si()));
  const auto give = [&](const models::OperatorGraph& graph, const models::Storage& storage) {
    std::size_t tier = working_tier;
    Place place;
    auto bytes = static_cast<std::uint64_t>(storage.bytes());
    if (storage.kind == models::TensorKind::kWeight) {
      const bool in_memory =
          pinned.contains(storage.name) || (wish.window && !neurons.contains(storage.name));
      tier = in_memory ? working_tier : weights_tier;
      placement.use[tier].weights += Bytes(static_cast<double>(bytes));
      if (wish.window && !in_memory) {
        place.windowed = true;
        place.kept_tier = static_cast<int>(working_tier);
        place.kept_base = next[working_tier];
        place.kept_bytes =
            static_cast<std::uint64_t>(static_cast<double>(bytes) * wish.window->kept);
        next[working_tier] += aligned(place.kept_bytes);
        placement.use[working_tier].weights += Bytes(static_cast<double>(place.kept_bytes));
      }
    } else if (storage.kind == models::TensorKind::kKvCache) {
      bytes = cache_bytes(graph, storage, kv_positions);
      placement.use[tier].kv_cache += Bytes(static_cast<double>(bytes));
    } else if (storage.kind == models::TensorKind::kState) {
      placement.use[tier].kv_cache += Bytes(static_cast<double>(bytes));
    } else {
      return;
    }
    place.tier = static_cast<int>(tier);
    place.base = next[tier];
    place.bytes = bytes;
    placement.storages[storage.name] = place;
    next[tier] += aligned(bytes);
  };
  for (const models::Storage& storage : largest.storages()) {
    give(largest, storage);
  }
  for (const models::Storage& storage : widest.storages()) {
    if (!placement.storages.contains(storage.name)) {
      give(widest, storage);  // an encoder's weights, which no decode step reads
    }
  }
  const std::uint64_t arena = std::max(widest_activations(largest), widest_activations(widest));
  placement.activations = {static_cast<int>(working_tier), next[working_tier], arena};
  placement.use[working_tier].activations = Bytes(static_cast<double>(arena));
  TierUse& memory = placement.use[working_tier];
  if (wish.file_cache_takes_rest) {
    memory.file_cache = max(Bytes(0), tiers[working_tier].usable - memory.total());
  }
  memory.file_cache = wish.file_cache.value_or(memory.file_cache);

  bool fits = true;
  for (std::size_t i = 0; i < tiers.size(); ++i) {
    fits = fits && placement.use[i].total() <= tiers[i].usable;
  }
  if (!fits) {
    std::string message = "the model does not fit:";
    for (std::size_t i = 0; i < tiers.size(); ++i) {
      const TierUse& use = placement.use[i];
      message +=
          fmt::format("{} {} needs {} (weights {}, KV cache {}, activations {}{}) of {} usable",
                      i == 0 ? "" : ";", tiers[i].name, format(use.total()), format(use.weights),
                      format(use.kv_cache), format(use.activations),
                      use.file_cache > Bytes(0) ? ", page cache " + format(use.file_cache) : "",
                      format(tiers[i].usable));
    }
    const Bytes weights = placement.use[weights_tier].weights;
    std::string other;
    for (std::size_t i = 0; i < tiers.size(); ++i) {
      if (i != weights_tier && weights <= tiers[i].usable) {
        other = fmt::format("; the weights would fit '{}'", tiers[i].name);
      }
    }
    message += other.empty() ? "; the weights fit no tier: expected a smaller model, a narrower "
                               "weight format or a larger machine"
                             : other;
    diagnostics.error(where, message);
    throw InputError(std::move(diagnostics));
  }
  return placement;
}

}  // namespace joulesim::mapping
