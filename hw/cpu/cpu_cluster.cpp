#include "hw/cpu/cpu_cluster.hpp"

#include "hw/component/tiling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {
enum Cause : std::size_t { kMac, kVector, kCache, kControl, kCauses };

bool takes_part(const CoreKind& kind, const KernelUse& use) { return use.all_cores || !kind.slow; }

double threads_of(const CpuClusterSpec& spec, const KernelUse& use) {
  double threads = 0;
  for (const CoreKind& kind : spec.cores) {
    threads += takes_part(kind, use) ? static_cast<double>(kind.count) : 0;
  }
  return threads;
}

}  // namespace

CpuCluster::CpuCluster(CpuClusterSpec spec) : spec_(std::move(spec)) {
  EnergyCause mac = spec_.cores.front().arithmetic.cause();
  causes_ = {std::move(mac), EnergyCause::of("vector", Spent::arithmetic, spec_.vector_energy),
             EnergyCause::of("caches", Spent::movement, spec_.cache_energy),
             EnergyCause::of("control", Spent::control, spec_.control_energy)};
}

std::optional<std::string> CpuCluster::refusal(const Work& work) const {
  for (const CoreKind& kind : spec_.cores) {
    if (work.macs() > 0 && kind.arithmetic.find(work.type) == nullptr) {
      return refusal_of_type(spec_.part, kind.arithmetic, work.type);
    }
  }
  return std::nullopt;
}

template <class PerCore>
double CpuCluster::rate_of(const KernelUse& use, const PerCore& per_core) const {
  double sum = 0;
  double slowest = 0;
  for (const CoreKind& kind : spec_.cores) {
    if (takes_part(kind, use)) {
      const double rate = per_core(kind);
      sum += rate * static_cast<double>(kind.count);
      slowest = slowest > 0 ? std::min(slowest, rate) : rate;
    }
  }
  return use.even_split ? slowest * threads_of(spec_, use) : sum;
}

TileProgram CpuCluster::lower(const Work& work, std::size_t index,
                              const RuntimeSpec& runtime) const {
  const KernelUse& use = runtime.use;
  TileProgram program;
  program.work = index;
  program.start_ps = work.fused ? 0 : std::llround(runtime.launch.si() * 1e12);
  const Passes passes = cheapest_passes(work, spec_.cache.value.si());
  const double macs = work.macs();
  const double threads = threads_of(spec_, use);
  double vector_ops = work.elements * work.ops_per_element;
  double prepared = 0;
  double seconds = 0;
  std::vector<double> joules(kCauses);
  if (macs > 0) {
    // Rows of the output are dealt to threads; the last round may leave some idle.
    const auto outputs =
        static_cast<double>(work.kind == WorkKind::matmul ? work.n : work.sequences * work.heads);
    const double rounds = std::ceil(outputs / threads) * threads / outputs;
    const double rate = rate_of(use, [&](const CoreKind& kind) {
      return kind.arithmetic.find(work.type)->macs_per_cycle.value * kind.clock.value.si();
    });
    seconds += macs * rounds / (rate * use.product_share);
    joules[kMac] = 2 * macs * spec_.cores.front().arithmetic.find(work.type)->energy.value.si();
    joules[kControl] = 2 * macs * spec_.control_energy.value.si();
    if (work.weights_unpacked) {
      vector_ops += work.weight_elements * use.unpack_ops *
                    std::ceil(static_cast<double>(work.m) / use.unpack_rows);
      // Inputs are made ready by one core while the others wait at a barrier.
      const double serial =
          static_cast<double>(work.m) * static_cast<double>(work.k) * use.serial_ops;
      const CoreKind& first = spec_.cores.front();
      program.start_ps +=
          std::llround(serial / (first.vector_ops_per_cycle.value * first.clock.value.si()) * 1e12);
      prepared = serial;
    }
    program.mapping = fmt::format("{} threads", threads);
  }
  seconds += vector_ops / rate_of(use, [](const CoreKind& kind) {
               return kind.vector_ops_per_cycle.value * kind.clock.value.si();
             });
  joules[kVector] = (vector_ops + prepared) * spec_.vector_energy.value.si();
  const double moved = moved_bytes(work, passes);
  const double touched = moved + 2 * work.elements * work.activation_bits / 8;
  joules[kCache] = touched * spec_.cache_energy.value.si();
  // Threads that are too few to fill the memory's latency wait for their own misses.
  const double drawn =
      std::min(spec_.fabric.value.si(),
               rate_of(use, [&](const CoreKind& kind) { return spec_.core_bandwidth(kind).si(); }));
  const double waiting = moved / (drawn * use.stream_share);
  if (waiting > seconds) {
    seconds = waiting;
    program.limit = "misses under way";
  }
  constexpr double kTile = 256e3;
  const auto tiles = static_cast<std::int64_t>(std::clamp(std::ceil(moved / kTile), 1.0, 4096.0));
  spread(work, passes, tiles, std::llround(seconds * 1e12), joules, program);
  return program;
}

Bandwidth CpuCluster::memory_bandwidth() const {
  const Bandwidth all(
      rate_of({}, [&](const CoreKind& kind) { return spec_.core_bandwidth(kind).si(); }));
  return min(all, spec_.fabric.value);
}

std::optional<OpRate> CpuCluster::peak(DataType type) const {
  OpRate sum;
  for (const CoreKind& kind : spec_.cores) {
    const ArithmeticRate* rate = kind.arithmetic.find(type);
    if (rate == nullptr) {
      return std::nullopt;
    }
    sum += macs(rate->macs_per_cycle.value * static_cast<double>(kind.count)) * kind.clock.value;
  }
  return sum;
}

std::shared_ptr<const ComputeUnit> CpuCluster::scaled(double arithmetic, double port) const {
  CpuClusterSpec spec = spec_;
  for (CoreKind& kind : spec.cores) {
    kind.clock.value *= arithmetic;
    kind.misses.value *= port;
  }
  spec.fabric.value *= port;
  return std::make_shared<CpuCluster>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> CpuCluster::at_corner(Corner corner) const {
  CpuClusterSpec spec = spec_;
  for (CoreKind& kind : spec.cores) {
    move_to_corner(kind.clock, corner);
    move_to_corner(kind.misses, corner);
    move_to_corner(kind.vector_ops_per_cycle, corner);
    kind.arithmetic.move_rates_to(corner);
  }
  move_to_corner(spec.latency, corner, false);
  move_to_corner(spec.fabric, corner);
  return std::make_shared<CpuCluster>(std::move(spec));
}

}  // namespace joulesim::hw
