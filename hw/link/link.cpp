#include "hw/link/link.hpp"

#include <algorithm>
#include <cmath>

namespace joulesim::hw {

LinkSpec LinkSpec::from(const ConfigNode& part) {
  LinkSpec spec;
  spec.name = part.text("part");
  part.choice("model", {"link"});
  spec.title = part.text("title");
  const ConfigNode line = part.table("line");
  spec.lanes = line.count("lanes");
  spec.lane_rate = line.figure<Frequency>("lane_rate");
  spec.symbol = line.figure<Bytes>("symbol");
  spec.coding = line.count("coding");
  spec.bandwidth = line.figure<Bandwidth>("bandwidth");
  spec.packet_share = line.count("packet_share");
  spec.latency = line.figure<Time>("latency");
  if (line.ok() && (spec.coding.value > 1 || spec.packet_share.value > 1)) {
    line.error(spec.coding.value > 1 ? "coding" : "packet_share",
               "a share exceeds 1; expected the part of the rate that is left");
  }
  const ConfigNode energy = part.table("energy");
  spec.energy = energy.figure<EnergyPerByte>("transfer");
  spec.idle = energy.figure<Power>("idle");
  return spec;
}

Bandwidth LinkSpec::payload_bandwidth() const { return bandwidth.value * packet_share.value; }

Time LinkSpec::transfer_time(Bytes payload) const {
  return latency.value + payload / payload_bandwidth();
}

void LinkSpec::spend(Bytes payload, const std::string& component, Time begin, Time end,
                     Ledger& ledger) const {
  ledger.spend(component, "transfer", Spent::movement, energy.value * payload, begin, end);
  ledger.spend(component, "idle", Spent::standing, idle.value * (end - begin), begin, end);
}

Link::Link(const LinkSpec& spec)
    : ps_per_byte_(1e12 / spec.payload_bandwidth().si()),
      latency_(std::llround(spec.latency.value.si() * 1e12)) {}

std::int64_t Link::send(Direction direction, std::uint64_t bytes, std::int64_t arrival) {
  const auto way = static_cast<std::size_t>(direction);
  const std::int64_t begin = std::max(arrival, free_[way]);
  const std::int64_t occupied = std::llround(static_cast<double>(bytes) * ps_per_byte_);
  free_[way] = begin + occupied;
  busy_[way] += occupied;
  bytes_ += bytes;
  return free_[way] + latency_;
}

}  // namespace joulesim::hw
