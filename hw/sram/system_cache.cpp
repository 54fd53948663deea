#include "hw/sram/system_cache.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>

namespace joulesim::hw {
namespace {
std::int64_t now_ps() { return static_cast<std::int64_t>(sc_core::sc_time_stamp().value()); }
std::int64_t to_ps(Time t) { return std::llround(t.si() * 1e12); }
}  // namespace

SystemCache::Packet& SystemCache::Pool::take() {
  if (idle_.empty()) {
    all_.push_back(std::make_unique<Packet>(this));
    idle_.push_back(all_.back().get());
  }
  Packet& packet = *idle_.back();
  idle_.pop_back();
  packet.acquire();
  return packet;
}

void SystemCache::Pool::free(tlm::tlm_generic_payload* payload) {
  idle_.push_back(static_cast<Packet*>(payload));
}

SystemCache::SystemCache(const sc_core::sc_module_name& name, const SramSpec& spec)
    : sc_module(name), spec_(spec), cache_(spec.make_cache()) {
  SC_HAS_PROCESS(SystemCache);
  SC_METHOD(complete);
  sensitive << wake_;
  dont_initialize();
}

std::uint16_t SystemCache::add_client(std::uint16_t memory_client,
                                      std::optional<Bandwidth> memory_limit, bool bypass,
                                      const CacheClient& ways) {
  const auto index = static_cast<std::uint16_t>(clients_.size());
  Client client;
  client.memory_client = memory_client;
  client.bypass = bypass;
  client.ways = ways;
  client.memory_limit = memory_limit;
  client.target = std::make_unique<TargetSocket>(("client" + std::to_string(index)).c_str());
  client.target->register_nb_transport_fw(this, &SystemCache::forward, index);
  client.memory = std::make_unique<MemorySocket>(("memory" + std::to_string(index)).c_str());
  client.memory->register_nb_transport_bw(this, &SystemCache::backward, index);
  clients_.push_back(std::move(client));
  return index;
}

void SystemCache::touch(std::uint64_t base, std::uint64_t bytes, bool write) {
  (void)cache_.access(base, bytes, write);
}

tlm::tlm_sync_enum SystemCache::forward(int client, tlm::tlm_generic_payload& payload,
                                        tlm::tlm_phase& phase, sc_core::sc_time& /*delay*/) {
  if (phase != tlm::BEGIN_REQ) {
    return tlm::TLM_ACCEPTED;
  }
  const BurstTrain* train = payload.get_extension<BurstTrain>();
  if (train == nullptr) {
    throw std::logic_error(std::string(name()) + ": only burst trains are served");
  }
  payload.acquire();
  if (free_requests_.empty()) {
    free_requests_.push_back(requests_.size());
    requests_.emplace_back();
  }
  const std::size_t index = free_requests_.back();
  free_requests_.pop_back();
  requests_[index] = {&payload, static_cast<std::uint16_t>(client), 0, now_ps(), true};

  if (clients_[static_cast<std::size_t>(client)].bypass ||
      train->kind == BurstTrain::Kind::random) {
    // Addresses that are not known one by one cannot be looked up: they go past the cache.
    send(static_cast<std::uint16_t>(client), *train, static_cast<std::int64_t>(index));
    return tlm::TLM_ACCEPTED;
  }
  const std::uint64_t missed_before = traffic_.misses;
  std::uint64_t here = 0;  // bytes that the cache itself moves
  if (train->kind == BurstTrain::Kind::sequential) {
    here = walk(index, train->base, train->bytes(), *train);
  } else {
    for (std::uint64_t i = 0; i < train->count; ++i) {
      here += walk(index, train->base + i * train->stride, train->chunk, *train);
    }
  }
  if (here > 0) {
    const std::int64_t begin = std::max(now_ps(), port_free_ps_);
    port_free_ps_ = begin + to_ps(Bytes(static_cast<double>(here)) / spec_.bandwidth.value);
    requests_[index].hits_done_ps = port_free_ps_ + to_ps(spec_.latency.value);
  }
  Client& self = clients_[static_cast<std::size_t>(client)];
  if (const std::uint64_t missed = traffic_.misses - missed_before;
      self.memory_limit && missed > 0) {
    self.memory_free_ps = std::max(now_ps(), self.memory_free_ps) +
                          to_ps(Bytes(static_cast<double>(missed)) / *self.memory_limit);
    requests_[index].hits_done_ps = std::max(requests_[index].hits_done_ps, self.memory_free_ps);
  }
  if (requests_[index].pending == 0) {
    finish_at(index, requests_[index].hits_done_ps);
  }
  return tlm::TLM_ACCEPTED;
}

std::uint64_t SystemCache::walk(std::size_t request, std::uint64_t base, std::uint64_t bytes,
                                const BurstTrain& like) {
  const std::uint16_t client = requests_[request].client;
  const ResidencyOutcome outcome = cache_.access(base, bytes, like.write, clients_[client].ways);
  BurstTrain train = like;
  train.kind = BurstTrain::Kind::sequential;
  train.count = 1;
  const auto send_range = [&](const ByteRange& range, bool write, std::int64_t waiting) {
    train.write = write;
    train.base = range.begin;
    train.chunk = train.stride = range.bytes();
    send(client, train, waiting);
  };
  for (const ByteRange& range : outcome.write_backs) {
    send_range(range, true, -1);
    traffic_.written_back += range.bytes();
  }
  if (like.write) {
    traffic_.written += bytes;
    return bytes;
  }
  for (const ByteRange& range : outcome.fetch) {
    send_range(range, false, static_cast<std::int64_t>(request));
    traffic_.misses += range.bytes();
  }
  traffic_.hits += outcome.hit_bytes;
  return outcome.hit_bytes;
}

void SystemCache::send(std::uint16_t client, const BurstTrain& train, std::int64_t request) {
  Packet& packet = pool_.take();
  packet.train.copy_from(train);
  packet.train.client = clients_[client].memory_client;
  packet.request = request;
  packet.set_command(train.write ? tlm::TLM_WRITE_COMMAND : tlm::TLM_READ_COMMAND);
  packet.set_address(train.base);
  packet.set_data_length(
      static_cast<unsigned>(std::min<std::uint64_t>(train.bytes(), 0xFFFFFFFFU)));
  packet.set_response_status(tlm::TLM_INCOMPLETE_RESPONSE);
  if (request >= 0) {
    ++requests_[static_cast<std::size_t>(request)].pending;
  }
  tlm::tlm_phase phase = tlm::BEGIN_REQ;
  sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
  (*clients_[client].memory)->nb_transport_fw(packet, phase, delay);
}

tlm::tlm_sync_enum SystemCache::backward(int /*client*/, tlm::tlm_generic_payload& payload,
                                         tlm::tlm_phase& phase, sc_core::sc_time& /*delay*/) {
  if (phase != tlm::BEGIN_RESP) {
    return tlm::TLM_ACCEPTED;
  }
  auto& packet = static_cast<Packet&>(payload);
  if (packet.request >= 0) {
    const auto index = static_cast<std::size_t>(packet.request);
    Request& request = requests_[index];
    if (--request.pending == 0) {
      finish_at(index, std::max(now_ps(), request.hits_done_ps));
    }
  }
  packet.release();
  return tlm::TLM_COMPLETED;
}

void SystemCache::finish_at(std::size_t request, std::int64_t at_ps) {
  completions_.push({at_ps, order_++, request});
  wake_.notify(sc_core::sc_time::from_value(
      static_cast<sc_dt::uint64>(std::max<std::int64_t>(0, completions_.top().at_ps - now_ps()))));
}

void SystemCache::complete() {
  while (!completions_.empty() && completions_.top().at_ps <= now_ps()) {
    const std::size_t index = completions_.top().request;
    completions_.pop();
    Request& request = requests_[index];
    tlm::tlm_generic_payload& payload = *request.payload;
    const std::uint16_t client = request.client;
    request.active = false;
    free_requests_.push_back(index);
    payload.set_response_status(tlm::TLM_OK_RESPONSE);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    (*clients_[client].target)->nb_transport_bw(payload, phase, delay);
    payload.release();
  }
  if (!completions_.empty()) {
    wake_.notify(sc_core::sc_time::from_value(
        static_cast<sc_dt::uint64>(completions_.top().at_ps - now_ps())));
  }
}

}  // namespace joulesim::hw
