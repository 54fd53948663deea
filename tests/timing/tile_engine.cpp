// Does the tile engine overlap loads and computing as far as its buffers go, and no further?
#include "hw/component/tile_engine.hpp"

#include "tests/timing/tile_memory.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using joulesim::hw::testing::TileMemory;

namespace {

constexpr std::int64_t kNs = 1000;
constexpr std::int64_t kUs = 1000 * kNs;

// A unit that only says how many buffers it has and how wide its port is.
class PlainUnit final : public ComputeUnit {
 public:
  PlainUnit(int buffers, double port) : buffers_(buffers), port_(port) {}
  const std::string& name() const override { return name_; }
  const std::string& title() const override { return name_; }
  std::optional<std::string> refusal(const Work&) const override { return std::nullopt; }
  TileProgram lower(const Work&, std::size_t, const RuntimeSpec&) const override { return {}; }
  const std::vector<EnergyCause>& causes() const override { return causes_; }
  Sourced<Power> idle_power() const override { return {}; }
  Sourced<Power> active_power() const override { return {}; }
  std::optional<OpRate> peak(DataType) const override { return std::nullopt; }
  std::vector<DataType> types() const override { return {}; }
  bool arithmetic_assumed() const override { return false; }
  bool memory_assumed() const override { return false; }
  Bytes local_memory() const override { return Bytes(0); }
  Bandwidth port_bandwidth() const override { return port_; }
  int tile_buffers() const override { return buffers_; }
  std::shared_ptr<const ComputeUnit> scaled(double, double) const override { return nullptr; }
  std::shared_ptr<const ComputeUnit> at_corner(Corner) const override { return nullptr; }

 private:
  std::string name_ = "plain";
  std::vector<EnergyCause> causes_ = {{"mac", Spent::arithmetic, false, 1, 1}};
  int buffers_;
  Bandwidth port_;
};

struct Setup {
  int buffers = 2;
  double port = 1e15;  // as good as unlimited
  bool prefetch = false;
  std::int64_t latency = 0;
  std::int64_t bytes_per_us = 1000;  // a kilobyte takes a microsecond
};

class Bench : public sc_core::sc_module {
 public:
  PlainUnit unit;
  RuntimeSpec runtime;
  std::unique_ptr<TileEngine> engine;
  TileMemory memory;
  std::vector<Work> works;
  std::vector<TileProgram> programs;
  std::int64_t done_ps = -1;
  int steps = 1;

  explicit Bench(const Setup& setup)
      : sc_module(sc_core::sc_module_name(sc_core::sc_gen_unique_name("bench"))),
        unit(setup.buffers, setup.port),
        memory("memory", setup.latency, setup.bytes_per_us) {
    SC_HAS_PROCESS(Bench);
    runtime.prefetch_weights = setup.prefetch;
    engine = std::make_unique<TileEngine>("engine", unit, runtime, 1);
    engine->socket(0).bind(memory.socket);
    SC_THREAD(drive);
  }

  // A program of `count` equal tiles on a stream of its own.
  TileProgram& add(DataStream::Role role, std::int64_t count, std::uint64_t bytes,
                   std::int64_t compute_ps) {
    DataStream stream;
    stream.role = role;
    stream.tier = 0;
    stream.base = next_base_;
    stream.chunk = stream.stride = bytes * static_cast<std::uint64_t>(count);
    next_base_ += 1 << 24;
    Work work;
    work.streams = {stream};
    TileProgram program;
    program.work = works.size();
    TileRun run;
    run.count = count;
    run.compute_ps = compute_ps;
    run.joules = {2.0};
    (stream.writes() ? run.stores : run.loads) = {{0, bytes}};
    program.runs = {run};
    works.push_back(work);
    programs.push_back(program);
    return programs.back();
  }

  std::int64_t run() {
    sc_core::sc_start();
    REQUIRE(done_ps >= 0);
    return done_ps;
  }

 private:
  void drive() {
    for (int i = 0; i < steps; ++i) {
      engine->submit(works, programs);
      wait(engine->done());
    }
    done_ps = static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
  }
  std::uint64_t next_base_ = 0;
};

constexpr auto kWeight = DataStream::Role::weight;
constexpr auto kIn = DataStream::Role::activation_in;
constexpr auto kOut = DataStream::Role::activation_out;

}  // namespace

TEST_CASE("a compute-bound program takes one load and all its computing") {
  Bench bench({});
  bench.add(kWeight, 10, 1000, 3 * kUs);
  CHECK(bench.run() == 1 * kUs + 10 * 3 * kUs);
  CHECK(bench.engine->compute_ps() == 30 * kUs);
  CHECK(bench.engine->traces()[0].starved_ps == 1 * kUs);
  CHECK(bench.engine->traces()[0].compute_ps == 30 * kUs);
  CHECK(bench.engine->joules()[0] == 20.0);
}

