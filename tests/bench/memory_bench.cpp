// How many 64-byte requests a second of CPU do the levels of a memory channel play?
#include "hw/dram/burst_feed.hpp"
#include "hw/dram/trace_patterns.hpp"
#include "hw/dram/trace_run.hpp"
#include "hw/dram/train.hpp"
#include "tests/oracle/dram_setup.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <cstdio>
#include <memory>
#include <string>
#include <sys/resource.h>
#include <vector>

using namespace joulesim;
using namespace joulesim::hw;
using namespace joulesim::hw::testing;

namespace {

double cpu_seconds() {
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec);
}

// Best of several, in seconds of user time.
template <class Work>
double best(int times, const Work& work) {
  double least = 1e9;
  for (int i = 0; i < times; ++i) {
    const double begin = cpu_seconds();
    work();
    least = std::min(least, std::max(cpu_seconds() - begin, 1e-6));
  }
  return least;
}

constexpr std::uint64_t kTrain = 256 << 10;
constexpr std::uint64_t kTrains = 256;

void submit(SliceArbiter& arbiter, const DramPart& part, bool two) {
  const auto burst = static_cast<std::uint64_t>(part.organisation.burst_bytes);
  for (std::uint64_t i = 0; i < kTrains; ++i) {
    for (std::uint64_t client = 0; client < (two ? 2U : 1U); ++client) {
      TrainPattern p;
      p.write = client == 1;
      p.base = client * (512ULL << 20) + i * kTrain;
      p.chunk = kTrain;
      p.count = 1;
      SliceArbiter::Share share;
      share.pieces = PieceStream(p, {1, 256, burst}, 0);
      share.write = p.write;
      share.tag = static_cast<std::uint32_t>(2 * i + client);
      arbiter.push(static_cast<int>(client), share);
    }
  }
}

void trains(const DramPart& whole, bool two) {
  const DramPart part = whole.one_unit();
  const DramMapping mapping = part.mapping();
  const double requests = static_cast<double>((two ? 2 : 1) * kTrains * kTrain / kRequestBytes);
  ControllerPolicy policy;
  policy.scheduler = Scheduler::frfcfs_row_hit;
  const double exact = best(3, [&] {
    SliceArbiter arbiter(32);
    submit(arbiter, part, two);
    Channel channel(part.organisation, part.timing, policy);
    BurstFeed feed(arbiter, mapping);
    channel.run(feed, kNever);
    CHECK(channel.idle());
  });
  const auto paces = std::make_shared<TrainPaces>();
  const auto play = [&] {
    SliceArbiter arbiter(32);
    submit(arbiter, part, two);
    TrainChannel channel(part.organisation, part.timing, mapping, policy, paces);
    std::vector<ShareDone> done;
    std::vector<std::uint64_t> served;
    const Clock window = part.timing.to_clocks_floor(1'000'000);
    for (Clock until = window; !arbiter.empty(); until += window) {
      channel.run(arbiter, until, done, served);
    }
  };
  const double first = best(1, play);  // measures the pace
  const double then = best(5, play);
  std::printf("%-13s %-22s burst %7.1f M/s   train %9.0f M/s (%5.0f x), first time %7.0f M/s\n",
              whole.name.c_str(), two ? "a read and a write one" : "one stream",
              requests / exact * 1e-6, requests / then * 1e-6, exact / then,
              requests / first * 1e-6);
  std::fflush(stdout);
}

}  // namespace

TEST_CASE("traces at burst and sampled level", "[trace]") {
  for (const std::string name : {"ddr4_3200", "lpddr5_6400", "hbm2_2000"}) {
    const DramPart part = load_part(name);
    for (const std::string_view pattern : trace_pattern_names()) {
      const auto trace = make_trace(pattern);
      TraceOptions options;
      const double exact = best(3, [&] { CHECK(run_trace(part, trace, options).cycles > 0); });
      options.detail = TraceDetail::sampled;
      const double sampled = best(3, [&] { CHECK(run_trace(part, trace, options).cycles > 0); });
      const auto n = static_cast<double>(trace.size());
      std::printf("%-13s %-14s burst %7.1f M/s   sampled %7.0f M/s\n", name.c_str(),
                  std::string(pattern).c_str(), n / exact * 1e-6, n / sampled * 1e-6);
      std::fflush(stdout);
    }
  }
}

TEST_CASE("trains of 256 KiB at burst and train level, windows of a microsecond", "[train]") {
  for (const std::string name :
       {"ddr4_3200", "ddr5_4800", "lpddr4x_4266", "lpddr5_6400", "gddr6_14000", "hbm3_6400"}) {
    trains(load_part(name), false);
    trains(load_part(name), true);
  }
}
