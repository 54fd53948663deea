// Is every gate tight: the command illegal one clock before, legal at the clock the datasheet says?
#include "hw/dram/bank_state.hpp"
#include "hw/dram/controller_policy.hpp"
#include "hw/dram/part.hpp"
#include "tests/oracle/dram_legality.hpp"
#include "tests/oracle/dram_setup.hpp"

#include <catch2/catch.hpp>

#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

constexpr Clock kStart = 100000;

const std::vector<std::string>& parts() {
  static const std::vector<std::string> kParts = {"ddr4_3200",   "ddr5_4800",   "lpddr4x_4266",
                                                  "lpddr5_6400", "gddr6_14000", "hbm2_2000",
                                                  "hbm3_6400"};
  return kParts;
}

// Distances hold between the last clocks of commands that take several.
Clock act_length(const DramTiming& t) { return t.act_cycles - 1; }
Clock column_length(const DramTiming& t) { return t.column_cycles - 1; }

struct Fixture {
  explicit Fixture(const std::string& name)
      : part(load_part(name)), t(part.timing), banks(part.organisation, part.timing) {
    // The bank beside bank 0 in its group, one in the next group, where there are groups.
    next_in_group = part.organisation.banks_per_group > 1 ? 1 : 0;
    other_group = part.organisation.bank_groups > 1 ? part.organisation.banks_per_group : 1;
  }
  DramPart part;
  const DramTiming& t;
  BankState banks;
  int next_in_group = 1, other_group = 1;
};

}  // namespace

TEST_CASE("an activate opens its gates exactly at tRCD, tRAS, tRC, tRRD and tFAW") {
  for (const std::string& name : parts()) {
    Fixture f(name);
    INFO(name);
    f.banks.activate(0, 5, kStart);
    const Clock done = kStart + act_length(f.t);
    CHECK(f.banks.earliest_column(0, false) == done + f.t.nRCDRD - column_length(f.t));
    CHECK(f.banks.earliest_column(0, true) == done + f.t.nRCDWR - column_length(f.t));
    CHECK(f.banks.earliest_pre(0) == done + f.t.nRAS);
    CHECK(f.banks.earliest_act(0) == kStart + f.t.nRC);
    CHECK(f.banks.earliest_act(f.next_in_group) == kStart + f.t.nRRDL);
    CHECK(f.banks.earliest_act(f.other_group) ==
          kStart + (f.part.organisation.bank_groups > 1 ? f.t.nRRDS : f.t.nRRDL));
    CHECK(f.banks.earliest_ref(0) == done + f.t.nRC);
  }
}

TEST_CASE("the fifth activate waits for tFAW after the first") {
  for (const std::string& name : parts()) {
    Fixture f(name);
    INFO(name);
    const int step = f.part.organisation.bank_groups > 1 ? f.part.organisation.banks_per_group : 1;
    Clock at = kStart;
    for (int i = 0; i < 4; ++i) {
      f.banks.activate(i * step, 1, at);
      at += f.t.nRRDL;
    }
    const int fifth = f.part.organisation.bank_groups > 1 ? 1 : 4;
    CHECK(f.banks.earliest_act(fifth) == std::max(kStart + f.t.nFAW, at));
  }
}

TEST_CASE("column commands keep tCCD, turnarounds, tRTP and tWR") {
  for (const std::string& name : parts()) {
    Fixture f(name);
    INFO(name);
    const bool groups = f.part.organisation.bank_groups > 1;
    const Clock at = kStart + 1000;
    f.banks.activate(0, 1, kStart);
    f.banks.activate(f.other_group, 1, kStart + f.t.nRRDL);
    f.banks.read(0, at);
    const Clock end = at + column_length(f.t);
    CHECK(f.banks.earliest_column(0, false) == at + std::max(f.t.nBL, f.t.nCCDL));
    CHECK(f.banks.earliest_column(f.other_group, false) ==
          at + std::max(f.t.nBL, groups ? f.t.nCCDS : f.t.nCCDL));
    CHECK(f.banks.earliest_column(f.other_group, true) == at + f.t.nRTW);
    CHECK(f.banks.earliest_pre(0) == end + f.t.nRTP);

    Fixture w(name);
    w.banks.activate(0, 1, kStart);
    w.banks.activate(w.other_group, 1, kStart + w.t.nRRDL);
    w.banks.write(0, at);
    CHECK(w.banks.earliest_column(0, true) == at + std::max(w.t.nBL, w.t.nCCDL_WR));
    CHECK(w.banks.earliest_column(0, false) ==
          at + w.t.nCWL + std::max(w.t.nBL, w.t.nBLmax) + w.t.nWTRL);
    if (groups) {
      CHECK(w.banks.earliest_column(w.other_group, false) == at + w.t.nCWL + w.t.nBL + w.t.nWTRS);
    }
    CHECK(w.banks.earliest_pre(0) == end + w.t.nCWL + w.t.nBL + w.t.nWR);
  }
}

