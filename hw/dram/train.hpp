// One DRAM channel at train level: row segments served in closed form against the bank state.
//
// A segment is a stretch of consecutive bursts of one client within one stripe (one open row of
// each bank that consecutive bursts rotate over). Its rows are opened ahead of the data, as far as
// the controller's buffer would have let their requests in; its column commands then follow at a
// fixed step. Cost per segment is a few bank operations, whatever its length.
//
// Models:      the gates of BankState, look-ahead of one buffer, all-bank refresh at its due time,
//              turnarounds, slices between clients; short pieces (strided, random) are reordered
//              within one buffer, ready ones first.
// Leaves out:  collisions on the command bus, a row closed early although hits are still queued.
// Checked by:  tests/oracle/dram_train.cpp (against the exact core, 1 % time, 2 % energy).
#pragma once

#include "hw/dram/arbiter.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/mapping.hpp"

#include <array>
#include <cstdint>
#include <functional>
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
  [[nodiscard]] Clock last_column() const { return cursor_; }
  void set_log(std::vector<IssuedCommand>* log);

 private:
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

  std::uint64_t serve(std::uint64_t first, std::uint64_t n, bool write, Clock arrival, Clock until);
  bool prepare(int bank, std::int32_t row, bool write, std::uint64_t index, Clock arrival);
  bool issue_one(const DramAddress& a, bool write, Clock arrival, std::uint64_t index, Clock until);
  std::uint64_t issue_run(std::uint64_t first, std::uint64_t n, bool write, Clock until);
  void refresh_due();
  void catch_up(Clock t);
  void column(int bank, bool write, Clock t) {
    if (write) {
      banks_.write(bank, t);
    } else {
      banks_.read(bank, t);
    }
    cursor_ = t;
  }

  DramOrganisation organisation_;
  DramTiming timing_;
  DramMapping mapping_;
  ControllerPolicy policy_;
  BankState banks_;
  std::array<History, 2> history_;
  Clock cursor_ = 0;  // the last column command
  Clock next_refresh_ = kNever;
  std::vector<IssuedCommand>* log_ = nullptr;
};

}  // namespace joulesim::hw
