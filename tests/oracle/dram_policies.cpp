// Do the named policies of the controller do what their names say, and only legal commands?
#include "hw/dram/channel.hpp"
#include "hw/dram/energy.hpp"
#include "hw/dram/trace_run.hpp"
#include "tests/oracle/dram_legality.hpp"
#include "tests/oracle/dram_setup.hpp"
#include "tests/oracle/dram_traces.hpp"

#include <catch2/catch.hpp>

#include <random>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

struct ListFeed {
  std::vector<Burst> bursts;
  std::size_t next = 0;
  std::vector<Clock> ends;
  const Burst* front(Clock) { return next < bursts.size() ? &bursts[next] : nullptr; }
  void pop() { ++next; }
  void done(const Burst&, Clock, Clock end) { ends.push_back(end); }
};

Burst read_at(Clock arrival, int bank, std::int32_t row, std::int32_t column = 0) {
  Burst b;
  b.bank = bank;
  b.row = row;
  b.column = column;
  b.arrival = arrival;
  return b;
}

// Bursts with pauses around the times of the policies.
std::vector<Burst> tangle(const DramPart& part, std::uint64_t seed, int count) {
  std::mt19937_64 rng(seed);
  const auto below = [&rng](std::int64_t n) {
    return static_cast<std::int64_t>(rng() % static_cast<std::uint64_t>(n));
  };
  std::vector<Burst> out;
  Clock arrival = 0;
  for (int i = 0; i < count; ++i) {
    Burst b = read_at(0, static_cast<int>(below(part.organisation.banks())),
                      static_cast<std::int32_t>(below(3)),
                      static_cast<std::int32_t>(below(part.organisation.columns())));
    b.write = below(100) < 30;
    if (below(8) == 0) {
      arrival += below(below(4) == 0 ? 3 * part.timing.nREFI : 400);
    }
    b.arrival = arrival;
    out.push_back(b);
  }
  return out;
}

struct Played {
  std::vector<IssuedCommand> log;
  DramCounters counters;
  std::vector<Clock> ends;
};

Played play(const DramPart& part, const ControllerPolicy& policy, std::vector<Burst> bursts,
            Clock until = 0) {
  REQUIRE(fault_of(policy, part.timing) == "");
  Channel channel(part.organisation, part.timing, policy);
  Played out;
  channel.set_log(&out.log);
  ListFeed feed{std::move(bursts), 0, {}};
  channel.run(feed, kNever);
  if (until > 0) {
    channel.settle(until);
  }
  REQUIRE(feed.ends.size() == feed.bursts.size());
  out.counters = channel.counters();
  out.ends = feed.ends;
  CHECK(LegalityChecker(part.organisation, part.timing).check(out.log) == "");
  return out;
}

ControllerPolicy idle_policy(IdlePolicy idle, Clock after) {
  ControllerPolicy policy;
  policy.idle = idle;
  policy.idle_after = after;
  return policy;
}

double pace(const DramPart& part, RefreshPolicy refresh) {
  TraceOptions options;
  options.scheduler = Scheduler::frfcfs_row_hit;
  options.refresh_mode = refresh;
  return run_trace(part, make_trace("seq_read", 1, 1 << 17), options).time.si();
}

}  // namespace

TEST_CASE("every policy issues only legal commands and serves every burst, on parts that have it") {
  for (const std::string name : {"ddr4_3200", "ddr5_4800", "lpddr4_4266", "lpddr4x_4266",
                                 "lpddr5_6400", "gddr6_14000", "hbm2_2000", "hbm3_6400"}) {
    const DramPart part = load_part(name);
    const auto bursts = tangle(part, 11, 3000);
    int tried = 0;
    for (const PagePolicy page : {PagePolicy::open, PagePolicy::closed, PagePolicy::timeout}) {
      for (const WriteDrain drain : {WriteDrain::watermark, WriteDrain::until_empty,
                                     WriteDrain::when_full, WriteDrain::mixed}) {
        for (const IdlePolicy idle : {IdlePolicy::none, IdlePolicy::power_down,
                                      IdlePolicy::precharge_power_down, IdlePolicy::self_refresh}) {
          const auto mix = static_cast<unsigned>(page) + static_cast<unsigned>(drain) +
                           static_cast<unsigned>(idle);
          ControllerPolicy policy = idle_policy(idle, 60);
          policy.page = page;
          policy.page_timeout = 100;
          policy.drain = drain;
          policy.scheduler = mix % 2 == 0 ? Scheduler::frfcfs : Scheduler::frfcfs_row_hit;
          policy.refresh = mix % 3 == 0   ? RefreshPolicy::all_bank
                           : mix % 3 == 1 ? RefreshPolicy::per_bank
                                          : RefreshPolicy::same_bank;
          if (!fault_of(policy, part.timing).empty()) {
            policy.refresh = RefreshPolicy::all_bank;
          }
          if (!fault_of(policy, part.timing).empty()) {
            continue;
          }
          INFO(name << " page " << static_cast<int>(page) << " drain " << static_cast<int>(drain)
                    << " idle " << static_cast<int>(idle));
          play(part, policy, bursts);
          ++tried;
        }
      }
    }
    CHECK(tried >= 12);
  }
}

