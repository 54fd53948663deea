#include "hw/pim/pim_banks.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace joulesim::hw {
namespace {
constexpr double kBitsOfByte = 8;
constexpr double kResultBytes = 4;  // of a sum, read by the host
double real(std::int64_t v) { return static_cast<double>(v); }
}  // namespace

PimSpec PimSpec::from(const ConfigNode& part) {
  PimSpec spec;
  spec.dram = DramPart::from(part);
  spec.read(part);
  const ConfigNode pim = part.table("pim");
  constexpr std::int64_t kMost = 1 << 16;
  spec.channels = pim.whole("channels", 1, kMost);
  spec.units = pim.whole("units", 1, kMost);
  spec.banks_of_unit = pim.whole("banks_of_unit", 1, kMost);
  spec.column_clocks = pim.whole("column_clocks", 1, kMost);
  spec.activates_at_once = pim.whole("activates_at_once", 1, kMost);
  spec.banks_in_faw = pim.whole("banks_in_faw", 4, kMost);
  if (const auto buffer = pim.figure_if<Bytes>("buffer")) {
    spec.buffer = buffer;
  } else {
    spec.columns_per_broadcast = pim.whole("columns_per_broadcast", 1, kMost);
  }
  constexpr std::int64_t kMostBits = 64;
  if (const auto bits = pim.whole_if("narrowest_weights", 1, kMostBits)) {
    spec.narrowest_weights = *bits;
  }
  if (const auto bits = pim.whole_if("widest_weights", 1, kMostBits)) {
    spec.widest_weights = *bits;
  }
  spec.power_limit = pim.figure_if<Power>("power_limit");
  spec.mode_switch = pim.figure<Time>("mode_switch");
  spec.column = pim.figure<EnergyPerByte>("column");
  if (!spec.dram.energy) {
    if (part.ok()) {
      part.error("energy", "the memory has no energy figures; expected [energy] or [currents]");
    }
    spec.dram.energy.emplace();
  }
  if (part.ok()) {
    if (spec.units * spec.banks_of_unit != spec.dram.organisation.banks()) {
      pim.error("units",
                fmt::format("{} units of {} banks each are not the channel's {} banks", spec.units,
                            spec.banks_of_unit, spec.dram.organisation.banks()));
    }
  }
  return spec;
}

PimBanks::PimBanks(PimSpec spec) : spec_(std::move(spec)) {
  causes_ = shared_causes(spec_);
  causes_.push_back(EnergyCause::of("columns", Spent::movement, spec_.column));
  causes_.push_back(EnergyCause::of("activates", Spent::movement, spec_.dram.energy->activate));
  causes_.push_back(EnergyCause::of("interface", Spent::movement, spec_.dram.energy->read));
}

Bandwidth PimBanks::inner_bandwidth() const {
  const double column = real(spec_.units * spec_.dram.organisation.burst_bytes);
  const double seconds =
      real(spec_.column_clocks) * static_cast<double>(spec_.dram.timing.tCK_fs) * 1e-15;
  return Bandwidth(real(spec_.channels) * column / seconds);
}

std::optional<std::string> PimBanks::refusal(const Work& work) const {
  // Scales beside the weights add a fraction of a bit.
  if (spec_.widest_weights > 0 && work.kind == WorkKind::matmul &&
      work.weight_bits >= real(spec_.widest_weights) + 1) {
    return fmt::format("'{}' multiplies weights of at most {} bits", spec_.part,
                       spec_.widest_weights);
  }
  return ResidentUnit::refusal(work);
}

double PimBanks::clocks_of_column(DataType type, double weight_bits, double macs_per_byte) const {
  const ArithmeticRate* rate = spec_.arithmetic.find(type);
  if (rate == nullptr) {
    return 0;
  }
  double lanes = rate->macs_per_cycle.value / real(spec_.channels * spec_.units);
  if (spec_.narrowest_weights > 0) {
    const double width =
        std::min(bits_of(type), real(std::max<std::int64_t>(1, spec_.widest_weights)));
    lanes *= std::max(1.0, width / std::max(weight_bits, real(spec_.narrowest_weights)));
  }
  const double cycles = macs_per_byte * real(spec_.dram.organisation.burst_bytes) / lanes;
  const double tCK = static_cast<double>(spec_.dram.timing.tCK_fs) * 1e-15;
  // Published clocks are rounded: a thousandth is no further clock.
  return std::ceil(cycles / spec_.clock.value.si() / tCK - 1e-3 * real(spec_.column_clocks));
}

