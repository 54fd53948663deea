#include "hw/display/paced_client.hpp"
#include "hw/flash/flash_controller.hpp"

#include <catch2/catch.hpp>
#include <tlm_utils/simple_initiator_socket.h>

#include <vector>

using namespace joulesim;
using namespace joulesim::hw;

namespace {

FlashSpec load_flash(const std::string& part) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/flash/" + part + ".toml");
  FlashSpec spec = FlashSpec::from(file.root());
  file.require_ok();
  return spec;
}

// Sends given trains at given times and notes when each came back.
struct Sender : sc_core::sc_module {
  struct Request {
    std::int64_t at;
    BurstTrain train;
  };
  tlm_utils::simple_initiator_socket<Sender> socket{"socket"};
  std::vector<Request> requests;
  std::vector<std::int64_t> done;

  Sender(const sc_core::sc_module_name& name, std::vector<Request> list)
      : sc_module(name), requests(std::move(list)), done(requests.size(), -1) {
    socket.register_nb_transport_bw(this, &Sender::backward);
    SC_HAS_PROCESS(Sender);
    SC_THREAD(run);
  }
  ~Sender() override {
    for (auto& payload : payloads_) {
      BurstTrain* train = payload->get_extension<BurstTrain>();
      payload->clear_extension(train);
    }
  }
  void run() {
    for (Request& request : requests) {
      const auto now = static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
      if (request.at > now) {
        wait(sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(request.at - now)));
      }
      payloads_.push_back(std::make_unique<tlm::tlm_generic_payload>());
      payloads_.back()->set_extension(&request.train);
      tlm::tlm_phase phase = tlm::BEGIN_REQ;
      sc_core::sc_time delay;
      socket->nb_transport_fw(*payloads_.back(), phase, delay);
    }
  }
  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& /*phase*/,
                              sc_core::sc_time& /*delay*/) {
    for (std::size_t i = 0; i < payloads_.size(); ++i) {
      if (payloads_[i].get() == &payload) {
        done[i] = static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
      }
    }
    return tlm::TLM_COMPLETED;
  }

 private:
  std::vector<std::unique_ptr<tlm::tlm_generic_payload>> payloads_;
};

BurstTrain read_train(std::uint64_t base, std::uint64_t bytes) {
  BurstTrain train;
  train.base = base;
  train.chunk = bytes;
  train.stride = bytes;
  train.count = 1;
  return train;
}

// A memory that answers every read after the same time, counted from when it is due.
struct FixedMemory : sc_core::sc_module {
  tlm_utils::simple_target_socket<FixedMemory> socket{"socket"};
  std::int64_t latency;
  std::vector<std::uint64_t> bases;
  std::vector<int> priorities;

  FixedMemory(const sc_core::sc_module_name& name, std::int64_t latency_ps)
      : sc_module(name), latency(latency_ps) {
    socket.register_nb_transport_fw(this, &FixedMemory::forward);
    SC_HAS_PROCESS(FixedMemory);
    SC_METHOD(answer);
    sensitive << due_;
    dont_initialize();
  }
  tlm::tlm_sync_enum forward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& /*phase*/,
                             sc_core::sc_time& delay) {
    const auto* train = payload.get_extension<BurstTrain>();
    const std::int64_t answered = static_cast<std::int64_t>(delay.value()) + latency;
    bases.push_back(train->base);
    priorities.push_back(train->priority);
    const auto now = static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
    waiting_.push_back({now + answered, &payload});
    if (waiting_.size() == 1) {
      due_.notify(sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(answered)));
    }
    return tlm::TLM_ACCEPTED;
  }
  void answer() {
    tlm::tlm_generic_payload* payload = waiting_.front().second;
    const std::int64_t now = waiting_.front().first;
    waiting_.erase(waiting_.begin());
    if (!waiting_.empty()) {
      due_.notify(
          sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(waiting_.front().first - now)));
    }
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay;
    socket->nb_transport_bw(*payload, phase, delay);
  }

 private:
  std::vector<std::pair<std::int64_t, tlm::tlm_generic_payload*>> waiting_;
  sc_core::sc_event due_;
};

