// A DMA engine: copies from one memory to another (or within one), some pieces at a time.
//
// Each piece is read as one burst train and written as another once it has arrived; `in_flight`
// pieces are under way at most, so that the copy runs at the pace of the slower side when they
// cover its latency. Jobs are served in order, the next one while the last pieces of the one before
// are still being written.
//
// Models:      pieces, pieces in flight, priority, jobs in order, time from submission to last
// byte. Leaves out:  descriptors fetched from memory, scatter and gather lists, data. Checked by:
// tests/timing/dram_contention.cpp.
#pragma once

#include "hw/component/burst_train.hpp"
#include "sim/base/quantity.hpp"

#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

namespace joulesim::hw {

struct DmaConfig {
  std::uint64_t piece_bytes = 64 << 10;
  std::uint64_t in_flight = 4;
  std::uint8_t priority = 0;
};

struct DmaJob {
  std::uint64_t source = 0, target = 0;  // byte addresses in either memory
  std::uint64_t bytes = 0;
};

class DmaEngine : public sc_core::sc_module {
 public:
  // Throws std::logic_error for pieces or a number of them that are nought.
  DmaEngine(const sc_core::sc_module_name& name, const DmaConfig& config);

  tlm_utils::simple_initiator_socket<DmaEngine> source, target;
  // The indices that the two memories handed out.
  void set_clients(std::uint16_t source_client, std::uint16_t target_client);

  void submit(const DmaJob& job);
  [[nodiscard]] const sc_core::sc_event& done() const { return done_; }  // of every job
  [[nodiscard]] bool idle() const { return jobs_.empty(); }

  struct Record {
    std::uint64_t jobs = 0, bytes = 0;              // finished
    std::uint64_t refused = 0;                      // pieces that a memory did not take
    std::int64_t latency_sum = 0, latency_max = 0;  // picoseconds, submission to the last byte
    [[nodiscard]] Time mean_latency() const;
    [[nodiscard]] Time max_latency() const;
  };
  [[nodiscard]] const Record& record() const { return record_; }

 private:
  struct Job {
    DmaJob what;
    std::int64_t submitted = 0;
    std::uint64_t asked = 0, moved = 0;  // bytes
  };
  struct Packet : tlm::tlm_generic_payload {
    explicit Packet(tlm::tlm_mm_interface* pool) : tlm_generic_payload(pool) {
      set_extension(&train);
    }
    Packet(const Packet&) = delete;
    Packet& operator=(const Packet&) = delete;
    ~Packet() override { clear_extension(&train); }
    BurstTrain train;
    std::uint64_t job = 0, offset = 0, bytes = 0;
  };
  class Pool : public tlm::tlm_mm_interface {
   public:
    Packet& take();
    void free(tlm::tlm_generic_payload* payload) override;

   private:
    std::vector<std::unique_ptr<Packet>> all_;
    std::vector<Packet*> idle_;
  };

  void pump();
  void send(std::uint64_t job, std::uint64_t offset, std::uint64_t bytes, bool write);
  tlm::tlm_sync_enum backward(tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                              sc_core::sc_time& delay);
  void arrived(Packet& packet);
  [[nodiscard]] Job& job(std::uint64_t number) {
    return jobs_[static_cast<std::size_t>(number - first_)];
  }

  Pool pool_;
  DmaConfig config_;
  std::uint16_t source_client_ = 0, target_client_ = 0;
  std::deque<Job> jobs_;     // that are not finished
  std::uint64_t first_ = 0;  // number of the oldest of them
  std::uint64_t next_ = 0;   // number of the one that pieces are asked of
  std::uint64_t under_way_ = 0;
  Record record_;
  sc_core::sc_event go_, done_;
};

}  // namespace joulesim::hw
