#include "hw/npu/systolic_npu.hpp"

#include "hw/component/tiling.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::hw {
namespace {
enum Cause : std::size_t { kMac, kVector, kScratchpad, kControl, kCauses };

// A stated peak is the rate of one of the types.
void check_peak(const ConfigNode& array, OpRate peak, const SystolicNpuSpec& spec) {
  constexpr double kTolerance = 0.01;
  std::vector<std::string> rates;
  for (const DataType type : spec.arithmetic.types()) {
    const double cycle = spec.arithmetic.find(type)->macs_per_cycle.value;
    const OpRate rate = macs(cycle * static_cast<double>(spec.arrays)) * spec.clock.value;
    if (std::abs(rate / peak - 1) <= kTolerance) {
      return;
    }
    rates.push_back(
        fmt::format("{} in {} ({:g} MACs a clock and array)", format(rate), name_of(type), cycle));
  }
  array.error("peak", fmt::format("'peak' is {}, but {} arrays at {} give {}; expected one of them "
                                  "to agree within 1 %",
                                  format(peak), spec.arrays, format(spec.clock.value),
                                  fmt::join(rates, ", ")));
}

}  // namespace

SystolicNpuSpec SystolicNpuSpec::from(const ConfigNode& part) {
  SystolicNpuSpec spec;
  spec.part = part.text("part");
  spec.title = part.text("title");
  const ConfigNode array = part.table("array");
  constexpr std::int64_t kMost = 1 << 20;
  spec.arrays = array.whole("arrays", 1, kMost);
  spec.rows = array.whole("rows", 1, kMost);
  spec.columns = array.whole("columns", 1, kMost);
  spec.clock = array.figure<Frequency>("clock");
  spec.weight_rows_per_cycle = array.count("weight_rows_per_cycle");
  spec.cores = array.whole_if("cores", 1, kMost).value_or(1);
  if (array.ok() && spec.arrays % spec.cores != 0) {
    array.error("cores", fmt::format("{} arrays do not belong to {} cores in equal parts",
                                     spec.arrays, spec.cores));
  }
  if (array.choice_if("dataflow", {"weight_stationary", "output_stationary"})
          .value_or("weight_stationary") == "output_stationary") {
    spec.dataflow = Dataflow::output_stationary;
  }
  if (array.choice_if("split", {"halving", "longer_side"}).value_or("halving") == "longer_side") {
    spec.split = TileSplit::longer_side;
  }
  const auto peak = array.figure_if<OpRate>("peak");  // there to be cross-checked
  if (peak) {
    (void)array.figure_if<Ops>("one_mac");
  }
  spec.arithmetic = Arithmetic::from(part);
  if (peak && part.ok()) {
    check_peak(array, peak->value, spec);
  }
  const ConfigNode vector = part.table("vector");
  spec.vector_ops_per_cycle = vector.count("ops_per_cycle");
  spec.vector_energy = vector.figure<EnergyPerOp>("energy");
  spec.control_energy = part.table("control").figure<EnergyPerOp>("energy");
  const ConfigNode scratchpad = part.table("scratchpad");
  spec.scratchpad = scratchpad.figure<Bytes>("capacity");
  spec.scratchpad_read = scratchpad.figure<EnergyPerByte>("read");
  spec.scratchpad_write = scratchpad.figure<EnergyPerByte>("write");
  if (const auto accumulator = part.table_if("accumulator")) {
    spec.accumulator = accumulator->figure<Bytes>("capacity");
  } else {
    // Sums lie in the scratchpad: the reference proportion of one to eight.
    spec.accumulator = spec.scratchpad;
    spec.accumulator.value *= 0.125;
  }
  if (const auto weights = part.table_if("weights")) {
    spec.unpack = weights->figure_if<Bandwidth>("unpack");
    spec.parameter_cache = weights->figure_if<Bytes>("parameter_cache");
  }
  const ConfigNode dma = part.table("dma");
  spec.port = dma.figure<Bandwidth>("bandwidth");
  spec.memory = dma.figure<Bandwidth>("memory_bandwidth");
  spec.tile = dma.figure<Bytes>("tile");
  spec.link = dma.figure_if<EnergyPerByte>("link");
  spec.buffers = static_cast<int>(dma.whole("buffers", 2, 64));
  const ConfigNode power = part.table("power");
  spec.idle = power.figure_or_zero<Power>("idle");
  spec.active = power.figure<Power>("active");
  if (part.ok() && spec.tile.value * static_cast<double>(spec.buffers) > spec.scratchpad.value) {
    dma.error("tile", fmt::format("{} tiles of {} do not fit the scratchpad of {}", spec.buffers,
                                  format(spec.tile.value), format(spec.scratchpad.value)));
  }
  return spec;
}

