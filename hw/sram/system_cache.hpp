// A memory-side cache (a phone's system-level cache, a GPU's L2) between clients and a DRAM.
//
// A train is split into what is resident, served at the cache's bandwidth, and what is not, which
// goes on to the memory as trains; the answer comes when both are done. Lines that are pushed out
// dirty are written back without holding up the train that displaced them.
//
// Protocol: TLM-2.0 base protocol in two phases with a BurstTrain extension, on both sides. One
// target and one initiator socket per client, so that the memory behind still tells clients apart.
//
// Models:      a client's limit on what it draws from behind (its requests in flight), residency of
// ResidencyCache, bandwidth and latency of hits, fill traffic, write-back,
//              allocation on read and write; a client may bypass, have ways of its own, or
//              stream.
// Leaves out:  bank conflicts, fetching the rest of a line that is written in part, hardware
// prefetch. Checked by:  tests/timing/system_cache.cpp (hits at cache speed, misses at memory
// speed, bytes add up).
#pragma once

#include "hw/component/burst_train.hpp"
#include "hw/sram/sram.hpp"

#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>
#include <tlm_utils/simple_target_socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <queue>
#include <vector>

namespace joulesim::hw {

class SystemCache : public sc_core::sc_module {
 public:
  using TargetSocket = tlm_utils::simple_target_socket_tagged<SystemCache>;
  using MemorySocket = tlm_utils::simple_initiator_socket_tagged<SystemCache>;

  struct Traffic {
    std::uint64_t hits = 0;     // bytes read that were resident
    std::uint64_t misses = 0;   // bytes fetched from the memory
    std::uint64_t written = 0;  // bytes written by clients
    std::uint64_t written_back = 0;
    std::uint64_t read_bytes() const { return hits + written_back; }  // of the array
    std::uint64_t write_bytes() const { return misses + written; }
  };

  SystemCache(const sc_core::sc_module_name& name, const SramSpec& spec);

  // Before the simulation starts, inside the constructor of a module. `memory_client` is the
  // client's number at the memory behind, `memory_limit` the rate at which its outstanding requests
  // draw what misses.
  std::uint16_t add_client(std::uint16_t memory_client, std::optional<Bandwidth> memory_limit,
                           bool bypass = false, const CacheClient& ways = {});
  [[nodiscard]] TargetSocket& socket(std::uint16_t client) { return *clients_[client].target; }
  [[nodiscard]] MemorySocket& memory_socket(std::uint16_t client) {
    return *clients_[client].memory;
  }

  // State without time: what a train would leave behind. For warming up and for skipped work.
  void touch(std::uint64_t base, std::uint64_t bytes, bool write);
  [[nodiscard]] const Traffic& traffic() const { return traffic_; }
  [[nodiscard]] ResidencyCache& residency() { return cache_; }

 private:
  struct Packet;
  struct Request {  // one client train on its way
    tlm::tlm_generic_payload* payload = nullptr;
    std::uint16_t client = 0;
    int pending = 0;  // trains at the memory
    std::int64_t hits_done_ps = 0;
    bool active = false;
  };
  struct Packet : tlm::tlm_generic_payload {
    explicit Packet(tlm::tlm_mm_interface* pool) : tlm::tlm_generic_payload(pool) {
      set_extension(&train);
    }
    Packet(const Packet&) = delete;
    Packet& operator=(const Packet&) = delete;
    ~Packet() override { clear_extension(&train); }
    BurstTrain train;
    std::int64_t request = -1;  // -1: a write-back that nobody waits for
  };
  class Pool : public tlm::tlm_mm_interface {
   public:
    Packet& take();
    void free(tlm::tlm_generic_payload* payload) override;

   private:
    std::vector<std::unique_ptr<Packet>> all_;
    std::vector<Packet*> idle_;
  };
  struct Client {
    std::unique_ptr<TargetSocket> target;
    std::unique_ptr<MemorySocket> memory;
    std::uint16_t memory_client = 0;
    bool bypass = false;
    CacheClient ways;
    std::optional<Bandwidth> memory_limit;
    std::int64_t memory_free_ps = 0;
  };
  struct Completion {
    std::int64_t at_ps;
    std::uint64_t order;
    std::size_t request;
    bool operator>(const Completion& other) const {
      return at_ps != other.at_ps ? at_ps > other.at_ps : order > other.order;
    }
  };

  tlm::tlm_sync_enum forward(int client, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  tlm::tlm_sync_enum backward(int client, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                              sc_core::sc_time& delay);
  void complete();  // SC_METHOD: answers what is due
  void send(std::uint16_t client, const BurstTrain& train, std::int64_t request);
  void finish_at(std::size_t request, std::int64_t at_ps);
  // One contiguous stretch of a request: updates residency, sends what misses; returns bytes that
  // hit.
  std::uint64_t walk(std::size_t request, std::uint64_t base, std::uint64_t bytes,
                     const BurstTrain& like);

  SramSpec spec_;
  ResidencyCache cache_;
  Pool pool_;
  std::vector<Client> clients_;
  std::vector<Request> requests_;
  std::vector<std::size_t> free_requests_;
  std::priority_queue<Completion, std::vector<Completion>, std::greater<>> completions_;
  std::uint64_t order_ = 0;
  std::int64_t port_free_ps_ = 0;
  Traffic traffic_;
  sc_core::sc_event wake_;
};

}  // namespace joulesim::hw
