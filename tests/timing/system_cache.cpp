// Does the system cache serve what it holds at its own speed, and the rest at the memory's?
#include "hw/sram/system_cache.hpp"

#include "tests/timing/tile_memory.hpp"

#include <catch2/catch.hpp>

#include <optional>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using joulesim::hw::testing::TileMemory;

namespace {

constexpr std::uint64_t kLine = 128;
constexpr std::uint64_t kCapacity = 1 << 20;

SramSpec spec_of() {
  SramSpec spec;
  spec.name = spec.title = "cache";
  spec.capacity.value = Bytes(kCapacity);
  spec.line.value = Bytes(kLine);
  spec.bandwidth.value = Bandwidth(100e9);
  spec.latency.value = Time(20e-9);
  return spec;
}

BurstTrain train(std::uint64_t base, std::uint64_t bytes, bool write = false) {
  BurstTrain t;
  t.base = base;
  t.chunk = t.stride = bytes;
  t.count = 1;
  t.write = write;
  return t;
}

// Sends its trains one after the other; payloads are counted, as the base protocol wants.
class TrainClient : public sc_core::sc_module, public tlm::tlm_mm_interface {
 public:
  tlm_utils::simple_initiator_socket<TrainClient> socket;
  std::vector<BurstTrain> trains;
  std::vector<sc_core::sc_time> sent, finished;

  explicit TrainClient(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    SC_HAS_PROCESS(TrainClient);
    socket.register_nb_transport_bw(this, &TrainClient::backward);
    SC_METHOD(send);
    sensitive << next_;
  }
  void free(tlm::tlm_generic_payload* payload) override { delete payload; }

 private:
  void send() {
    if (sent.size() == trains.size()) {
      return;
    }
    const BurstTrain& next = trains[sent.size()];
    auto* payload = new tlm::tlm_generic_payload(this);
    payload->acquire();
    payload->set_extension(new BurstTrain(next));
    payload->set_command(next.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    sent.push_back(sc_core::sc_time_stamp());
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    socket->nb_transport_fw(*payload, phase, delay);
  }
  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase&,
                              sc_core::sc_time&) {
    finished.push_back(sc_core::sc_time_stamp());
    payload.release();
    next_.notify(sc_core::SC_ZERO_TIME);
    return tlm::TLM_COMPLETED;
  }
  sc_core::sc_event next_;
};

// One client before a cache before a memory of 10 GB/s that answers after 50 ns.
class Bench : public sc_core::sc_module {
 public:
  SystemCache cache{"cache", spec_of()};
  TileMemory memory{"memory", 50'000, 10'000};
  TrainClient client{"client"};

