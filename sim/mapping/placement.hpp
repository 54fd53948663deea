// Which memory holds what: weights, KV cache and activations over the machine's tiers.
//
// Models:      one address range per storage, packed from address zero with the alignment of a DRAM
// row
//              over all channels; capacity checked with the share that a program may use.
// Leaves out:  paging, fragmentation, eviction of weights while running.
// Checked by:  tests/unit/mapping.cpp.
#pragma once

#include "models/graph/graph.hpp"
#include "sim/base/diagnostics.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <map>
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

struct Place {
  int tier = -1;
  std::uint64_t base = 0;
  std::uint64_t bytes = 0;
};

struct TierUse {
  Bytes weights, kv_cache, activations;
  [[nodiscard]] Bytes total() const { return weights + kv_cache + activations; }
};

struct Placement {
  std::map<std::string, Place> storages;  // by storage name: graphs of all phases share the names
  Place activations;                      // arena for activations that do not fit on chip
  std::vector<TierUse> use;               // per tier
  std::int64_t kv_positions = 0;          // reserved per sequence

  [[nodiscard]] const Place& of(const models::Storage& storage) const;
};

struct PlacementWish {
  std::string weights = "dram";
};

// `largest` is the graph of the last decode step (its caches are the longest), `widest` the one
// with the largest activations (prefill); what only the latter has is placed too. Throws InputError
// naming every tier with what is needed and free.
Placement place(const models::OperatorGraph& largest, const models::OperatorGraph& widest,
                std::int64_t kv_positions, const std::vector<MemoryTier>& tiers,
                const PlacementWish& wish, const Region& where);

}  // namespace joulesim::mapping
