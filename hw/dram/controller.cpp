#include "hw/dram/controller.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <stdexcept>

namespace joulesim::hw {
namespace {

std::int64_t to_ps(Time t) { return std::llround(t.si() * 1e12); }
sc_core::sc_time ps(std::int64_t t) {
  return sc_core::sc_time::from_value(static_cast<std::uint64_t>(std::max<std::int64_t>(t, 0)));
}
constexpr std::size_t kMostBins = 4096;

}  // namespace

MemController::MemController(const sc_core::sc_module_name& name, const DramPart& part,
                             const DramConfig& config)
    : sc_module(name),
      port("port"),
      part_(part),
      lane_part_(config.fidelity == DramFidelity::train ? part.one_unit() : part),
      per_channel_(part.organisation.units / lane_part_.organisation.units),
      config_(config),
      mapping_(lane_part_.mapping()),
      interleave_{config.channels * per_channel_,
                  static_cast<std::uint64_t>(config.interleave.si()),
                  static_cast<std::uint64_t>(part.organisation.burst_bytes)},
      simulated_((config.simulated == 0 ? config.channels : config.simulated) * per_channel_),
      bin_ps_(to_ps(config.trace_bin)),
      quantum_ps_(to_ps(config.quantum)) {
  if (sc_core::sc_get_time_resolution() != sc_core::sc_time(1, sc_core::SC_PS)) {
    throw std::logic_error("the memory controller counts picoseconds: set that time resolution");
  }
  if (config.channels < 1 || config.simulated < 0 || config.simulated > config.channels) {
    throw InputError(fmt::format("{} simulated of {} memory channels; expected 1 to all of them",
                                 config.simulated, config.channels));
  }
  const auto burst = interleave_.burst;
  if (interleave_.block < burst || interleave_.block % burst != 0) {
    throw InputError(
        fmt::format("memory interleave of {}; expected a multiple of the burst of {} B",
                    format(config.interleave), burst));
  }
  part.require_policies(config_.policy);
  const bool exact = config.fidelity == DramFidelity::burst;
  if (!exact && config_.policy.page != PagePolicy::open) {
    throw InputError(fmt::format(
        "found page policy '{}' of part '{}' at train level; expected 'open', or burst level",
        kPagePolicyNames[static_cast<std::size_t>(config_.policy.page)], part.name));
  }
  if (!exact && config_.policy.idle != IdlePolicy::none) {
    // At train level idle gaps are told apart after the fact, by their length.
    const Time after(static_cast<double>(part.timing.to_ps(config_.policy.idle_after)) * 1e-12);
    const bool self = config_.policy.idle == IdlePolicy::self_refresh;
    (self ? config_.self_refresh_after : config_.power_down_after) = after;
  }
  if (exact && config_.policy.idle != IdlePolicy::none) {
    config_.self_refresh_after = config_.power_down_after = std::nullopt;  // the channel does it
  }
  const auto paces = std::make_shared<TrainPaces>();
  for (int i = 0; i < simulated_; ++i) {
    auto lane = std::make_unique<Lane>(config.slice_bursts);
    if (config.fidelity == DramFidelity::burst) {
      lane->exact = std::make_unique<Channel>(part.organisation, part.timing, config_.policy);
      lane->feed = std::make_unique<BurstFeed>(lane->arbiter, mapping_);
    } else {
      lane->train = std::make_unique<TrainChannel>(lane_part_.organisation, part.timing, mapping_,
                                                   config_.policy, paces);
    }
    lanes_.push_back(std::move(lane));
  }
  port.register_nb_transport_fw(this, &MemController::forward);
  SC_HAS_PROCESS(MemController);
  SC_METHOD(window);
  sensitive << wake_;
  dont_initialize();
  SC_METHOD(respond);
  sensitive << respond_;
  dont_initialize();
}

std::int64_t MemController::now_ps() {
  return static_cast<std::int64_t>(sc_core::sc_time_stamp().value());
}

std::uint16_t MemController::add_client(const std::string& name) {
  DramClientStats stats;
  stats.name = name;
  clients_.push_back(stats);
  trace_.emplace_back();
  return static_cast<std::uint16_t>(clients_.size() - 1);
}

std::uint16_t MemController::add_paced_client(const std::string& name, Time period,
                                              bool announces) {
  if (!announces && config_.quantum * 4 > period) {
    throw InputError(
        fmt::format("memory windows of {} for client '{}' with a period of {}; expected at most a "
                    "quarter of it",
                    format(config_.quantum), name, format(period)));
  }
  return add_client(name);
}

tlm::tlm_sync_enum MemController::forward(int socket, tlm::tlm_generic_payload& payload,
                                          tlm::tlm_phase& phase, sc_core::sc_time& delay) {
  if (phase != tlm::BEGIN_REQ) {
    return tlm::TLM_COMPLETED;  // END_RESP: nothing more to do
  }
  Arrival arrival;
  arrival.payload = &payload;
  arrival.socket = socket;
  arrival.at_ps = now_ps() + static_cast<std::int64_t>(delay.value());
  if (const BurstTrain* train = payload.get_extension<BurstTrain>()) {
    arrival.client = train->client;
    arrival.priority = train->priority;
    arrival.pattern = {static_cast<TrainPattern::Kind>(train->kind),
                       train->write,
                       train->base,
                       train->stride,
                       train->chunk,
                       train->count};
  } else {
    arrival.pattern = {TrainPattern::Kind::sequential, payload.is_write(),
                       payload.get_address(),          0,
                       payload.get_data_length(),      1};
  }
  if (stopped_ || arrival.client >= clients_.size() ||
      arrival.pattern.chunk * arrival.pattern.count == 0) {
    payload.set_response_status(tlm::TLM_GENERIC_ERROR_RESPONSE);
    return tlm::TLM_COMPLETED;
  }
  if (payload.has_mm()) {
    payload.acquire();
  }
  if (under_way_++ == 0) {
    under_way_ = 0;
    slept_ = asleep();
    under_way_ = 1;
  }
  arrivals_.push_back(arrival);
  wake_.notify(sc_core::SC_ZERO_TIME);
  return tlm::TLM_ACCEPTED;
}

// Idle time beyond the thresholds is spent in a sleep state.
MemController::Sleep MemController::sleep_of(std::int64_t gap_ps) const {
  Sleep out;
  const Time gap(static_cast<double>(gap_ps) * 1e-12);
  if (config_.self_refresh_after && gap > *config_.self_refresh_after) {
    out.self_refresh = gap - *config_.self_refresh_after;
    const double interval =
        static_cast<double>(part_.timing.nREFI) * static_cast<double>(part_.timing.tCK_fs) * 1e-15;
    out.skipped_refreshes = interval > 0 ? std::floor(out.self_refresh.si() / interval) : 0;
  }
  if (config_.power_down_after && gap - out.self_refresh > *config_.power_down_after) {
    out.power_down = gap - out.self_refresh - *config_.power_down_after;
  }
  return out;
}

MemController::Sleep MemController::asleep() const {
  Sleep out = slept_;
  if (under_way_ == 0) {
    const Sleep open = sleep_of(now_ps() - idle_since_ps_);
    out.power_down += open.power_down;
    out.self_refresh += open.self_refresh;
    out.skipped_refreshes += open.skipped_refreshes;
  }
  return out;
}

void MemController::accept(const Arrival& arrival) {
  std::uint32_t tag = 0;
  if (free_records_.empty()) {
    tag = static_cast<std::uint32_t>(records_.size());
    records_.emplace_back();
  } else {
    tag = free_records_.back();
    free_records_.pop_back();
  }
  Record& record = records_[tag];
  record = {arrival.payload,
            arrival.socket,
            arrival.client,
            arrival.pattern.write,
            0,
            arrival.at_ps,
            0,
            0,
            arrival.pattern.chunk * arrival.pattern.count};
  const Clock clock = part_.timing.to_clocks_ceil(arrival.at_ps);
  SliceArbiter::Share share;
  share.write = arrival.pattern.write;
  share.priority = arrival.priority;
  share.tag = tag;
  share.arrival = clock;
  for (int i = 0; i < simulated_; ++i) {
    share.pieces = PieceStream(arrival.pattern, interleave_, i);
    if (lanes_[static_cast<std::size_t>(i)]->arbiter.push(arrival.client, share)) {
      ++record.shares;
    }
  }
  if (record.shares == 0) {
    const std::uint64_t address =
        arrival.pattern.base;  // the channel of the first byte stands for the train
    const int channel = interleave_.channel_of(address);
    share.pieces = PieceStream(arrival.pattern, interleave_, channel);
    lanes_[static_cast<std::size_t>(channel % simulated_)]->arbiter.push(arrival.client, share);
    ++record.shares;
  }
}

void MemController::play(Lane& lane, Clock until) {
  if (lane.exact) {
    lane.feed->forget();
    lane.exact->run(*lane.feed, until);
    lane.done.swap(lane.feed->finished());
    lane.served.swap(lane.feed->served());
  } else {
    lane.train->run(lane.arbiter, until, lane.done, lane.served);
  }
}

void MemController::collect(Lane& lane, std::int64_t window_begin_ps) {
  for (const ShareDone& done : lane.done) {
    finish_share(done);
  }
  lane.done.clear();
  const double scale = static_cast<double>(interleave_.channels) / simulated_;
  for (std::size_t client = 0; client < lane.served.size(); ++client) {
    if (lane.served[client] > 0) {
      add_to_trace(
          client, scale * static_cast<double>(lane.served[client]) * part_.organisation.burst_bytes,
          window_begin_ps);
      lane.served[client] = 0;
    }
  }
}

void MemController::add_to_trace(std::size_t client, double bytes, std::int64_t at_ps) {
  while (static_cast<std::size_t>(at_ps / bin_ps_) >= kMostBins) {
    bin_ps_ *= 2;
    for (auto& bins : trace_) {
      for (std::size_t i = 0; i < bins.size(); ++i) {
        const double value = bins[i];
        bins[i] = 0;
        bins[i / 2] += value;
      }
      bins.resize((bins.size() + 1) / 2);
    }
  }
  auto& bins = trace_[client];
  const auto bin = static_cast<std::size_t>(at_ps / bin_ps_);
  if (bins.size() <= bin) {
    bins.resize(bin + 1, 0);
  }
  bins[bin] += bytes;
}

void MemController::finish_share(const ShareDone& done) {
  Record& record = records_[done.tag];
  record.last = std::max(record.last, done.data_end);
  record.bursts += done.bursts;
  if (--record.shares > 0) {
    return;
  }
  const auto way = static_cast<std::size_t>(record.write);
  asked_[way] += static_cast<double>(record.bytes);
  played_[way] +=
      static_cast<double>(record.bursts) * static_cast<double>(part_.organisation.burst_bytes);
  const std::int64_t at = std::max(part_.timing.to_ps(record.last), record.arrived_ps);
  if (responses_.empty() || at < responses_.top().at_ps) {
    respond_.cancel();
    respond_.notify(ps(at - now_ps()));
  }
  responses_.push({at, done.tag});
}

void MemController::window() {
  const std::int64_t now = now_ps();
  // Arrivals of one instant in an order that does not depend on the kernel's.
  std::stable_sort(arrivals_.begin(), arrivals_.end(), [](const Arrival& a, const Arrival& b) {
    return a.priority != b.priority ? a.priority > b.priority : a.client < b.client;
  });
  for (const Arrival& arrival : arrivals_) {
    accept(arrival);
  }
  arrivals_.clear();
  if (now >= window_end_ps_) {
    window_begin_ps_ = now;
    window_end_ps_ = now + quantum_ps_;
  }
  const Clock until = part_.timing.to_clocks_floor(window_end_ps_);
  Clock next = kNever;
  for (const auto& lane : lanes_) {
    play(*lane, until);
    collect(*lane, window_begin_ps_);
    next = std::min(next, lane->exact && !lane->exact->idle() ? until : lane->arbiter.earliest());
  }
  if (next != kNever) {  // announced trains that are not due yet are slept up to
    wake_.notify(ps(std::max(window_end_ps_, part_.timing.to_ps(next)) - now));
  }
}

void MemController::respond() {
  const std::int64_t now = now_ps();
  while (!responses_.empty() && responses_.top().at_ps <= now) {
    const std::uint32_t tag = responses_.top().tag;
    responses_.pop();
    const Record record = records_[tag];
    free_records_.push_back(tag);
    DramClientStats& stats = clients_[record.client];
    (record.write ? stats.written : stats.read) += Bytes(static_cast<double>(record.bytes));
    ++stats.trains;
    const Time latency(static_cast<double>(now - record.arrived_ps) * 1e-12);
    stats.latency_sum += latency;
    stats.latency_max = max(stats.latency_max, latency);
    if (--under_way_ == 0) {
      idle_since_ps_ = now;
    }
    record.payload->set_response_status(tlm::TLM_OK_RESPONSE);
    tlm::tlm_phase phase = tlm::BEGIN_RESP;
    sc_core::sc_time delay = sc_core::SC_ZERO_TIME;
    port[record.socket]->nb_transport_bw(*record.payload, phase, delay);
    if (record.payload->has_mm()) {
      record.payload->release();
    }
  }
  if (!responses_.empty()) {
    respond_.notify(ps(responses_.top().at_ps - now));
  }
}

DramActivity MemController::activity() {
  const std::int64_t now = now_ps();
  const Clock clock = part_.timing.to_clocks_floor(now);
  const Time span(static_cast<double>(now) * 1e-12);
  DramActivity sum;
  for (const auto& lane : lanes_) {
    DramCounters counters;
    if (lane->exact) {
      lane->exact->settle(clock);
      counters = lane->exact->counters();
    } else {
      counters = lane->train->counters(clock);
    }
    const DramActivity one = activity_of(counters, lane_part_, span);
    sum = sum - one * -1.0;
  }
  // Standing terms follow the number of channels; moving ones the bytes that were asked for, which
  // differs only where trains too small to reach a simulated channel were played on one.
  const double channels = static_cast<double>(interleave_.channels) / simulated_;
  const bool folded = simulated_ < interleave_.channels;
  const double read = folded && played_[0] > 0 ? asked_[0] / played_[0] : channels;
  const double write = folded && played_[1] > 0 ? asked_[1] / played_[1] : channels;
  const double played = played_[0] + played_[1];
  const double both = folded && played > 0 ? (asked_[0] + asked_[1]) / played : channels;
  DramActivity out = sum * channels;
  out.activates = sum.activates * both;
  out.read = sum.read * read;
  out.written = sum.written * write;
  const double units = static_cast<double>(config_.channels) * part_.organisation.units;
  const Sleep slept = asleep();
  out.refreshes = std::max(0.0, out.refreshes - slept.skipped_refreshes * units);
  out.standby = max(out.standby - (slept.power_down + slept.self_refresh) * units, Time(0));
  out.power_down += slept.power_down * units;
  out.self_refresh += slept.self_refresh * units;
  return out;
}

void MemController::book(Ledger& ledger, const std::string& component) {
  const Time now(static_cast<double>(now_ps()) * 1e-12);
  const std::vector<DramEnergyShare> shares = energy_of(activity(), part_);
  booked_.resize(shares.size());
  for (std::size_t i = 0; i < shares.size(); ++i) {
    // Scaled counts of a folded memory may shrink by a rounding: that is made good by later ones.
    if (shares[i].energy > booked_[i]) {
      ledger.spend(component, shares[i].cause, shares[i].spent, shares[i].energy - booked_[i],
                   booked_until_, now);
      booked_[i] = shares[i].energy;
    }
  }
  booked_until_ = now;
}

}  // namespace joulesim::hw
