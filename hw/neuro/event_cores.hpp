// Neuromorphic chips: cores with their synapses in SRAM, woken by events, in steps that a barrier
// ends.
//
// Models:      weights spread over as many cores as they need; an operator is one step of time: a
//              core adds the synapses of the inputs that carry an event, so many a clock, and the
//              slowest core and the barrier end the step; operators of a token follow each other
//              step by step; energy per synaptic operation, neuron update and step; standing power
//              of every chip. Attention is refused: there is no place for a cache.
// Leaves out:  several tokens in the pipeline, routing conflicts, spikes with payloads of several
//              words, placement of neurons.
// Checked by:  tests/timing/other_units.cpp, tests/anchors/other_units.cpp.
#pragma once

#include "hw/component/resident_unit.hpp"

namespace joulesim::hw {

struct EventCoresSpec : ResidentSpec {
  std::int64_t chips = 1, cores = 1;   // cores of a chip
  Sourced<Bytes> sram;                 // of a core
  Sourced<double> synapse_share;       // of it
  Sourced<double> synapses_per_cycle;  // of a core
  Sourced<double> activity;            // share of inputs that carry an event
  Sourced<Time> barrier;

  static EventCoresSpec from(const ConfigNode& part);
};

class EventCores final : public ResidentUnit {
 public:
  static constexpr const char* kModel = "event_cores";
  explicit EventCores(EventCoresSpec spec);

  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override;
  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const override;
  [[nodiscard]] Bytes local_memory() const override {
    return spec_.sram.value * static_cast<double>(spec_.chips * spec_.cores);
  }
  [[nodiscard]] Bandwidth port_bandwidth() const override {
    return spec_.sram.value * static_cast<double>(spec_.chips * spec_.cores) / Time(1e-6);
  }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

 private:
  [[nodiscard]] const ResidentSpec& base() const override { return spec_; }
  EventCoresSpec spec_;
};

}  // namespace joulesim::hw
