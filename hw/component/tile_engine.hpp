// Runs tile programs in SystemC: a DMA process that loads tiles ahead into a limited number of
// buffers, and a compute process that consumes them. One per active compute unit.
//
// Models:      double (n-fold) buffering, in-order operators, launch and drain times, weights
//              loaded ahead across operators where the runtime does so, several trains in flight, a
//              bandwidth limit of the port or of a program's requests in flight, writes that are
//              posted and must have landed at the end of a step; programs that begin and end
//              together with another engine's.
// Leaves out:  instruction fetch, interrupts, preemption.
// Checked by:  tests/timing/tile_engine.cpp (closed forms of bound and overlapped programs).
#pragma once

#include "hw/component/burst_train.hpp"
#include "hw/component/compute_unit.hpp"

#include <systemc>
#include <tlm_utils/simple_initiator_socket.h>

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace joulesim::hw {

// What one operator did on the unit.
struct OperatorTrace {
  std::size_t work = 0;
  std::int64_t begin_ps = 0, end_ps = 0;  // end of the operator before, end of this one
  std::int64_t own_end_ps = 0;            // the same without waiting for what runs beside it
  std::int64_t compute_ps = 0;            // time in which the unit computed
  std::int64_t starved_ps = 0;            // time in which it waited for loads
};

class TileEngine : public sc_core::sc_module {
 public:
  // One initiator socket per memory tier, in tier order.
  struct Port {
    std::unique_ptr<tlm_utils::simple_initiator_socket_tagged<TileEngine>> socket;
    std::uint16_t client = 0;
  };

  TileEngine(const sc_core::sc_module_name& name, const ComputeUnit& unit,
             const RuntimeSpec& runtime, std::size_t tiers);

  tlm_utils::simple_initiator_socket_tagged<TileEngine>& socket(std::size_t tier) {
    return *ports_[tier].socket;
  }
  void set_client(std::size_t tier, std::uint16_t client) { ports_[tier].client = client; }

  // Queues a step; `done()` fires when its last operator has finished and its writes have landed.
  void submit(const std::vector<Work>& works, const std::vector<TileProgram>& programs);
  [[nodiscard]] const sc_core::sc_event& done() const { return done_; }
  [[nodiscard]] bool idle() const { return programs_ == nullptr; }
  // What ties programs to another engine's, by index; each may wait. `turn`: until a program may
  // begin, asked before it loads what others write and before it computes. `begun`: it begins.
  // `end`: until what runs beside it has ended, too.
  struct Meeting {
    std::function<void(std::size_t)> turn, begun, end;
  };
  void meet(Meeting meeting) { meeting_ = std::move(meeting); }
  // Called at the end of every operator with the number of operators finished.
  void on_program_done(std::function<void(std::size_t)> callback) {
    on_program_done_ = std::move(callback);
  }

  [[nodiscard]] const std::vector<OperatorTrace>& traces() const { return traces_; }
  [[nodiscard]] const std::vector<double>& joules() const { return joules_; }  // by cause
  [[nodiscard]] std::int64_t compute_ps() const { return compute_total_ps_; }

 private:
  // A transaction and its train, recycled; counted references as the base protocol wants.
  struct Packet : tlm::tlm_generic_payload {
    Packet(tlm::tlm_mm_interface* pool) : tlm::tlm_generic_payload(pool) { set_extension(&train); }
    Packet(const Packet&) = delete;
    Packet& operator=(const Packet&) = delete;
    ~Packet() override { clear_extension(&train); }
    BurstTrain train;
    std::int64_t tile = -1;  // the tile that waits for it; -1: a write
  };
  class Pool : public tlm::tlm_mm_interface {
   public:
    Packet& take();
    void free(tlm::tlm_generic_payload* payload) override;

   private:
    std::vector<std::unique_ptr<Packet>> all_;
    std::vector<Packet*> idle_;
  };
  struct Tile {
    int pending = 0;      // trains that have not arrived
    bool issued = false;  // all its trains are on their way
    bool buffered = false;
  };

  void dma_thread();
  void compute_thread();
  void load_program(std::size_t program);
  void compute_program(std::size_t program);
  // Sends a stretch of a stream as trains, loads at `rate`, and advances the stream's offset.
  void send(const DataStream& stream, std::uint64_t bytes, std::uint64_t& offset, std::int64_t tile,
            Bandwidth rate);
  void send_train(std::size_t tier, const BurstTrain& train, std::int64_t tile);
  tlm::tlm_sync_enum backward(int tier, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                              sc_core::sc_time& delay);

  const ComputeUnit& unit_;
  RuntimeSpec runtime_;
  Pool pool_;
  std::vector<Port> ports_;
  const std::vector<Work>* works_ = nullptr;
  const std::vector<TileProgram>* programs_ = nullptr;

  std::deque<Tile>
      window_;  // tiles that the DMA has begun and the compute process has not finished
  std::int64_t first_tile_ = 0;  // sequence number of window_.front()
  int buffers_used_ = 0;
  std::size_t finished_programs_ = 0, started_programs_ = 0;
  std::int64_t writes_in_flight_ = 0;
  sc_core::sc_time port_free_;

  sc_core::sc_event submitted_, tile_ready_, buffer_free_, program_started_, program_done_, landed_,
      done_;
  std::function<void(std::size_t)> on_program_done_;
  Meeting meeting_;
  std::vector<OperatorTrace> traces_;
  std::vector<double> joules_;
  std::int64_t compute_total_ps_ = 0;
};

}  // namespace joulesim::hw