TEST_CASE("precharge and refresh keep tRP, tRPab, tPPD and tRFC") {
  for (const std::string& name : parts()) {
    Fixture f(name);
    INFO(name);
    const Clock at = kStart + 1000;
    f.banks.activate(0, 1, kStart);
    f.banks.activate(f.next_in_group, 1, kStart + f.t.nRRDL);
    f.banks.precharge(0, at);
    CHECK(f.banks.open_row(0) == kClosed);
    CHECK(f.banks.earliest_act(0) == at + f.t.nRP - act_length(f.t));
    CHECK(f.banks.earliest_pre(f.next_in_group) == at + std::max<Clock>(1, f.t.nPPD));
    const Clock all = at + 100;
    f.banks.precharge_all(0, all);
    CHECK(f.banks.open_banks(0) == 0);
    CHECK(f.banks.earliest_act(0) == all + std::max(f.t.nRP, f.t.nRPab) - act_length(f.t));
    CHECK(f.banks.earliest_ref(0) == all + f.t.nRP);
    const Clock ref = all + f.t.nRPab + f.t.nRP;
    f.banks.refresh(0, ref);
    CHECK(f.banks.earliest_act(f.next_in_group) == ref + f.t.nRFC - act_length(f.t));
  }
}

TEST_CASE("stack ranks of HBM3 keep tCCD_R between each other") {
  Fixture f("hbm3_6400");
  const int other_stack = f.part.organisation.bank_groups * f.part.organisation.banks_per_group;
  f.banks.activate(0, 1, kStart);
  f.banks.activate(other_stack, 1, kStart + f.t.nRRDL);
  f.banks.read(0, kStart + 1000);
  CHECK(f.banks.earliest_column(other_stack, false) == kStart + 1000 + f.t.nCCDR);
  CHECK(f.t.nCCDR > f.t.nCCDS);
}

TEST_CASE("a per-bank refresh blocks its bank for tRFCpb and the others for tRREFD") {
  Fixture f("lpddr5_6400");
  f.banks.refresh_bank(3, kStart);
  CHECK(f.banks.earliest_act(3) == kStart + f.t.nRFCpb);
  CHECK(f.banks.earliest_act(0) == kStart + f.t.nRREFD);
  CHECK(f.banks.earliest_ref_bank(3) == kStart + std::max(f.t.nRFCpb, f.t.nPBR2PBR));
  CHECK(f.banks.earliest_ref_bank(0) == kStart + f.t.nPBR2PBR);
}

namespace {

using C = DramCommand;

// The last command of the list is legal by the independent checker at the clock at which the bank
// state first lets it issue, and illegal one clock before.
void tight(const DramPart& part, std::vector<IssuedCommand> list, const IssuedCommand& next,
           Clock earliest) {
  LegalityChecker checker(part.organisation, part.timing);
  list.push_back(next);
  list.back().at = earliest;
  INFO(part.name << " command " << static_cast<int>(next.command));
  CHECK(checker.check(list) == "");
  list.back().at = earliest - 1;
  CHECK(checker.check(list) != "");
}

}  // namespace

TEST_CASE("a same-bank refresh blocks its banks for tRFCsb and the others for tREFSBRD") {
  for (const std::string name : {"ddr5_4800", "ddr5_5600", "ddr5_6400"}) {
    Fixture f(name);
    const RefreshPlan plan(f.part.organisation, f.t, RefreshPolicy::same_bank);
    f.banks.refresh_banks(1, plan.set(1), true, kStart);
    const std::vector<IssuedCommand> list = {{kStart, C::ref_same, 1, kClosed}};
    const int mine = 1 + 3 * f.part.organisation.banks_per_group;
    tight(f.part, list, {0, C::act, mine, 1}, f.banks.earliest_act(mine));
    tight(f.part, list, {0, C::act, 2, 1}, f.banks.earliest_act(2));
    tight(f.part, list, {0, C::ref_same, 2, 1}, f.banks.earliest_ref_bank(2));
    CHECK(f.banks.earliest_act(mine) == kStart + f.t.nRFCsb - act_length(f.t));
    CHECK(f.banks.earliest_act(2) == kStart + f.t.nREFSBRD - act_length(f.t));
  }
}

