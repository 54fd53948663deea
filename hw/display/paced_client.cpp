#include "hw/display/paced_client.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace joulesim::hw {
namespace {
// A starved client must not flood the memory with what is late anyway. One more is announced.
constexpr std::uint64_t kMostUnderWay = 4;

std::int64_t now_ps() { return static_cast<std::int64_t>(sc_core::sc_time_stamp().value()); }
}  // namespace

Time PacedClient::Record::mean_latency() const {
  return arrived == 0
             ? Time()
             : Time(static_cast<double>(latency_sum) / static_cast<double>(arrived) * 1e-12);
}

Time PacedClient::Record::max_latency() const {
  return Time(static_cast<double>(latency_max) * 1e-12);
}

PacedClient::Packet& PacedClient::Pool::take() {
  if (idle_.empty()) {
    all_.push_back(std::make_unique<Packet>(this));
    idle_.push_back(all_.back().get());
  }
  Packet& packet = *idle_.back();
  idle_.pop_back();
  packet.acquire();
  return packet;
}

void PacedClient::Pool::free(tlm::tlm_generic_payload* payload) {
  idle_.push_back(static_cast<Packet*>(payload));
}

PacedClient::PacedClient(const sc_core::sc_module_name& name, const PacedTraffic& traffic,
                         std::uint64_t base)
    : sc_module(name),
      socket("socket"),
      bytes_(static_cast<std::uint64_t>(std::llround(traffic.bytes.si()))),
      span_(std::max(bytes_, static_cast<std::uint64_t>(std::llround(traffic.span.si())))),
      base_(base),
      period_(std::llround(traffic.period.si() * 1e12)),
      deadline_(std::llround(traffic.deadline.si() * 1e12)),
      write_(traffic.write) {
  if (sc_core::sc_get_time_resolution() != sc_core::sc_time(1, sc_core::SC_PS)) {
    throw std::logic_error("the simulation's time resolution is not 1 ps");
  }
  if (bytes_ == 0 || period_ <= 0) {
    throw std::logic_error("PacedClient: bytes and period above zero");
  }
  socket.register_nb_transport_bw(this, &PacedClient::backward);
  SC_HAS_PROCESS(PacedClient);
  SC_METHOD(pace);
  sensitive << tick_;
}

void PacedClient::stop() {
  stopped_ = true;
  tick_.cancel();
}

void PacedClient::pace() {
  if (stopped_) {
    return;
  }
  tick_.notify(sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(period_)));
  if (!started_) {
    started_ = true;
    send(0);
  }
  send(period_);
}

void PacedClient::send(std::int64_t delay) {
  if (under_way_ > kMostUnderWay) {
    ++record_.missed;
    return;
  }
  Packet& packet = pool_.take();
  packet.sent = now_ps() + delay;
  packet.train.kind = BurstTrain::Kind::sequential;
  packet.train.write = write_;
  packet.train.priority = 1;
  packet.train.client = client_;
  packet.train.base = base_ + offset_;
  packet.train.chunk = bytes_;
  packet.train.stride = bytes_;
  packet.train.count = 1;
  offset_ = offset_ + 2 * bytes_ <= span_ ? offset_ + bytes_ : 0;
  packet.set_command(write_ ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  packet.set_address(packet.train.base);
  packet.set_data_length(static_cast<unsigned>(std::min<std::uint64_t>(bytes_, 0xFFFFFFFFU)));
  packet.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  ++record_.sent;
  ++under_way_;
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time ahead = sc_core::sc_time::from_value(static_cast<sc_dt::uint64>(delay));
  if (socket->nb_transport_fw(packet, phase, ahead) == tlm::TLM_COMPLETED) {
    arrived(packet);
  }
}

tlm::tlm_sync_enum PacedClient::backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                         sc_core::sc_time& /*delay*/) {
  if (phase != tlm::BEGIN_RESP) {
    return tlm::TLM_ACCEPTED;
  }
  arrived(static_cast<Packet&>(payload));
  return tlm::TLM_COMPLETED;
}

void PacedClient::arrived(Packet& packet) {
  --under_way_;
  const std::int64_t latency = std::max<std::int64_t>(now_ps() - packet.sent, 0);
  ++record_.arrived;
  record_.bytes += bytes_;
  record_.latency_sum += latency;
  record_.latency_max = std::max(record_.latency_max, latency);
  record_.missed += latency > deadline_ ? 1 : 0;
  packet.release();
}

}  // namespace joulesim::hw
