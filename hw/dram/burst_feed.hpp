// The bursts of an arbiter's trains, one by one, for the exact channel.
#pragma once

#include "hw/dram/arbiter.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/mapping.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace joulesim::hw {

// Completion of a train is the end of the last data of its bursts: bursts may finish out of order,
// so each train that still has bursts under way is counted down.
class BurstFeed {
 public:
  struct Done {
    std::uint32_t tag = 0;
    Clock data_end = 0;
  };

  BurstFeed(SliceArbiter& arbiter, const DramMapping& mapping)
      : arbiter_(arbiter), mapping_(mapping) {}

  const Burst* front(Clock tick) {
    if (valid_ && (burst_.arrival < tick || arbiter_.shares() == 1)) {
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
    Flight& flight = flights_[burst_.tag];
    ++flight.under_way;
    if (served_.size() <= burst_.client) {
      served_.resize(burst_.client + std::size_t{1});
    }
    const std::size_t shares = arbiter_.shares();
    arbiter_.took(1);
    flight.all_in = arbiter_.shares() < shares;
    valid_ = false;
  }
  void done(const Burst& burst, Clock, Clock data_end) {
    ++served_[burst.client];
    const auto it = flights_.find(burst.tag);
    it->second.last = std::max(it->second.last, data_end);
    if (--it->second.under_way == 0 && it->second.all_in) {
      done_.push_back({burst.tag, it->second.last});
      flights_.erase(it);
    }
  }
  void forget() { valid_ = false; }  // a new train may take precedence

  std::vector<Done>& finished() { return done_; }
  std::vector<std::uint64_t>& served() { return served_; }

 private:
  struct Flight {
    std::uint64_t under_way = 0;
    bool all_in = false;
    Clock last = 0;
  };
  SliceArbiter& arbiter_;
  const DramMapping& mapping_;
  Burst burst_;
  bool valid_ = false;
  std::map<std::uint32_t, Flight> flights_;
  std::vector<Done> done_;
  std::vector<std::uint64_t> served_;
};

}  // namespace joulesim::hw
