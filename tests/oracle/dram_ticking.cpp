// Is the exact core, which jumps from command to command, the controller that ticks every clock?
#include "tests/oracle/dram_ticking.hpp"

#include "hw/dram/trace_run.hpp"
#include "tests/oracle/dram_setup.hpp"
#include "tests/oracle/dram_traces.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include <fstream>
#include <random>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

struct ListFeed {
  explicit ListFeed(const std::vector<Burst>& list) : bursts(list) {}
  const std::vector<Burst>& bursts;
  std::size_t next = 0;
  Clock last = 0, latency = 0;
  std::int64_t reads = 0;
  const Burst* front(Clock) { return next < bursts.size() ? &bursts[next] : nullptr; }
  void pop() { ++next; }
  void done(const Burst& b, Clock issued, Clock end) {
    last = std::max(last, b.write ? issued : end);
    if (!b.write) {
      latency += end - b.arrival;
      ++reads;
    }
  }
};

std::vector<Burst> bursts_of(const DramPart& part, const std::string& mapping_name,
                             const std::vector<TraceRequest>& trace) {
  const DramMapping mapping = *DramMapping::named(mapping_name, part.organisation);
  const auto bytes = static_cast<std::uint64_t>(part.organisation.burst_bytes);
  std::vector<Burst> out;
  for (const TraceRequest& r : trace) {
    for (std::uint64_t at = 0; at < 64; at += bytes) {
      const DramAddress a = mapping.decode((r.address() + at) / bytes);
      out.push_back({a.bank, a.row, a.column, r.write(), 0, 0, 0});
    }
  }
  return out;
}

// Few banks and rows, writes, pauses: the corner cases that long traces meet now and then.
std::vector<Burst> tangle(const DramPart& part, std::uint64_t seed, int count) {
  std::mt19937_64 rng(seed);
  const auto below = [&rng](int n) { return static_cast<int>(rng() % static_cast<unsigned>(n)); };
  const int banks = 1 + below(part.organisation.banks());
  const int rows = 1 + below(4);
  const int writes = below(4) * 20;
  const int columns = below(2) == 0 ? 4 : part.organisation.columns();
  const int pauses = below(2) == 0 ? 0 : 40;
  std::vector<Burst> out;
  Clock arrival = 0;
  for (int i = 0; i < count; ++i) {
    Burst b;
    b.bank = below(banks) * (part.organisation.banks() / banks);
    b.row = below(rows);
    b.column = below(columns);
    b.write = below(100) < writes;
    if (pauses > 0 && below(pauses) == 0) {
      arrival += below(3000);
    }
    b.arrival = arrival;
    out.push_back(b);
  }
  return out;
}

// Every part but those that are another at another rate: their gates differ in clocks alone.
std::vector<std::string> distinct_parts() {
  std::vector<std::string> out;
  for (const std::string& name : part_names()) {
    const std::string path = std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/" + name + ".toml";
    if (!ConfigFile::read(path).root().has("base")) {
      out.push_back(name);
    }
  }
  return out;
}

std::string shown(const IssuedCommand& c) {
  static const char* const kNames[] = {"ACT", "PRE",   "PREab", "RD",  "WR",
                                       "REF", "REFpb", "REFsb", "RDA", "WRA"};
  return std::string(kNames[static_cast<std::size_t>(c.command)]) + " bank " +
         std::to_string(c.bank) + " at " + std::to_string(c.at);
}

// Empty when both lists are the same; else where they part.
std::string difference(const std::vector<IssuedCommand>& exact,
                       const std::vector<IssuedCommand>& ticking) {
  for (std::size_t i = 0; i < std::min(exact.size(), ticking.size()); ++i) {
    if (exact[i].at != ticking[i].at || exact[i].command != ticking[i].command ||
        exact[i].bank != ticking[i].bank) {
      return "command " + std::to_string(i) + ": exact " + shown(exact[i]) + ", ticking " +
             shown(ticking[i]);
    }
  }
  return "";
}

void compare(const DramPart& part, const ControllerPolicy& policy, const std::vector<Burst>& list) {
  Channel channel(part.organisation, part.timing, policy);
  std::vector<IssuedCommand> log;
  channel.set_log(&log);
  ListFeed feed(list);
  channel.run(feed, kNever);
  const TickingResult ticking = TickingController(part.organisation, part.timing, policy).run(list);
  const DramCounters c = channel.counters();
  REQUIRE(difference(log, ticking.commands) == "");
  REQUIRE(feed.last == ticking.cycles);
  REQUIRE(c.row_hits == ticking.row_hits);
  REQUIRE(c.row_misses == ticking.row_misses);
  REQUIRE(c.row_conflicts == ticking.row_conflicts);
  REQUIRE(feed.reads == ticking.reads);
  REQUIRE(feed.latency == ticking.latency);
}

}  // namespace