TEST_CASE("the common rules, played in one piece, give the commands that the general rules give") {
  for (const std::string name : {"ddr4_3200", "ddr5_4800", "lpddr4_4266", "lpddr5_6400",
                                 "gddr6_14000", "hbm2_2000", "hbm3_6400"}) {
    const DramPart part = load_part(name);
    for (const WriteDrain drain :
         {WriteDrain::watermark, WriteDrain::until_empty, WriteDrain::when_full}) {
      INFO(name << " drain " << static_cast<int>(drain));
      ControllerPolicy policy;
      policy.drain = drain;
      policy.scheduler =
          drain == WriteDrain::until_empty ? Scheduler::frfcfs : Scheduler::frfcfs_row_hit;
      policy.refresh = RefreshPolicy::none;  // idle refreshes are counted, not logged
      const Played plain = play(part, policy, tangle(part, 23, 4000));
      policy.page = PagePolicy::timeout;  // that never comes
      policy.page_timeout = Clock{1} << 40;
      const Played general = play(part, policy, tangle(part, 23, 4000));
      CHECK(plain.ends == general.ends);
      REQUIRE(plain.log.size() == general.log.size());
      std::size_t differing = 0;
      for (std::size_t i = 0; i < plain.log.size(); ++i) {
        const IssuedCommand& a = plain.log[i];
        const IssuedCommand& b = general.log[i];
        differing += a.at != b.at || a.command != b.command || a.bank != b.bank || a.row != b.row;
      }
      CHECK(differing == 0);
      CHECK(plain.counters.row_conflicts == general.counters.row_conflicts);
    }
  }
}

TEST_CASE("a closed page opens each row for what is buffered, and nothing conflicts") {
  const DramPart part = load_part("ddr4_3200");
  TraceOptions options;
  const auto random = make_trace("rand64", 1, 1 << 15);
  const TraceResult open = run_trace(part, random, options);
  options.page = PagePolicy::closed;
  const TraceResult closed = run_trace(part, random, options);
  // Rows that another request of the bank waits for are conflicts under an open page alone.
  CHECK(open.counters.row_conflicts > open.counters.row_misses);
  CHECK(closed.counters.row_conflicts == 0);
  CHECK(closed.counters.auto_precharges == closed.counters.precharges);
  CHECK(closed.counters.precharges == closed.counters.activates);
  // Alone, a random read saves the precharge.
  options.serial = true;
  const TraceResult alone = run_trace(part, make_trace("rand64", 1, 1 << 12), options);
  options.page = PagePolicy::open;
  const TraceResult waiting = run_trace(part, make_trace("rand64", 1, 1 << 12), options);
  CHECK(
      static_cast<double>(waiting.cycles - alone.cycles) ==
      Approx(static_cast<double>(part.timing.nRP * waiting.counters.row_conflicts)).epsilon(0.05));
}