SystolicNpu::SystolicNpu(SystolicNpuSpec spec) : spec_(std::move(spec)) {
  causes_ = {spec_.arithmetic.cause(),
             EnergyCause::of("vector", Spent::arithmetic, spec_.vector_energy),
             EnergyCause::of("scratchpad", Spent::movement, spec_.scratchpad_read),
             EnergyCause::of("control", Spent::control, spec_.control_energy)};
  if (spec_.link) {
    causes_.push_back(EnergyCause::of("link", Spent::movement, *spec_.link));
  }
}

std::optional<std::string> SystolicNpu::refusal(const Work& work) const {
  if (work.macs() > 0 && spec_.arithmetic.find(work.type) == nullptr) {
    return refusal_of_type(spec_.part, spec_.arithmetic, work.type);
  }
  return std::nullopt;
}

ArrayTiming SystolicNpu::array(double rate) const {
  return {spec_.dataflow, spec_.rows, spec_.columns, rate, spec_.weight_rows_per_cycle.value};
}

double SystolicNpu::product_cycles(double m, double n, double k, double rate) const {
  const auto rows = static_cast<double>(spec_.rows);
  const auto columns = static_cast<double>(spec_.columns);
  const bool weights = spec_.dataflow == Dataflow::weight_stationary;
  const double blocks = std::ceil((weights ? k : m) / rows) * std::ceil(n / columns);
  const double rounds = std::ceil(blocks / static_cast<double>(spec_.arrays));
  return rounds * std::max((weights ? m : k) / rate,
                           weights ? array(rate).preload() : static_cast<double>(spec_.rows));
}

bool SystolicNpu::pinned(const DataStream& stream) const {
  // The compiler fills the cache with the model's first weights, in the order of their addresses.
  return spec_.parameter_cache && stream.role == DataStream::Role::weight && stream.tier >= 0 &&
         static_cast<double>(stream.base + stream.stride * stream.count) <=
             spec_.parameter_cache->value.si();
}

std::int64_t SystolicNpu::to_ps(double cycles) const {
  return std::llround(cycles / spec_.clock.value.si() * 1e12);
}