TEST_CASE("auto-precharge opens its gates after tRTP or tWR, not before tRAS, and tRP") {
  for (const std::string& name : parts()) {
    for (const bool write : {false, true}) {
      for (const bool late : {false, true}) {  // after tRAS is over
        Fixture f(name);
        const Clock column =
            kStart + f.t.nRCDRD + f.t.nRCDWR + (late ? f.t.nRAS : 0) + (kStart + f.t.nRCDRD) % 2;
        f.banks.activate(0, 5, kStart);
        write ? f.banks.write(0, column) : f.banks.read(0, column);
        f.banks.auto_precharge(0, write, column);
        const Clock used =
            column + column_length(f.t) + (write ? f.t.nCWL + f.t.nBL + f.t.nWR : f.t.nRTP);
        const Clock start = std::max(used, kStart + act_length(f.t) + f.t.nRAS);
        INFO(name << " " << write << late);
        CHECK(f.banks.open_row(0) == kClosed);
        CHECK(f.banks.earliest_act(0) ==
              std::max(start + f.t.nRP - act_length(f.t), kStart + f.t.nRC));
        CHECK(f.banks.earliest_ref(0) ==
              std::max(start + f.t.nRP, kStart + act_length(f.t) + f.t.nRC));
        const std::vector<IssuedCommand> list = {{kStart, C::act, 0, 5},
                                                 {column, write ? C::wr_auto : C::rd_auto, 0, 5}};
        tight(f.part, list, {0, C::act, 0, 6}, f.banks.earliest_act(0));
        if (f.banks.earliest_ref(0) == start + f.t.nRP) {  // tRC is no rule of its own to refresh
          tight(f.part, list, {0, C::ref, 0, 0}, f.banks.earliest_ref(0));
        }
      }
    }
  }
}

TEST_CASE("power-down and self-refresh keep entry, stay and exit times") {
  for (const std::string name :
       {"ddr4_3200", "ddr5_4800", "lpddr4x_4266", "lpddr5_6400", "hbm2_2000"}) {
    const Clock column = kStart + 1000;
    struct Case {
      std::vector<IssuedCommand> before;
      bool self;
    };
    const Case cases[] = {
        {{{kStart, C::act, 0, 1}}, false},
        {{{kStart, C::act, 0, 1}, {column, C::rd, 0, 1}}, false},
        {{{kStart, C::act, 0, 1}, {column, C::wr, 0, 1}}, false},
        {{{kStart, C::act, 0, 1}, {column, C::rd_auto, 0, 1}}, false},
        {{{kStart, C::act, 0, 1}, {column, C::wr_auto, 0, 1}}, false},
        {{{kStart, C::act, 0, 1}, {column, C::wr_auto, 0, 1}}, true},
        {{{kStart, C::act, 0, 1}, {column, C::pre, 0, 1}}, false},
        {{{kStart, C::act, 0, 1}, {column, C::pre, 0, 1}}, true},
        {{{kStart, C::act, 0, 1}, {column, C::pre_all, 0, 1}}, true},
        {{{kStart, C::ref, 0, 0}}, false},
        {{{kStart, C::ref, 0, 0}}, true},
    };
    for (const Case& one : cases) {
      Fixture f(name);
      f.banks.track_sleep();
      for (const IssuedCommand& c : one.before) {
        switch (c.command) {
          case C::act:
            f.banks.activate(0, c.row, c.at);
            break;
          case C::pre:
            f.banks.precharge(0, c.at);
            break;
          case C::pre_all:
            f.banks.precharge_all(0, c.at);
            break;
          case C::ref:
            f.banks.refresh(0, c.at);
            break;
          default: {
            const bool write = c.command == C::wr || c.command == C::wr_auto;
            write ? f.banks.write(0, c.at) : f.banks.read(0, c.at);
            if (c.command == C::rd_auto || c.command == C::wr_auto) {
              f.banks.auto_precharge(0, write, c.at);
            }
          }
        }
      }
      const C in = one.self ? C::self_sleep : C::sleep;
      const C out = one.self ? C::self_wake : C::wake;
      const Clock entry = one.self ? f.banks.earliest_self_sleep(0) : f.banks.earliest_sleep(0);
      std::vector<IssuedCommand> list = one.before;
      if (entry > list.back().at + 1) {  // else any clock after it will do
        tight(f.part, list, {0, in, 0, 0}, entry);
      }
      list.push_back({entry, in, 0, 0});
      one.self ? f.banks.self_sleep(0, entry) : f.banks.sleep(0, entry);
      CHECK(f.banks.earliest_wake(0) == entry + (one.self ? f.t.nSR : f.t.nCKE));
      tight(f.part, list, {0, out, 0, 0}, f.banks.earliest_wake(0));
      const Clock exit = entry + 20000;  // whatever was under way is over
      list.push_back({exit, out, 0, 0});
      f.banks.wake(0, exit);
      const Clock any = one.self ? f.t.nXS : f.t.nXP;
      CHECK(f.banks.earliest_act(2) == exit + any);
      CHECK(f.banks.earliest_pre(0) == exit + any);
      CHECK(f.banks.earliest_column(0, false) == exit + any);
      CHECK(f.banks.earliest_ref(0) == exit + any);
      tight(f.part, list, {0, C::act, 2, 1}, f.banks.earliest_act(2));
      tight(f.part, list, {0, C::sleep, 0, 0}, f.banks.earliest_sleep(0));
    }
  }
}
