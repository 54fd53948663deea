#include "hw/neuro/event_cores.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::hw {

EventCoresSpec EventCoresSpec::from(const ConfigNode& part) {
  EventCoresSpec spec;
  spec.read(part);
  const ConfigNode cores = part.table("cores");
  constexpr std::int64_t kMost = 1 << 20;
  spec.chips = cores.whole("chips", 1, kMost);
  spec.cores = cores.whole("count", 1, kMost);
  spec.sram = cores.figure<Bytes>("sram");
  spec.synapse_share = cores.count("synapse_share");
  spec.synapses_per_cycle = cores.count("synapses_per_cycle");
  spec.activity = cores.count("activity");
  spec.barrier = cores.figure<Time>("barrier");
  spec.multiply_power(spec.chips);
  return spec;
}

EventCores::EventCores(EventCoresSpec spec) : spec_(std::move(spec)) {
  causes_ = shared_causes(spec_);
}

std::optional<std::string> EventCores::refusal(const Work& work) const {
  if (work.kind == WorkKind::attention) {
    return fmt::format("'{}' has no attention: its cores keep no cache of keys and values",
                       spec_.part);
  }
  return ResidentUnit::refusal(work);
}

TileProgram EventCores::lower(const Work& work, std::size_t index,
                              const RuntimeSpec& runtime) const {
  double seconds = 0;
  if (work.macs() > 0) {
    const double bytes = std::max(work.weight_bits, bits_of(work.type)) / 8;
    const double fits = spec_.sram.value.si() * spec_.synapse_share.value / bytes;
    const double all = static_cast<double>(spec_.chips * spec_.cores);
    const double used = std::min(all, std::ceil(work.weight_elements / fits));
    const double each = work.weight_elements / used * spec_.activity.value;
    const double adding = each / spec_.synapses_per_cycle.value / spec_.clock.value.si();
    seconds = static_cast<double>(work.m) * (adding + spec_.barrier.value.si());
  } else if (work.elements > 0 && !work.fused) {
    seconds = spec_.barrier.value.si();
  }
  if (spec_.vector_rate) {
    seconds += work.elements * work.ops_per_element / spec_.vector_rate->value.si();
  }
  std::vector<double> joules = shared_joules(work);
  joules[kMac] *= spec_.activity.value;
  joules[kControl] *= spec_.activity.value;
  TileProgram result = program(work, index, runtime, Time(seconds), std::move(joules));
  result.mapping = fmt::format("synapses in place on {} chips, one step an operator", spec_.chips);
  return result;
}

std::shared_ptr<const ComputeUnit> EventCores::at_corner(Corner corner) const {
  EventCoresSpec spec = spec_;
  move_to_corner(spec.clock, corner);
  move_to_corner(spec.synapses_per_cycle, corner);
  move_to_corner(spec.activity, corner, false);
  move_to_corner(spec.barrier, corner, false);
  return std::make_shared<EventCores>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> EventCores::scaled(double arithmetic, double /*port*/) const {
  EventCoresSpec spec = spec_;
  spec.synapses_per_cycle.value *= arithmetic;
  return std::make_shared<EventCores>(std::move(spec));
}

}  // namespace joulesim::hw
