// A plug-in to copy: dot-product engines, `model = "dot_engine"` (hw/component/plugin.hpp).
//
// Models:      an array of lanes, each with multipliers by type, whose sums meet in a tree of
// adders:
//              a dot product of length k takes ceil(k / products a cycle) cycles, one after the
//              other; vector operators go over the lanes; operands stream from memory through a
//              double buffer at a given rate. Energy per multiplication, vector operation and byte
//              that goes in and out of the buffer; standing power.
// Leaves out:  bank conflicts of the buffer, sparsity.
// Checked by:  tests/plugin/plugin.cpp: closed forms of time and energy.
#include "hw/component/plugin.hpp"

#include <cmath>
#include <memory>
#include <string>
#include <utility>

namespace dot_engine {

using namespace joulesim;
using namespace joulesim::hw;

// What a part file says. Each figure has its unit checked here, and its source kept.
struct Spec {
  std::string part, title;
  double lanes = 1;
  Sourced<Frequency> clock;
  Arithmetic arithmetic;  // of a lane
  Sourced<EnergyPerOp> vector_energy;
  Sourced<Bytes> buffer;
  Sourced<EnergyPerByte> buffer_energy;
  Sourced<Bandwidth> stream;
  Sourced<Power> idle, active;

  static Spec from(const ConfigNode& file) {
    Spec spec;
    spec.part = file.text("part");
    spec.title = file.text("title");
    const ConfigNode lanes = file.table("lanes");
    spec.lanes = static_cast<double>(lanes.whole("count", 1, 1 << 20));
    spec.clock = lanes.figure<Frequency>("clock");
    spec.arithmetic = Arithmetic::from(file);
    spec.vector_energy = file.table("vector").figure<EnergyPerOp>("energy");
    const ConfigNode buffer = file.table("buffer");
    spec.buffer = buffer.figure<Bytes>("capacity");
    spec.buffer_energy = buffer.figure<EnergyPerByte>("energy");
    spec.stream = file.table("stream").figure<Bandwidth>("bandwidth");
    const ConfigNode power = file.table("power");
    spec.idle = power.figure_or_zero<Power>("idle");
    spec.active = power.figure<Power>("active");
    if (spec.lanes > 1 << 16) {  // a kind's own fault: at the key, and reading goes on
      lanes.error("count", "more than 65536 lanes; expected a tree of at most 16 levels");
    }
    return spec;
  }
};

class DotEngine final : public ComputeUnit {
 public:
  static constexpr const char* kModel = "dot_engine";
  explicit DotEngine(Spec spec) : spec_(std::move(spec)) {
    causes_ = {spec_.arithmetic.cause(),
               EnergyCause::of("vector", Spent::arithmetic, spec_.vector_energy),
               EnergyCause::of("buffer", Spent::movement, spec_.buffer_energy)};
  }

  const std::string& name() const override { return spec_.part; }
  const std::string& title() const override { return spec_.title; }

  std::optional<std::string> refusal(const Work& work) const override {
    if (work.macs() > 0 && spec_.arithmetic.find(work.type) == nullptr) {
      return refusal_of_type(spec_.part, spec_.arithmetic, work.type);
    }
    return std::nullopt;
  }

  TileProgram lower(const Work& work, std::size_t index,
                    const RuntimeSpec& runtime) const override {
    // Half of the buffer holds what is kept of a product, the other half two tiles under way.
    const double room = spec_.buffer.value.si() / 4;
    const Passes passes = cheapest_passes(work, 2 * room);
    const double moved = moved_bytes(work, passes);

    // Dot products one after the other, then vector operations over all lanes.
    double cycles = std::ceil(work.elements * work.ops_per_element / spec_.lanes);
    std::vector<double> joules(causes_.size());
    if (work.macs() > 0) {
      const ArithmeticRate& rate = *spec_.arithmetic.find(work.type);
      const auto length =
          static_cast<double>(work.kind == WorkKind::attention ? work.head_dim : work.k);
      const double width = spec_.lanes * rate.macs_per_cycle.value;
      cycles += work.macs() / length * std::ceil(length / width);
      joules[kMac] = 2 * work.macs() * rate.energy.value.si();
    }
    joules[kVector] = work.elements * work.ops_per_element * spec_.vector_energy.value.si();
    joules[kBuffer] = 2 * moved * spec_.buffer_energy.value.si();  // in and out

    TileProgram program;
    program.work = index;
    program.start_ps = work.fused ? 0 : picoseconds(runtime.launch);
    program.drain_ps = work.macs() > 0 ? in_cycles(std::ceil(std::log2(spec_.lanes))) : 0;
    const auto tiles = static_cast<std::int64_t>(std::ceil(moved / room));
    spread(work, passes, tiles, in_cycles(cycles), joules, program);
    program.mapping = "dot products in order, weights streamed";
    return program;
  }

  const std::vector<EnergyCause>& causes() const override { return causes_; }
  Sourced<Power> idle_power() const override { return spec_.idle; }
  Sourced<Power> active_power() const override { return spec_.active; }

  std::optional<OpRate> peak(DataType type) const override {
    const ArithmeticRate* rate = spec_.arithmetic.find(type);
    return rate == nullptr
               ? std::nullopt
               : std::optional(macs(spec_.lanes * rate->macs_per_cycle.value) * spec_.clock.value);
  }
  std::vector<DataType> types() const override { return spec_.arithmetic.types(); }

  Bytes local_memory() const override { return spec_.buffer.value / 2; }
  Bandwidth port_bandwidth() const override { return spec_.stream.value; }
  bool arithmetic_assumed() const override { return is_assumed(spec_.clock); }
  bool memory_assumed() const override { return is_assumed(spec_.stream); }
  int tile_buffers() const override { return 2; }

  std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override {
    Spec spec = spec_;
    move_to_corner(spec.clock, corner);
    move_to_corner(spec.stream, corner);
    spec.arithmetic.move_rates_to(corner);
    return std::make_shared<const DotEngine>(std::move(spec));
  }
  std::shared_ptr<const ComputeUnit> scaled(double arithmetic, double port) const override {
    Spec spec = spec_;
    spec.clock.value *= arithmetic;
    spec.stream.value *= port;
    return std::make_shared<const DotEngine>(std::move(spec));
  }

 private:
  enum Cause : std::size_t { kMac, kVector, kBuffer };  // the order of causes_
  static std::int64_t picoseconds(Time time) { return std::llround(time.si() * 1e12); }
  std::int64_t in_cycles(double cycles) const {
    return picoseconds(Time(cycles / spec_.clock.value.si()));
  }

  Spec spec_;
  std::vector<EnergyCause> causes_;
};

void add_kinds(Registry& kinds) {
  kinds.add(unit_kind<DotEngine, Spec>("lanes of multipliers and a tree of adders: dot products"));
}

}  // namespace dot_engine

JOULESIM_PLUGIN(dot_engine::add_kinds)