sc_core::sc_time microseconds(double us) { return {us, sc_core::SC_US}; }

}  // namespace

TEST_CASE("the flash controller answers when the bare array says so") {
  const FlashSpec spec = load_flash("ufs_4_0");
  const std::vector<Sender::Request> requests = {{0, read_train(0, 1 << 20)},
                                                 {1'000'000, read_train(1 << 22, 4096)},
                                                 {500'000'000, read_train(1 << 21, 300'000)}};
  FlashArray array(spec);
  std::vector<std::int64_t> expected;
  for (const auto& request : requests) {
    expected.push_back(array.read(request.train.base, request.train.bytes(), request.at));
  }
  FlashController controller("flash", spec);
  Sender sender("sender", requests);
  sender.socket.bind(controller.socket(controller.add_client()));
  sc_core::sc_start();
  CHECK(sender.done == expected);
  CHECK(controller.array().counters().host_bytes == (1U << 20U) + 4096 + 300'000);
}

TEST_CASE("of trains that arrive together the one with the higher priority is served first") {
  const FlashSpec spec = load_flash("nvme_apple_a15");
  BurstTrain bulk = read_train(0, 8 << 20);
  BurstTrain urgent = read_train(1 << 26, 4096);
  urgent.priority = 1;
  FlashController controller("flash", spec);
  Sender first("first", {{0, bulk}});
  Sender second("second", {{0, urgent}});
  first.socket.bind(controller.socket(controller.add_client()));
  second.socket.bind(controller.socket(controller.add_client()));
  sc_core::sc_start();
  CHECK(second.done[0] == FlashArray(spec).read(1 << 26, 4096, 0));
  CHECK(first.done[0] > second.done[0]);
}

TEST_CASE("a strided train is one read per chunk") {
  const FlashSpec spec = load_flash("nvme_pcie4");
  BurstTrain strided = read_train(0, 4096);
  strided.kind = BurstTrain::Kind::strided;
  strided.stride = 1 << 16;
  strided.count = 32;
  FlashController controller("flash", spec);
  Sender sender("sender", {{0, strided}});
  sender.socket.bind(controller.socket(controller.add_client()));
  sc_core::sc_start();
  CHECK(controller.array().counters().commands == 32);
  CHECK(sender.done[0] > 0);
}

TEST_CASE("a paced client reads once per period, with priority, until it is stopped") {
  const PacedTraffic traffic{Bytes(1024), Time(1e-6), Time(1e-6), Bytes(4096)};
  PacedClient display("display", traffic, 1 << 20);
  FixedMemory memory("memory", 300'000);
  display.socket.bind(memory.socket);
  sc_core::sc_start(microseconds(9.5));
  display.stop();
  sc_core::sc_start(microseconds(20));
  const PacedClient::Record& record = display.record();
  // The eleventh was announced before the client was stopped.
  CHECK(record.sent == 11);
  CHECK(record.arrived == 11);
  CHECK(record.missed == 0);
  CHECK(record.bytes == 11 * 1024);
  CHECK(record.mean_latency().si() == Approx(0.3e-6));
  CHECK(record.max_latency().si() == Approx(0.3e-6));
  CHECK(std::vector<std::uint64_t>(memory.bases.begin(), memory.bases.begin() + 5) ==
        std::vector<std::uint64_t>{1 << 20, (1 << 20) + 1024, (1 << 20) + 2048, (1 << 20) + 3072,
                                   1 << 20});
  CHECK(memory.priorities == std::vector<int>(11, 1));
}

TEST_CASE("a paced client counts late reads, and does not flood a memory that is too slow") {
  const PacedTraffic traffic{Bytes(1024), Time(1e-6), Time(1e-6), Bytes(4096)};
  PacedClient late("late", traffic);
  FixedMemory memory("memory", 1'200'000);
  late.socket.bind(memory.socket);
  PacedClient starved("starved", traffic);
  FixedMemory stuck("stuck", 1'000'000'000);
  starved.socket.bind(stuck.socket);
  sc_core::sc_start(microseconds(10.5));
  CHECK(late.record().arrived == 10);
  CHECK(late.record().missed == 10);
  CHECK(starved.record().sent == 5);
  CHECK(starved.record().missed == 7);
}
