#include "hw/cpu/cpu_cluster.hpp"

#include "hw/component/tiling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {
enum Cause : std::size_t { kMac, kVector, kCache, kControl, kCauses };

}  // namespace

CpuClusterSpec CpuClusterSpec::from(const ConfigNode& part) {
  CpuClusterSpec spec;
  spec.part = part.text("part");
  spec.title = part.text("title");
  const ConfigNode core = part.table("core");
  spec.cores = core.whole("count", 1, 1 << 12);
  spec.clock = core.figure<Frequency>("clock");
  spec.core_bandwidth = core.figure<Bandwidth>("memory_bandwidth");
  spec.arithmetic = Arithmetic::from(part);
  const ConfigNode vector = part.table("vector");
  spec.vector_ops_per_cycle = vector.count("ops_per_cycle");
  spec.vector_energy = vector.figure<EnergyPerOp>("energy");
  spec.control_energy = part.table("control").figure<EnergyPerOp>("energy");
  const ConfigNode cache = part.table("cache");
  spec.cache = cache.figure<Bytes>("capacity");
  spec.cache_energy = cache.figure<EnergyPerByte>("energy");
  const ConfigNode power = part.table("power");
  spec.idle = power.figure_or_zero<Power>("idle");
  spec.active = power.figure<Power>("active");
  return spec;
}

CpuCluster::CpuCluster(CpuClusterSpec spec) : spec_(std::move(spec)) {
  causes_ = {spec_.arithmetic.cause(),
             EnergyCause::of("vector", Spent::arithmetic, spec_.vector_energy),
             EnergyCause::of("caches", Spent::movement, spec_.cache_energy),
             EnergyCause::of("control", Spent::control, spec_.control_energy)};
}

std::optional<std::string> CpuCluster::refusal(const Work& work) const {
  if (work.macs() > 0 && spec_.arithmetic.find(work.type) == nullptr) {
    return refusal_of_type(spec_.part, spec_.arithmetic, work.type);
  }
  return std::nullopt;
}

TileProgram CpuCluster::lower(const Work& work, std::size_t index,
                              const RuntimeSpec& runtime) const {
  TileProgram program;
  program.work = index;
  program.start_ps = work.fused ? 0 : std::llround(runtime.launch.si() * 1e12);
  const auto cores = static_cast<double>(spec_.cores);
  const double clock = spec_.clock.value.si();
  const Passes passes = cheapest_passes(work, spec_.cache.value.si());
  const double macs = work.macs();
  double vector_ops = work.elements * work.ops_per_element;
  double seconds = 0;
  std::vector<double> joules(kCauses);
  if (macs > 0) {
    const ArithmeticRate& rate = *spec_.arithmetic.find(work.type);
    // Rows of the output are dealt to threads; the last round may leave some idle.
    const auto outputs =
        static_cast<double>(work.kind == WorkKind::matmul ? work.n : work.sequences * work.heads);
    const double rounds = std::ceil(outputs / cores) * cores / outputs;
    seconds += macs * rounds / (rate.macs_per_cycle.value * cores * clock);
    joules[kMac] = 2 * macs * rate.energy.value.si();
    // One instruction for as many MACs as the unit does in a cycle and pipe.
    joules[kControl] = 2 * macs * spec_.control_energy.value.si();
    if (work.weights_unpacked) {
      vector_ops += work.weight_elements;
    }
    program.mapping = fmt::format("{} threads", spec_.cores);
  }
  seconds += vector_ops / (spec_.vector_ops_per_cycle.value * cores * clock);
  joules[kVector] = vector_ops * spec_.vector_energy.value.si();
  const double moved = moved_bytes(work, passes);
  const double touched = moved + 2 * work.elements * work.activation_bits / 8;
  joules[kCache] = touched * spec_.cache_energy.value.si();
  constexpr double kTile = 256e3;
  const auto tiles = static_cast<std::int64_t>(std::clamp(std::ceil(moved / kTile), 1.0, 4096.0));
  spread(work, passes, tiles, std::llround(seconds * 1e12), joules, program);
  return program;
}

std::optional<OpRate> CpuCluster::peak(DataType type) const {
  const ArithmeticRate* rate = spec_.arithmetic.find(type);
  if (rate == nullptr) {
    return std::nullopt;
  }
  return macs(rate->macs_per_cycle.value * static_cast<double>(spec_.cores)) * spec_.clock.value;
}

std::shared_ptr<const ComputeUnit> CpuCluster::scaled(double arithmetic, double port) const {
  CpuClusterSpec spec = spec_;
  spec.clock.value *= arithmetic;
  spec.core_bandwidth.value *= port;
  return std::make_shared<CpuCluster>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> CpuCluster::at_corner(Corner corner) const {
  CpuClusterSpec spec = spec_;
  move_to_corner(spec.clock, corner);
  move_to_corner(spec.vector_ops_per_cycle, corner);
  move_to_corner(spec.core_bandwidth, corner);
  spec.arithmetic.move_rates_to(corner);
  return std::make_shared<CpuCluster>(std::move(spec));
}

}  // namespace joulesim::hw
