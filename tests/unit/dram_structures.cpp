// The pieces of the memory model one by one: mapping, interleave, buffers, arbiter.
#include "hw/dram/arbiter.hpp"
#include "hw/dram/bank_scan.hpp"
#include "hw/dram/interleave.hpp"
#include "hw/dram/mapping.hpp"
#include "hw/dram/request_queue.hpp"

#include <catch2/catch.hpp>

#include <algorithm>
#include <array>
#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>
#include <vector>

using namespace joulesim::hw;

namespace {

DramOrganisation small() {
  DramOrganisation o;
  o.bank_groups = 4;
  o.banks_per_group = 2;
  o.rows = 8;
  o.row_bytes = 512;
  o.burst_bytes = 32;
  return o;
}

// Bytes of a train that one channel moves, by local burst index.
std::map<std::uint64_t, int> local_bursts(const TrainPattern& train, const Interleave& interleave,
                                          int channel) {
  std::map<std::uint64_t, int> out;
  PieceStream pieces(train, interleave, channel);
  while (pieces.ensure()) {
    ++out[pieces.first()];
    pieces.take(1);
  }
  return out;
}

}  // namespace

TEST_CASE("every mapping puts every burst in a place of its own") {
  for (const int units : {1, 2}) {
    for (const int stacks : {1, 2}) {
      DramOrganisation o = small();
      o.units = units;
      o.stacks = stacks;
      int known = 0;
      for (const std::string_view name : DramMapping::names()) {
        const auto mapping = DramMapping::named(name, o);
        if (!mapping) {
          continue;  // the name leaves out a field that this organisation has
        }
        ++known;
        INFO(std::string(name) << " units " << units << " stacks " << stacks);
        std::set<std::tuple<int, int, int>> places;
        const std::uint64_t bursts = static_cast<std::uint64_t>(o.banks()) *
                                     static_cast<std::uint64_t>(o.rows * o.columns());
        for (std::uint64_t i = 0; i < bursts; ++i) {
          const DramAddress a = mapping->decode(i);
          REQUIRE(a.bank < o.banks());
          REQUIRE(a.row < o.rows);
          REQUIRE(a.column < o.columns());
          places.insert({a.bank, a.row, a.column});
        }
        CHECK(places.size() == bursts);
      }
      CHECK(known > 0);
    }
  }
}

TEST_CASE("a mapping's fields lie in the order of its name") {
  const DramOrganisation o = small();
  const auto low = *DramMapping::named("ro_ra_ba_co_bg", o);
  CHECK(low.decode(1).bank == 2);  // the next bank group
  CHECK(low.decode(1).column == 0);
  CHECK(low.decode(4).column == 1);
  CHECK(low.decode(4 * 16).bank == 1);
  CHECK(low.decode(8 * 16).row == 1);
  CHECK(low.rotation() == 4);
  CHECK(low.stripe_bursts() == 64);
  const auto high = *DramMapping::named("ro_ra_ba_bg_co", o);
  CHECK(high.decode(1).column == 1);
  CHECK(high.decode(16).bank == 2);
  CHECK(high.rotation() == 1);
  CHECK(high.stripe_bursts() == 16);
  CHECK_FALSE(DramMapping::named("ro_ba_co", o).has_value());  // no bank group in the name
  CHECK_FALSE(DramMapping::named("co_ro", o).has_value());
  // Any order of the fields; fields of which there is one are free.
  const auto turned = *DramMapping::named("ch_bg_co_ro_ba_ra_sid", o);
  CHECK(turned.decode(1).bank == 1);
  CHECK(turned.decode(2).row == 1);
  CHECK(turned.decode(2 * 8).column == 1);
  CHECK(turned.decode(2 * 8 * 16).bank == 2);
}

TEST_CASE("a mapping that does not fit a part is refused with the reason") {
  const DramOrganisation o = small();
  const auto says = [&o](std::string_view name, const std::string& part) {
    INFO(std::string(name) << ": " << DramMapping::fault(name, o));
    CHECK_FALSE(DramMapping::named(name, o).has_value());
    CHECK(DramMapping::fault(name, o).find(part) != std::string::npos);
  };
  says("ro_ba_co", "leaves out 'bg', of which the part has 4");
  says("ro_ba_bx_co", "unknown field 'bx'");
  says("ro_ba_bg_co_ro", "'ro' twice");
  says("", "unknown field ''");
  says("ro__ba_bg_co", "unknown field ''");
  CHECK(DramMapping::fault("ro_ba_bg_co", o).empty());
}

