// A product on two units: do the parts make up the whole, do both end together, and is a cut left
// alone that does not pay?
#include "hw/component/split_work.hpp"

#include "hw/component/tiling.hpp"
#include "hw/component/unit_group.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <memory>
#include <string>
#include <utility>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

// Multiplies at a rate and draws from memory at another.
class PlainUnit final : public ComputeUnit {
 public:
  PlainUnit(std::string name, double macs, double bandwidth)
      : name_(std::move(name)), macs_(macs), bandwidth_(bandwidth) {}
  const std::string& name() const override { return name_; }
  const std::string& title() const override { return name_; }
  std::optional<std::string> refusal(const Work& work) const override {
    return work.type == DataType::int8 ? std::nullopt : std::optional<std::string>(name_ + " no");
  }
  TileProgram lower(const Work& work, std::size_t index,
                    const RuntimeSpec& runtime) const override {
    TileProgram program;
    program.work = index;
    program.start_ps = std::llround(runtime.launch.si() * 1e12);
    spread(work, Passes{}, 4, std::llround(work.macs() / macs_ * 1e12), {work.macs() * 1e-12},
           program);
    return program;
  }
  const std::vector<EnergyCause>& causes() const override { return causes_; }
  Sourced<Power> idle_power() const override { return {}; }
  Sourced<Power> active_power() const override {
    Sourced<Power> power;
    power.value = Power(2);
    return power;
  }
  std::optional<OpRate> peak(DataType) const override { return std::nullopt; }
  std::vector<DataType> types() const override { return {DataType::int8}; }
  bool arithmetic_assumed() const override { return false; }
  bool memory_assumed() const override { return false; }
  Bytes local_memory() const override { return Bytes(1e6); }
  Bandwidth port_bandwidth() const override { return Bandwidth(bandwidth_); }
  int tile_buffers() const override { return 2; }
  std::shared_ptr<const ComputeUnit> scaled(double, double) const override { return nullptr; }
  std::shared_ptr<const ComputeUnit> at_corner(Corner) const override { return nullptr; }

 private:
  std::string name_;
  std::vector<EnergyCause> causes_ = {{"mac", Spent::arithmetic, false, 1, 1}};
  double macs_, bandwidth_;
};

Work product(std::int64_t m, std::int64_t n, std::int64_t k) {
  Work work;
  work.kind = WorkKind::matmul;
  work.type = DataType::int8;
  work.weight_bits = work.activation_bits = 8;
  work.m = m;
  work.n = n;
  work.k = k;
  work.weight_elements = static_cast<double>(n * k);
  const auto bytes = static_cast<std::uint64_t>(n * k);
  const auto in = static_cast<std::uint64_t>(m * k);
  const auto out = static_cast<std::uint64_t>(m * n);
  work.streams = {{DataStream::Role::weight, 0, 4096, bytes, bytes, 1},
                  {DataStream::Role::activation_in, 0, 1U << 30U, in, in, 1},
                  {DataStream::Role::activation_out, 0, 1U << 31U, out, out, 1}};
  return work;
}

MemoryView memory(double stream) {
  MemoryView view;
  view.peak = view.stream = Bandwidth(stream);
  return view;
}

UnitGroup group(double second_macs, double second_bandwidth, std::optional<double> share,
                SplitBy by = SplitBy::columns, Time handover = Time(0)) {
  GroupPlan plan;
  plan.handover = handover;
  plan.split.emplace();
  plan.split->by = by;
  plan.split->share = share;
  return UnitGroup({{"a", std::make_shared<PlainUnit>("a", 1e12, 40e9)},
                    {"b", std::make_shared<PlainUnit>("b", second_macs, second_bandwidth)}},
                   plan);
}

double joules(const TileProgram& program, std::size_t cause) {
  double sum = 0;
  for (const TileRun& run : program.runs) {
    sum += static_cast<double>(run.count) * run.joules.at(cause);
  }
  return sum;
}

}  // namespace

TEST_CASE("columns: weights and outputs are shared out behind each other, inputs read by both") {
  const Work whole = product(4, 4096, 1024);
  const DealtWork dealt = deal(whole, SplitBy::columns, 1024);
  CHECK(dealt.own.n == 3072);
  CHECK(dealt.other.n == 1024);
  CHECK(dealt.own.macs() + dealt.other.macs() == whole.macs());
  CHECK(dealt.own.weight_elements + dealt.other.weight_elements == whole.weight_elements);
  for (const std::size_t i : {0, 2}) {
    CHECK(dealt.own.streams[i].bytes() == whole.streams[i].bytes() / 4 * 3);
    CHECK(dealt.other.streams[i].bytes() == whole.streams[i].bytes() / 4);
    CHECK(dealt.own.streams[i].base == whole.streams[i].base);
    CHECK(dealt.other.streams[i].base == whole.streams[i].base + dealt.own.streams[i].bytes());
  }
  CHECK(dealt.own.streams[1].bytes() == whole.streams[1].bytes());
  CHECK(dealt.other.streams[1].bytes() == whole.streams[1].bytes());
}

TEST_CASE("rows: inputs and outputs are shared out, weights read by both") {
  const Work whole = product(64, 512, 1024);
  const DealtWork dealt = deal(whole, SplitBy::rows, 16);
  CHECK(dealt.own.m == 48);
  CHECK(dealt.other.m == 16);
  CHECK(dealt.own.macs() + dealt.other.macs() == whole.macs());
  CHECK(dealt.own.streams[0].bytes() == whole.streams[0].bytes());
  CHECK(dealt.other.streams[0].bytes() == whole.streams[0].bytes());
  for (const std::size_t i : {1, 2}) {
    CHECK(dealt.other.streams[i].bytes() == whole.streams[i].bytes() / 4);
    CHECK(dealt.own.streams[i].bytes() + dealt.other.streams[i].bytes() ==
          whole.streams[i].bytes());
  }
}