TileProgram SystolicNpu::lower(const Work& asked, std::size_t index,
                               const RuntimeSpec& runtime) const {
  Work work = asked;
  double kept = 0;  // bytes of weights that the parameter cache holds
  for (DataStream& stream : work.streams) {
    if (pinned(stream)) {
      kept += static_cast<double>(stream.bytes());
      stream.tier = -1;
    }
  }
  TileProgram program;
  program.work = index;
  program.start_ps = work.fused ? 0 : std::llround(runtime.launch.si() * 1e12);
  const Passes passes = cheapest_passes(work, spec_.scratchpad.value.si());
  const double vector_ops = work.elements * work.ops_per_element;
  const double macs = work.macs();
  const ArithmeticRate* arithmetic = macs > 0 ? spec_.arithmetic.find(work.type) : nullptr;
  const double pes = static_cast<double>(spec_.rows * spec_.columns);
  const double rate = arithmetic != nullptr ? arithmetic->macs_per_cycle.value / pes : 1;
  const double operand = bits_of(work.type) / 8;
  const auto rows = static_cast<double>(spec_.rows);
  const auto columns = static_cast<double>(spec_.columns);

  double cycles = vector_ops / spec_.vector_ops_per_cycle.value;
  double read = 0;  // scratchpad bytes
  double written = 0;
  const auto product = [&](double m, double n, double k) {
    cycles += product_cycles(m, n, k, rate) / runtime.use.product_share;
    const double weight_tiles = std::ceil(k / rows) * std::ceil(n / columns);
    constexpr double kAccumulator = 4;  // bytes of a partial sum
    read += n * k * operand + weight_tiles * m * rows * operand +
            std::ceil(k / rows) * m * n * kAccumulator;
    written += std::ceil(k / rows) * m * n * kAccumulator;
  };
  switch (work.kind) {
    case WorkKind::matmul:
      product(static_cast<double>(work.m), static_cast<double>(work.n),
              static_cast<double>(work.k));
      program.mapping =
          fmt::format("{}-stationary {}x{} on {} arrays",
                      spec_.dataflow == Dataflow::weight_stationary ? "weight" : "output",
                      spec_.rows, spec_.columns, spec_.arrays);
      break;
    case WorkKind::attention: {
      // Query heads that share a key head are stacked; the causal half is skipped in proportion.
      const double groups = static_cast<double>(work.sequences * work.kv_heads);
      const double stacked = static_cast<double>(work.heads / work.kv_heads * work.q_len);
      const double seen = work.pairs / static_cast<double>(work.q_len);
      const auto d = static_cast<double>(work.head_dim);
      const double before = cycles;
      product(stacked, seen, d);
      product(stacked, d, seen);
      cycles = before + (cycles - before) * groups;
      read *= groups;
      written *= groups;
      program.mapping = "heads in turn, scores kept in the scratchpad";
      break;
    }
    default:
      read += work.elements * work.activation_bits / 8;
      written += work.elements * work.activation_bits / 8;
      break;
  }
  double loaded = 0;
  for (const DataStream& stream : work.streams) {
    if (stream.tier >= 0 && !stream.writes()) {
      loaded += static_cast<double>(stream.bytes());
    }
  }
  written += loaded;
  read += kept;
  if (spec_.unpack && work.weights_unpacked) {
    const double unpacked = work.weight_elements * operand;
    cycles = std::max(cycles, unpacked / spec_.unpack->value.si() * spec_.clock.value.si());
  }
  if (macs > 0) {
    program.drain_ps = to_ps(rows + columns - 2);
  }
  std::vector<double> joules(kCauses);
  if (arithmetic != nullptr) {
    joules[kMac] = 2 * macs * arithmetic->energy.value.si();
    joules[kControl] = 2 * macs * spec_.control_energy.value.si();
  }
  joules[kVector] = vector_ops * spec_.vector_energy.value.si();
  joules[kScratchpad] =
      read * spec_.scratchpad_read.value.si() + written * spec_.scratchpad_write.value.si();
  const double moved = moved_bytes(work, passes);
  if (spec_.link) {
    joules.push_back(moved * spec_.link->value.si());
  }
  const auto tiles = static_cast<std::int64_t>(std::ceil(moved / spec_.tile.value.si()));
  spread(work, passes, tiles, to_ps(cycles), joules, program);
  return program;
}

std::optional<OpRate> SystolicNpu::peak(DataType type) const {
  const ArithmeticRate* rate = spec_.arithmetic.find(type);
  if (rate == nullptr) {
    return std::nullopt;
  }
  return macs(rate->macs_per_cycle.value * static_cast<double>(spec_.arrays)) * spec_.clock.value;
}

std::shared_ptr<const ComputeUnit> SystolicNpu::scaled(double arithmetic, double port) const {
  SystolicNpuSpec spec = spec_;
  spec.clock.value *= arithmetic;
  spec.port.value *= port;
  spec.memory.value *= port;
  return std::make_shared<SystolicNpu>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> SystolicNpu::at_corner(Corner corner) const {
  SystolicNpuSpec spec = spec_;
  move_to_corner(spec.clock, corner);
  move_to_corner(spec.weight_rows_per_cycle, corner);
  move_to_corner(spec.vector_ops_per_cycle, corner);
  move_to_corner(spec.port, corner);
  move_to_corner(spec.memory, corner);
  if (spec.unpack) {
    move_to_corner(*spec.unpack, corner);
  }
  if (spec.parameter_cache) {
    move_to_corner(*spec.parameter_cache, corner);
  }
  spec.arithmetic.move_rates_to(corner);
  return std::make_shared<SystolicNpu>(std::move(spec));
}

}  // namespace joulesim::hw
