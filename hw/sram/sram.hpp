// What an on-chip memory is, as read from hw/sram/*.toml: a cache or a scratchpad.
//
// Models:      capacity, banks, peak bandwidth, latency, energy per byte read and written, leakage
//              while in use and while retaining data.
// Leaves out:  tag lookups as a separate energy, associativity conflicts (capacity alone decides).
// Checked by:  tests/unit/platform_parts.cpp, tests/unit/platform_sram.cpp.
#pragma once

#include "hw/sram/residency_cache.hpp"
#include "sim/base/config.hpp"
#include "sim/base/ledger.hpp"
#include "sim/base/quantity.hpp"

#include <cstdint>
#include <string>

namespace joulesim::hw {

struct SramSpec {
  enum class Role : std::uint8_t { cache, scratchpad };

  std::string name, title;
  Role role = Role::cache;
  Sourced<Bytes> capacity;
  int banks = 0;
  Sourced<Bytes> width;  // per bank and clock
  Sourced<Frequency> clock;
  Sourced<Bandwidth> bandwidth;  // all banks; the part file checks it against banks * width * clock
  Sourced<Time> latency;         // first byte, seen by the unit beside it
  Sourced<Bytes> line;           // tracked, filled and written back as one
  // Caches only.
  ResidencyCache::Policy policy = ResidencyCache::Policy::lru;
  double protected_share = 0;

  Sourced<EnergyPerByte> read, write;
  Sourced<Power> leakage;    // in use
  Sourced<Power> retention;  // holding data, clocks stopped

  static SramSpec from(const ConfigNode& part);

  [[nodiscard]] Time transfer_time(Bytes bytes) const;
  [[nodiscard]] ResidencyCache make_cache() const;
  // Books traffic and leakage over [begin, end], of which `in_use` at the higher leakage.
  void spend(Bytes read_bytes, Bytes written_bytes, Time in_use, const std::string& component,
             Time begin, Time end, Ledger& ledger) const;
};

}  // namespace joulesim::hw
