// What an on-chip memory is, as read from hw/sram/*.toml: a cache or a scratchpad.
//
// Models:      capacity, sets and ways (or full associativity), replacement, banks and their ports,
//              peak bandwidth, latency, energy per byte read and written (stated, or by the law of
//              array_law.hpp), leakage while in use, while retaining data at a low supply, and
//              while gated; what waking costs.
// Leaves out:  tag lookups as a separate energy, gating of single banks.
// Checked by:  tests/unit/platform_parts.cpp, tests/unit/platform_sram.cpp,
//              tests/oracle/array_law.cpp.
#pragma once

#include "hw/sram/residency_cache.hpp"
#include "sim/base/config.hpp"
#include "sim/base/ledger.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace joulesim::hw {

struct SramSpec {
  enum class Role : std::uint8_t { cache, scratchpad };

  std::string name, title;
  Role role = Role::cache;
  Sourced<Bytes> capacity;
  int banks = 0;
  int ports = 1;         // accesses that a bank serves in one clock
  Sourced<Bytes> width;  // per bank and clock
  Sourced<Frequency> clock;
  Sourced<Bandwidth> bandwidth;  // all banks; the part file checks it against banks * width * clock
  Sourced<Time> latency;         // first byte, seen by the unit beside it
  Sourced<Bytes> line;           // tracked, filled and written back as one
  // Caches only. Without ways the cache is fully associative.
  int ways = 0;
  Replacement replacement = Replacement::lru;
  ResidencyCache::Policy policy = ResidencyCache::Policy::lru;
  double protected_share = 0;

  Sourced<EnergyPerByte> read, write;
  Sourced<Power> leakage;    // in use
  Sourced<Power> retention;  // holding data at a low supply, clocks stopped
  struct Gating {
    Sourced<Power> power;  // with the supply cut: data are lost
    Sourced<Time> wake_time;
    Sourced<Energy> wake_energy;
  };
  std::optional<Gating> gated;

  static SramSpec from(const ConfigNode& part);

  enum class State : std::uint8_t { active, retention, gated };
  // The time from which on gating saves more than retention; infinite without gating.
  [[nodiscard]] Time break_even() const;
  // The cheapest state for an idle time, when nothing that is held will be missed.
  [[nodiscard]] State idle_state(Time idle) const;
  // Standing energy of a time in a state, the way out of it included.
  [[nodiscard]] Energy standing(State state, Time time) const;

  [[nodiscard]] Time transfer_time(Bytes bytes) const;
  [[nodiscard]] ResidencyCache make_cache() const;
  // Books traffic and leakage over [begin, end], of which `in_use` at the higher leakage.
  void spend(Bytes read_bytes, Bytes written_bytes, Time in_use, const std::string& component,
             Time begin, Time end, Ledger& ledger) const;
};

}  // namespace joulesim::hw