  // The name must outlive the constructor's body: it keeps the module open for sockets.
  explicit Bench(const sc_core::sc_module_name& name, std::optional<Bandwidth> limit = {},
                 bool bypass = false)
      : sc_module(name) {
    const std::uint16_t port = cache.add_client(0, limit, bypass);
    client.socket.bind(cache.socket(port));
    cache.memory_socket(port).bind(memory.socket);
  }
  [[nodiscard]] double duration(std::size_t i) const {
    return (client.finished.at(i) - client.sent.at(i)).to_seconds();
  }
};

// Two clients with memories of their own behind one cache.
class Pair : public sc_core::sc_module {
 public:
  SystemCache cache{"cache", spec_of()};
  TileMemory memory_a{"memory_a", 0, 10'000};
  TileMemory memory_b{"memory_b", 0, 10'000};
  TrainClient a{"a"};
  TrainClient b{"b"};

  explicit Pair(const sc_core::sc_module_name& name) : sc_module(name) {
    const std::uint16_t port_a = cache.add_client(3, {});
    const std::uint16_t port_b = cache.add_client(5, {});
    a.socket.bind(cache.socket(port_a));
    b.socket.bind(cache.socket(port_b));
    cache.memory_socket(port_a).bind(memory_a.socket);
    cache.memory_socket(port_b).bind(memory_b.socket);
  }
};

}  // namespace

TEST_CASE("misses come at the memory's speed and hits at the cache's") {
  Bench bench("bench");
  constexpr std::uint64_t kBytes = 64 << 10;
  bench.client.trains = {train(0, kBytes), train(0, kBytes)};
  sc_core::sc_start();
  CHECK(bench.duration(0) == Approx(kBytes / 10e9 + 50e-9).epsilon(1e-6));
  CHECK(bench.duration(1) == Approx(kBytes / 100e9 + 20e-9).epsilon(1e-6));
  CHECK(bench.memory.bytes(false) == kBytes);
  CHECK(bench.cache.traffic().hits == kBytes);
  CHECK(bench.cache.traffic().misses == kBytes);
}

TEST_CASE("a train that is partly resident takes the slower of its two parts") {
  Bench bench("bench");
  constexpr std::uint64_t kBytes = 64 << 10;
  bench.cache.touch(0, kBytes - 8 * kLine, false);
  bench.client.trains = {train(0, kBytes)};
  sc_core::sc_start();
  // The hits take longer than the eight lines that are fetched.
  CHECK(bench.duration(0) == Approx((kBytes - 8 * kLine) / 100e9 + 20e-9).epsilon(1e-6));
  CHECK(bench.memory.bytes(false) == 8 * kLine);
}

TEST_CASE("a client draws misses no faster than its requests in flight allow") {
  Bench slow("slow", Bandwidth(4e9));
  Bench fast("fast", Bandwidth(40e9));
  constexpr std::uint64_t kBytes = 64 << 10;
  slow.client.trains = fast.client.trains = {train(0, kBytes), train(0, kBytes)};
  sc_core::sc_start();
  CHECK(slow.duration(0) == Approx(kBytes / 4e9).epsilon(1e-3));
  CHECK(fast.duration(0) == Approx(kBytes / 10e9 + 50e-9).epsilon(1e-6));
  // The limit is the memory's, not the cache's.
  CHECK(slow.duration(1) == Approx(kBytes / 100e9 + 20e-9).epsilon(1e-6));
}

TEST_CASE("a stream larger than the cache misses every time, and bytes add up") {
  Bench bench("bench");
  constexpr std::uint64_t kTrain = 64 << 10;
  constexpr std::uint64_t kTrains = 20;  // 1.25 MiB against 1 MiB
  for (int pass = 0; pass < 3; ++pass) {
    for (std::uint64_t i = 0; i < kTrains; ++i) {
      bench.client.trains.push_back(train(i * kTrain, kTrain));
    }
  }
  sc_core::sc_start();
  const auto& traffic = bench.cache.traffic();
  CHECK(traffic.hits + traffic.misses == 3 * kTrains * kTrain);
  CHECK(traffic.hits == 0);
  CHECK(bench.memory.bytes(false) == traffic.misses);
  CHECK(bench.memory.bytes(true) == 0);
}

TEST_CASE("dirty lines are written back once when they are pushed out") {
  Bench bench("bench");
  constexpr std::uint64_t kBytes = 64 << 10;
  bench.client.trains = {train(0, kBytes, true), train(0, kBytes)};
  // A scan of twice the capacity drives the written lines out; then they are read again.
  for (std::uint64_t at = 0; at < 2 * kCapacity; at += kBytes) {
    bench.client.trains.push_back(train((16 << 20) + at, kBytes));
  }
  bench.client.trains.push_back(train(0, kBytes));
  sc_core::sc_start();
  const auto& traffic = bench.cache.traffic();
  CHECK(traffic.written == kBytes);
  CHECK(traffic.written_back == kBytes);
  CHECK(bench.memory.bytes(true) == kBytes);
  CHECK(traffic.hits == kBytes);  // the read right after the write
  CHECK(traffic.misses == 2 * kCapacity + kBytes);
  // A write that fits goes at the cache's speed.
  CHECK(bench.duration(0) == Approx(kBytes / 100e9 + 20e-9).epsilon(1e-6));
  for (const auto& served : bench.memory.served) {
    if (served.train.write) {
      CHECK(served.train.base < kBytes);
    }
  }
}

TEST_CASE("a strided train is looked up chunk by chunk") {
  Bench bench("bench");
  BurstTrain strided = train(0, 256);
  strided.kind = BurstTrain::Kind::strided;
  strided.stride = 4096;
  strided.count = 16;
  bench.client.trains = {strided, strided};
  sc_core::sc_start();
  CHECK(bench.memory.bytes(false) == 16 * 256);
  CHECK(bench.cache.traffic().hits == 16 * 256);
}

TEST_CASE("a client that bypasses leaves nothing behind") {
  Bench bench("bench", {}, true);
  bench.client.trains = {train(0, 4096), train(0, 4096)};
  sc_core::sc_start();
  CHECK(bench.memory.bytes(false) == 2 * 4096);
  CHECK(bench.cache.traffic().hits == 0);
  CHECK(bench.cache.residency().resident_bytes() == 0);
}

TEST_CASE("two clients share the port of the cache and keep their own memory sockets") {
  Pair pair("pair");
  constexpr std::uint64_t kBytes = 64 << 10;
  pair.cache.touch(0, 2 * kBytes, false);
  pair.a.trains = {train(0, kBytes), train(8 << 20, kBytes)};
  pair.b.trains = {train(kBytes, kBytes)};
  sc_core::sc_start();
  const double first = std::min(pair.a.finished[0], pair.b.finished[0]).to_seconds();
  const double second = std::max(pair.a.finished[0], pair.b.finished[0]).to_seconds();
  CHECK(first == Approx(kBytes / 100e9 + 20e-9).epsilon(1e-6));
  CHECK(second == Approx(2 * kBytes / 100e9 + 20e-9).epsilon(1e-6));
  CHECK(pair.memory_a.bytes(false) == kBytes);
  CHECK(pair.memory_a.served.at(0).train.client == 3);
  CHECK(pair.memory_b.served.empty());
}
