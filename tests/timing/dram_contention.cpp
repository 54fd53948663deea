// Do processors, a DMA engine, a display and a camera get from one memory what they should?
#include "hw/component/dma_engine.hpp"
#include "hw/display/paced_client.hpp"
#include "hw/dram/analytic.hpp"
#include "hw/dram/controller.hpp"
#include "tests/oracle/dram_setup.hpp"
#include "tests/timing/dram_client.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using joulesim::hw::testing::load_part;
using joulesim::hw::testing::TrainClient;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// A phone's memory with all its clients at work.
struct Phone {
  Phone(const std::string& name, const DramPart& part, DramFidelity fidelity)
      : memory((name + "_memory").c_str(), part, config_of(fidelity)),
        npu((name + "_npu").c_str()),
        gpu((name + "_gpu").c_str()),
        cpu((name + "_cpu").c_str()),
        display((name + "_display").c_str(), kDisplay, 256 * kMiB),
        camera((name + "_camera").c_str(), kCamera, 320 * kMiB) {
    stream(npu, "npu", 0, 6 * kMiB, 256 << 10, false);
    stream(gpu, "gpu", 64 * kMiB + 8192, 6 * kMiB, 256 << 10, false);
    stream(cpu, "cpu", 128 * kMiB, 2 * kMiB, 64 << 10, true);
    display.set_client(memory.add_paced_client("display", kDisplay.period, true));
    camera.set_client(memory.add_paced_client("camera", kCamera.period, true));
    display.socket.bind(memory.port);
    camera.socket.bind(memory.port);
  }
  static DramConfig config_of(DramFidelity fidelity) {
    DramConfig config;
    config.channels = 4;
    config.simulated = 1;
    config.fidelity = fidelity;
    return config;
  }
  void stream(TrainClient& client, const std::string& name, std::uint64_t base, std::uint64_t bytes,
              std::uint64_t train, bool write) {
    const std::uint16_t id = memory.add_client(name);
    client.socket.bind(memory.port);
    client.depth = 4;
    for (std::uint64_t at = 0; at < bytes; at += train) {
      BurstTrain t;
      t.client = id;
      t.base = base + at;
      t.chunk = train;
      t.count = 1;
      t.write = write;
      client.trains.push_back(t);
    }
  }
  [[nodiscard]] double end() const {
    double last = 0;
    for (const TrainClient* client : {&npu, &gpu, &cpu}) {
      last = std::max(last, client->finished.back().to_seconds());
    }
    return last;
  }
  void stop() {
    display.stop();
    camera.stop();
  }

  inline static const PacedTraffic kDisplay{Bytes(4096), Time(4e-6), Time(2e-6), Bytes(1 << 20),
                                            false};
  inline static const PacedTraffic kCamera{Bytes(4096), Time(8e-6), Time(4e-6), Bytes(1 << 20),
                                           true};
  MemController memory;
  TrainClient npu, gpu, cpu;
  PacedClient display, camera;
};

}  // namespace