TEST_CASE("a memory-bound program takes all its loads and one computing") {
  Bench bench({});
  bench.add(kWeight, 10, 1000, 400 * kNs);
  CHECK(bench.run() == 10 * kUs + 400 * kNs);
  CHECK(bench.memory.bytes(false) == 10000);
}

TEST_CASE("with one buffer loads and computing take turns") {
  Setup setup;
  setup.buffers = 1;
  Bench bench(setup);
  bench.add(kWeight, 10, 1000, 700 * kNs);
  CHECK(bench.run() == 10 * (1 * kUs + 700 * kNs));
}

TEST_CASE("n buffers hide a latency of n - 1 loads") {
  // A load takes 100 ns on the wire and 900 ns of latency: n tiles in flight give n per 1000 ns
  // until the wire is the limit. One elaboration holds all machines.
  std::vector<std::unique_ptr<Bench>> benches;
  for (const int buffers : {1, 2, 4, 16}) {
    Setup setup;
    setup.buffers = buffers;
    setup.latency = 900 * kNs;
    setup.bytes_per_us = 10000;
    benches.push_back(std::make_unique<Bench>(setup));
    benches.back()->add(kWeight, 40, 1000, 0);
  }
  sc_core::sc_start();
  CHECK(benches[0]->done_ps == 40 * kUs);
  CHECK(benches[1]->done_ps == 20 * kUs + 100 * kNs);
  CHECK(benches[2]->done_ps == 10 * kUs + 300 * kNs);
  CHECK(benches[3]->done_ps == 40 * 100 * kNs + 900 * kNs);
}

TEST_CASE("start and drain show once per operator") {
  Bench bench({});
  bench.add(kWeight, 4, 1000, 2 * kUs).start_ps = 5 * kUs;
  bench.programs[0].drain_ps = 300 * kNs;
  // The first load hides behind the start.
  CHECK(bench.run() == 5 * kUs + 4 * 2 * kUs + 300 * kNs);
}

TEST_CASE("the port passes one load after the other") {
  Setup setup;
  setup.buffers = 8;
  setup.port = 1e9;             // a kilobyte a microsecond
  setup.bytes_per_us = 100000;  // the memory would give a hundred
  Bench bench(setup);
  bench.add(kWeight, 10, 1000, 0);
  // The last of ten loads leaves after nine of them and takes 10 ns.
  CHECK(bench.run() == 9 * kUs + 10 * kNs);
}

TEST_CASE("weights of the next operator load ahead only where the runtime does so") {
  std::vector<std::unique_ptr<Bench>> benches;
  for (const bool prefetch : {true, false}) {
    Setup setup;
    setup.prefetch = prefetch;
    setup.buffers = 4;
    benches.push_back(std::make_unique<Bench>(setup));
    benches.back()->add(kWeight, 2, 1000, 5 * kUs);
    benches.back()->add(kWeight, 2, 1000, 5 * kUs);
  }
  sc_core::sc_start();
  CHECK(benches[0]->done_ps == 1 * kUs + 4 * 5 * kUs);
  CHECK(benches[1]->done_ps == 2 * (1 * kUs + 2 * 5 * kUs));
}

TEST_CASE("loads of what an operator produced wait for it even where weights run ahead") {
  Setup setup;
  setup.prefetch = true;
  setup.buffers = 4;
  Bench bench(setup);
  bench.add(kWeight, 2, 1000, 5 * kUs);
  bench.add(kIn, 2, 1000, 5 * kUs);
  CHECK(bench.run() == 2 * (1 * kUs + 2 * 5 * kUs));
  // The dependent load began when the first operator had finished.
  CHECK(bench.memory.served[2].begin_ps == 11 * kUs);
}

TEST_CASE("a step is done when its writes have landed") {
  Setup setup;
  setup.latency = 250 * kNs;
  Bench bench(setup);
  bench.add(kOut, 1, 4000, 1 * kUs);
  CHECK(bench.run() == 1 * kUs + 4 * kUs + 250 * kNs);
  CHECK(bench.memory.bytes(true) == 4000);
  // The operator itself did not wait for them.
  CHECK(bench.engine->traces()[0].end_ps == 1 * kUs);
}

TEST_CASE("operators without memory traffic take their computing") {
  Bench bench({});
  bench.add(kWeight, 10000, 0, 2 * kNs);
  bench.programs[0].runs[0].loads.clear();
  CHECK(bench.run() == 10000 * 2 * kNs);
  CHECK(bench.memory.served.empty());
}

TEST_CASE("a stream kept on chip sends nothing") {
  Bench bench({});
  bench.add(kWeight, 3, 1000, 1 * kUs);
  bench.works[0].streams[0].tier = -1;
  CHECK(bench.run() == 3 * kUs);
  CHECK(bench.memory.served.empty());
}