TEST_CASE("a row times out: a hit before, a miss after, and no conflict for another row") {
  const DramPart part = load_part("lpddr5_6400");
  ControllerPolicy policy;
  policy.refresh = RefreshPolicy::none;
  policy.page = PagePolicy::timeout;
  policy.page_timeout = 200;
  const auto rows = [&](Clock gap, std::int32_t row) {
    return play(part, policy, {read_at(0, 0, 1), read_at(1000 + gap, 0, 1), read_at(3000, 0, row)})
        .counters;
  };
  // The first read issues within a hundred clocks of its arrival.
  CHECK(rows(-900, 7).row_hits == 1);
  const DramCounters late = rows(0, 7);
  CHECK(late.row_hits == 0);
  CHECK(late.row_misses == 3);
  CHECK(late.row_conflicts == 0);
  policy.page = PagePolicy::open;
  CHECK(rows(0, 7).row_conflicts == 1);
}

TEST_CASE("a sleeping rank answers later by the exit time, and by no more") {
  for (const std::string name : {"ddr4_3200", "lpddr4x_4266", "hbm2_2000"}) {
    const DramPart part = load_part(name);
    const DramTiming& t = part.timing;
    INFO(name);
    const std::vector<Burst> two = {read_at(0, 0, 1), read_at(2001, 0, 1, 4)};
    ControllerPolicy awake;
    awake.refresh = RefreshPolicy::none;
    const Clock base = play(part, awake, two).ends[1];
    ControllerPolicy policy = idle_policy(IdlePolicy::power_down, 100);
    policy.refresh = RefreshPolicy::none;
    const Played active = play(part, policy, two);
    CHECK(active.ends[1] == base + t.nXP);
    CHECK(active.counters.active_power_down_clocks > 1500);
    CHECK((active.counters.power_down_clocks == 0) == (part.organisation.rank_units() == 1));
    CHECK(active.counters.power_downs >= 1);
    // With the row closed it has to be opened as well.
    policy.idle = IdlePolicy::precharge_power_down;
    const Played closed = play(part, policy, two);
    CHECK(closed.ends[1] == base + t.nXP + t.nRCDRD + t.act_cycles - t.column_cycles);
    CHECK(closed.counters.active_power_down_clocks == 0);
    CHECK(closed.counters.power_down_clocks > 1500);
    policy.idle = IdlePolicy::self_refresh;
    const Played self = play(part, policy, two);
    CHECK(self.ends[1] == base + t.nXS + t.nRCDRD + t.act_cycles - t.column_cycles);
    CHECK(self.counters.self_refresh_clocks > 1500);
  }
}

TEST_CASE("power-down keeps the refreshes, self-refresh leaves them to the device") {
  const DramPart part = load_part("ddr4_3200");
  const Clock intervals = 50;
  const Clock end = part.timing.nREFI * intervals + 100;
  for (const IdlePolicy idle :
       {IdlePolicy::power_down, IdlePolicy::precharge_power_down, IdlePolicy::self_refresh}) {
    const Played p = play(part, idle_policy(idle, 200), {read_at(0, 3, 5)}, end);
    INFO(static_cast<int>(idle));
    const DramCounters& c = p.counters;
    if (idle == IdlePolicy::self_refresh) {
      CHECK(c.refreshes == 0);
      CHECK(c.self_refresh_clocks > end - 1000);
    } else {
      CHECK(c.refreshes == intervals);
      CHECK(c.power_downs > intervals);
      CHECK(c.power_down_clocks + c.active_power_down_clocks > end * 9 / 10);
    }
  }
}

TEST_CASE("each state of sleep costs its own power") {
  DramPart part = load_part("ddr4_3200");
  const auto background = [&part](const ControllerPolicy& policy) {
    const Clock end = part.timing.nREFI - 100;
    const Played p = play(part, policy, {read_at(0, 0, 0)}, end);
    const Time span(static_cast<double>(end) * 0.625e-9);
    const DramActivity a = activity_of(p.counters, part, span);
    CHECK(a.total().si() == Approx(span.si()));
    for (const DramEnergyShare& share : energy_of(a, part)) {
      if (share.cause == "background") {
        return share.energy.si() / span.si();
      }
    }
    return 0.0;
  };
  const DramEnergy& e = part.require_energy();
  CHECK(background({}) == Approx(e.active_standby.value.si()).epsilon(0.03));
  CHECK(background(idle_policy(IdlePolicy::power_down, 1)) ==
        Approx(e.active_power_down->value.si()).epsilon(0.03));
  CHECK(background(idle_policy(IdlePolicy::precharge_power_down, 1)) ==
        Approx(e.power_down.value.si()).epsilon(0.03));
  CHECK(background(idle_policy(IdlePolicy::self_refresh, 1)) ==
        Approx(e.self_refresh.value.si()).epsilon(0.03));
  part.energy->active_power_down.reset();
  CHECK_THROWS_AS(background(idle_policy(IdlePolicy::power_down, 1)), InputError);
}

