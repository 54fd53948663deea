// A flash store on the machine's interconnect: takes burst trains, answers when they are at the
// host.
//
// Protocol: TLM-2.0 base protocol in two phases with a BurstTrain extension: BEGIN_REQ forward is
// accepted at once, BEGIN_RESP backward comes with the last byte. Trains that arrive together are
// served by priority, then by client.
//
// Models:      what FlashArray models; a train is served in one piece.
// Leaves out:  writes (a bug of the caller), overtaking of a train that has
//              begun.
// Checked by:  tests/timing/platform_shells.cpp (same times as the bare array).
#pragma once

#include "hw/component/burst_train.hpp"
#include "hw/flash/flash_array.hpp"

#include <systemc>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <memory>
#include <queue>
#include <vector>

namespace joulesim::hw {

class FlashController : public sc_core::sc_module {
 public:
  using Socket = tlm_utils::simple_target_socket_tagged<FlashController>;

  FlashController(const sc_core::sc_module_name& name, const FlashSpec& spec);

  // Before the simulation starts: one socket per client, bound by the caller.
  std::uint16_t add_client();
  [[nodiscard]] Socket& socket(std::uint16_t client) { return *sockets_[client]; }

  [[nodiscard]] const FlashArray& array() const { return array_; }

 private:
  struct Arrival {
    tlm::tlm_generic_payload* payload;
    const BurstTrain* train;
    std::uint16_t client;
  };
  struct Completion {
    Picoseconds done;
    std::uint64_t order;  // of service, so that equal times answer in that order
    tlm::tlm_generic_payload* payload;
    std::uint16_t client;
    bool operator>(const Completion& other) const {
      return done != other.done ? done > other.done : order > other.order;
    }
  };

  tlm::tlm_sync_enum forward(int client, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  void work();
  Picoseconds serve(const BurstTrain& train, Picoseconds now);

  FlashArray array_;
  std::vector<std::unique_ptr<Socket>> sockets_;
  std::vector<Arrival> arrivals_;
  std::priority_queue<Completion, std::vector<Completion>, std::greater<>> completions_;
  std::uint64_t served_ = 0;
  sc_core::sc_event wake_;
};

}  // namespace joulesim::hw
