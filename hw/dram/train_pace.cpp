#include "hw/dram/burst_feed.hpp"
#include "hw/dram/train.hpp"

#include <algorithm>
#include <cmath>

// Patterns whose pace has been measured on the buffers go on at that pace.
namespace joulesim::hw {

// Whether the share has the channel to itself up to `until`.
bool TrainChannel::alone(const SliceArbiter& arbiter, const SliceArbiter::Share& share,
                         Clock until) const {
  return arbiter.slice_left(std::max(cursor_, share.arrival) + 1) == share.pieces.left() &&
         arbiter.next_arrival(cursor_ + 1) >= until;
}

TrainChannel::Pace& TrainChannel::pace_of(const SliceArbiter::Share& share) {
  const TrainPattern& p = share.pieces.pattern();
  const auto key = std::make_tuple(static_cast<int>(p.kind), p.write, p.chunk, p.stride);
  const auto found = paces_.find(key);
  return found != paces_.end() ? found->second : paces_.emplace(key, measure(share)).first->second;
}

// The exact core on the pattern alone: what a burst takes once the pipeline is full.
TrainChannel::Pace TrainChannel::measure(const SliceArbiter::Share& share) const {
  constexpr std::int64_t kWarm = 256;
  constexpr std::int64_t kMeasured = 16384;
  ControllerPolicy policy = policy_;
  policy.refresh = RefreshPolicy::none;
  Channel channel(organisation_, timing_, policy);
  SliceArbiter arbiter(policy.read_entries);
  SliceArbiter::Share lone = share;
  lone.arrival = 0;
  arbiter.push(0, lone);
  BurstFeed feed(arbiter, mapping_);
  DramCounters before;
  Clock since = 0;
  Clock until = 0;
  const Clock stretch = 16 * banks_.gates().rd_rd_l;
  for (;;) {
    channel.run(feed, until += stretch);
    const DramCounters now = channel.counters();
    const std::int64_t moved = now.reads + now.writes;
    const std::int64_t bursts = moved - before.reads - before.writes;
    if ((arbiter.empty() && channel.idle()) || bursts >= kMeasured) {
      return {bursts,
              channel.now() - since,
              now.activates - before.activates,
              now.precharges - before.precharges,
              now.row_misses - before.row_misses,
              now.row_conflicts - before.row_conflicts,
              {}};
    }
    if (since == 0 && moved >= kWarm) {
      before = now;
      since = channel.now();
    }
  }
}

// Bursts of a pattern whose pace is known, up to `until`.
std::uint64_t TrainChannel::coast(SliceArbiter& arbiter, SliceArbiter::Share& share, Clock until,
                                  std::vector<ShareDone>& done) {
  Pace& pace = pace_of(share);
  const bool write = share.write;
  const double per_burst = static_cast<double>(pace.clocks) / static_cast<double>(pace.bursts);
  std::uint64_t total = 0;
  if (cursor_ + 1 >= next_refresh_ && next_refresh_ <= until) {
    refresh_due();
  }
  const DramAddress a = mapping_.decode(share.pieces.first());
  Clock start = std::max(cursor_ + static_cast<Clock>(std::lround(per_burst)), share.arrival + 1);
  if (coasting_ != &pace || share.arrival > cursor_) {  // the pipeline is empty: a row is opened
    while (!prepare(a.bank, a.row, write, history(write).issued, share.arrival)) {
    }
    start = std::max({cursor_ + 1, share.arrival + 1, banks_.earliest_column(a.bank, write)});
  }
  const Clock limit = std::min(until, next_refresh_ - 1);
  if (start > limit) {
    if (next_refresh_ <= until) {
      refresh_due();
      return coast(arbiter, share, until, done);
    }
    return 0;
  }
  coasting_ = &pace;
  auto room = static_cast<std::uint64_t>(static_cast<double>(limit - start) / per_burst) + 1;
  const std::uint32_t tag = share.tag;
  SliceArbiter::Taken taken;
  int bank = a.bank;
  while (room > 0 && !taken.finished) {
    const std::uint64_t n = std::min(room, share.pieces.left());
    bank = mapping_.decode(share.pieces.first() + n - 1).bank;
    taken = arbiter.took(n);
    total += n;
    room -= n;
  }
  const Clock last = start + static_cast<Clock>(static_cast<double>(total - 1) * per_burst);
  const std::uint64_t others = total - 1;
  DramCounters& c = banks_.counters();
  (write ? c.writes : c.reads) += static_cast<std::int64_t>(others);
  const auto add = [&](std::int64_t& counter, std::int64_t learned, double& carry) {
    carry += static_cast<double>(learned) / static_cast<double>(pace.bursts) *
             static_cast<double>(total);
    const double whole = std::floor(carry);
    counter += static_cast<std::int64_t>(whole);
    carry -= whole;
  };
  const std::int64_t misses = c.row_misses;
  const std::int64_t conflicts = c.row_conflicts;
  add(c.activates, pace.activates, pace.carry[0]);
  add(c.precharges, pace.precharges, pace.carry[1]);
  add(c.row_misses, pace.misses, pace.carry[2]);
  add(c.row_conflicts, pace.conflicts, pace.carry[3]);
  c.row_hits +=
      static_cast<std::int64_t>(total) - (c.row_misses - misses) - (c.row_conflicts - conflicts);
  column(bank, write, last);
  history(write).add(total, start, last);
  if (taken.finished) {
    const Gates& g = banks_.gates();
    done.push_back({tag, last + (write ? g.write_done : g.read_done), taken.bursts});
  }
  return total;
}

}  // namespace joulesim::hw