TEST_CASE("refreshes of some banks cover all banks once an interval and let the others work") {
  struct Mode {
    std::string part;
    RefreshPolicy refresh;
    std::int64_t commands;  // of the channel in one interval of all-bank refresh
  };
  // LPDDR5 refreshes pairs of banks; HBM2's and HBM3's intervals are those of one channel. DDR5's
  // fine granularity takes two rounds of its four banks a group.
  for (const Mode& m : {Mode{"lpddr4_4266", RefreshPolicy::per_bank, 8},
                        Mode{"lpddr5_6400", RefreshPolicy::per_bank, 8},
                        Mode{"hbm2_2000", RefreshPolicy::per_bank, 32},
                        Mode{"hbm3_6400", RefreshPolicy::per_bank, 64},
                        Mode{"ddr5_4800", RefreshPolicy::same_bank, 8}}) {
    const DramPart part = load_part(m.part);
    INFO(m.part);
    ControllerPolicy policy;
    policy.refresh = m.refresh;
    const Played p = play(part, policy, {read_at(0, 0, 0)}, part.timing.nREFI * 10);
    const auto count = p.counters.bank_refreshes + p.counters.same_bank_refreshes;
    CHECK(count <= 10 * m.commands);
    CHECK(count >= 10 * m.commands - 2 * part.organisation.rank_units());
    const DramActivity a = activity_of(p.counters, part, Time(1e-6));
    CHECK(a.refreshes == Approx(10 * part.organisation.rank_units()).epsilon(0.03));
    const double none = pace(part, RefreshPolicy::none);
    const double all = pace(part, RefreshPolicy::all_bank);
    const double some = pace(part, m.refresh);
    CHECK(some >= none * 0.9999);
    if (part.organisation.bank_groups > 1 && part.timing.nREFIsb == 0) {
      CHECK(some - none < 0.6 * (all - none));
    }
  }
}

TEST_CASE("write drains differ in how often the bus turns") {
  const DramPart part = load_part("ddr4_3200");
  const auto turns = [&part](WriteDrain drain) {
    TraceOptions options;
    options.drain = drain;
    options.refresh = false;
    const TraceResult r = run_trace(part, make_trace("seq_rw20", 1, 1 << 15), options);
    CHECK(r.counters.reads + r.counters.writes == 1 << 15);
    return r.counters.turnarounds;
  };
  // The fuller the buffer when a drain begins and the emptier when it ends, the fewer there are.
  CHECK(turns(WriteDrain::when_full) < turns(WriteDrain::until_empty));
  CHECK(turns(WriteDrain::until_empty) < turns(WriteDrain::watermark));
  // In one order the bus stays with its direction while anything is ready for it.
  CHECK(turns(WriteDrain::mixed) < turns(WriteDrain::watermark));
}

TEST_CASE("a policy whose timing the part lacks is refused by name") {
  const DramPart gddr6 = load_part("gddr6_14000");
  const DramPart ddr4 = load_part("ddr4_3200");
  TraceOptions options;
  const auto trace = make_trace("seq_read", 1, 64);
  const auto refused = [&](const DramPart& part, const std::string& word) {
    try {
      run_trace(part, trace, options);
    } catch (const InputError& error) {
      return std::string(error.what()).find(word) != std::string::npos;
    }
    return false;
  };
  options.idle = IdlePolicy::power_down;
  options.idle_after = Time(1e-7);
  CHECK(refused(gddr6, "tXP"));
  options.idle = IdlePolicy::self_refresh;
  CHECK(refused(gddr6, "tXS"));
  options = {};
  options.refresh_mode = RefreshPolicy::per_bank;
  CHECK(refused(ddr4, "tRFCpb"));
  options.refresh_mode = RefreshPolicy::same_bank;
  CHECK(refused(ddr4, "tRFCsb"));
  options = {};
  options.page = PagePolicy::timeout;
  CHECK(refused(ddr4, "time"));
}
