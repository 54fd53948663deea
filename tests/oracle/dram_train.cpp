// Does train level move the same bytes in the same time and with the same joules as the exact core?
#include "hw/dram/burst_feed.hpp"
#include "hw/dram/channel.hpp"
#include "hw/dram/energy.hpp"
#include "hw/dram/train.hpp"
#include "tests/oracle/dram_setup.hpp"

#include <catch2/catch.hpp>

#include <cstdint>
#include <string>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

constexpr std::uint64_t kMiB = 1 << 20;
using Kind = TrainPattern::Kind;

struct Job {  // a client's trains, back to back
  int client = 0;
  TrainPattern train;
  int count = 1;
};

struct Outcome {
  Clock end = 0;
  DramCounters counters;
  std::vector<std::uint64_t> served;
  std::size_t trains = 0;
};

void submit(SliceArbiter& arbiter, const std::vector<Job>& jobs, std::uint64_t burst) {
  const Interleave one{1, 256, burst};
  std::uint32_t tag = 0;
  for (const Job& job : jobs) {
    TrainPattern p = job.train;
    for (int i = 0; i < job.count; ++i) {
      SliceArbiter::Share share;
      share.pieces = PieceStream(p, one, 0);
      share.write = p.write;
      share.tag = tag++;
      arbiter.push(job.client, share);
      p.base += p.kind == Kind::sequential ? p.chunk * p.count : p.stride * p.count;
    }
  }
}

ControllerPolicy product_policy(RefreshPolicy refresh) {
  ControllerPolicy policy;
  policy.scheduler = Scheduler::frfcfs_row_hit;
  policy.refresh = refresh;
  return policy;
}

Outcome by_burst(const DramPart& part, const std::vector<Job>& jobs, RefreshPolicy refresh) {
  const DramMapping mapping = part.mapping();
  SliceArbiter arbiter(32);
  submit(arbiter, jobs, static_cast<std::uint64_t>(part.organisation.burst_bytes));
  Channel channel(part.organisation, part.timing, product_policy(refresh));
  BurstFeed feed(arbiter, mapping);
  channel.run(feed, kNever);
  Outcome out;
  for (const ShareDone& done : feed.finished()) {
    out.end = std::max(out.end, done.data_end);
  }
  out.counters = channel.counters();
  out.served = feed.served();
  out.trains = feed.finished().size();
  return out;
}

Outcome by_train(const DramPart& part, const std::vector<Job>& jobs, Clock quantum,
                 RefreshPolicy refresh = RefreshPolicy::all_bank) {
  const DramMapping mapping = part.mapping();
  SliceArbiter arbiter(32);
  submit(arbiter, jobs, static_cast<std::uint64_t>(part.organisation.burst_bytes));
  TrainChannel channel(part.organisation, part.timing, mapping, product_policy(refresh));
  std::vector<ShareDone> done;
  Outcome out;
  for (Clock until = quantum; !arbiter.empty(); until += quantum) {
    channel.run(arbiter, until, done, out.served);
  }
  for (const ShareDone& share : done) {
    out.end = std::max(out.end, share.data_end);
  }
  out.counters = channel.counters(out.end);
  out.trains = done.size();
  return out;
}

double joules(const DramPart& part, const Outcome& o) {
  const Time span(static_cast<double>(o.end) * static_cast<double>(part.timing.tCK_fs) * 1e-15);
  double sum = 0;
  for (const DramEnergyShare& s : energy_of(activity_of(o.counters, part, span), part)) {
    sum += s.energy.si();
  }
  return sum;
}

// One case at both levels; tolerances in per cent.
void compare(const std::string& part_name, const std::string& what, const std::vector<Job>& jobs,
             double time_percent, double energy_percent, double activates_percent,
             RefreshPolicy refresh = RefreshPolicy::all_bank) {
  const DramPart part = load_part(part_name).one_unit();
  const Outcome burst = by_burst(part, jobs, refresh);
  const Outcome train = by_train(part, jobs, 2000, refresh);
  INFO(part_name << ", " << what);
  CHECK(train.served == burst.served);
  CHECK(train.trains == burst.trains);
  CHECK(train.counters.reads == burst.counters.reads);
  CHECK(train.counters.writes == burst.counters.writes);
  CHECK(static_cast<double>(train.end) ==
        Approx(static_cast<double>(burst.end)).epsilon(time_percent / 100));
  CHECK(joules(part, train) == Approx(joules(part, burst)).epsilon(energy_percent / 100));
  CHECK(static_cast<double>(train.counters.activates) ==
        Approx(static_cast<double>(burst.counters.activates)).epsilon(activates_percent / 100));
}

TrainPattern sequential(bool write, std::uint64_t base) {
  return {Kind::sequential, write, base, 0, 256 << 10, 1};
}
TrainPattern strided(std::uint64_t stride, std::uint64_t chunk) {
  return {Kind::strided, false, 0, stride, chunk, 512};
}

const std::vector<std::string>& parts() {
  static const std::vector<std::string> kParts = {"ddr4_3200", "lpddr4x_4266", "lpddr5_6400",
                                                  "hbm3_5250", "gddr6_14000"};
  return kParts;
}

}  // namespace

TEST_CASE("train and burst level agree on single streams within half a per cent") {
  for (const std::string& part : parts()) {
    const double time = part == "gddr6_14000" ? 1 : 0.5;
    compare(part, "read", {{0, sequential(false, 0), 48}}, time, time, 5);
    compare(part, "write", {{0, sequential(true, 0), 48}}, time, time, 5);
  }
}