TEST_CASE("the ticking controller takes the clocks of Ramulator 2.1") {
  std::ifstream in(std::string(JOULESIM_DATA_DIR) + "/reference/memory_reference.json");
  if (!in) {
    WARN("no reference results in " << JOULESIM_DATA_DIR << "; nothing compared");
    return;
  }
  const nlohmann::json reference = nlohmann::json::parse(in);
  int rows = 0;
  for (const auto& row : reference.at("results")) {
    const bool serial = row.at("mode") == "serial";
    // The shorter traces are enough: the ticking controller is slow.
    if (row.at("sim") != "Ramulator2.1" ||
        (!serial && row.at("trace") != "rand64" && row.at("trace") != "stride4k")) {
      continue;
    }
    const std::string config = row.at("config");
    const bool hits_first = config.find("rowhit") != std::string::npos;
    const DramPart part = load_part(config.substr(3, config.find("_rowhit") - 3));
    ControllerPolicy policy = reference_policy(part);
    policy.scheduler = hits_first ? Scheduler::frfcfs_row_hit : Scheduler::frfcfs;
    std::vector<TraceRequest> trace = make_trace(row.at("trace").get<std::string>());
    trace.resize(row.at("requests"));
    const TickingResult r = TickingController(part.organisation, part.timing, policy)
                                .run(bursts_of(part, row.at("mapping"), trace), serial);
    INFO(config << " " << row.at("mapping") << " " << row.at("trace") << " " << row.at("mode"));
    CHECK(r.cycles == row.at("cycles").get<std::int64_t>());
    CHECK(r.row_hits == row.at("row_hits").get<std::int64_t>());
    CHECK(r.row_misses == row.at("row_misses").get<std::int64_t>());
    CHECK(r.row_conflicts == row.at("row_conflicts").get<std::int64_t>());
    ++rows;
  }
  CHECK(rows == 20);
}

TEST_CASE(
    "the exact core issues the ticking controller's commands on the traces, on all kinds of part") {
  for (const std::string& name : distinct_parts()) {
    const DramPart part = load_part(name);
    for (const std::string trace :
         {"seq_rw20", "seq_rw20_sep", "two_stream", "stride4k", "rand64", "rand4k"}) {
      const bool short_one = trace == "stride4k" || trace == "rand64";
      const auto list =
          bursts_of(part, part.mapping_name, make_trace(trace, 7, short_one ? 1 << 14 : 1 << 12));
      for (const Scheduler scheduler : {Scheduler::frfcfs, Scheduler::frfcfs_row_hit}) {
        INFO(name << " " << trace << " " << static_cast<int>(scheduler));
        ControllerPolicy policy = reference_policy(part);
        policy.scheduler = scheduler;
        compare(part, policy, list);
      }
    }
  }
}

TEST_CASE(
    "the exact core issues the ticking controller's commands in tangles, on all kinds of part") {
  for (const std::string& name : distinct_parts()) {
    const DramPart part = load_part(name);
    for (std::uint64_t seed = 1; seed <= 12; ++seed) {
      INFO(name << " seed " << seed);
      ControllerPolicy policy = reference_policy(part);
      policy.scheduler = seed % 3 == 0 ? Scheduler::frfcfs_row_hit : Scheduler::frfcfs;
      if (seed % 4 == 0 && part.timing.nREFIpb > 0) {
        policy.refresh = RefreshPolicy::per_bank;
      }
      if (seed % 4 == 2 && part.timing.nREFIsb > 0) {
        policy.refresh = RefreshPolicy::same_bank;
      }
      policy.drain = static_cast<WriteDrain>(seed % 7 < 4 ? seed % 7 : 0);
      policy.page = seed % 6 == 1 ? PagePolicy::closed : PagePolicy::open;
      if (seed % 5 == 0) {
        policy.read_entries = 8;
        policy.write_entries = 16;
      }
      compare(part, policy, tangle(part, seed * 1000 + name.size(), 1500));
    }
  }
}

TEST_CASE("two ranks on one bus issue the ticking controller's commands") {
  for (const std::string name : {"ddr4_3200", "ddr5_4800", "lpddr5_6400"}) {
    DramPart part = load_part(name);
    part.organisation.ranks = 2;
    part.timing.nCS = 2;
    for (std::uint64_t seed = 1; seed <= 8; ++seed) {
      INFO(name << " seed " << seed);
      compare(part, ControllerPolicy{}, tangle(part, seed, 1500));
    }
  }
}

TEST_CASE("a channel on the portable scan issues the same commands") {
  for (const std::string& name : distinct_parts()) {
    const DramPart part = load_part(name);
    INFO(name);
    ControllerPolicy policy = reference_policy(part);
    policy.portable = true;
    compare(part, policy, tangle(part, 77, 1500));
  }
}
