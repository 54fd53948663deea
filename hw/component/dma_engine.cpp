#include "hw/component/dma_engine.hpp"

#include <algorithm>
#include <stdexcept>

namespace joulesim::hw {
namespace {

std::int64_t now_ps() { return static_cast<std::int64_t>(sc_core::sc_time_stamp().value()); }

}  // namespace

Time DmaEngine::Record::mean_latency() const {
  return jobs == 0 ? Time()
                   : Time(static_cast<double>(latency_sum) / static_cast<double>(jobs) * 1e-12);
}

Time DmaEngine::Record::max_latency() const {
  return Time(static_cast<double>(latency_max) * 1e-12);
}

DmaEngine::Packet& DmaEngine::Pool::take() {
  if (idle_.empty()) {
    all_.push_back(std::make_unique<Packet>(this));
    idle_.push_back(all_.back().get());
  }
  Packet& packet = *idle_.back();
  idle_.pop_back();
  packet.acquire();
  return packet;
}

void DmaEngine::Pool::free(tlm::tlm_generic_payload* payload) {
  idle_.push_back(static_cast<Packet*>(payload));
}

DmaEngine::DmaEngine(const sc_core::sc_module_name& name, const DmaConfig& config)
    : sc_module(name), source("source"), target("target"), config_(config) {
  if (config.piece_bytes == 0 || config.in_flight == 0) {
    throw std::logic_error("DmaEngine: pieces and their number above zero");
  }
  source.register_nb_transport_bw(this, &DmaEngine::backward);
  target.register_nb_transport_bw(this, &DmaEngine::backward);
  SC_HAS_PROCESS(DmaEngine);
  SC_METHOD(pump);
  sensitive << go_;
  dont_initialize();
}

void DmaEngine::set_clients(std::uint16_t source_client, std::uint16_t target_client) {
  source_client_ = source_client;
  target_client_ = target_client;
}

void DmaEngine::submit(const DmaJob& job) {
  jobs_.push_back({job, now_ps(), 0, 0});
  go_.notify(sc_core::SC_ZERO_TIME);
}

void DmaEngine::pump() {
  while (under_way_ < config_.in_flight && next_ - first_ < jobs_.size()) {
    Job& current = job(next_);
    const std::uint64_t offset = current.asked;
    const std::uint64_t bytes = std::min(config_.piece_bytes, current.what.bytes - offset);
    current.asked += bytes;
    const std::uint64_t number = next_;
    next_ += current.asked == current.what.bytes ? 1 : 0;
    ++under_way_;
    send(number, offset, bytes, false);
  }
}

void DmaEngine::send(std::uint64_t number, std::uint64_t offset, std::uint64_t bytes, bool write) {
  const DmaJob& what = job(number).what;
  Packet& packet = pool_.take();
  packet.job = number;
  packet.offset = offset;
  packet.bytes = bytes;
  packet.train.kind = BurstTrain::Kind::sequential;
  packet.train.write = write;
  packet.train.priority = config_.priority;
  packet.train.client = write ? target_client_ : source_client_;
  packet.train.base = (write ? what.target : what.source) + offset;
  packet.train.stride = bytes;
  packet.train.chunk = bytes;
  packet.train.count = 1;
  packet.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  packet.set_address(packet.train.base);
  packet.set_data_length(static_cast<unsigned>(std::min<std::uint64_t>(bytes, 0xFFFFFFFFU)));
  packet.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  auto& socket = write ? target : source;
  if (socket->nb_transport_fw(packet, phase, delay) == tlm::TLM_COMPLETED) {
    record_.refused += packet.get_response_status() == tlm::TLM_OK_RESPONSE ? 0 : 1;
    arrived(packet);
  }
}

tlm::tlm_sync_enum DmaEngine::backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                       sc_core::sc_time& /*delay*/) {
  if (phase != tlm::BEGIN_RESP) {
    return tlm::TLM_ACCEPTED;
  }
  arrived(static_cast<Packet&>(payload));
  return tlm::TLM_COMPLETED;
}

void DmaEngine::arrived(Packet& packet) {
  const std::uint64_t number = packet.job;
  const std::uint64_t offset = packet.offset;
  const std::uint64_t bytes = packet.bytes;
  const bool written = packet.train.write;
  packet.release();
  if (!written) {
    send(number, offset, bytes, true);
    return;
  }
  --under_way_;
  job(number).moved += bytes;
  // Jobs end in order: one that is overtaken by its successor's last piece is waited for.
  while (!jobs_.empty() && jobs_.front().moved == jobs_.front().what.bytes) {
    const std::int64_t latency = now_ps() - jobs_.front().submitted;
    ++record_.jobs;
    record_.bytes += jobs_.front().what.bytes;
    record_.latency_sum += latency;
    record_.latency_max = std::max(record_.latency_max, latency);
    jobs_.pop_front();
    ++first_;
    next_ = std::max(next_, first_);
    done_.notify(sc_core::SC_ZERO_TIME);
  }
  go_.notify(sc_core::SC_ZERO_TIME);
}

}  // namespace joulesim::hw