TEST_CASE("three processors, a display and a camera share a memory alike at both levels") {
  const DramPart part = load_part("lpddr4x_4266");
  Phone train("train", part, DramFidelity::train);
  Phone burst("burst", part, DramFidelity::burst);
  sc_core::sc_start(sc_core::sc_time(800, sc_core::SC_US));
  train.stop();
  burst.stop();
  sc_core::sc_start(sc_core::sc_time(100, sc_core::SC_US));
  for (const Phone* phone : {&train, &burst}) {
    REQUIRE(phone->npu.finished.size() == phone->npu.trains.size());
    REQUIRE(phone->gpu.finished.size() == phone->gpu.trains.size());
    REQUIRE(phone->cpu.finished.size() == phone->cpu.trains.size());
    // Paced clients come first: nothing is late, however long the memory's windows are.
    CHECK(phone->display.record().missed == 0);
    CHECK(phone->display.record().bytes == 201 * 4096);
    // Equal streams end together.
    CHECK(phone->npu.finished.back().to_seconds() ==
          Approx(phone->gpu.finished.back().to_seconds()).epsilon(0.03));
  }
  CHECK(train.camera.record().missed == 0);  // at burst level writes wait for the next drain
  CHECK(burst.camera.record().arrived == burst.camera.record().sent);
  CHECK(train.end() == Approx(burst.end()).epsilon(0.015));
  // At burst level a read also waits behind the buffer's bulk reads, up to 32 of them; at train
  // level it comes next.
  const double buffered = 32 * 32 / part.peak.value.si() * 2;
  CHECK(train.display.record().mean_latency().si() ==
        Approx(burst.display.record().mean_latency().si()).margin(buffered));
  // Every client's latency and bytes are known to the memory, too.
  for (std::size_t i = 0; i < train.memory.clients().size(); ++i) {
    const DramClientStats& a = train.memory.clients()[i];
    const DramClientStats& b = burst.memory.clients()[i];
    INFO(a.name);
    CHECK(a.trains == b.trains);
    CHECK(a.read.si() == b.read.si());
    CHECK(a.written.si() == b.written.si());
    CHECK(a.mean_latency() > Time(0));
    CHECK(a.latency_max >= a.mean_latency());
    if (a.name == "npu" || a.name == "gpu") {  // writes wait for drains, paced reads for the buffer
      CHECK(a.mean_latency().si() == Approx(b.mean_latency().si()).epsilon(0.05));
    }
  }
}

TEST_CASE("a paced client that does not announce itself needs short windows") {
  const DramPart part = load_part("lpddr4x_4266");
  DramConfig config;
  config.quantum = Time(1e-6);
  MemController memory("memory", part, config);
  CHECK_THROWS_AS(memory.add_paced_client("display", Time(3.9e-6), false), InputError);
  CHECK(memory.add_paced_client("slow", Time(4e-6), false) == 0);
  CHECK(memory.add_paced_client("announced", Time(1e-6), true) == 1);
}

TEST_CASE("a DMA engine copies at half the rate of one memory, and in the order of its jobs") {
  const DramPart part = load_part("lpddr4x_4266");
  DramConfig config;
  config.channels = 4;
  config.simulated = 1;
  MemController memory("memory", part, config);
  DmaEngine dma("dma", {});
  const std::uint16_t reads = memory.add_client("dma read");
  dma.set_clients(reads, memory.add_client("dma write"));
  dma.source.bind(memory.port);
  dma.target.bind(memory.port);
  dma.submit({0, 512 * kMiB, 16 * kMiB});
  dma.submit({16 * kMiB, 544 * kMiB, 1000});
  sc_core::sc_start();
  CHECK(dma.idle());
  CHECK(dma.record().jobs == 2);
  CHECK(dma.record().refused == 0);
  CHECK(dma.record().bytes == 16 * kMiB + 1000);
  CHECK(memory.clients()[0].read.si() == 16 * kMiB + 1000);
  CHECK(memory.clients()[1].written.si() == 16 * kMiB + 1000);
  const double seconds = dma.record().max_latency().si();
  const double rate = static_cast<double>(16 * kMiB) / seconds;
  const double stream = 4 * rates_of(part).stream.si();
  CHECK(rate < 0.5 * stream);
  CHECK(rate > 0.38 * stream);  // turnarounds take their part
}

TEST_CASE("with one piece in flight a DMA engine waits for every latency") {
  const DramPart part = load_part("lpddr4x_4266");
  DramConfig config;
  MemController memory("memory", part, config);
  DmaConfig slow;
  slow.piece_bytes = 256;
  slow.in_flight = 1;
  DmaEngine dma("dma", slow);
  const std::uint16_t reads = memory.add_client("dma read");
  dma.set_clients(reads, memory.add_client("dma write"));
  dma.source.bind(memory.port);
  dma.target.bind(memory.port);
  dma.submit({0, 64 * kMiB, 64 * 256});
  sc_core::sc_start();
  // Activate, read latency and data of each piece, then its write, one after the other.
  CHECK(dma.record().mean_latency().si() > 64 * rates_of(part).read_latency.si());
}
