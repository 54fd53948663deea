// One DRAM channel at train level: row segments served in closed form against the bank state.
//
// A segment is a stretch of consecutive bursts of one client within one stripe (one row of each
// bank that consecutive bursts rotate over). Its rows are opened ahead of the data, as far as the
// controller's buffer would have let their requests in; its column commands then follow at a fixed
// step. Cost per segment is a few bank operations, whatever its length.
//
// Short pieces (strided, random) overtake each other in the controller's buffer, which no closed
// form catches. A lone train of such pieces moves at a pace that the exact core measures once per
// pattern, without refreshes; those are then served at their due times.
//
// Models:      the gates of BankState, look-ahead of one buffer, all-bank refresh at its due time,
//              turnarounds, slices between clients in order.
// Leaves out:  collisions on the command buses, per-bank refresh, reordering between clients, two
//              pseudo-channels in one (a part is split into them first).
// Checked by:  tests/oracle/dram_train.cpp (against the exact core).
#pragma once

#include "hw/dram/arbiter.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/mapping.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

namespace joulesim::hw {

class TrainChannel {
 public:
  TrainChannel(const DramOrganisation& organisation, const DramTiming& timing,
               const DramMapping& mapping, const ControllerPolicy& policy);

  // Issues every column command that falls into (.., until]; finished shares are appended to
  // `done`, bursts served per client to `served`.
  void run(SliceArbiter& arbiter, Clock until, std::vector<ShareDone>& done,
           std::vector<std::uint64_t>& served);

  [[nodiscard]] DramCounters counters(Clock at_clock);
  void set_log(std::vector<IssuedCommand>* log);

 private:
  static constexpr int kMostRotation = 16;  // banks that consecutive bursts rotate over

  // Bursts issued at an even pace, for looking up when an earlier one left the buffer.
  struct Stretch {
    std::uint64_t begin = 0, count = 0;
    Clock first = 0, last = 0;
  };
  struct History {
    std::array<Stretch, 64> ring{};
    std::uint64_t issued = 0;
    std::size_t newest = 0;
    void add(std::uint64_t count, Clock first, Clock last);
    // Clock at which burst `index` issued; what is older than the ring counts as long ago.
    [[nodiscard]] Clock issue_time(std::uint64_t index) const;
  };
  // n bursts in one row of a few banks: burst i goes to bank i modulo `banks`.
  struct Segment {
    std::uint64_t n = 0;
    std::uint32_t banks = 0;
    std::int32_t row = 0;
    std::array<int, kMostRotation> bank{};
    std::array<std::uint64_t, kMostRotation> next{};  // each bank's oldest burst that is left
  };
  // What a burst of a pattern costs between refreshes, as measured with the exact core.
  struct Pace {
    std::int64_t bursts = 0;
    Clock clocks = 0;
    std::int64_t activates = 0, precharges = 0, misses = 0, conflicts = 0;
    std::array<double, 4> carry{};  // fractions of events not counted yet
  };

  // In order: a segment of one stripe, rows opened ahead of its data.
  std::uint64_t serve(std::uint64_t first, std::uint64_t n, bool write, Clock arrival, Clock until);
  bool prepare(int bank, std::int32_t row, bool write, std::uint64_t index, Clock arrival);
  void open(const Segment& segment, bool write, Clock arrival);
  std::uint64_t rounds(Segment& segment, std::uint32_t oldest, bool write, Clock limit);
  [[nodiscard]] Clock seen_at(bool write, std::uint64_t index, Clock arrival) const;

  // At a measured pace.
  [[nodiscard]] bool alone(const SliceArbiter& arbiter, const SliceArbiter::Share& share,
                           Clock until) const;
  std::uint64_t coast(SliceArbiter& arbiter, SliceArbiter::Share& share, Clock until,
                      std::vector<ShareDone>& done);
  Pace& pace_of(const SliceArbiter::Share& share);
  [[nodiscard]] Pace measure(const SliceArbiter::Share& share) const;

  void refresh_due();
  void catch_up(Clock t);
  void column(int bank, bool write, Clock t) {
    drain_since_ = write ? drain_since_ : t;
    if (write) {
      banks_.write(bank, t);
    } else {
      banks_.read(bank, t);
    }
    cursor_ = t;
  }
  [[nodiscard]] History& history(bool write) { return history_[static_cast<std::size_t>(write)]; }

  DramOrganisation organisation_;
  DramTiming timing_;
  DramMapping mapping_;
  ControllerPolicy policy_;
  BankState banks_;
  std::array<History, 2> history_;
  std::map<std::tuple<int, bool, std::uint64_t, std::uint64_t>, Pace> paces_;
  Pace* coasting_ = nullptr;   // the pattern that the last column command belongs to
  Clock cursor_ = 0;           // the last column command
  Clock drain_since_ = 0;      // the last read
  std::uint64_t backlog_ = 0;  // writes that a drain among reads leaves behind
  bool held_back_ = false;     // some are
  Clock next_refresh_ = kNever;
  std::vector<IssuedCommand>* log_ = nullptr;
};

}  // namespace joulesim::hw