TEST_CASE("train and burst level agree on two read streams") {
  for (const std::string& part : parts()) {
    compare(part, "apart",
            {{0, sequential(false, 0), 32}, {1, sequential(false, 128 * kMiB + 40960), 32}}, 1, 1,
            8);
    compare(part, "same bank phase",
            {{0, sequential(false, 0), 32}, {1, sequential(false, 128 * kMiB), 32}}, 1, 1, 5);
  }
}

TEST_CASE("train and burst level agree on a read and a write stream in other banks") {
  for (const std::string& part : parts()) {
    // Two stripes of rows apart, so that the streams never meet in a bank.
    const std::uint64_t apart =
        2 * load_part(part).one_unit().mapping().stripe_bursts() *
        static_cast<std::uint64_t>(load_part(part).organisation.burst_bytes);
    compare(part, "read and write",
            {{0, sequential(false, 0), 32}, {1, sequential(true, 128 * kMiB + apart), 32}}, 1, 1,
            8);
  }
}

// Both directions want other rows of the same banks at every turn: the buffers' order decides how
// often a row is opened again.
TEST_CASE("train and burst level agree on a read and a write stream in the same banks") {
  for (const std::string& part : parts()) {
    compare(part, "same banks",
            {{0, sequential(false, 0), 32}, {1, sequential(true, 128 * kMiB), 32}}, 1, 2, 5);
    compare(part, "banks side by side",
            {{0, sequential(false, 0), 32}, {1, sequential(true, 128 * kMiB + 40960), 32}}, 1.2, 2,
            5);
  }
}

TEST_CASE("train and burst level agree on three streams and on a gather beside a stream") {
  for (const std::string& part : parts()) {
    compare(part, "three",
            {{0, sequential(false, 0), 32},
             {1, sequential(true, 128 * kMiB + 40960), 32},
             {2, sequential(false, 256 * kMiB + 4096), 32}},
            1, 2, 8);
    compare(part, "gather and stream",
            {{0, strided(8192, 256), 48}, {1, sequential(false, 128 * kMiB), 24}}, 1, 2, 8);
  }
}

TEST_CASE("train and burst level agree with refreshes of single banks") {
  for (const std::string& part : std::vector<std::string>{"lpddr4x_4266", "lpddr5_6400"}) {
    const RefreshPolicy refresh = RefreshPolicy::per_bank;
    compare(part, "read", {{0, sequential(false, 0), 96}}, 1, 2, 5, refresh);
    compare(part, "write", {{0, sequential(true, 0), 96}}, 1, 2, 5, refresh);
    compare(part, "read and write",
            {{0, sequential(false, 0), 48}, {1, sequential(true, 128 * kMiB), 48}}, 1, 2, 5,
            refresh);
  }
}

TEST_CASE("train and burst level agree on reads and writes of one client in turn") {
  for (const std::string& part :
       std::vector<std::string>{"ddr4_3200", "lpddr4x_4266", "hbm3_5250"}) {
    std::vector<Job> jobs;  // few activates in all: a row more or less at each turn shows
    for (std::uint64_t i = 0; i < 12; ++i) {
      jobs.push_back({0, sequential(false, i * 256 * 1024), 1});
      TrainPattern write = sequential(true, 128 * kMiB + i * 64 * 1024);
      write.chunk = 64 << 10;
      jobs.push_back({0, write, 1});
    }
    compare(part, "in turn", jobs, 0.8, 1, 16);
  }
}

TEST_CASE("train and burst level agree on strided reads of a cache of keys and values") {
  for (const std::string& part :
       std::vector<std::string>{"ddr4_3200", "lpddr4x_4266", "hbm3_5250"}) {
    compare(part, "256 B every 8 KiB", {{0, strided(8192, 256), 24}}, 1, 2, 5);
    compare(part, "256 B every 4 KiB", {{0, strided(4096, 256), 24}}, 1, 2, 5);
    compare(part, "128 B every 8 KiB", {{0, strided(8192, 128), 24}}, 1, 2, 5);
  }
}

TEST_CASE("train and burst level agree on random reads") {
  for (const std::string& part : std::vector<std::string>{"ddr4_3200", "lpddr4x_4266"}) {
    compare(part, "256 B anywhere", {{0, {Kind::random, false, 0, 128 * kMiB, 256, 20000}, 1}}, 1.5,
            2, 3);
    compare(part, "64 B anywhere", {{0, {Kind::random, false, 0, 128 * kMiB, 64, 20000}, 1}}, 1.5,
            2, 3);
  }
}

TEST_CASE("the length of the windows does not change what the train level answers") {
  const DramPart part = load_part("lpddr4x_4266");
  const std::vector<Job> jobs = {{0, sequential(false, 0), 16},
                                 {1, sequential(true, 128 * kMiB + 26624), 8},
                                 {2, sequential(false, 256 * kMiB + 4096), 16}};
  const Outcome reference = by_train(part, jobs, kNever / 4);
  for (const Clock quantum : {341, 2133, 8329}) {
    const Outcome o = by_train(part, jobs, quantum);
    INFO(quantum);
    CHECK(static_cast<double>(o.end) == Approx(static_cast<double>(reference.end)).epsilon(0.002));
    CHECK(o.served == reference.served);
  }
}
