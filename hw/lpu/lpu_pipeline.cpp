#include "hw/lpu/lpu_pipeline.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::hw {
namespace {
// [arithmetic] and [vector] of the part file are of one chip; the unit's are of a stage.
constexpr double kBitsOfByte = 8;
}  // namespace

LpuSpec LpuSpec::from(const ConfigNode& part) {
  LpuSpec spec;
  spec.read(part);
  const ConfigNode chips = part.table("chips");
  constexpr std::int64_t kMost = 1 << 16;
  spec.chips = chips.whole("count", 1, kMost);
  spec.per_stage = chips.whole("per_stage", 1, kMost);
  if (chips.ok() && spec.chips % spec.per_stage != 0) {
    chips.error("per_stage",
                fmt::format("{} chips do not make whole stages of {}", spec.chips, spec.per_stage));
  }
  const ConfigNode sram = part.table("sram");
  spec.sram = sram.figure<Bytes>("capacity");
  spec.sram_bandwidth = sram.figure<Bandwidth>("bandwidth");
  spec.sram_read = sram.figure<EnergyPerByte>("read");
  spec.install = sram.count("install_bytes_per_cycle");
  const ConfigNode link = part.table("links");
  spec.link = link.figure<Bandwidth>("bandwidth");
  spec.hop = link.figure<Time>("hop");
  spec.link_energy = link.figure<EnergyPerByte>("energy");
  const auto stage = static_cast<double>(spec.per_stage);
  spec.arithmetic.scale(stage);
  if (spec.vector_rate) {
    spec.vector_rate->value *= stage;
  }
  spec.multiply_power(spec.chips);
  return spec;
}

LpuPipeline::LpuPipeline(LpuSpec spec) : spec_(std::move(spec)) {
  causes_ = shared_causes(spec_);
  causes_.push_back(EnergyCause::of("sram", Spent::movement, spec_.sram_read));
  causes_.push_back(EnergyCause::of("links", Spent::movement, spec_.link_energy));
}

TileProgram LpuPipeline::lower(const Work& work, std::size_t index,
                               const RuntimeSpec& runtime) const {
  const auto stage = static_cast<double>(spec_.per_stage);
  const double clock = spec_.clock.value.si();
  double read = 0;  // bytes of SRAM, all chips of the stage
  for (const DataStream& stream : work.streams) {
    read += static_cast<double>(stream.bytes());
  }
  double seconds = 0;
  double sent = 0;
  double hops = 0;
  if (work.macs() > 0) {
    const double rate = spec_.arithmetic.find(work.type)->macs_per_cycle.value * clock;
    const double install = work.weight_elements * std::max(work.weight_bits, bits_of(work.type)) /
                           kBitsOfByte / (spec_.install.value * clock * stage);
    const double fetch = read / (spec_.sram_bandwidth.value.si() * stage);
    seconds = std::max({work.macs() / rate, install, fetch});
    // All chips need all results: each sends its share to the others.
    const double results = static_cast<double>(
        work.kind == WorkKind::matmul ? work.m * work.n
                                      : work.sequences * work.heads * work.head_dim * work.q_len);
    const double share = results * work.activation_bits / kBitsOfByte / stage;
    sent = share * (stage - 1);
    hops = spec_.per_stage > 1 ? 1 : 0;
    seconds += sent / spec_.link.value.si() + hops * spec_.hop.value.si();
  }
  if (spec_.vector_rate) {
    seconds += work.elements * work.ops_per_element / spec_.vector_rate->value.si();
  }
  std::vector<double> joules = shared_joules(work);
  joules[kFirstOwn] = read * spec_.sram_read.value.si();
  joules[kFirstOwn + 1] = sent * stage * spec_.link_energy.value.si();
  TileProgram result = program(work, index, runtime, Time(seconds), std::move(joules));
  result.mapping =
      fmt::format("columns over {} chips, all results to all of them, one hop", spec_.per_stage);
  return result;
}

std::shared_ptr<const ComputeUnit> LpuPipeline::at_corner(Corner corner) const {
  LpuSpec spec = spec_;
  move_to_corner(spec.clock, corner);
  move_to_corner(spec.install, corner);
  move_to_corner(spec.link, corner);
  move_to_corner(spec.hop, corner, false);
  spec.arithmetic.move_rates_to(corner);
  return std::make_shared<LpuPipeline>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> LpuPipeline::scaled(double arithmetic, double port) const {
  LpuSpec spec = spec_;
  spec.arithmetic.scale(arithmetic);
  spec.install.value *= port;
  spec.link.value *= port;
  return std::make_shared<LpuPipeline>(std::move(spec));
}

}  // namespace joulesim::hw
