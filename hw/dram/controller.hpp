// A DRAM memory in SystemC: channels of one part behind TLM-2.0 sockets that take burst trains.
//
// Protocol: non-blocking base protocol in two phases. BEGIN_REQ with a BurstTrain extension
// (without one, the payload's address and length are one train of client 0); BEGIN_RESP comes back
// when the last byte has moved. Any number of trains may be under way.
//
// Models:      `burst` fidelity: every command, by the exact channel; `train`: closed form per row
//              segment. Interleaving over channels; clients in slices, strict priorities; idle
//              power-down and self-refresh. By symmetry only `simulated` of the channels are
//              played: each sees exactly its own share of every train's addresses, and a train so
//              small that it touches none of them is played on one as if it were there.
// Leaves out:  back-pressure (a client's trains queue without bound), blocking transport.
// Checked by:  tests/timing/dram_controller.cpp, tests/oracle/dram_train.cpp.
//
// Trains are seen when they arrive if the memory is idle or has simulated less far, else at the
// next window: `quantum` is the longest such delay. A train whose delay lies in the future is
// arbitrated at its due time, however long the window; the memory counts it as under way.
#pragma once

#include "hw/component/burst_train.hpp"
#include "hw/dram/burst_feed.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/energy.hpp"
#include "hw/dram/interleave.hpp"
#include "hw/dram/part.hpp"
#include "hw/dram/train.hpp"

#include <systemc>
#include <tlm>
#include <tlm_utils/multi_passthrough_target_socket.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <queue>
#include <string>
#include <vector>

namespace joulesim::hw {

enum class DramFidelity : std::uint8_t { burst, train };

struct DramConfig {
  int channels = 1;
  int simulated = 0;  // channels that are played; 0: all
  DramFidelity fidelity = DramFidelity::train;
  Bytes interleave = Bytes(256);
  Time quantum = Time(1e-6);
  int slice_bursts = 32;
  ControllerPolicy policy;
  Time trace_bin = Time(10e-6);          // doubled whenever a trace would exceed 4096 bins
  std::optional<Time> power_down_after;  // idle time until all channels enter it; unset: never
  std::optional<Time> self_refresh_after;

  DramConfig() { policy.scheduler = Scheduler::frfcfs_row_hit; }
};

struct DramClientStats {
  std::string name;
  Bytes read, written;
  std::int64_t trains = 0;
  Time latency_sum, latency_max;  // arrival to last byte
  [[nodiscard]] Time mean_latency() const {
    return trains == 0 ? Time() : latency_sum / static_cast<double>(trains);
  }
};

class MemController : public sc_core::sc_module {
 public:
  tlm_utils::multi_passthrough_target_socket<MemController> port;

  // The part must outlive the controller.
  MemController(const sc_core::sc_module_name& name, const DramPart& part,
                const DramConfig& config);

  // Clients are told apart by the index that their trains carry.
  std::uint16_t add_client(const std::string& name);
  // A client that asks at a fixed pace. One that does not announce its trains (sends them one
  // period ahead, with their due time as delay) starves in windows that are not far shorter than
  // its period: a quantum above a quarter of it is an InputError.
  std::uint16_t add_paced_client(const std::string& name, Time period, bool announces);

  // No train is accepted any more; those under way finish.
  void stop() { stopped_ = true; }
  [[nodiscard]] bool idle() const { return under_way_ == 0; }

  [[nodiscard]] const DramConfig& config() const { return config_; }
  [[nodiscard]] const DramPart& part() const { return part_; }
  [[nodiscard]] Bandwidth peak() const {
    return part_.peak.value * static_cast<double>(config_.channels);
  }
  [[nodiscard]] const std::vector<DramClientStats>& clients() const { return clients_; }
  // Bytes per bin and client since time 0.
  using sc_core::sc_module::trace;  // SystemC's own, of signals
  [[nodiscard]] const std::vector<std::vector<double>>& trace() const { return trace_; }
  [[nodiscard]] Time trace_bin() const { return Time(static_cast<double>(bin_ps_) * 1e-12); }
  // All channels, from time 0 to now.
  [[nodiscard]] DramActivity activity();
  // Energy of what happened since the last call (or time 0), booked over that interval.
  void book(Ledger& ledger, const std::string& component);

 private:
  struct Sleep {  // of every channel: in an idle gap, or in all of them
    Time power_down, self_refresh;
    double skipped_refreshes = 0;
  };
  struct Lane {  // one simulated channel
    explicit Lane(int slice) : arbiter(slice) {}
    SliceArbiter arbiter;
    std::unique_ptr<Channel> exact;
    std::unique_ptr<BurstFeed> feed;
    std::unique_ptr<TrainChannel> train;
    std::vector<ShareDone> done;
    std::vector<std::uint64_t> served;
  };
  struct Record {  // a train under way
    tlm::tlm_generic_payload* payload = nullptr;
    int socket = 0;
    std::uint16_t client = 0;
    bool write = false;
    int shares = 0;
    std::int64_t arrived_ps = 0;
    Clock last = 0;
    std::uint64_t bursts = 0, bytes = 0;
  };
  struct Arrival {
    tlm::tlm_generic_payload* payload = nullptr;
    int socket = 0;
    std::uint16_t client = 0;
    std::uint8_t priority = 0;
    std::int64_t at_ps = 0;
    TrainPattern pattern;
  };
  struct Response {
    std::int64_t at_ps = 0;
    std::uint32_t tag = 0;
    bool operator>(const Response& o) const {
      return at_ps != o.at_ps ? at_ps > o.at_ps : tag > o.tag;
    }
  };

  tlm::tlm_sync_enum forward(int socket, tlm::tlm_generic_payload& payload, tlm::tlm_phase& phase,
                             sc_core::sc_time& delay);
  void window();
  void respond();
  void accept(const Arrival& arrival);
  static void play(Lane& lane, Clock until);
  void collect(Lane& lane, std::int64_t window_begin_ps);
  void finish_share(const ShareDone& done);
  void add_to_trace(std::size_t client, double bytes, std::int64_t at_ps);
  [[nodiscard]] Sleep sleep_of(std::int64_t gap_ps) const;
  [[nodiscard]] Sleep asleep() const;
  [[nodiscard]] static std::int64_t now_ps();

  const DramPart& part_;
  DramPart lane_part_;   // what one lane plays: a channel, or a pseudo-channel at train level
  int per_channel_ = 1;  // lanes of a channel
  DramConfig config_;
  DramMapping mapping_;
  Interleave interleave_;
  int simulated_ = 1;  // lanes
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<DramClientStats> clients_;
  std::vector<std::vector<double>> trace_;
  std::int64_t bin_ps_ = 0;
  std::int64_t quantum_ps_ = 0;

  std::vector<Arrival> arrivals_;
  std::vector<Record> records_;
  std::vector<std::uint32_t> free_records_;
  std::priority_queue<Response, std::vector<Response>, std::greater<>> responses_;
  sc_core::sc_event wake_, respond_;
  std::int64_t window_begin_ps_ = 0, window_end_ps_ = 0;
  std::int64_t under_way_ = 0;
  std::int64_t idle_since_ps_ = 0;
  Sleep slept_;                                    // in idle gaps that have ended
  double asked_[2] = {0, 0}, played_[2] = {0, 0};  // bytes of finished trains, read and write
  bool stopped_ = false;
  std::vector<Energy> booked_;  // by cause
  Time booked_until_;
};

}  // namespace joulesim::hw
