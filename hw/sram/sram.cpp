#include "hw/sram/sram.hpp"

#include <cmath>

namespace joulesim::hw {

SramSpec SramSpec::from(const ConfigNode& part) {
  SramSpec spec;
  spec.name = part.text("part");
  part.choice("model", {"sram"});
  spec.title = part.text("title");
  spec.role =
      part.choice("role", {"cache", "scratchpad"}) == "cache" ? Role::cache : Role::scratchpad;
  const ConfigNode organisation = part.table("organisation");
  spec.capacity = organisation.figure<Bytes>("capacity");
  spec.banks = static_cast<int>(organisation.whole("banks", 1, 65536));
  spec.width = organisation.figure<Bytes>("width");
  spec.line = organisation.figure<Bytes>("line");
  if (spec.role == Role::cache) {
    const std::string policy = organisation.choice("policy", {"lru", "segmented_lru"});
    spec.policy =
        policy == "lru" ? ResidencyCache::Policy::lru : ResidencyCache::Policy::segmented_lru;
    if (spec.policy == ResidencyCache::Policy::segmented_lru) {
      spec.protected_share = organisation.count("protected_share").value;
      if (spec.protected_share >= 1) {
        organisation.error("protected_share",
                           "'protected_share' is not below 1; expected a share of the capacity");
      }
    }
  }
  if (part.ok() && spec.capacity.value < spec.line.value) {
    organisation.error("capacity", "'capacity' is less than one line");
  }

  const ConfigNode timing = part.table("timing");
  spec.clock = timing.figure<Frequency>("clock");
  spec.bandwidth = timing.figure<Bandwidth>("bandwidth");
  spec.latency = timing.figure<Time>("latency");

  const ConfigNode energy = part.table("energy");
  spec.read = energy.figure<EnergyPerByte>("read");
  spec.write = energy.figure<EnergyPerByte>("write");
  spec.leakage = energy.figure<Power>("leakage");
  spec.retention = energy.figure<Power>("retention");
  if (part.ok() && spec.leakage.value < spec.retention.value) {
    energy.error("retention", "'retention' exceeds 'leakage'; expected a lower power");
  }
  return spec;
}

Time SramSpec::transfer_time(Bytes bytes) const { return latency.value + bytes / bandwidth.value; }

ResidencyCache SramSpec::make_cache() const {
  return ResidencyCache(capacity.value, line.value, policy, protected_share);
}

void SramSpec::spend(Bytes read_bytes, Bytes written_bytes, Time in_use,
                     const std::string& component, Time begin, Time end, Ledger& ledger) const {
  const Time used = min(in_use, end - begin);
  ledger.spend(component, "read", Spent::movement, read.value * read_bytes, begin, end);
  ledger.spend(component, "write", Spent::movement, write.value * written_bytes, begin, end);
  ledger.spend(component, "leakage", Spent::standing,
               leakage.value * used + retention.value * (end - begin - used), begin, end);
}

}  // namespace joulesim::hw
