// The bursts of an arbiter's trains, one by one, for the exact channel.
#pragma once

#include "hw/dram/arbiter.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/mapping.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

namespace joulesim::hw {

// Completion of a train is the end of the last data of its bursts: bursts may finish out of order,
// so each train that still has bursts under way is counted down.
class BurstFeed {
 public:
  BurstFeed(SliceArbiter& arbiter, const DramMapping& mapping)
      : arbiter_(arbiter), mapping_(mapping) {}

  const Burst* front(Clock tick) {
    if (valid_ && (burst_.arrival < tick || arbiter_.alone())) {
      return &burst_;
    }
    SliceArbiter::Share* share = arbiter_.pick(tick);
    if (share == nullptr) {
      return nullptr;
    }
    const DramAddress a = mapping_.decode(share->pieces.first());
    burst_ = {a.bank,
              a.row,
              a.column,
              share->write,
              static_cast<std::uint16_t>(arbiter_.client()),
              share->tag,
              share->arrival};
    valid_ = true;
    return &burst_;
  }
  void pop() {
    if (flights_.size() <= burst_.tag) {
      flights_.resize(burst_.tag + std::size_t{1});
    }
    Flight& flight = flights_[burst_.tag];
    ++flight.under_way;
    if (const auto taken = arbiter_.took(1); taken.finished) {
      flight.bursts = taken.bursts;
    }
    valid_ = false;
  }
  void done(const Burst& burst, Clock, Clock data_end) {
    if (served_.size() <= burst.client) {
      served_.resize(burst.client + std::size_t{1});
    }
    ++served_[burst.client];
    Flight& flight = flights_[burst.tag];
    flight.last = std::max(flight.last, data_end);
    if (--flight.under_way == 0 && flight.bursts > 0) {
      done_.push_back({burst.tag, flight.last, flight.bursts});
      flight = {};
    }
  }
  void forget() { valid_ = false; }  // a new train may take precedence

  std::vector<ShareDone>& finished() { return done_; }
  std::vector<std::uint64_t>& served() { return served_; }

 private:
  struct Flight {
    std::uint64_t under_way = 0;
    std::uint64_t bursts = 0;  // known once the last one is in the buffers
    Clock last = 0;
  };
  SliceArbiter& arbiter_;
  const DramMapping& mapping_;
  Burst burst_;
  bool valid_ = false;
  std::vector<Flight> flights_;  // by tag: tags are few and used again
  std::vector<ShareDone> done_;
  std::vector<std::uint64_t> served_;
};

}  // namespace joulesim::hw
