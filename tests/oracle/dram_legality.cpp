// Is every command list legal by an independent checker, on every part and kind of traffic?
#include "tests/oracle/dram_legality.hpp"

#include "hw/dram/burst_feed.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/trace_run.hpp"
#include "hw/dram/train.hpp"
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

const std::vector<std::string>& all_parts() {
  static const std::vector<std::string> kParts = {
      "ddr4_3200",    "ddr5_4800",   "ddr5_5600", "lpddr4_4266", "lpddr4x_4266", "lpddr5_6400",
      "lpddr5x_8533", "gddr6_14000", "hbm2_2000", "hbm3_6400",   "hbm3_5250"};
  return kParts;
}

struct ListFeed {
  std::vector<Burst> bursts;
  std::size_t next = 0;
  std::int64_t finished = 0;
  const Burst* front(Clock) { return next < bursts.size() ? &bursts[next] : nullptr; }
  void pop() { ++next; }
  void done(const Burst&, Clock, Clock) { ++finished; }
};

// Reads and writes over a few rows and banks, with pauses: as many corner cases as fit.
std::vector<Burst> random_bursts(const DramPart& part, std::uint64_t seed, int count) {
  std::mt19937_64 rng(seed);
  std::vector<Burst> out;
  Clock arrival = 0;
  const auto below = [&rng](std::uint64_t n) { return rng() % n; };
  for (int i = 0; i < count; ++i) {
    Burst b;
    b.bank = static_cast<int>(below(static_cast<std::uint64_t>(part.organisation.banks())));
    b.row = static_cast<std::int32_t>(below(3));
    b.column =
        static_cast<std::int32_t>(below(static_cast<std::uint64_t>(part.organisation.columns())));
    b.write = below(100) < 30;
    arrival += below(50) == 0 ? static_cast<Clock>(below(2000)) : 0;
    b.arrival = arrival;
    out.push_back(b);
  }
  return out;
}

void check_random(const DramPart& part, const ControllerPolicy& policy, std::uint64_t seed) {
  INFO(part.name << " seed " << seed);
  Channel channel(part.organisation, part.timing, policy);
  std::vector<IssuedCommand> log;
  channel.set_log(&log);
  ListFeed feed{random_bursts(part, seed, 4000)};
  channel.run(feed, kNever);
  CHECK(feed.finished == 4000);
  CHECK(log.size() > 4000);
  CHECK(LegalityChecker(part.organisation, part.timing).check(log) == "");
}

}  // namespace

TEST_CASE("the exact channel issues only legal commands on random reads and writes, on all parts") {
  for (const std::string& name : all_parts()) {
    for (const std::uint64_t seed : {1U, 2U, 3U}) {
      ControllerPolicy policy;
      check_random(load_part(name), policy, seed);
      policy.scheduler = Scheduler::frfcfs_row_hit;
      check_random(load_part(name), policy, seed);
    }
  }
}

TEST_CASE("per-bank refresh issues only legal commands and refreshes every bank in turn") {
  for (const std::string& name : all_parts()) {
    const DramPart part = load_part(name);
    if (part.timing.nREFIpb == 0) {
      continue;
    }
    ControllerPolicy policy;
    policy.refresh = RefreshPolicy::per_bank;
    check_random(part, policy, 5);
  }
}

TEST_CASE("the checker finds a command that comes one clock too early") {
  const DramPart part = load_part("ddr4_3200");
  Channel channel(part.organisation, part.timing, ControllerPolicy{});
  std::vector<IssuedCommand> log;
  channel.set_log(&log);
  ListFeed feed{random_bursts(part, 9, 500)};
  channel.run(feed, kNever);
  LegalityChecker checker(part.organisation, part.timing);
  REQUIRE(checker.check(log) == "");
  int caught = 0;
  int tried = 0;
  for (std::size_t i = 1; i < log.size(); ++i) {
    std::vector<IssuedCommand> shifted = log;
    shifted[i].at -= 1;
    ++tried;
    caught += checker.check(shifted).empty() ? 0 : 1;
  }
  // Most commands wait for a gate; the others waited for the command bus or for their turn.
  CHECK(caught > tried / 2);
}

TEST_CASE("the train server issues only legal commands on streams, mixes and strides") {
  for (const std::string& name : all_parts()) {
    const DramPart part = load_part(name).one_unit();
    INFO(name);
    const DramMapping mapping = part.mapping();
    TrainChannel channel(part.organisation, part.timing, mapping, ControllerPolicy{});
    std::vector<IssuedCommand> log;
    channel.set_log(&log);
    const auto burst = static_cast<std::uint64_t>(part.organisation.burst_bytes);
    const Interleave one{1, burst, burst};
    SliceArbiter arbiter(32);
    const auto add = [&](int client, const TrainPattern& p, std::uint32_t tag) {
      SliceArbiter::Share share;
      share.pieces = PieceStream(p, one, 0);
      share.write = p.write;
      share.tag = tag;
      arbiter.push(client, share);
    };
    using Kind = TrainPattern::Kind;
    add(0, {Kind::sequential, false, 0, 0, 128 << 10, 1}, 0);
    add(1, {Kind::sequential, true, 1 << 20, 0, 64 << 10, 1}, 1);
    add(1, {Kind::strided, false, 2 << 20, 8192, 256, 64}, 2);
    add(2, {Kind::random, true, 0, 16 << 20, 256, 64}, 3);
    std::vector<ShareDone> done;
    std::vector<std::uint64_t> served;
    channel.run(arbiter, kNever, done, served);
    CHECK(done.size() == 4);
    CHECK(LegalityChecker(part.organisation, part.timing).check(log) == "");
  }
}
