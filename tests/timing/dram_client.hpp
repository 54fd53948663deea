// A closed-loop client for memory tests: keeps a number of trains under way until its list is done.
#pragma once

#include "hw/component/burst_train.hpp"

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <memory>
#include <vector>

namespace joulesim::hw::testing {

class TrainClient : public sc_core::sc_module {
 public:
  tlm_utils::simple_initiator_socket<TrainClient> socket;
  std::vector<BurstTrain> trains;
  std::size_t depth = 2;
  sc_core::sc_time period;  // > 0: a train is sent every period instead of on completion
  std::vector<sc_core::sc_time> sent, finished;

  explicit TrainClient(const sc_core::sc_module_name& name) : sc_module(name), socket("socket") {
    SC_HAS_PROCESS(TrainClient);
    socket.register_nb_transport_bw(this, &TrainClient::backward);
    SC_METHOD(send);
    sensitive << go_;
  }

 private:
  void send() {
    while (next_ < trains.size() && under_way_ < depth) {
      payloads_.push_back(std::make_unique<tlm::tlm_generic_payload>());
      tlm::tlm_generic_payload& payload = *payloads_.back();
      payload.set_extension(new BurstTrain(trains[next_]));
      payload.set_command(trains[next_].write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
      ++next_;
      ++under_way_;
      sent.push_back(sc_core::sc_time_stamp());
      tlm::tlm_phase phase = tlm::BEGIN_REQ;
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      socket->nb_transport_fw(payload, phase, delay);
      if (period > sc_core::SC_ZERO_TIME) {
        if (next_ < trains.size()) {
          go_.notify(period);
        }
        return;
      }
    }
  }
  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload&, tlm::tlm_phase&, sc_core::sc_time&) {
    finished.push_back(sc_core::sc_time_stamp());
    --under_way_;
    if (period == sc_core::SC_ZERO_TIME) {
      go_.notify(sc_core::SC_ZERO_TIME);
    }
    return tlm::TLM_COMPLETED;
  }

  std::vector<std::unique_ptr<tlm::tlm_generic_payload>> payloads_;
  std::size_t next_ = 0, under_way_ = 0;
  sc_core::sc_event go_;
};

}  // namespace joulesim::hw::testing