TEST_CASE("every byte of a train falls on exactly one channel") {
  const Interleave interleave{5, 256, 32};
  std::mt19937_64 rng(3);
  for (int k = 0; k < 200; ++k) {
    TrainPattern train;
    train.kind = k % 2 == 0 ? TrainPattern::Kind::sequential : TrainPattern::Kind::strided;
    train.base = rng() % 100000 * 32;
    train.chunk = (1 + rng() % 200) * 32;
    train.count = 1 + rng() % 6;
    train.stride = train.chunk + rng() % 4000 * 32;
    std::uint64_t bursts = 0;
    for (int channel = 0; channel < interleave.channels; ++channel) {
      for (const auto& [index, times] : local_bursts(train, interleave, channel)) {
        CHECK(times == 1);
        bursts += static_cast<std::uint64_t>(times);
      }
    }
    CHECK(bursts * 32 == train.chunk * train.count);
  }
}

TEST_CASE("the channel of an address is the channel that its burst is asked of") {
  const Interleave interleave{4, 256, 64};
  for (std::uint64_t address = 0; address < 64 * 1024; address += 4096 + 64) {
    TrainPattern one;
    one.base = address / 64 * 64;
    one.chunk = 64;
    one.count = 1;
    for (int channel = 0; channel < 4; ++channel) {
      CHECK(local_bursts(one, interleave, channel).size() ==
            (channel == interleave.channel_of(address) ? 1 : 0));
    }
  }
}

TEST_CASE("power-of-two strides reach all channels evenly") {
  const Interleave interleave{4, 256, 32};
  TrainPattern train;
  train.kind = TrainPattern::Kind::strided;
  train.stride = 8192;
  train.chunk = 256;
  train.count = 4096;
  for (int channel = 0; channel < 4; ++channel) {
    const std::size_t bursts = local_bursts(train, interleave, channel).size();
    CHECK(bursts > 7372);
    CHECK(bursts < 9012);
  }
}

TEST_CASE("a request buffer always knows the oldest hit and the oldest other request of a bank") {
  std::mt19937_64 rng(11);
  RequestQueue queue(32, true);
  struct Plain {
    Burst burst;
    std::uint64_t age = 0;
  };
  std::vector<Plain> list;
  std::vector<std::int32_t> open(8, kClosed);
  std::uint64_t age = 0;
  for (int step = 0; step < 20000; ++step) {
    const auto action = rng() % 10;
    const int bank = static_cast<int>(rng() % 8);
    if (action < 5 && !queue.full()) {
      Burst b;
      b.bank = bank;
      b.row = static_cast<std::int32_t>(rng() % 4);
      b.column = static_cast<std::int32_t>(rng() % 64);
      queue.push(b, age, open[static_cast<std::size_t>(bank)], 0);
      list.push_back({b, age++});
    } else if (action < 8 && !list.empty()) {  // serve the oldest of some request's row
      const Burst& pick = list[rng() % list.size()].burst;
      const auto it = std::find_if(list.begin(), list.end(), [&pick](const Plain& p) {
        return p.burst.bank == pick.bank && p.burst.row == pick.row;
      });
      const auto& entry = queue.pop(pick.bank, pick.row, open[static_cast<std::size_t>(pick.bank)]);
      CHECK(entry.age == it->age);
      list.erase(it);
    } else {
      open[static_cast<std::size_t>(bank)] = static_cast<std::int32_t>(rng() % 5) - 1;
      queue.refresh_candidates(bank, open[static_cast<std::size_t>(bank)]);
    }
    for (int b = 0; b < 8; ++b) {
      std::uint64_t hit = kNoAge;
      std::uint64_t miss = kNoAge;
      for (const Plain& p : list) {
        if (p.burst.bank == b) {
          (p.burst.row == open[static_cast<std::size_t>(b)] ? hit : miss) =
              std::min(p.burst.row == open[static_cast<std::size_t>(b)] ? hit : miss, p.age);
        }
      }
      REQUIRE(queue.hit_age(b) == hit);
      REQUIRE(queue.miss_age(b) == miss);
      REQUIRE((queue.hit_mask() >> b & 1U) == (hit == kNoAge ? 0U : 1U));
      REQUIRE((queue.miss_mask() >> b & 1U) == (miss == kNoAge ? 0U : 1U));
    }
    REQUIRE(queue.size() == static_cast<int>(list.size()));
  }
}

