// A memory of fixed latency and bandwidth for tests: serves trains one after the other and keeps
// what it was sent.
#pragma once

#include "hw/component/burst_train.hpp"

#include <systemc>
#include <tlm>
#include <tlm_utils/simple_target_socket.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace joulesim::hw::testing {

class TileMemory : public sc_core::sc_module {
 public:
  tlm_utils::simple_target_socket<TileMemory> socket;
  struct Served {
    BurstTrain train;
    std::int64_t begin_ps = 0, end_ps = 0;
  };
  std::vector<Served> served;

  TileMemory(const sc_core::sc_module_name& name, std::int64_t latency_ps,
             std::int64_t bytes_per_us)
      : sc_module(name), socket("socket"), latency_ps_(latency_ps), rate_(bytes_per_us) {
    SC_HAS_PROCESS(TileMemory);
    socket.register_nb_transport_fw(this, &TileMemory::forward);
    SC_METHOD(answer);
    sensitive << due_;
    dont_initialize();
  }

  [[nodiscard]] std::int64_t time_of(std::uint64_t bytes) const {
    return static_cast<std::int64_t>(bytes) * 1000000 / rate_;
  }
  [[nodiscard]] std::uint64_t bytes(bool write) const {
    std::uint64_t sum = 0;
    for (const Served& s : served) {
      sum += s.train.write == write ? s.train.bytes() : 0;
    }
    return sum;
  }
  // How often each byte was sent, by stretches of `grain` bytes; partly sent ones count in part.
  [[nodiscard]] std::map<std::uint64_t, double> visits(bool write, std::uint64_t grain) const {
    std::map<std::uint64_t, double> result;
    for (const Served& s : served) {
      for (std::uint64_t i = 0; s.train.write == write && i < s.train.count; ++i) {
        const std::uint64_t begin = s.train.base + i * s.train.stride;
        for (std::uint64_t at = begin; at < begin + s.train.chunk;) {
          const std::uint64_t next = std::min((at / grain + 1) * grain, begin + s.train.chunk);
          result[at / grain] += static_cast<double>(next - at) / static_cast<double>(grain);
          at = next;
        }
      }
    }
    return result;
  }

 private:
  tlm::tlm_sync_enum forward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                             sc_core::sc_time&) {
    if (phase != tlm::BEGIN_REQ) {
      return tlm::TLM_ACCEPTED;
    }
    payload.acquire();
    const BurstTrain& train = *payload.get_extension<BurstTrain>();
    const auto now = static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
    const std::int64_t begin = std::max(now, free_ps_);
    free_ps_ = begin + time_of(train.bytes());
    served.push_back({train, begin, free_ps_ + latency_ps_});
    waiting_.push_back({&payload, free_ps_ + latency_ps_});
    due_.notify(
        sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(waiting_.front().second - now)));
    return tlm::TLM_ACCEPTED;
  }
  void answer() {
    const auto now = static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
    while (!waiting_.empty() && waiting_.front().second <= now) {
      tlm::tlm_generic_payload* payload = waiting_.front().first;
      waiting_.erase(waiting_.begin());
      payload->set_response_status(tlm::TLM_OK_RESPONSE);
      tlm::tlm_phase phase = tlm::BEGIN_RESP;
      sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
      socket->nb_transport_bw(*payload, phase, delay);
      payload->release();
    }
    if (!waiting_.empty()) {
      due_.notify(
          sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(waiting_.front().second - now)));
    }
  }

  std::int64_t latency_ps_, rate_, free_ps_ = 0;
  std::vector<std::pair<tlm::tlm_generic_payload*, std::int64_t>> waiting_;
  sc_core::sc_event due_;
};

}  // namespace joulesim::hw::testing
