#include "hw/sram/sram.hpp"

#include "hw/sram/array_law.hpp"

#include <fmt/format.h>

#include <bit>
#include <cmath>
#include <limits>

namespace joulesim::hw {

namespace {

void read_ways(const ConfigNode& organisation, const std::string& policy, SramSpec& spec) {
  spec.ways = static_cast<int>(organisation.whole("ways", 1, SetCache::kMostWays));
  spec.replacement = policy == "lru"         ? Replacement::lru
                     : policy == "tree_plru" ? Replacement::tree_plru
                     : policy == "random"    ? Replacement::random
                                             : Replacement::srrip;
  if (!organisation.ok()) {
    return;
  }
  if (spec.replacement == Replacement::tree_plru &&
      !std::has_single_bit(static_cast<unsigned>(spec.ways))) {
    organisation.error("ways", fmt::format("'ways' is {}; a tree needs a power of two", spec.ways));
  }
  if (spec.capacity.value < static_cast<double>(spec.ways) * spec.line.value) {
    organisation.error("capacity", "'capacity' is less than one set of lines");
  }
}

}  // namespace

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
    const bool ways = organisation.has("ways");
    const std::string policy =
        ways ? organisation.choice("policy", {"lru", "tree_plru", "random", "srrip"})
             : organisation.choice("policy", {"lru", "segmented_lru"});
    if (ways) {
      read_ways(organisation, policy, spec);
    }
    spec.policy = ways              ? ResidencyCache::Policy::lru
                  : policy == "lru" ? ResidencyCache::Policy::lru
                                    : ResidencyCache::Policy::segmented_lru;
    if (spec.policy == ResidencyCache::Policy::segmented_lru) {
      spec.protected_share = organisation.count("protected_share").value;
      if (spec.protected_share >= 1) {
        organisation.error("protected_share",
                           "'protected_share' is not below 1; expected a share of the capacity");
      }
    }
  }
  spec.ports = static_cast<int>(organisation.whole_if("ports", 1, 8).value_or(1));
  if (part.ok() && spec.capacity.value < spec.line.value) {
    organisation.error("capacity", "'capacity' is less than one line");
  }

  const ConfigNode timing = part.table("timing");
  spec.clock = timing.figure<Frequency>("clock");
  spec.bandwidth = timing.figure<Bandwidth>("bandwidth");
  spec.latency = timing.figure<Time>("latency");

  const ConfigNode energy = part.table("energy");
  if (const auto law = energy.table_if("law")) {
    const SramLawFigures figures = read_array_law(*law, spec.capacity.value);
    spec.read = figures.read;
    spec.write = figures.write;
    spec.leakage = figures.leakage;
    spec.retention = figures.retention;
  } else {
    spec.read = energy.figure<EnergyPerByte>("read");
    spec.write = energy.figure<EnergyPerByte>("write");
    spec.leakage = energy.figure<Power>("leakage");
    spec.retention = energy.figure<Power>("retention");
  }
  if (const auto gating = energy.table_if("gated")) {
    spec.gated = Gating{gating->figure<Power>("power"), gating->figure<Time>("wake_time"),
                        gating->figure<Energy>("wake_energy")};
    if (part.ok() && spec.gated->power.value > spec.retention.value) {
      gating->error("power", "'power' exceeds 'retention'; expected a lower power");
    }
  }
  if (part.ok() && spec.leakage.value < spec.retention.value) {
    energy.error("retention", "'retention' exceeds 'leakage'; expected a lower power");
  }
  return spec;
}

Time SramSpec::transfer_time(Bytes bytes) const { return latency.value + bytes / bandwidth.value; }

ResidencyCache SramSpec::make_cache() const {
  if (ways == 0) {
    return ResidencyCache(capacity.value, line.value, policy, protected_share);
  }
  SetShape shape;
  shape.line = static_cast<std::uint64_t>(std::llround(line.value.si()));
  shape.ways = ways;
  shape.sets = static_cast<std::uint64_t>(capacity.value.si()) /
               (shape.line * static_cast<std::uint64_t>(ways));
  shape.replacement = replacement;
  return ResidencyCache(shape);
}

Time SramSpec::break_even() const {
  if (!gated || gated->power.value >= retention.value) {
    return Time(std::numeric_limits<double>::infinity());
  }
  return max(gated->wake_time.value,
             gated->wake_energy.value / (retention.value - gated->power.value));
}

SramSpec::State SramSpec::idle_state(Time idle) const {
  return idle > break_even() ? State::gated : State::retention;
}

Energy SramSpec::standing(State state, Time time) const {
  switch (state) {
    case State::active:
      return leakage.value * time;
    case State::retention:
      return retention.value * time;
    case State::gated:
      return gated->power.value * time + gated->wake_energy.value;
  }
  return {};
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
