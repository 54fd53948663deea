// Who goes next on one channel: several clients, each with its trains in order.
//
// Strict priority first; among equals a round of slices, a slice being a fixed number of bursts of
// one client. Clients are arbitrated, not trains: a client's own trains never interleave. The slice
// that is running survives any window in which the channel is simulated, so results do not depend
// on the window.
//
// Checked by: tests/unit/dram_arbiter.cpp, tests/oracle/dram_train.cpp.
#pragma once

#include "hw/dram/bank_state.hpp"
#include "hw/dram/interleave.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace joulesim::hw {

// A train's part on one channel has been served.
struct ShareDone {
  std::uint32_t tag = 0;
  Clock data_end = 0;
  std::uint64_t bursts = 0;
};

class SliceArbiter {
 public:
  struct Share {  // one train's part on this channel
    PieceStream pieces;
    bool write = false;
    std::uint8_t priority = 0;
    std::uint32_t tag = 0;
    Clock arrival = 0;
    std::uint64_t taken = 0;  // bursts so far
  };
  struct Taken {
    bool finished = false;     // the share has no burst left
    std::uint64_t bursts = 0;  // that it had in all
  };

  explicit SliceArbiter(int slice_bursts) : slice_bursts_(slice_bursts) {}

  // False when the train has no burst on this channel.
  bool push(int client, const Share& share);
  // The share to serve at `tick`: one that arrived before it if there is any (its slice runs on),
  // else the one to arrive next. nullptr when there is none.
  Share* pick(Clock tick);
  // After pick(): n bursts of the picked share were taken.
  Taken took(std::uint64_t n);
  // n bursts of another contender's share were, in its turns.
  Taken took_from(int client, std::uint64_t n);
  // Those among whom turns pass on at `tick`: clients of the picked one's priority that have work.
  const std::vector<int>& contenders(Clock tick);
  [[nodiscard]] const Share& front(int client) const {
    return clients_[static_cast<std::size_t>(client)].front();
  }
  // These clients alone at their turns, each with what it is at, going on without an end; tags are
  // their numbers.
  [[nodiscard]] SliceArbiter endless(const std::vector<int>& clients) const;

  [[nodiscard]] int client() const { return running_; }
  // Bursts until the turn passes on; as many as the piece has when no other client waits.
  [[nodiscard]] std::uint64_t slice_left(Clock tick) const;
  // Another client has work too.
  [[nodiscard]] bool contended(Clock tick) const;
  void end_slice() { credit_ = 0; }
  [[nodiscard]] bool empty() const { return waiting_ == 0; }
  // One client, the running one, has work and nobody else.
  [[nodiscard]] bool alone() const {
    return working_ == 1 && running_ >= 0 && !clients_[static_cast<std::size_t>(running_)].empty();
  }
  // The first arrival among what comes next of every client; kNever when there is nothing.
  [[nodiscard]] Clock earliest() const;
  // Next arrival at or after tick of a client that would take precedence over the running one.
  [[nodiscard]] Clock next_arrival(Clock tick) const;

 private:
  [[nodiscard]] bool ready(std::size_t client, Clock tick) const {
    return !clients_[client].empty() && clients_[client].front().arrival < tick;
  }
  int slice_bursts_;
  std::vector<int> contenders_;
  std::vector<std::deque<Share>> clients_;
  int running_ = -1;
  std::int64_t credit_ = 0;
  std::size_t waiting_ = 0, working_ = 0;  // shares; clients that have some
};

}  // namespace joulesim::hw
