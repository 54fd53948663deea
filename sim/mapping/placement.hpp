// Which memory holds what: weights, KV cache and activations over the machine's tiers.
//
// Models:      one address range per storage, packed from address zero with the alignment of a DRAM
// row
//              over all channels; capacity checked with the share that a program may use.
//              Weights that come from a store may be pinned in memory block by block up to a
//              budget, or be kept there in part (neurons of feed-forward layers).
// Leaves out:  paging, fragmentation; which neurons are kept (shares are given).
// Checked by:  tests/unit/mapping.cpp.
#pragma once

#include "models/graph/graph.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace joulesim::mapping {

struct MemoryTier {
  std::string name;  // "dram", "flash"
  std::string part;
  Bytes capacity;
  Bytes usable;          // what a program may occupy
  bool writable = true;  // flash holds weights only
};

// Feed-forward weights of which each token uses some neurons, of which memory has most.
//   active  share of the neurons that one token uses
//   kept    share that memory holds: those that recent tokens have used
//   fresh   share that a token uses and memory lacks: read from the store
struct NeuronWindow {
  double active = 1, kept = 0, fresh = 1;
  bool bundled = true;  // a neuron's rows of all matrices lie together in the store
};

struct Place {
  int tier = -1;
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;
  // Feed-forward weights under a NeuronWindow: where memory keeps its share.
  bool windowed = false;
  int kept_tier = -1;
  std::uint64_t kept_base = 0, kept_bytes = 0;
};

struct TierUse {
  Bytes weights, kv_cache, activations, file_cache;
  [[nodiscard]] Bytes total() const { return weights + kv_cache + activations + file_cache; }
};

struct Placement {
  std::map<std::string, Place> storages;  // by storage name: graphs of all phases share the names
  Place activations;                      // arena for activations that do not fit on chip
  std::vector<TierUse> use;               // per tier
  std::int64_t kv_positions = 0;          // reserved per sequence
  std::optional<NeuronWindow> window;

  [[nodiscard]] const Place& of(const models::Storage& storage) const;
};

struct PlacementWish {
  std::string weights = "dram";
  Bytes pinned;                        // of weights that live elsewhere, in memory all the same
  std::optional<NeuronWindow> window;  // feed-forward weights only; the others are in memory
  // Memory for pages of the weights' file: as much as this, or all that is left over.
  std::optional<Bytes> file_cache;
  bool file_cache_takes_rest = false;
};

// A matrix of a dense feed-forward layer, of which each row (or column) is a neuron's.
[[nodiscard]] bool is_neuron_matrix(const models::Op& op);

// `largest` is the graph of the last decode step (its caches are the longest), `widest` the one
// with the largest activations (prefill); what only the latter has is placed too. Throws InputError
// naming every tier with what is needed and free.
Placement place(const models::OperatorGraph& largest, const models::OperatorGraph& widest,
                std::int64_t kv_positions, const std::vector<MemoryTier>& tiers,
                const PlacementWish& wish, const Region& where);

}  // namespace joulesim::mapping