TEST_CASE("experts, scattered weights and attention are not cut") {
  Work experts = product(4, 4096, 1024);
  experts.experts = 8;
  CHECK(steps_of(experts, SplitBy::columns) == 0);
  Work scattered = product(4, 4096, 1024);
  scattered.streams[0].count = 2;
  CHECK(steps_of(scattered, SplitBy::columns) == 0);
  Work attention = product(4, 4096, 1024);
  attention.kind = WorkKind::attention;
  CHECK(steps_of(attention, SplitBy::columns) == 0);
  CHECK(steps_of(product(4, 4096, 1024), SplitBy::columns) == 128);
  CHECK(steps_of(product(4, 4096, 1024), SplitBy::rows) == 4);
}

TEST_CASE("a balanced share is that of what each unit draws, in front of a memory that has both") {
  // 40 and 20 GB/s of weights: a third for the second.
  const UnitGroup both = group(1e12, 20e9, std::nullopt);
  const Work work = product(1, 12288, 4096);
  const std::int64_t given = both.given_to_partner(memory(100e9), work, {});
  CHECK(static_cast<double>(given) == Approx(12288 / 3.0).epsilon(0.01));
  const SharedWork shared = both.share(memory(100e9), work, given, {});
  const ProgramTime own =
      time_alone(shared.own_program, shared.own, PlainUnit("a", 1e12, 40e9), memory(100e9));
  const ProgramTime other =
      time_alone(shared.other_program, shared.other, PlainUnit("b", 1e12, 20e9), memory(100e9));
  CHECK(own.busy / other.busy == Approx(1).epsilon(0.02));
}

TEST_CASE("a balanced share by arithmetic, where that holds both up") {
  // 64 rows: 1 and 0.25 T a second.
  const UnitGroup both = group(0.25e12, 40e9, std::nullopt);
  const std::int64_t given = both.given_to_partner(memory(200e9), product(1024, 4096, 4096), {});
  CHECK(static_cast<double>(given) == Approx(4096 / 5.0).epsilon(0.05));
}

TEST_CASE("nothing is given away that the memory or the hand-over would take back") {
  const Work work = product(1, 12288, 4096);
  // The first unit alone draws all that there is.
  CHECK(group(1e12, 40e9, std::nullopt).given_to_partner(memory(40e9), work, {}) == 0);
  // 50 MB at 40 GB/s are 1.26 ms; a hand-over of 1 ms each way is no gain.
  CHECK(group(1e12, 40e9, std::nullopt, SplitBy::columns, Time(1e-3))
            .given_to_partner(memory(100e9), work, {}) == 0);
  CHECK(group(1e12, 40e9, std::nullopt, SplitBy::columns, Time(10e-6))
            .given_to_partner(memory(100e9), work, {}) > 5000);
}

TEST_CASE("a stated share is kept, and so are the kinds that are split") {
  UnitGroup stated = group(1e12, 20e9, 0.25);
  CHECK(stated.given_to_partner(memory(40e9), product(1, 4096, 4096), {}) == 1024);
  GroupPlan plan;
  plan.split.emplace();
  plan.split->share = 0.5;
  plan.split->products = false;
  const UnitGroup small({{"a", std::make_shared<PlainUnit>("a", 1e12, 40e9)},
                         {"b", std::make_shared<PlainUnit>("b", 1e12, 20e9)}},
                        plan);
  CHECK(small.given_to_partner(memory(40e9), product(1, 4096, 4096), {}) == 2048);
  CHECK(small.given_to_partner(memory(40e9), product(64, 4096, 4096), {}) == 0);
  Work floats = product(1, 4096, 4096);
  floats.type = DataType::fp16;  // neither has it
  CHECK(small.given_to_partner(memory(40e9), floats, {}) == 0);
}

TEST_CASE("joules of both parts are the whole's, each under its owner, and the partner's power") {
  const UnitGroup both = group(1e12, 20e9, 0.25);
  const Work work = product(1, 4096, 4096);
  const SharedWork shared = both.share(memory(100e9), work, 1024, {});
  REQUIRE(both.causes().size() == 3);
  CHECK(both.owner_of(0).name == "a");
  CHECK(both.owner_of(1).name == "b");
  CHECK(both.owner_of(2).name == "b");
  CHECK(both.own_name_of(1) == "mac");
  CHECK(both.own_name_of(2) == "at work");
  CHECK(joules(shared.own_program, 0) == Approx(0.75 * work.macs() * 1e-12));
  CHECK(joules(shared.own_program, 1) == 0);
  CHECK(joules(shared.other_program, 1) == Approx(0.25 * work.macs() * 1e-12));
  CHECK(joules(shared.other_program, 0) == 0);
  CHECK(joules(shared.other_program, 2) ==
        Approx(2 * static_cast<double>(shared.other_program.compute_ps()) * 1e-12));
}

TEST_CASE("inputs on chip are written out for the partner, and its outputs read in") {
  const UnitGroup both = group(1e12, 20e9, 0.25, SplitBy::columns, Time(1e-6));
  Work work = product(8, 4096, 4096);
  const auto start_and_drain = [&] {
    const SharedWork shared = both.share(memory(100e9), work, 1024, {});
    return std::pair(static_cast<double>(shared.other_program.start_ps) * 1e-12,
                     static_cast<double>(shared.other_program.drain_ps) * 1e-12);
  };
  CHECK(start_and_drain().first == Approx(1e-6));
  work.streams.resize(1);
  CHECK(start_and_drain().first == Approx(1e-6 + 8 * 4096 / 40e9));
  CHECK(start_and_drain().second == Approx(1e-6 + 8 * 1024 / 40e9));
}