TEST_CASE("a strided stream sends every byte of its chunks once and nothing between them") {
  Bench bench({});
  // 24 chunks of 640 bytes, 1024 apart, by tiles of 1000 bytes: chunks are cut at tile borders.
  bench.add(kWeight, 15, 1000, 0);
  DataStream& stream = bench.works[0].streams[0];
  stream.chunk = 640;
  stream.stride = 1024;
  stream.count = 24;
  TileRun last = bench.programs[0].runs[0];
  last.count = 1;
  last.loads[0].bytes = 24 * 640 - 15 * 1000;
  bench.programs[0].runs.push_back(last);
  bench.run();
  CHECK(bench.memory.bytes(false) == 24 * 640);
  const auto visits = bench.memory.visits(false, 8);
  CHECK(visits.size() == 24 * 640 / 8);
  for (const auto& [place, times] : visits) {
    CAPTURE(place);
    CHECK(times == 1.0);
    CHECK(place * 8 % 1024 < 640);
  }
}

TEST_CASE("a repeated stream sends every byte as often as it is asked for") {
  Bench bench({});
  // Three passes over 5 chunks of 800 bytes, in tiles of 1200.
  bench.add(kWeight, 10, 1200, 0);
  DataStream& stream = bench.works[0].streams[0];
  stream.chunk = 800;
  stream.stride = 4096;
  stream.count = 5;
  bench.run();
  const auto visits = bench.memory.visits(false, 8);
  CHECK(visits.size() == 5 * 800 / 8);
  for (const auto& [place, times] : visits) {
    CAPTURE(place);
    CHECK(times == 3.0);
  }
}

TEST_CASE("a plain stream that is read again starts at its beginning") {
  Bench bench({});
  bench.add(kWeight, 7, 1000, 0);
  bench.works[0].streams[0].chunk = bench.works[0].streams[0].stride = 3500;
  bench.run();
  CHECK(bench.memory.bytes(false) == 7000);
  for (const auto& [place, times] : bench.memory.visits(false, 4)) {
    CAPTURE(place);
    CHECK(times == 2.0);
  }
}

TEST_CASE("a second step on the same engine takes as long as the first") {
  Bench bench({});
  bench.add(kWeight, 4, 1000, 3 * kUs);
  bench.add(kIn, 2, 500, 1 * kUs);
  bench.add(kOut, 2, 500, 1 * kUs);
  bench.steps = 3;
  const std::int64_t three = bench.run();
  CHECK(three % 3 == 0);
  CHECK(bench.engine->traces().size() == 3);
  CHECK(bench.engine->compute_ps() == 3 * (4 * 3 + 2 + 2) * kUs);
  CHECK(three == 3 * (13 * kUs + 500 * kNs + 2 * kUs + 2 * kUs + 500 * kNs));
}

TEST_CASE("programs of two engines that meet begin and end together") {
  // The second engine's two programs run beside the first one's second and third.
  Bench first(Setup{});
  Bench second(Setup{});
  first.add(DataStream::Role::weight, 1, 0, 5 * kUs);
  first.add(DataStream::Role::weight, 1, 0, 2 * kUs);
  first.add(DataStream::Role::weight, 1, 0, 9 * kUs);
  second.add(DataStream::Role::weight, 1, 0, 4 * kUs);
  second.add(DataStream::Role::weight, 1, 0, 3 * kUs);
  std::size_t released = 0;
  std::size_t ended = 0;
  sc_core::sc_event release;
  sc_core::sc_event end;
  first.engine->meet({{},
                      [&](std::size_t p) {
                        released = std::max(released, p);
                        release.notify(sc_core::SC_ZERO_TIME);
                      },
                      [&](std::size_t p) {
                        while (p > 0 && ended < p) {
                          sc_core::wait(end);
                        }
                      }});
  second.engine->meet({[&](std::size_t p) {
                         while (released < p + 1) {
                           sc_core::wait(release);
                         }
                       },
                       {},
                       {}});
  second.engine->on_program_done([&](std::size_t done) {
    ended = done;
    end.notify(sc_core::SC_ZERO_TIME);
  });
  sc_core::sc_start();
  const auto& own = first.engine->traces();
  const auto& beside = second.engine->traces();
  REQUIRE(own.size() == 3);
  REQUIRE(beside.size() == 2);
  CHECK(beside[0].begin_ps == own[1].begin_ps);
  CHECK(beside[1].begin_ps == own[2].begin_ps);
  // Waits for 4 us beside it, then computes longer than what is beside it.
  CHECK(own[1].own_end_ps - own[1].begin_ps == 2 * kUs);
  CHECK(own[1].end_ps - own[1].begin_ps == 4 * kUs);
  CHECK(own[2].end_ps - own[2].begin_ps == 9 * kUs);
  CHECK(first.done_ps == 18 * kUs);
}