TEST_CASE("a scan over all banks finds what a look at each bank finds") {
  std::mt19937_64 rng(5);
  if (!wide_scan()) {
    WARN("no wide instructions on this machine; the portable scan is what runs");
    return;
  }
  const auto below = [&rng](int n) { return static_cast<int>(rng() % static_cast<unsigned>(n)); };
  for (int round = 0; round < 3000; ++round) {
    DramOrganisation o = small();
    o.units = 1 << below(2);
    o.stacks = 1 << below(3);
    DramTiming t;
    t.nBL = t.nCCDS = t.nCL = t.nCWL = 2;
    t.nCCDL = 4;
    t.nRCDRD = t.nRCDWR = t.nRP = 5;
    t.nRAS = 9;
    t.nRC = 14;
    t.nRRDS = t.nRRDL = 2;
    t.nCCDR = 3;
    BankState banks(o, t);
    const int n = o.banks();
    for (int i = 0; i < 2 * n; ++i) {
      const int bank = below(n);
      if (banks.open_row(bank) == kClosed) {
        banks.activate(bank, 1, below(20));
      } else if (below(2) == 0) {
        banks.precharge(bank, below(20));
      } else {
        below(2) == 0 ? banks.read(bank, below(20)) : banks.write(bank, below(20));
      }
    }
    alignas(64) std::array<Tick, kMaxBanks> orders{};
    for (std::size_t i = 0; i < kMaxBanks; ++i) {
      orders[i] = static_cast<Tick>(i * 37 % 64);
    }
    const std::uint64_t all = n == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << n) - 1;
    ScanAsk ask;
    ask.active = rng() & rng() & all;
    ask.active_writes = rng() & ask.active;
    ask.columns = rng() & rng() & all;
    ask.write = below(2) == 1;
    ask.rows = rng() & rng() & all;
    ask.column_from = below(30);
    ask.row_from = below(30);
    ask.odd = below(2);
    ask.pair_edge = below(30);
    ask.pair_banks = below(2) == 0 ? 0 : rng() & all;
    ask.column_order = ask.row_order = orders.data();
    ScanAnswer wide;
    ScanAnswer plain;
    best_scan(n, o.banks_per_unit())(banks, ask, wide);
    scan_portable(banks, ask, plain);
    REQUIRE(wide.active == plain.active);
    REQUIRE(wide.active_at == plain.active_at);
    REQUIRE(wide.column_at == plain.column_at);
    REQUIRE(wide.column_bank == plain.column_bank);
    REQUIRE(wide.column_order == plain.column_order);
    REQUIRE(wide.row_at == plain.row_at);
    REQUIRE(wide.row_bank == plain.row_bank);
    REQUIRE(wide.row_order == plain.row_order);
  }
}

TEST_CASE("clients take turns slice by slice, and a higher priority comes first") {
  SliceArbiter arbiter(4);
  const Interleave one{1, 64, 64};
  const auto share = [&one](std::uint64_t bursts, std::uint8_t priority, Clock arrival) {
    TrainPattern p;
    p.chunk = bursts * 64;
    p.count = 1;
    SliceArbiter::Share s;
    s.pieces = PieceStream(p, one, 0);
    s.priority = priority;
    s.arrival = arrival;
    return s;
  };
  REQUIRE(arbiter.push(0, share(10, 0, 0)));
  REQUIRE(arbiter.push(1, share(10, 0, 0)));
  REQUIRE(arbiter.push(2, share(3, 1, 100)));
  std::string order;
  Clock tick = 1;
  while (!arbiter.empty()) {
    REQUIRE(arbiter.pick(tick) != nullptr);
    order += static_cast<char>('a' + arbiter.client());
    arbiter.took(1);
    tick += 10;  // the third client arrives after the tenth burst
  }
  CHECK(order.substr(0, 13) == "aaaabbbbaaccc");
  CHECK(std::count(order.begin(), order.end(), 'a') == 10);
  CHECK(std::count(order.begin(), order.end(), 'b') == 10);
}

TEST_CASE("a train with nothing on a channel is not taken there") {
  SliceArbiter arbiter(4);
  const Interleave two{2, 64, 64};
  TrainPattern p;
  p.chunk = 64;
  p.count = 1;
  const int owner = two.channel_of(0);
  SliceArbiter::Share s;
  s.pieces = PieceStream(p, two, 1 - owner);
  CHECK_FALSE(arbiter.push(0, s));
  s.pieces = PieceStream(p, two, owner);
  CHECK(arbiter.push(0, s));
}
