// A DRAM controller that ticks: every clock it looks at every request and every rule.
//
// The exact core jumps from command to command and keeps candidates up to date; this one does
// neither. Its rules are a table of (level, commands before, commands after, clocks), written down
// from the standards and not from the gates of the core, and its controller is the description of
// the core's controller taken literally. It is slow and plain, so that it can be believed.
//
// Checked by: tests/oracle/dram_ticking.cpp (against the reference rows), which then uses it as the
//             judge of the exact core on standards that have no reference rows.
#pragma once

#include "hw/dram/channel.hpp"
#include "hw/dram/part.hpp"

#include <cstdint>
#include <deque>
#include <vector>

namespace joulesim::hw::testing {

struct TickingResult {
  Clock cycles = 0;  // of the last response
  std::int64_t row_hits = 0, row_misses = 0, row_conflicts = 0;
  std::int64_t latency = 0, reads = 0, refreshes = 0;
  std::vector<IssuedCommand> commands;
};

class TickingController {
 public:
  TickingController(const DramOrganisation& organisation, const DramTiming& timing,
                    const ControllerPolicy& policy);
  // All bursts in order; `serial`: one under way at a time.
  TickingResult run(const std::vector<Burst>& bursts, bool serial = false);

 private:
  enum Command : unsigned {
    kAct,
    kAct2,
    kPre,
    kPreAll,
    kRead,
    kWrite,
    kRef,
    kRefBank,
    kRefSame,
    kSync
  };
  enum class Level { unit, stack, group, bank };
  struct Rule {
    Level level;
    std::vector<Command> before, after;
    Clock clocks;
    unsigned window = 1;       // counts from the window-th last of the commands before
    bool siblings = false;     // binds the other nodes of the level in the same unit
    std::vector<Clock> ready;  // of each node of the level
    std::vector<std::deque<Clock>> history;  // of each node
  };
  struct Request {
    Burst burst;
    Clock arrive = 0;
    bool counted = false;
    std::size_t number = 0;  // of acceptance
  };
  enum class Bus { row, column, both };
  struct Pick {
    std::vector<Request>* buffer = nullptr;
    std::size_t index = 0;
    Command command = kAct;
  };

  void add(Level level, std::vector<Command> before, std::vector<Command> after, Clock clocks,
           unsigned window = 1, bool siblings = false);
  [[nodiscard]] Clock length(Command c) const;
  [[nodiscard]] std::size_t node(Level level, int bank) const;
  [[nodiscard]] bool rank_wide(Command c) const { return c == kPreAll || c == kRef; }
  [[nodiscard]] bool ready(Command c, int bank) const;
  void issue(Command c, int bank, std::int32_t row);
  [[nodiscard]] Command next_command(const Burst& b) const;
  [[nodiscard]] bool on_bus(Command c, int bank, Bus bus) const;
  [[nodiscard]] bool closes_active(Command c, int bank) const;
  [[nodiscard]] bool allowed(Command c, int bank) const;  // between the parts of an activate
  [[nodiscard]] bool due(int bank) const;                 // about to be refreshed on its own
  void refresh_due();
  bool serve_bank_refresh(Bus bus);
  void close_after(const Request& r);
  Pick pick_queued(Bus bus);
  Pick pick(std::vector<Request>& buffer, Bus bus, bool from_active);
  bool serve_maintenance(Bus bus);
  void serve(const Pick& p);
  void count(Request& r);
  bool slot(Bus bus);
  void tick_split();
  void second_part();
  void update_drain();

  DramOrganisation o_;
  DramTiming t_;
  ControllerPolicy policy_;
  std::vector<Rule> rules_;
  std::vector<std::vector<std::size_t>> binds_, bound_;  // rules by command before, after
  std::vector<std::int32_t> open_;
  std::vector<Request> read_, write_, active_, activating_;
  std::deque<std::vector<int>> maintenance_;  // banks that are refreshed together
  std::vector<Clock> closable_;               // of each bank: after tRTP and tWR
  std::vector<Clock> opened_at_, shut_;       // of each bank: last activate, end of auto-precharge
  Clock now_ = 0, next_refresh_ = 0;
  int turn_ = 0;
  bool local_ = false;  // refreshes of some banks, which leave the others at work
  bool draining_ = false;
  Clock bus_[2] = {0, 0};
  Clock act2_by_ = 0;
  Clock data_clock_ = 0;
  bool synced_ = false;
  Pick sync_for_;
  Clock pair_edge_ = -1;
  int pair_bank_ = -1;
  bool pair_all_ = false;
  TickingResult out_;
};

}  // namespace joulesim::hw::testing
