// Does the memory in SystemC move trains in the time and with the joules that its part allows?
#include "hw/dram/analytic.hpp"
#include "hw/dram/controller.hpp"
#include "tests/timing/dram_client.hpp"

#include <catch2/catch.hpp>

#include <ctime>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using joulesim::hw::testing::TrainClient;

namespace {

DramPart load(const std::string& name) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/" + name + ".toml");
  DramPart part = DramPart::from(file.root());
  file.require_ok();
  return part;
}

BurstTrain sequential(std::uint16_t client, std::uint64_t base, std::uint64_t bytes,
                      bool write = false) {
  BurstTrain t;
  t.client = client;
  t.base = base;
  t.chunk = bytes;
  t.count = 1;
  t.write = write;
  return t;
}

std::vector<BurstTrain> stream(std::uint16_t client, std::uint64_t base, std::uint64_t bytes,
                               std::uint64_t train = 256 << 10) {
  std::vector<BurstTrain> out;
  for (std::uint64_t at = 0; at < bytes; at += train) {
    out.push_back(sequential(client, base + at, train));
  }
  return out;
}

double seconds(const sc_core::sc_time& t) { return t.to_seconds(); }

double run_stream(const DramPart& part, const DramConfig& config, std::uint64_t bytes) {
  MemController memory("memory", part, config);
  TrainClient client("client");
  client.socket.bind(memory.port);
  client.trains = stream(memory.add_client("stream"), 0, bytes);
  sc_core::sc_start();
  REQUIRE(client.finished.size() == client.trains.size());
  return seconds(client.finished.back());
}

}  // namespace

TEST_CASE("a stream over four folded channels reaches the closed-form rate at train level") {
  const DramPart part = load("lpddr4x_4266");
  DramConfig config;
  config.channels = 4;
  config.simulated = 1;
  const std::uint64_t bytes = 64 << 20;
  const double time = run_stream(part, config, bytes);
  const double rate = 4 * rates_of(part).stream.si();
  CHECK(static_cast<double>(bytes) / time == Approx(rate).epsilon(0.01));
}

TEST_CASE("a stream over four channels reaches the closed-form rate at burst level") {
  const DramPart part = load("lpddr4x_4266");
  DramConfig config;
  config.channels = 4;
  config.fidelity = DramFidelity::burst;
  const std::uint64_t bytes = 8 << 20;
  const double time = run_stream(part, config, bytes);
  const double rate = 4 * rates_of(part).stream.si();
  CHECK(static_cast<double>(bytes) / time == Approx(rate).epsilon(0.01));
}

TEST_CASE("160 pseudo-channels of HBM3 folded to one give the bandwidth of an H100") {
  const DramPart part = load("hbm3_5250");
  DramConfig config;
  config.channels = 160;
  config.simulated = 1;
  MemController memory("memory", part, config);
  CHECK(memory.peak().si() == Approx(3.36e12).epsilon(0.005));
  TrainClient client("client");
  client.socket.bind(memory.port);
  client.depth = 8;
  client.trains = stream(memory.add_client("stream"), 0, std::uint64_t{1} << 30, 4 << 20);
  sc_core::sc_start();
  const double rate = (std::uint64_t{1} << 30) / seconds(client.finished.back());
  CHECK(rate > 0.85 * memory.peak().si());
  CHECK(rate < 0.95 * memory.peak().si());
}

TEST_CASE("one burst from an idle memory takes activate, read latency and data, at both levels") {
  const DramPart part = load("lpddr4x_4266");
  DramConfig config;
  config.channels = 4;
  MemController by_train("by_train", part, config);
  config.fidelity = DramFidelity::burst;
  MemController by_burst("by_burst", part, config);
  TrainClient one("one"), other("other");
  one.socket.bind(by_train.port);
  other.socket.bind(by_burst.port);
  one.trains = {sequential(by_train.add_client("one"), 4096, 32)};
  other.trains = {sequential(by_burst.add_client("other"), 4096, 32)};
  sc_core::sc_start();
  const double expected = rates_of(part).read_latency.si();
  CHECK(seconds(one.finished.at(0)) == Approx(expected).margin(3e-9));
  CHECK(seconds(other.finished.at(0)) == Approx(expected).margin(3e-9));
}

