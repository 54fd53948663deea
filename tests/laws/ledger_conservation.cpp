// Is every joule counted once: sum of entries = integral of power = total?
#include "sim/base/ledger.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>

using namespace joulesim;
using namespace joulesim::literals;

namespace {

double uniform(std::mt19937_64& random, double low, double high) {
  return low + (high - low) * static_cast<double>(random() >> 11U) * 0x1p-53;
}

Ledger random_ledger(std::mt19937_64& random, int spans) {
  const char* components[] = {"dram", "npu", "cache", "supply"};
  const char* causes[] = {"read", "mac", "leakage"};
  const Spent kinds[] = {Spent::movement, Spent::arithmetic, Spent::standing};
  Ledger ledger;
  for (int i = 0; i < spans; ++i) {
    const std::size_t cause = random() % 3;
    const Time begin(uniform(random, 0, 1e-2));
    // Every seventh is an instant.
    const Time length(i % 7 == 0 ? 0 : std::pow(10, uniform(random, -9, -2)));
    ledger.spend(components[random() % 4], causes[cause], kinds[cause],
                 Energy(std::pow(10, uniform(random, -15, 3))), begin, begin + length);
  }
  return ledger;
}

double entries(const Ledger& ledger) {
  double sum = 0;
  for (const LedgerEntry& entry : ledger.entries()) {
    sum += entry.energy.si();
  }
  return sum;
}

double integral(const Ledger& ledger, std::size_t bins) {
  const auto trace = ledger.power_trace(Time(0), ledger.end(), bins);
  double sum = 0;
  for (const Power& power : trace) {
    sum += power.si();
  }
  return sum * ledger.end().si() / static_cast<double>(bins);
}

void conserves(const Ledger& ledger) {
  const double total = ledger.total().si();
  REQUIRE(total > 0);
  CHECK(entries(ledger) == Approx(total).epsilon(1e-12));
  for (const std::size_t bins : {1U, 7U, 1000U}) {
    CHECK(integral(ledger, bins) == Approx(total).epsilon(1e-9));
  }
  double components = 0;
  for (const char* name : {"dram", "npu", "cache", "supply"}) {
    components += ledger.of(name).si();
  }
  CHECK(components == Approx(total).epsilon(1e-12));
}

}  // namespace

TEST_CASE("entries, power over time and total agree for random spans") {
  std::mt19937_64 random(7);
  for (int round = 0; round < 20; ++round) {
    conserves(random_ledger(random, 1 + static_cast<int>(random() % 300)));
  }
}

TEST_CASE("appending and repeating ledgers conserves energy, busy time and the trace") {
  std::mt19937_64 random(11);
  for (int round = 0; round < 20; ++round) {
    Ledger block = random_ledger(random, 40);
    block.busy("npu", "mac", 3.0_ms, 1.0_ms);
    Ledger run = random_ledger(random, 10);
    const double before = run.total().si();
    const double times = uniform(random, 1, 200);
    run.append(block, Time(uniform(random, 0, 1)));
    run.append_repeated(block, Time(uniform(random, 0, 1)), times, block.end());
    CHECK(run.total().si() == Approx(before + (1 + times) * block.total().si()).epsilon(1e-12));
    REQUIRE(run.busy_entries().size() == 1);
    CHECK(run.busy_entries()[0].busy.si() == Approx((1 + times) * 3e-3));
    CHECK(run.busy_entries()[0].exposed.si() == Approx((1 + times) * 1e-3));
    conserves(run);
  }
}

TEST_CASE("a repeated ledger ends where its last repetition ends") {
  Ledger block;
  block.spend("npu", "mac", Spent::arithmetic, 2.0_J, 1.0_s, 3.0_s);
  Ledger run;
  run.append_repeated(block, 10.0_s, 4, 5.0_s);
  CHECK(run.end().si() == Approx(10 + 3 * 5 + 3));
  CHECK(run.total().si() == Approx(8));
  run.append_repeated(block, 0.0_s, 0, 5.0_s);
  CHECK(run.total().si() == Approx(8));
}

TEST_CASE("power is energy over its interval and nought outside") {
  Ledger ledger;
  ledger.spend("npu", "mac", Spent::arithmetic, 6.0_J, 1.0_s, 3.0_s);
  ledger.spend("dram", "read", Spent::movement, 1.0_J, 2.0_s, 4.0_s);
  const auto trace = ledger.power_trace(0.0_s, 4.0_s, 4);
  CHECK(trace[0].si() == Approx(0).margin(1e-12));
  CHECK(trace[1].si() == Approx(3));
  CHECK(trace[2].si() == Approx(3.5));
  CHECK(trace[3].si() == Approx(0.5));
  // A window in the middle holds what is spent inside it.
  const auto inside = ledger.power_trace(1.5_s, 2.5_s, 1);
  CHECK(inside[0].si() == Approx(3 + 0.25));
}

TEST_CASE("energy that is negative or no number, and intervals that run backwards, are bugs") {
  Ledger ledger;
  const double infinity = std::numeric_limits<double>::infinity();
  const auto spend = [&](double joules, double begin, double end) {
    ledger.spend("npu", "mac", Spent::arithmetic, Energy(joules), Time(begin), Time(end));
  };
  CHECK_THROWS_AS(spend(-1e-30, 0, 1), std::logic_error);
  CHECK_THROWS_AS(spend(std::nan(""), 0, 1), std::logic_error);
  CHECK_THROWS_AS(spend(infinity, 0, 1), std::logic_error);
  CHECK_THROWS_AS(spend(1, 2, 1), std::logic_error);
  CHECK_THROWS_AS(spend(1, 0, infinity), std::logic_error);
  CHECK_THROWS_AS(spend(1, std::nan(""), 1), std::logic_error);
  CHECK(ledger.total().si() == 0);
  spend(1, 0, 1);
  CHECK_THROWS_AS(ledger.spend("npu", "mac", Spent::movement, 1.0_J, 0.0_s, 1.0_s),
                  std::logic_error);
}
