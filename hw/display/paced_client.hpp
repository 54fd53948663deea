// A memory client that reads at a fixed pace, as a display does: the competitor of every model that
// runs on a phone.
//
// Sends one BurstTrain read per period through its socket (two phases, priority 1), one period
// ahead with the due time as delay, so that the memory may look far ahead and still serve it in
// time, and notes how long each took. A read that comes up while too many are under way is counted
// as missed and not sent.
//
// Models:      period, deadline, priority, walking through a buffer.
// Leaves out:  recovery after an underrun.
// Checked by:  tests/timing/platform_shells.cpp.
#pragma once

#include "hw/component/burst_train.hpp"
#include "hw/display/display.hpp"

#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace joulesim::hw {

class PacedClient : public sc_core::sc_module {
 public:
  PacedClient(const sc_core::sc_module_name& name, const PacedTraffic& traffic,
              std::uint64_t base = 0);

  tlm_utils::simple_initiator_socket<PacedClient> socket;
  void set_client(std::uint16_t client) { client_ = client; }

  void stop();  // nothing is sent from now on; what is under way still arrives

  struct Record {
    std::uint64_t sent = 0, arrived = 0, missed = 0;  // missed: late, or not sent
    std::uint64_t bytes = 0;                          // arrived
    std::int64_t latency_sum = 0, latency_max = 0;    // picoseconds, of what arrived
    [[nodiscard]] Time mean_latency() const;
    [[nodiscard]] Time max_latency() const;
  };
  [[nodiscard]] const Record& record() const { return record_; }
  [[nodiscard]] std::int64_t period_ps() const { return period_; }

 private:
  struct Packet : tlm::tlm_generic_payload {
    explicit Packet(tlm::tlm_mm_interface* pool) : tlm_generic_payload(pool) {
      set_extension(&train);
    }
    Packet(const Packet&) = delete;
    Packet& operator=(const Packet&) = delete;
    ~Packet() override { clear_extension(&train); }
    BurstTrain train;
    std::int64_t sent = 0;
  };
  class Pool : public tlm::tlm_mm_interface {
   public:
    Packet& take();
    void free(tlm::tlm_generic_payload* payload) override;

   private:
    std::vector<std::unique_ptr<Packet>> all_;
    std::vector<Packet*> idle_;
  };

  void pace();
  void send(std::int64_t delay);
  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                              sc_core::sc_time& delay);
  void arrived(Packet& packet);

  Pool pool_;
  std::uint64_t bytes_, span_, base_, offset_ = 0;
  std::int64_t period_, deadline_;
  std::uint16_t client_ = 0;
  bool write_ = false;
  bool started_ = false, stopped_ = false;
  std::uint64_t under_way_ = 0;
  Record record_;
  sc_core::sc_event tick_;
};

}  // namespace joulesim::hw