TEST_CASE("a sleeping memory refreshes itself and costs its self-refresh power") {
  const DramPart part = load("lpddr4x_4266");
  DramConfig config;
  config.channels = 4;
  config.power_down_after = Time(1e-6);
  config.self_refresh_after = Time(1e-3);
  MemController memory("memory", part, config);
  TrainClient client("client");
  client.socket.bind(memory.port);
  client.trains = {sequential(memory.add_client("one"), 0, 4096)};
  sc_core::sc_start(sc_core::sc_time(1, sc_core::SC_SEC));
  Ledger ledger;
  memory.book(ledger, "memory");
  const double asleep = 4 * part.require_energy().self_refresh.value.si();
  CHECK(ledger.total().si() == Approx(asleep).epsilon(0.05));
  CHECK(sc_core::sc_delta_count() < 100);  // nothing runs while nothing is asked
}

TEST_CASE("two equal streams share the memory evenly and a higher priority goes first") {
  const DramPart part = load("lpddr4x_4266");
  DramConfig config;
  config.channels = 4;
  config.simulated = 1;
  config.quantum = Time(200e-9);
  MemController memory("memory", part, config);
  TrainClient a("a"), b("b"), display("display");
  for (TrainClient* c : {&a, &b, &display}) {
    c->socket.bind(memory.port);
  }
  a.trains = stream(memory.add_client("a"), 0, 8 << 20);
  b.trains = stream(memory.add_client("b"), (64 << 20) + 8192, 8 << 20);
  display.depth = 100;
  display.period = sc_core::sc_time(10, sc_core::SC_US);
  const std::uint16_t id = memory.add_client("display");
  for (std::uint64_t i = 0; i < 40; ++i) {
    BurstTrain t = sequential(id, (256 << 20) + i * 16384, 16384);
    t.priority = 1;
    display.trains.push_back(t);
  }
  sc_core::sc_start();
  const double ta = seconds(a.finished.back());
  const double tb = seconds(b.finished.back());
  CHECK(ta == Approx(tb).epsilon(0.02));
  double slowest = 0;
  for (std::size_t i = 0; i < display.trains.size(); ++i) {
    slowest = std::max(slowest, seconds(display.finished[i] - display.sent[i]));
  }
  // 16 KiB at full rate take 0.53 us; refresh adds at most tRFC and the quantum its length.
  CHECK(slowest < 1.6e-6);
  CHECK(memory.clients()[id].trains == 40);
  double traced = 0;
  for (const double bytes : memory.trace()[0]) {
    traced += bytes;
  }
  CHECK(traced == Approx(8 << 20).epsilon(1e-9));
}

TEST_CASE("a train that the memory does not know how to take is refused, not lost") {
  const DramPart part = load("lpddr4x_4266");
  const DramConfig config;
  MemController memory("memory", part, config);
  TrainClient client("client");
  client.socket.bind(memory.port);
  memory.add_client("one");
  client.trains = {sequential(7, 0, 4096)};
  sc_core::sc_start();
  CHECK(client.finished.empty());
  CHECK(memory.idle());
}

TEST_CASE("a token of 3.6 GB takes well under a second of processor time at train level") {
  const DramPart part = load("lpddr4x_4266");
  DramConfig config;
  config.channels = 4;
  config.simulated = 1;
  const std::clock_t begin = std::clock();
  const double time = run_stream(part, config, std::uint64_t{3600} << 20);
  const double spent = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
  INFO("3.6 GB: " << time * 1e3 << " ms simulated, " << spent << " s of processor time");
  CHECK(spent < 1.0);
}
