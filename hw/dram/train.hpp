// One DRAM channel at train level: row segments served in closed form against the bank state.
//
// A segment is a stretch of consecutive bursts of one client within one stripe (one row of each
// bank that consecutive bursts rotate over). Its rows are opened ahead of the data, as far as the
// controller's buffer would have let their requests in; its column commands then follow at a fixed
// step. Cost per segment is a few bank operations, whatever its length.
//
// What goes on for long moves at a pace: how long a burst takes and how many rows it opens is
// measured with the exact core once per situation (patterns, directions, relative banks of all
// clients that take turns), with its refreshes, and whole trains are then served at that pace.
// Short pieces (strided, random) and directions that meet in a bank overtake each other in the
// controller's buffer, which no closed form catches; there the pace is the only way.
//
// Models:      the gates of BankState, look-ahead of one buffer, all-bank and per-bank refresh at
//              its due time, turnarounds, slices between clients in order.
// Leaves out:  collisions on the command buses (but in measured paces), two pseudo-channels in one
//              (a part is split into them first).
// Checked by:  tests/oracle/dram_train.cpp (against the exact core).
#pragma once

#include "hw/dram/arbiter.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/mapping.hpp"

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <vector>

namespace joulesim::hw {

// What a burst of a situation costs in the long run, as measured with the exact core.
struct TrainPace {
  double clocks = 0;  // per burst, outside dead time
  double dead = 0;    // clocks without bursts at every all-bank refresh
  double activates = 0, precharges = 0, misses = 0, conflicts = 0, turnarounds = 0;  // per burst
};

// Measured paces by situation. Channels of one part and policy may share a table.
using TrainPaces = std::map<std::vector<std::uint64_t>, TrainPace>;

class TrainChannel {
 public:
  TrainChannel(const DramOrganisation& organisation, const DramTiming& timing,
               const DramMapping& mapping, const ControllerPolicy& policy,
               std::shared_ptr<TrainPaces> paces = nullptr);

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
  // In order: a segment of one stripe, rows opened ahead of its data.
  std::uint64_t serve(std::uint64_t first, std::uint64_t n, bool write, Clock arrival, Clock until);
  bool prepare(int bank, std::int32_t row, bool write, std::uint64_t index, Clock arrival);
  void open(const Segment& segment, bool write, Clock arrival);
  std::uint64_t rounds(Segment& segment, std::uint32_t oldest, bool write, Clock limit);
  [[nodiscard]] Clock seen_at(bool write, std::uint64_t index, Clock arrival) const;

  // At a measured pace.
  static constexpr std::size_t kMostContenders = 4;
  static constexpr std::size_t kKeyWords = 4;  // per contender
  struct Situation {
    std::size_t words = 0;
    std::array<std::uint64_t, 1 + kMostContenders * kKeyWords> key{};
  };
  // False when the clients at work cannot go at a pace.
  bool look(SliceArbiter& arbiter, const std::vector<int>& clients, Situation& out) const;
  // The same clients at work on the same patterns as before, as far apart as before.
  [[nodiscard]] bool continues(const Situation& now) const;
  [[nodiscard]] bool in_order(const SliceArbiter& arbiter, const std::vector<int>& clients) const;
  const TrainPace* pace_of(const SliceArbiter& arbiter, const std::vector<int>& clients,
                           const Situation& situation);
  [[nodiscard]] TrainPace measure(const SliceArbiter& arbiter,
                                  const std::vector<int>& clients) const;
  // Bursts served up to `until`; none when there is no time for one of each client.
  std::uint64_t coast(SliceArbiter& arbiter, const std::vector<int>& clients, const TrainPace& pace,
                      Clock until, std::vector<ShareDone>& done,
                      std::vector<std::uint64_t>& served);
  // What a stretch at a pace leaves behind: the last rows open, the last column command.
  void leave(bool sequence, std::uint64_t last, Clock t);
  void count(const TrainPace& pace, std::uint64_t bursts);
  // Time at a pace runs outside the dead time of refreshes.
  [[nodiscard]] double busy_until(double from, double limit, double dead) const;
  [[nodiscard]] double after(double from, double busy, double dead) const;

  void refresh_due();
  void bank_refreshes_due();
  void pass_refreshes(Clock steps);
  void count_bank_refreshes(Clock t);
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
  std::shared_ptr<TrainPaces> paces_;
  const TrainPace* pace_ = nullptr;  // of the situation below, once it has been asked for
  Situation situation_;              // what the last column command belongs to
  std::uint64_t settled_ = 0;        // bursts since then, one after the other
  bool coasting_ = false;            // the last column command was one at a pace, at instant_
  double instant_ = 0;
  std::array<double, 5> carry_{};     // fractions of events not counted yet
  Clock cursor_ = 0;                  // the last column command
  Clock drain_since_ = 0;             // the last read
  std::uint64_t backlog_ = 0;         // writes that a drain among reads leaves behind
  bool held_back_ = false;            // some are
  Clock next_refresh_ = kNever;       // of all banks
  Clock next_bank_refresh_ = kNever;  // of the next bank in turn
  RefreshPlan plan_;
  int refresh_step_ = 0;
  std::vector<IssuedCommand>* log_ = nullptr;
};

}  // namespace joulesim::hw
