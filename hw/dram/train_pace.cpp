#include "hw/dram/burst_feed.hpp"
#include "hw/dram/train.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

// Situations that go on for long are served at a pace that the exact core has been measured at.
namespace joulesim::hw {

namespace {

// A situation is worth measuring when this many bursts of it are in sight.
constexpr std::uint64_t kWorthwhile = 1024;
constexpr std::size_t kMostPaces = 512;
constexpr std::size_t kPhaseWord = 3;

bool in_sequence(const SliceArbiter::Share& share) {
  return share.pieces.pattern().kind == TrainPattern::Kind::sequential;
}

}  // namespace

bool TrainChannel::in_order(const SliceArbiter& arbiter, const std::vector<int>& clients) const {
  return std::all_of(clients.begin(), clients.end(),
                     [&](int client) { return in_sequence(arbiter.front(client)); });
}

bool TrainChannel::look(SliceArbiter& arbiter, const std::vector<int>& clients,
                        Situation& out) const {
  if (log_ != nullptr || clients.size() > kMostContenders) {
    return false;
  }
  const std::uint64_t period = mapping_.stripe_bursts() *
                               static_cast<std::uint64_t>(organisation_.banks()) /
                               static_cast<std::uint64_t>(mapping_.rotation());
  std::optional<std::uint64_t> first;  // burst of the first client that goes in sequence
  for (const int client : clients) {
    const SliceArbiter::Share& share = arbiter.front(client);
    const TrainPattern& p = share.pieces.pattern();
    const bool sequence = in_sequence(share);
    if (!sequence && !share.pieces.many_pieces()) {
      return false;
    }
    if (sequence && !first) {
      first = share.pieces.first();
    }
    const std::uint64_t words[kKeyWords] = {
        static_cast<std::uint64_t>(client) << 16 | static_cast<std::uint64_t>(p.kind) << 8 |
            (share.write ? 1 : 0),
        sequence ? 0 : p.chunk, sequence ? 0 : p.stride,
        sequence ? (share.pieces.first() - *first) % period : 0};
    std::copy(std::begin(words), std::end(words), out.key.begin() + out.words);
    out.words += kKeyWords;
  }
  return true;
}

bool TrainChannel::continues(const Situation& now) const {
  if (now.words != situation_.words) {
    return false;
  }
  const std::uint64_t period = mapping_.stripe_bursts() *
                               static_cast<std::uint64_t>(organisation_.banks()) /
                               static_cast<std::uint64_t>(mapping_.rotation());
  // Turns move clients apart and together again by a slice or two.
  const auto near = static_cast<std::uint64_t>(2 * policy_.read_entries);
  for (std::size_t i = 0; i < now.words; ++i) {
    if (i % kKeyWords != kPhaseWord) {
      if (now.key[i] != situation_.key[i]) {
        return false;
      }
      continue;
    }
    const std::uint64_t apart = (now.key[i] - situation_.key[i]) % period;
    if (apart > near && period - apart > near) {
      return false;
    }
  }
  return true;
}

const TrainPace* TrainChannel::pace_of(const SliceArbiter& arbiter, const std::vector<int>& clients,
                                       const Situation& situation) {
  std::vector<std::uint64_t> key(situation.key.begin(), situation.key.begin() + situation.words);
  const std::uint64_t stripe = mapping_.stripe_bursts();
  for (std::size_t i = 0; i < key.size(); ++i) {
    if (i % kKeyWords == kPhaseWord) {
      key[i] = (key[i] + stripe / 2) / stripe;
    } else if (i % kKeyWords == 0) {
      key[i] &= 0xFFFF;  // whoever the clients are
    }
  }
  const auto found = paces_->find(key);
  if (found != paces_->end()) {
    return &found->second;
  }
  for (const int client : clients) {
    const SliceArbiter::Share& share = arbiter.front(client);
    if (in_sequence(share) && share.pieces.left() < kWorthwhile) {
      return nullptr;
    }
  }
  if (paces_->size() >= kMostPaces) {
    return nullptr;
  }
  return &paces_->emplace(std::move(key), measure(arbiter, clients)).first->second;
}

// The exact core on the same patterns, without an end.
TrainPace TrainChannel::measure(const SliceArbiter& arbiter,
                                const std::vector<int>& clients) const {
  struct Window {
    Clock clocks = 0;
    DramCounters counters;
    [[nodiscard]] double bursts() const {
      return static_cast<double>(counters.reads + counters.writes);
    }
  };
  const auto play = [&](RefreshPolicy refresh, Clock warm, Clock measured) {
    ControllerPolicy policy = policy_;
    policy.refresh = refresh;
    Channel channel(organisation_, timing_, policy);
    SliceArbiter alone = arbiter.endless(clients);
    BurstFeed feed(alone, mapping_);
    channel.run(feed, warm);
    const DramCounters before = channel.counters();
    channel.run(feed, warm + measured);
    const DramCounters after = channel.counters();
    Window out;
    out.clocks = measured;
    out.counters.reads = after.reads - before.reads;
    out.counters.writes = after.writes - before.writes;
    out.counters.activates = after.activates - before.activates;
    out.counters.precharges = after.precharges - before.precharges;
    out.counters.row_misses = after.row_misses - before.row_misses;
    out.counters.row_conflicts = after.row_conflicts - before.row_conflicts;
    out.counters.turnarounds = after.turnarounds - before.turnarounds;
    return out;
  };
  // One stream repeats itself soon; random pieces scatter, clients in turn and refreshes of single
  // banks beat with the rows.
  const bool lone_stream = clients.size() == 1 && in_order(arbiter, clients);
  const Clock intervals = next_bank_refresh_ != kNever ? 32 : lone_stream ? 6 : 16;
  const bool all_bank = next_refresh_ != kNever;
  const Clock interval = all_bank                       ? timing_.nREFI
                         : next_bank_refresh_ != kNever ? plan_.interval() * plan_.steps()
                                                        : 16384;
  const Window with = play(policy_.refresh, 2 * interval, intervals * interval);
  TrainPace pace;
  if (all_bank) {
    const Window without = play(RefreshPolicy::none, interval / 2, 2 * interval);
    pace.clocks = static_cast<double>(without.clocks) / without.bursts();
    pace.dead = std::max(0.0, static_cast<double>(interval) -
                                  with.bursts() / static_cast<double>(intervals) * pace.clocks);
  } else {
    pace.clocks = static_cast<double>(with.clocks) / with.bursts();
  }
  const DramCounters& c = with.counters;
  pace.activates = static_cast<double>(c.activates) / with.bursts();
  pace.precharges = static_cast<double>(c.precharges) / with.bursts();
  pace.misses = static_cast<double>(c.row_misses) / with.bursts();
  pace.conflicts = static_cast<double>(c.row_conflicts) / with.bursts();
  pace.turnarounds = static_cast<double>(c.turnarounds) / with.bursts();
  return pace;
}

double TrainChannel::busy_until(double from, double limit, double dead) const {
  const auto due = static_cast<double>(next_refresh_);
  if (limit <= due) {
    return limit - from;
  }
  const auto interval = static_cast<double>(timing_.nREFI);
  const double whole = std::floor((limit - due) / interval);
  const double rest = limit - due - whole * interval;
  return due - from + whole * (interval - dead) + std::max(0.0, rest - dead);
}

double TrainChannel::after(double from, double busy, double dead) const {
  const auto due = static_cast<double>(next_refresh_);
  if (from + busy < due) {
    return from + busy;
  }
  const auto interval = static_cast<double>(timing_.nREFI);
  const double beyond = from + busy - due;
  const double whole = std::floor(beyond / (interval - dead));
  return due + whole * interval + dead + (beyond - whole * (interval - dead));
}

void TrainChannel::count(const TrainPace& pace, std::uint64_t bursts) {
  DramCounters& c = banks_.counters();
  const auto n = static_cast<double>(bursts);
  const auto add = [&](std::int64_t& counter, double per_burst, double& carry) {
    carry += per_burst * n;
    const double whole = std::floor(carry);
    counter += static_cast<std::int64_t>(whole);
    carry -= whole;
    return static_cast<std::int64_t>(whole);
  };
  add(c.activates, pace.activates, carry_[0]);
  add(c.precharges, pace.precharges, carry_[1]);
  const std::int64_t opened =
      add(c.row_misses, pace.misses, carry_[2]) + add(c.row_conflicts, pace.conflicts, carry_[3]);
  add(c.turnarounds, pace.turnarounds, carry_[4]);
  c.row_hits += static_cast<std::int64_t>(bursts) - opened;
}

void TrainChannel::leave(bool sequence, std::uint64_t last, Clock t) {
  const auto behind = static_cast<std::uint64_t>(mapping_.rotation()) - 1;
  const std::uint64_t back = sequence ? std::min(behind, last) : 0;
  for (std::uint64_t i = 0; i <= back; ++i) {
    const DramAddress a = mapping_.decode(last - i);
    banks_.leave_open(a.bank, a.row, t);
  }
}

std::uint64_t TrainChannel::coast(SliceArbiter& arbiter, const std::vector<int>& clients,
                                  const TrainPace& pace, Clock until, std::vector<ShareDone>& done,
                                  std::vector<std::uint64_t>& served) {
  double from = coasting_ ? instant_ : static_cast<double>(cursor_);
  if (!coasting_ && !in_order(arbiter, clients)) {
    // The pipeline is empty: a row is opened first.
    const SliceArbiter::Share& share = arbiter.front(clients.front());
    const DramAddress a = mapping_.decode(share.pieces.first());
    while (!prepare(a.bank, a.row, share.write, history(share.write).issued, share.arrival)) {
    }
    const Clock start =
        std::max({cursor_ + 1, share.arrival + 1, banks_.earliest_column(a.bank, share.write)});
    from = static_cast<double>(start) - pace.clocks;
  }
  const double busy = busy_until(from, static_cast<double>(until), pace.dead);
  if (busy < pace.clocks * static_cast<double>(clients.size())) {
    return 0;
  }
  const auto room = static_cast<std::uint64_t>(busy / pace.clocks) / clients.size();
  // Each client's share of the turns; pieces of one train follow each other.
  std::uint64_t each = 0;
  bool finished = false;
  std::array<std::uint64_t, kMostContenders> last{};
  std::array<bool, kMostContenders> writes{};
  std::array<bool, kMostContenders> sequence{};
  std::array<std::uint32_t, kMostContenders> tags{};
  std::array<SliceArbiter::Taken, kMostContenders> taken{};
  for (std::size_t i = 0; i < clients.size(); ++i) {
    writes[i] = arbiter.front(clients[i]).write;
    sequence[i] = in_sequence(arbiter.front(clients[i]));
    tags[i] = arbiter.front(clients[i]).tag;
  }
  while (each < room && !finished) {
    std::uint64_t n = room - each;
    for (const int client : clients) {
      n = std::min(n, arbiter.front(client).pieces.left());
    }
    each += n;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      last[i] = arbiter.front(clients[i]).pieces.first() + n - 1;
      taken[i] = arbiter.took_from(clients[i], n);
      finished = finished || taken[i].finished;
    }
  }
  const std::uint64_t total = each * clients.size();
  instant_ = after(from, pace.clocks * static_cast<double>(total), pace.dead);
  const auto t = static_cast<Clock>(instant_);
  if (t >= next_refresh_) {
    const Clock crossed = (t - next_refresh_) / timing_.nREFI + 1;
    banks_.count_refreshes(crossed, timing_.nRFC + timing_.nRP);
    next_refresh_ += crossed * timing_.nREFI;
  }
  if (t >= next_bank_refresh_) {
    count_bank_refreshes(t);
  }
  count(pace, total);
  const Gates& g = banks_.gates();
  DramCounters& c = banks_.counters();
  for (std::size_t i = 0; i < clients.size(); ++i) {
    const auto index = static_cast<std::size_t>(clients[i]);
    if (served.size() <= index) {
      served.resize(index + 1);
    }
    served[index] += each;
    const bool write = writes[i];
    (write ? c.writes : c.reads) += static_cast<std::int64_t>(each);
    history(write).add(each, static_cast<Clock>(from) + 1, t);
    leave(sequence[i], last[i], t);
    if (taken[i].finished) {
      done.push_back({tags[i], t + (write ? g.write_done : g.read_done), taken[i].bursts});
    }
  }
  // The last column command holds off what comes next; it has been counted above.
  const bool write = writes[clients.size() - 1];
  column(mapping_.decode(last[clients.size() - 1]).bank, write, t);
  --(write ? c.writes : c.reads);
  coasting_ = true;
  return total;
}

}  // namespace joulesim::hw