PimSweep PimBanks::sweep(Bytes matrix, Bytes operand, double column_clocks) const {
  const DramTiming& t = spec_.dram.timing;
  const DramOrganisation& o = spec_.dram.organisation;
  PimSweep out;
  out.columns = std::ceil(matrix.si() / real(spec_.units * o.burst_bytes));
  out.rows = std::ceil(out.columns / real(o.columns()));
  // Of the units that share gates: a rank, or a pseudo-channel.
  const double together = real(spec_.units) / real(o.rank_units());
  const double commands = std::ceil(together / real(spec_.activates_at_once));
  const double apart = std::max(
      real(t.nRRDS), real(t.nFAW) * real(spec_.activates_at_once) / real(spec_.banks_in_faw));
  const double open = (commands - 1) * apart + real(t.nRCDRD);
  const double close = real(t.nRTP + std::max(t.nRP, t.nRPab));
  out.broadcasts = spec_.buffer ? std::ceil(operand.si() / real(o.burst_bytes))
                                : std::ceil(out.columns / real(spec_.columns_per_broadcast));
  const double in_row =
      std::min(out.columns, real(o.columns())) * std::max(real(spec_.column_clocks), column_clocks);
  // Registers are written between columns; a buffer before them.
  const double writes = out.broadcasts * real(t.nCCDS_WR > 0 ? t.nCCDS_WR : t.nCCDS);
  const double body = in_row + (spec_.buffer ? 0 : writes / out.rows);
  const double row =
      std::max({body, (open + body + close) / real(spec_.banks_of_unit), real(t.nRRDS)});
  // The first row is opened, and the last one closed, with nothing else under way.
  const double ends = spec_.banks_of_unit > 1 ? open + close : 0;
  out.clocks = out.rows * row + ends + (spec_.buffer ? writes : 0);
  if (t.nREFI > 0) {
    out.clocks *= 1 + (real(t.nRFC) + close) / real(t.nREFI);
  }
  return out;
}

TileProgram PimBanks::lower(const Work& work, std::size_t index, const RuntimeSpec& runtime) const {
  const double clock = static_cast<double>(spec_.dram.timing.tCK_fs) * 1e-15;
  const DramEnergy& energy = *spec_.dram.energy;
  const double channels = real(spec_.channels);
  double seconds = 0;
  double columns = 0;  // bytes that units read
  double rows = 0;     // opened, all units
  double outside = 0;  // bytes over all channels' interfaces
  const auto run = [&](double matrix, double weight_bits, double operand, double results,
                       double times) {
    if (matrix <= 0) {
      return;
    }
    const double pace = clocks_of_column(work.type, weight_bits, work.macs() / times / matrix);
    const PimSweep one = sweep(Bytes(matrix / channels), Bytes(operand), pace);
    const double read = results / channels / spec_.dram.peak.value.si();
    seconds += times * (one.clocks * clock + read);
    const double per_column = real(spec_.units * spec_.dram.organisation.burst_bytes);
    columns += times * channels * one.columns * per_column;
    rows += times * channels * one.rows * real(spec_.units);
    outside +=
        times * (channels * one.broadcasts * real(spec_.dram.organisation.burst_bytes) + results);
  };
  const double operand = bits_of(work.type) / kBitsOfByte;
  if (work.kind == WorkKind::matmul) {
    run(work.weight_elements * work.weight_bits / kBitsOfByte, work.weight_bits,
        real(work.k) * operand, real(work.n) * kResultBytes, real(work.m));
  } else if (work.kind == WorkKind::attention) {
    double cache = 0;
    for (const DataStream& stream : work.streams) {
      cache += stream.role == DataStream::Role::kv_read ? static_cast<double>(stream.bytes()) : 0;
    }
    // Every query head that shares a key head takes a pass over that head's cache.
    const double sharing = real(work.heads / work.kv_heads * work.q_len);
    const double scores = work.pairs * real(work.heads * work.sequences) * operand;
    const double kept = real(2 * work.sequences * work.kv_heads * work.head_dim * work.kv_len);
    run(cache, cache * kBitsOfByte / kept, real(work.kv_len) * operand,
        2 * scores / std::max(1.0, sharing), sharing);
  }
  if (work.macs() > 0) {
    seconds += 2 * spec_.mode_switch.value.si();
  }
  if (spec_.vector_rate) {
    seconds += work.elements * work.ops_per_element / spec_.vector_rate->value.si();
  }
  std::vector<double> joules = shared_joules(work);
  joules[kFirstOwn] = columns * spec_.column.value.si();
  joules[kFirstOwn + 1] = rows * energy.activate.value.si();
  joules[kFirstOwn + 2] = outside * (energy.read.value.si() +
                                     (spec_.dram.host ? spec_.dram.host->transfer.value.si() : 0));
  std::string limit = "banks";
  if (spec_.power_limit) {
    const double least =
        std::accumulate(joules.begin(), joules.end(), 0.0) / spec_.power_limit->value.si();
    limit = least > seconds ? "power" : limit;
    seconds = std::max(seconds, least);
  }
  TileProgram result = program(work, index, runtime, Time(seconds), std::move(joules));
  result.limit = limit;
  result.mapping =
      fmt::format("all banks of {} channels, {} units a channel", spec_.channels, spec_.units);
  return result;
}

std::shared_ptr<const ComputeUnit> PimBanks::at_corner(Corner corner) const {
  PimSpec spec = spec_;
  move_to_corner(spec.mode_switch, corner, false);
  return std::make_shared<PimBanks>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> PimBanks::scaled(double /*arithmetic*/, double /*port*/) const {
  // The memory's commands pace it: neither a faster unit nor a wider port changes that.
  return std::make_shared<PimBanks>(spec_);
}

}  // namespace joulesim::hw
