#include "sim/engine/trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::engine {
namespace {

// What a stretch of activity comes to, as rates.
struct Rates {
  Bandwidth dram, cache, flash;
  double computing = 0;  // share of the time

  static Rates of(const Activity& activity) {
    Rates rates;
    if (!(activity.duration > Time(0))) {
      return rates;
    }
    rates.dram = (activity.dram.read + activity.dram.written) / activity.duration;
    rates.cache = (activity.cache_hits + activity.cache_written) / activity.duration;
    rates.flash = activity.flash_read / activity.duration;
    Time computing;
    for (const OperatorActivity& op : activity.operators) {
      computing += op.computing;
    }
    rates.computing = computing / activity.duration;
    return rates;
  }
};

class TraceBuilder {
 public:
  TraceBuilder(const Prepared& prepared, reports::Trace& trace)
      : prepared_(prepared), trace_(trace) {
    dram_ = counter(prepared.machine.dram.name + " bandwidth", "GB/s");
    computing_ = counter(prepared.unit->name + " computing", "%");
    if (prepared.machine.cache) {
      cache_ = counter(prepared.machine.cache->name + " bandwidth", "GB/s");
    }
    if (prepared.machine.storage) {
      flash_ = counter(prepared.machine.storage->name + " bandwidth", "GB/s");
    }
  }

  // A stretch of the request: `step` once, then its mean until the end. Returns where it ends.
  Time stretch(const std::string& name, const StepActivity& step, Time begin, double steps) {
    const Time end = begin + steps * step.total.duration;
    reports::TraceSpan phase{"request", name, begin.si(), (end - begin).si(), 0, {}};
    phase.facts = {{"steps", fmt::format("{:.4g}", steps)}, {"step", format(step.total.duration)}};
    phases_.push_back(std::move(phase));
    Time at = begin;
    for (const SegmentActivity& segment : step.segments) {
      // A replay did what the segment did that it stands on.
      const Activity& activity = step.segments[segment.stands_for].activity;
      if (at + activity.duration > end) {
        break;  // a request has less than one step of this context
      }
      add(segment, activity, at);
      at += activity.duration;
    }
    const Time host = begin + step.total.duration - at;
    if (host > Time(0) && at + host <= end && steps >= 1) {
      trace_.spans.push_back({prepared_.unit->name, "host step", at.si(), host.si(), 0, {}});
      values(at, {});
      at += host;
    }
    if (at < end) {
      values(at, Rates::of(step.total));
    }
    return end;
  }

  void finish(Time end) {
    values(end, {});
    trace_.spans.insert(trace_.spans.begin(), phases_.begin(), phases_.end());
  }

 private:
  std::size_t counter(const std::string& name, const std::string& unit) {
    trace_.counters.push_back({name, unit, {}});
    return trace_.counters.size() - 1;
  }

  void add(const SegmentActivity& segment, const Activity& activity, Time begin) {
    reports::TraceSpan span{
        prepared_.unit->name, segment.name, begin.si(), activity.duration.si(), 0, {}};
    span.facts = {{"origin", segment.simulated ? "simulated" : "replayed from an equal one"}};
    trace_.spans.push_back(std::move(span));
    Time at = begin;
    for (const OperatorActivity& op : activity.operators) {
      reports::TraceSpan inner{prepared_.unit->name, op.label, at.si(), op.exposed.si(), 1, {}};
      inner.facts = {
          {"executions", fmt::format("{}", op.count)}, {"paced by", op.limit},
          {"computing", format(op.computing)},         {"waiting for data", format(op.starved)},
          {"starting", format(op.starting)},           {"moved", format(op.moved)}};
      trace_.spans.push_back(std::move(inner));
      at += op.exposed;
    }
    values(begin, Rates::of(activity));
  }

  void values(Time at, const Rates& rates) {
    constexpr double kGiga = 1e9;
    constexpr double kPercent = 100;
    point(dram_, at, rates.dram.si() / kGiga);
    point(computing_, at, rates.computing * kPercent);
    if (prepared_.machine.cache) {
      point(cache_, at, rates.cache.si() / kGiga);
    }
    if (prepared_.machine.storage) {
      point(flash_, at, rates.flash.si() / kGiga);
    }
  }
  void point(std::size_t which, Time at, double value) {
    trace_.counters[which].points.push_back({at.si(), value});
  }

  const Prepared& prepared_;
  reports::Trace& trace_;
  std::vector<reports::TraceSpan> phases_;
  std::size_t dram_ = 0, computing_ = 0, cache_ = 0, flash_ = 0;
};

// The result's curve of mean powers, each drawn at the middle of its bin.
reports::TraceCounter power_of(const reports::Result& result) {
  reports::TraceCounter counter{"power", "W", {}};
  for (const reports::Series& series : result.timeline) {
    if (series.name != "power" || series.x.empty()) {
      continue;
    }
    const double half = series.x.front();
    for (std::size_t i = 0; i < series.x.size(); ++i) {
      counter.points.push_back({series.x[i] - half, series.y[i]});
    }
    counter.points.push_back({series.x.back() + half, 0});
  }
  return counter;
}

}  // namespace

reports::Trace trace_of(const Prepared& prepared, const Simulated& simulated,
                        const reports::Result& result) {
  reports::Trace trace;
  trace.name = result.name;
  trace.title = result.title;
  TraceBuilder builder(prepared, trace);
  Time at = builder.stretch(prepared.prefill.name, simulated.prefill, Time(0), 1);
  for (std::size_t i = 0; i < simulated.decode.size(); ++i) {
    // A request's share of steps that serve a whole batch.
    const double steps = prepared.decode_weight[i] / static_cast<double>(prepared.scenario.batch);
    at = builder.stretch(prepared.decode[i].name, simulated.decode[i], at, steps);
  }
  builder.finish(at);
  trace.counters.push_back(power_of(result));
  trace.end = at.si();
  return trace;
}

}  // namespace joulesim::engine
