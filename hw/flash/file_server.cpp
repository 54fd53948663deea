#include "hw/flash/file_server.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <utility>

namespace joulesim::hw {
namespace {
Picoseconds now_ps() { return static_cast<Picoseconds>(sc_core::sc_time_stamp().value()); }
}  // namespace

FileServer::Packet& FileServer::Pool::take() {
  if (idle_.empty()) {
    all_.push_back(std::make_unique<Packet>(this));
    idle_.push_back(all_.back().get());
  }
  Packet& packet = *idle_.back();
  idle_.pop_back();
  packet.acquire();
  return packet;
}

void FileServer::Pool::free(tlm::tlm_generic_payload* payload) {
  idle_.push_back(static_cast<Packet*>(payload));
}

FileServer::FileServer(const sc_core::sc_module_name& name, const FlashSpec& flash,
                       const StorageSystemSpec& system, const FileServerSettings& settings,
                       FileReader::Missing missing)
    : sc_module(name),
      socket("socket"),
      memory("memory"),
      settings_(settings),
      array_(flash),
      reader_(system, settings.path, settings.threads, array_, settings.file_end,
              std::move(missing)) {
  if (sc_core::sc_get_time_resolution() != sc_core::sc_time(1, sc_core::SC_PS)) {
    throw std::logic_error("the simulation's time resolution is not 1 ps");
  }
  socket.register_nb_transport_fw(this, &FileServer::forward);
  memory.register_nb_transport_bw(this, &FileServer::backward);
  SC_HAS_PROCESS(FileServer);
  SC_METHOD(work);
  sensitive << wake_;
  dont_initialize();
}

tlm::tlm_sync_enum FileServer::forward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                       sc_core::sc_time& /*delay*/) {
  if (phase != tlm::BEGIN_REQ) {
    return tlm::TLM_ACCEPTED;
  }
  const BurstTrain* train = payload.get_extension<BurstTrain>();
  if (train == nullptr || train->write) {
    throw std::logic_error(std::string(name()) + ": only reads that carry a train are served");
  }
  payload.acquire();
  if (free_.empty()) {
    free_.push_back(requests_.size());
    requests_.emplace_back();
  }
  const std::size_t index = free_.back();
  free_.pop_back();
  const bool whole = train->kind == BurstTrain::Kind::sequential;
  requests_[index] = {&payload, train->base, train->bytes(), whole ? 1 : train->count, 0};
  if (whole) {
    reader_.submit(index, {train->base, train->base + train->bytes()}, now_ps());
  } else {
    for (std::uint64_t i = 0; i < train->count; ++i) {
      reader_.submit(index, scattered_chunk(train->base, train->stride, train->chunk, i), now_ps());
    }
  }
  wake_.notify(sc_core::SC_ZERO_TIME);
  return tlm::TLM_ACCEPTED;
}

void FileServer::work() {
  const Picoseconds now = now_ps();
  for (const FileReader::Done& done : reader_.run(now)) {
    complete_.push({std::max(done.at, now), order_++, static_cast<std::size_t>(done.ticket)});
  }
  while (!complete_.empty() && complete_.top().at <= now) {
    const std::size_t index = complete_.top().request;
    complete_.pop();
    if (--requests_[index].reads == 0) {
      move(index);
    }
  }
  std::optional<Picoseconds> next = reader_.next();
  if (!complete_.empty()) {
    next = std::min(next.value_or(complete_.top().at), complete_.top().at);
  }
  if (next) {
    wake_.notify(sc_core::sc_time::from_value(
        static_cast<sc_dt::uint64>(std::max<Picoseconds>(0, *next - now))));
  }
}

// What the path has moved since the last time, and the unit's own read.
void FileServer::move(std::size_t index) {
  const FileCounters& counters = reader_.counters();
  const std::uint64_t base = requests_[index].base;
  send(base, counters.fetched - std::exchange(stored_, counters.fetched), true,
       settings_.store_client, -1);
  const std::uint64_t copied = counters.copied - std::exchange(copied_, counters.copied);
  const auto request = static_cast<std::int64_t>(index);
  ++requests_[index].moving;  // not answered before the last train has been sent
  send(base, copied, false, settings_.store_client, request);
  send(base + settings_.buffer_bytes / 2, copied, true, settings_.store_client, request);
  send(base, requests_[index].bytes, false, settings_.unit_client, request);
  landed(index);
}

void FileServer::send(std::uint64_t address, std::uint64_t bytes, bool write, std::uint16_t client,
                      std::int64_t request) {
  constexpr std::uint64_t kLine = 64;
  bytes = (bytes + kLine - 1) / kLine * kLine;
  while (bytes > 0) {
    const std::uint64_t at = address / kLine * kLine % settings_.buffer_bytes;
    const std::uint64_t size = std::min(bytes, settings_.buffer_bytes - at);
    Packet& packet = pool_.take();
    packet.train = BurstTrain();
    packet.train.write = write;
    packet.train.client = client;
    packet.train.base = settings_.buffer_base + at;
    packet.train.chunk = packet.train.stride = size;
    packet.train.count = 1;
    packet.request = request;
    packet.set_command(write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
    packet.set_address(packet.train.base);
    packet.set_data_length(static_cast<unsigned>(std::min<std::uint64_t>(size, 0xFFFFFFFFU)));
    packet.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
    if (request >= 0) {
      ++requests_[static_cast<std::size_t>(request)].moving;
    }
    tlm::tlm_phase phase = tlm::BEGIN_REQ;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    memory->nb_transport_fw(packet, phase, delay);
    address += size;
    bytes -= size;
  }
}

tlm::tlm_sync_enum FileServer::backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                                        sc_core::sc_time& /*delay*/) {
  if (phase != tlm::BEGIN_RESP) {
    return tlm::TLM_ACCEPTED;
  }
  auto& packet = static_cast<Packet&>(payload);
  const std::int64_t request = packet.request;
  packet.release();
  if (request >= 0) {
    landed(static_cast<std::size_t>(request));
  }
  return tlm::TLM_COMPLETED;
}

void FileServer::landed(std::size_t index) {
  if (--requests_[index].moving > 0) {
    return;
  }
  tlm::tlm_generic_payload& payload = *requests_[index].payload;
  free_.push_back(index);
  payload.set_response_status(tlm::TLM_OK_RESPONSE);
  tlm::tlm_phase phase = tlm::BEGIN_RESP;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  socket->nb_transport_bw(payload, phase, delay);
  payload.release();
}

}  // namespace joulesim::hw
