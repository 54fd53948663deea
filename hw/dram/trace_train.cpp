#include "hw/dram/trace_levels.hpp"
#include "hw/dram/train.hpp"

#include <algorithm>
#include <memory>

namespace joulesim::hw {
namespace {

// Requests in a row of one direction: long enough for a pace, and for little to happen at the ends.
constexpr std::size_t kLongRun = 4096;

// One pseudo-channel's runs of consecutive bursts.
class TrainLane {
 public:
  TrainLane(const DramPart& part, const DramMapping& mapping, const ControllerPolicy& policy,
            std::shared_ptr<TrainPaces> paces)
      : burst_(static_cast<std::uint64_t>(part.organisation.burst_bytes)),
        channel_(part.organisation, part.timing, mapping, policy, std::move(paces)),
        arbiter_(policy.read_entries) {}

  void serve(std::uint64_t first, std::uint64_t bursts, bool write) {
    TrainPattern pattern;
    pattern.write = write;
    pattern.base = first * burst_;
    pattern.chunk = bursts * burst_;
    pattern.count = 1;
    SliceArbiter::Share share;
    share.pieces = PieceStream(pattern, {1, burst_, burst_}, 0);
    share.write = write;
    arbiter_.push(0, share);
    channel_.run(arbiter_, kNever, done_, served_);
  }
  [[nodiscard]] Clock end() const { return done_.empty() ? 0 : done_.back().data_end; }
  DramCounters counters(Clock t) { return channel_.counters(t); }

 private:
  std::uint64_t burst_;
  TrainChannel channel_;
  SliceArbiter arbiter_;
  std::vector<ShareDone> done_;
  std::vector<std::uint64_t> served_;
};

}  // namespace

bool long_runs(Trace trace) {
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= trace.size(); ++i) {
    if (i < trace.size() && trace[i].word() == trace[i - 1].word() + kRequestBytes) {
      continue;
    }
    if (i - begin < kLongRun && i < trace.size()) {
      return false;
    }
    begin = i;
  }
  return true;
}

// Bursts alternate over the pseudo-channels; each goes its own way.
void run_train(const DramPart& part, Trace trace, const std::string& mapping_name,
               const ControllerPolicy& policy, TraceResult& r) {
  DramPart whole = part;
  whole.mapping_name = mapping_name;
  const DramPart unit = whole.one_unit();
  const DramMapping mapping = unit.mapping();
  ControllerPolicy unit_policy = policy;
  const auto units = static_cast<std::uint64_t>(part.organisation.units);
  unit_policy.read_entries /= part.organisation.units;
  unit_policy.write_entries /= part.organisation.units;
  const auto burst = static_cast<std::uint64_t>(part.organisation.burst_bytes);
  const auto paces = std::make_shared<TrainPaces>();
  std::vector<TrainLane> lanes;
  for (std::uint64_t u = 0; u < units; ++u) {
    lanes.emplace_back(unit, mapping, unit_policy, paces);
  }
  std::size_t begin = 0;
  for (std::size_t i = 1; i <= trace.size(); ++i) {
    if (i < trace.size() && trace[i].word() == trace[i - 1].word() + kRequestBytes) {
      continue;
    }
    const std::uint64_t first = trace[begin].address() / burst;
    const std::uint64_t end = first + (i - begin) * (kRequestBytes / burst);
    for (std::uint64_t u = 0; u < units; ++u) {
      // Those of the run whose index is u modulo the number of units.
      const std::uint64_t from = (first + units - 1 - u) / units;
      const std::uint64_t to = (end + units - 1 - u) / units;
      if (to > from) {
        lanes[u].serve(from, to - from, trace[begin].write());
      }
    }
    begin = i;
  }
  for (TrainLane& lane : lanes) {
    r.cycles = std::max(r.cycles, lane.end());
  }
  for (TrainLane& lane : lanes) {
    accumulate(r.counters, lane.counters(r.cycles));
  }
  r.simulated_bursts = 0;
}

}  // namespace joulesim::hw
