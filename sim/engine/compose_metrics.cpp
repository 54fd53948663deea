// Headline numbers, battery, fleet, operators, bottleneck and curves of a result.
#include "sim/engine/compose.hpp"
#include "sim/serving/fleet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

namespace joulesim::engine {
namespace {

using reports::Metric;

// Adds a metric; `low` and `high` only when they differ from the value.
void metric(reports::Result& result, std::string name, std::string label, AnyQuantity value,
            std::string mechanism, std::optional<double> low = std::nullopt,
            std::optional<double> high = std::nullopt, double assumed = 0) {
  Metric m;
  m.name = std::move(name);
  m.label = std::move(label);
  m.value = value;
  m.mechanism = std::move(mechanism);
  if (low && high && *low < *high) {
    m.low = low;
    m.high = high;
  }
  m.assumed_share = assumed;
  result.metrics.push_back(std::move(m));
}

// What holds an operator back: the longest of starting, computing and moving its bytes at the best
// rate. Computing and moving overlap, so their exposed parts alone do not tell.
std::string bound_of(const Prepared& prepared, const OperatorActivity& op) {
  const bool flash = prepared.scenario.weights_in == "flash";
  const Bandwidth rate =
      flash ? prepared.machine.storage->sequential_rate()
            : min(prepared.machine.peak_bandwidth(), prepared.unit->unit->memory_bandwidth());
  const Time moving = op.moved / rate;
  if (op.starting >= op.computing && op.starting >= moving) {
    return op.starting > Time(0) ? "launch" : "pipeline";
  }
  if (op.computing >= moving) {
    return prepared.unit->name + " " + op.limit;
  }
  return flash ? "flash" : "memory";
}

double joules_of(const std::vector<Cost>& costs, const std::string& component) {
  double sum = 0;
  for (const Cost& cost : costs) {
    if (cost.component == component) {
      sum += cost.energy.si();
    }
  }
  return sum;
}

// The parts of a step that add up to its time, by what the unit was doing.
struct Exposure {
  Time computing, starved, starting, other;
};
Exposure exposure_of(const Activity& activity) {
  Exposure e;
  for (const OperatorActivity& op : activity.operators) {
    e.computing += op.computing;
    e.starved += op.starved;
    e.starting += op.starting;
    e.other += max(Time(0), op.exposed - op.computing - op.starved - op.starting);
  }
  return e;
}

// The share of a phase's time that is paced by assumed figures.
double time_assumed(const Prepared& prepared, const Activity& activity) {
  const Exposure e = exposure_of(activity);
  const hw::ComputeUnit& unit = *prepared.unit->unit;
  Time assumed;
  assumed += unit.arithmetic_assumed() ? e.computing + e.other : Time(0);
  assumed += unit.memory_assumed() ? e.starved : Time(0);
  assumed += prepared.runtime.spec.assumed ? e.starting : Time(0);
  return activity.duration > Time(0) ? assumed / activity.duration : 0;
}

// An energy split over operators: unit energy as counted, memory's by bytes, the rest by time.
void fill_phase_operators(const Prepared& prepared, const std::string& phase,
                          const Activity& activity, const std::vector<Cost>& costs,
                          reports::Result& result) {
  double moved = 0;
  double unit_joules = 0;
  for (const OperatorActivity& op : activity.operators) {
    moved += op.moved.si();
    for (const double j : op.joules) {
      unit_joules += j;
    }
  }
  double memory = 0;
  for (const Cost& cost : costs) {
    const bool tier = cost.component == "dram" || cost.component == "dram controller" ||
                      cost.component == "system cache" || cost.component == "flash";
    memory += tier && cost.spent == Spent::movement ? cost.energy.si() : 0;
  }
  const double rest = std::max(0.0, total_of(costs).si() - memory - unit_joules);
  for (const OperatorActivity& op : activity.operators) {
    reports::OperatorRow row;
    row.phase = phase;
    row.name = op.label;
    row.unit = op.label == "host step" ? "host" : prepared.unit->name;
    row.count = op.count;
    row.seconds = op.exposed.si();
    row.ops = op.ops;
    row.bytes = op.moved.si();
    row.bound = op.label == "host step" ? "host" : bound_of(prepared, op);
    for (const double j : op.joules) {
      row.joules += j;
    }
    row.joules += moved > 0 ? memory * op.moved.si() / moved : 0;
    row.joules += rest * (op.exposed / activity.duration);
    result.operators.push_back(std::move(row));
  }
}

void battery_metrics(const Prepared& prepared, const Request& request, const RangedPower& busy,
                     reports::Result& result) {
  const Scenario& scenario = prepared.scenario;
  if (!prepared.machine.battery || !scenario.battery) {
    return;
  }
  const hw::BatterySpec& battery = *prepared.machine.battery;
  const double full_rate = request.batch / request.step.si();
  double rate = full_rate;
  if (scenario.battery->tokens_per_second) {
    const double asked = scenario.battery->tokens_per_second->si();
    if (asked > full_rate) {
      result.warnings.push_back(fmt::format(
          "{:.3g} tokens/s were asked for; the device reaches {:.3g}", asked, full_rate));
    }
    rate = std::min(asked, full_rate);
  }
  const double share = rate / full_rate;
  const RangedPower idle = mean_power(request.idle, Time(1));
  const auto mix = [&](Power working, Power waiting) {
    return share * working + (1 - share) * waiting;
  };
  const Power mean = mix(busy.value, idle.value);
  const Time life = hw::lifetime(battery, mean);
  const Time shortest = hw::lifetime(battery, mix(busy.high, idle.high));
  const Time longest = hw::lifetime(battery, mix(busy.low, idle.low));
  const std::string pace =
      share < 1 ? fmt::format("{:.3g} tokens/s, waiting in between", rate) : "without a pause";
  metric(result, "battery.hours", "Battery life", any(life),
         fmt::format("the cell's discharge at {} for the whole device, generating {}", format(mean),
                     pace),
         shortest.si(), longest.si(), busy.assumed_share);
  metric(result, "battery.tokens", "Tokens per charge", any(Tokens(rate * life.si())),
         "battery life times the token rate", rate * shortest.si(), rate * longest.si(),
         busy.assumed_share);
  metric(result, "battery.power", "Mean power in this use", any(mean),
         "working and waiting power, weighted by time", mix(busy.low, idle.low).si(),
         mix(busy.high, idle.high).si(), busy.assumed_share);

  reports::Series curve;
  curve.name = "battery";
  curve.label = "Battery while generating " + pace;
  curve.x_label = "time";
  curve.x_unit = "h";
  curve.y_label = "charge";
  curve.y_unit = "%";
  constexpr double kHour = 3600;
  constexpr double kPercent = 100;
  for (const hw::DischargePoint& point : hw::discharge(battery, mean).curve) {
    curve.x.push_back(point.time.si() / kHour);
    curve.y.push_back(point.charge * kPercent);
  }
  result.timeline.push_back(std::move(curve));
}

void fleet_metrics(const Prepared& prepared, const Request& request, reports::Result& result) {
  if (!prepared.scenario.fleet) {
    return;
  }
  const FleetWish& wish = *prepared.scenario.fleet;
  const Time busy_time = request.ledger.end();
  std::vector<Cost> all = request.prefill.costs;
  accumulate(all, request.decode.costs);
  const RangedPower busy = mean_power(all, busy_time);
  const RangedPower idle = mean_power(request.idle, Time(1));
  const auto answer_at = [&](Power working, Power waiting) {
    return serving::size_fleet({wish.requests, wish.utilisation, wish.peak_to_mean, wish.pue,
                                wish.grid, wish.price, busy_time, working, waiting,
                                request.tokens});
  };
  const serving::FleetAnswer answer = answer_at(busy.value, idle.value);
  const serving::FleetAnswer low = answer_at(busy.low, idle.low);
  const serving::FleetAnswer high = answer_at(busy.high, idle.high);
  const double assumed = busy.assumed_share;
  metric(result, "fleet.devices", "Devices", {answer.devices, Dim{}},
         fmt::format("requests per second times {} of device time each, times {:.3g} for the peak, "
                     "at {:.0f} % utilisation",
                     format(busy_time), wish.peak_to_mean, 100 * wish.utilisation));
  metric(result, "fleet.power", "Facility power", any(answer.power),
         "busy and idle devices with their hosts, times PUE", low.power.si(), high.power.si(),
         assumed);
  metric(result, "fleet.energy_per_request", "Facility energy per request", any(answer.per_request),
         "facility power over the request rate", low.per_request.si(), high.per_request.si(),
         assumed);
  metric(result, "fleet.energy_per_year", "Energy per year", any(answer.per_year),
         "facility power times a year", low.per_year.si(), high.per_year.si(), assumed);
  metric(result, "fleet.co2_per_year", "CO2 per year", any(answer.co2_per_year),
         "energy times grid intensity", low.co2_per_year.si(), high.co2_per_year.si(), assumed);
  metric(result, "fleet.cost_per_million_tokens", "Electricity per million tokens",
         any(answer.per_million_tokens), "electricity alone; no capital cost",
         low.per_million_tokens.si(), high.per_million_tokens.si(), assumed);
}

// Quality beside joules. The first datapath carries the plain names, further ones their own.
void numerics_metrics(const Simulated& simulated, reports::Result& result) {
  for (std::size_t i = 0; i < simulated.numerics.size(); ++i) {
    const NumericsRun& run = simulated.numerics[i];
    const models::Comparison& c = run.comparison;
    const std::string prefix = i == 0 ? "numerics." : "numerics." + run.datapath + ".";
    const std::string with = " of the " + run.datapath + " datapath";
    const std::string how = "the model file computed by this datapath, against float kernels";
    metric(result, prefix + "max_abs_error", "Largest logit error" + with, {c.max_abs_error, Dim{}},
           how);
    metric(result, prefix + "kl_divergence", "KL divergence" + with, {c.kl_divergence, Dim{}},
           how + ", in nats");
    metric(result, prefix + "top1_agreement", "Top-1 agreement" + with, {c.top1_agreement, Dim{}},
           how);
  }
}

}  // namespace

void fill_operators(const Prepared& prepared, const Simulated& simulated, const Request& request,
                    reports::Result& result) {
  fill_phase_operators(prepared, "prefill", request.prefill.activity, request.prefill.costs,
                       result);
  const Activity& step = simulated.decode[simulated.middle].total;
  fill_phase_operators(
      prepared, "decode", step,
      costs_of(step, {&prepared.machine, prepared.unit, prepared.scenario.display_on, true}),
      result);
  for (const Phase* phase : {&request.prefill, &request.decode}) {
    const Exposure e = exposure_of(phase->activity);
    const Time all = phase->activity.duration;
    const std::string memory = prepared.scenario.weights_in == "flash" ? "flash" : "memory";
    for (const auto& [component, cause, time] :
         {std::tuple(prepared.unit->name, std::string("computing"), e.computing),
          std::tuple(prepared.unit->name, "waiting for " + memory, e.starved),
          std::tuple(std::string("runtime"), std::string("launch and host"), e.starting),
          std::tuple(prepared.unit->name, std::string("pipeline drain"), e.other)}) {
      if (time > Time(0)) {
        result.time.push_back({phase->name, component, cause, time.si(), time / all});
      }
    }
    const Bytes traffic = phase->activity.dram.read + phase->activity.dram.written;
    const Time transferring = traffic / prepared.machine.peak_bandwidth();
    result.time.push_back(
        {phase->name, "dram", "transferring, at peak rate", transferring.si(), 0});
  }
}

void fill_bottleneck(const Prepared& prepared, const Simulated& simulated, const Request& request,
                     reports::Result& result) {
  const Activity& step = simulated.decode[simulated.middle].total;
  const Exposure e = exposure_of(step);
  const Time memory = e.starved;
  reports::Bottleneck& b = result.bottleneck;
  b.phase = "decode";
  const double utilisation =
      (request.decode.activity.dram.read + request.decode.activity.dram.written) /
      request.decode.activity.duration / prepared.machine.peak_bandwidth();
  // Judged by re-simulation: what helps most when it is doubled is what holds the step back.
  const WhatIfRun* best = nullptr;
  for (const WhatIfRun& run : simulated.what_if) {
    b.what_if.push_back({run.change, step.duration / run.step});
    if (run.component != "memory path" && (best == nullptr || run.step < best->step)) {
      best = &run;
    }
  }
  const std::string memory_name =
      prepared.machine.dram.title.substr(0, prepared.machine.dram.title.find(','));
  const double path_gain = [&] {
    for (const WhatIfRun& run : simulated.what_if) {
      if (run.component == "memory path") {
        return step.duration / run.step;
      }
    }
    return 1.0;
  }();
  const double best_gain = best != nullptr ? step.duration / best->step : 1;
  constexpr double kNotable = 1.05;
  std::string what;
  if (best != nullptr && best_gain < kNotable && path_gain >= kNotable) {
    b.component = "memory path";
    b.busy_share = utilisation;
    what = fmt::format(
        "{} and what the {} can draw from it together ({:.0f} % of the DRAM's peak in use)",
        memory_name, prepared.unit->name, 100 * utilisation);
  } else if (best != nullptr) {
    b.component = best->component;
    if (best->component == "dram") {
      b.busy_share = utilisation;
      what =
          fmt::format("{} bandwidth ({:.0f} % of its peak in use)", memory_name, 100 * utilisation);
    } else if (best->component == "port") {
      b.busy_share = memory / step.duration;
      what = fmt::format(
          "what the {} can draw from memory (waiting for loads {:.0f} % of the time, {:.0f} % of "
          "the DRAM's peak in use)",
          prepared.unit->name, 100 * b.busy_share, 100 * utilisation);
    } else if (best->component == "flash") {
      b.busy_share = step.flash_active / step.duration;
      what = fmt::format("flash bandwidth (reading {:.0f} % of the time)", 100 * b.busy_share);
    } else if (best->component == "runtime") {
      b.busy_share = e.starting / step.duration;
      what = fmt::format("launches and host code ({:.0f} % of the time)", 100 * b.busy_share);
    } else {
      b.busy_share = e.computing / step.duration;
      what = fmt::format("the {}'s arithmetic (computing {:.0f} % of the time)",
                         prepared.unit->name, 100 * b.busy_share);
    }
  } else {
    // No re-simulation was asked for: the largest exposed part.
    b.component = memory >= e.computing && memory >= e.starting ? "memory"
                  : e.computing >= e.starting                   ? prepared.unit->name
                                                                : "runtime";
    b.busy_share = std::max({memory, e.computing, e.starting}) / step.duration;
    what = fmt::format("{} ({:.0f} % of the time, by its exposed share alone)", b.component,
                       100 * b.busy_share);
  }
  b.sentence = fmt::format("Decode is bound by {}.", what);
  // Roofs of the formats that the unit has, against the memory that the weights come from.
  for (const hw::DataType type : prepared.unit->unit->types()) {
    result.roofs.push_back({fmt::format("{} {}", prepared.unit->name, hw::name_of(type)),
                            prepared.machine.dram.name, prepared.unit->unit->peak(type)->si(),
                            prepared.machine.peak_bandwidth().si()});
  }
}

void fill_timeline(const Prepared& /*prepared*/, const Simulated& simulated, const Request& request,
                   reports::Result& result) {
  const BandwidthTrace& trace = simulated.decode[simulated.middle].trace;
  if (!trace.bytes.empty()) {
    reports::Series series;
    series.name = "dram_bandwidth";
    series.label = "DRAM bandwidth in a decode step (the stretch that was simulated)";
    series.x_label = "time";
    series.x_unit = "ms";
    series.y_label = "bandwidth";
    series.y_unit = "GB/s";
    // At most 400 points: a curve, not a log.
    constexpr std::size_t kPoints = 400;
    const std::size_t group = (trace.bytes.size() + kPoints - 1) / kPoints;
    for (std::size_t i = 0; i < trace.bytes.size(); i += group) {
      const std::size_t end = std::min(trace.bytes.size(), i + group);
      double bytes = 0;
      for (std::size_t k = i; k < end; ++k) {
        bytes += trace.bytes[k];
      }
      const Time span = static_cast<double>(end - i) * trace.bin;
      series.x.push_back((static_cast<double>(i) * trace.bin).si() * 1e3);
      series.y.push_back(bytes / span.si() / 1e9);
    }
    result.timeline.push_back(std::move(series));
  }
  reports::Series power;
  power.name = "power";
  power.label = "Power of the whole device over one request";
  power.x_label = "time";
  power.x_unit = "s";
  power.y_label = "power";
  power.y_unit = "W";
  constexpr std::size_t kBins = 200;
  const Time end = request.ledger.end();
  const auto bins = request.ledger.power_trace(Time(0), end, kBins);
  for (std::size_t i = 0; i < bins.size(); ++i) {
    power.x.push_back((end * ((static_cast<double>(i) + 0.5) / kBins)).si());
    power.y.push_back(bins[i].si());
  }
  result.timeline.push_back(std::move(power));
}

void fill_metrics(const Prepared& prepared, const Simulated& simulated, const Request& request,
                  reports::Result& result) {
  const Scenario& scenario = prepared.scenario;
  const double rate = request.batch / request.step.si();
  const std::string level = name_of(scenario.fidelity);
  const double guess = time_assumed(prepared, request.decode.activity);
  const double prefill_guess = time_assumed(prepared, request.prefill.activity);
  // How much slower and faster the middle step is at the ends of the ranges of what paces it.
  const auto ratio = [](Time corner, Time value) {
    return corner > Time(0) ? corner / value : 1.0;
  };
  const Time middle = simulated.decode[simulated.middle].total.duration;
  const double slow = std::max(1.0, ratio(simulated.decode_slowest, middle));
  const double fast = std::min(1.0, ratio(simulated.decode_fastest, middle));
  const Time prefill_time = simulated.prefill.total.duration;
  const double prefill_slow = std::max(1.0, ratio(simulated.prefill_slowest, prefill_time));
  const double prefill_fast = std::min(1.0, ratio(simulated.prefill_fastest, prefill_time));
  metric(result, "decode.tokens_per_second", "Decode speed", any(TokenRate(rate)),
         fmt::format("{} decode steps simulated at {} level over the answer's contexts",
                     simulated.decode.size(), level),
         rate / slow, rate / fast, guess);
  metric(result, "decode.time_per_token", "Time per token", any(TimePerToken(request.step.si())),
         "mean decode step", request.step.si() * fast, request.step.si() * slow, guess);
  const Time first = request.prefill.activity.duration;
  metric(result, "prefill.time_to_first_token", "Time to first token", any(first),
         fmt::format("prefill of {} tokens simulated at {} level", scenario.prompt_tokens, level),
         first.si() * prefill_fast, first.si() * prefill_slow, prefill_guess);
  metric(result, "prefill.tokens_per_second", "Prefill speed",
         any(TokenRate(static_cast<double>(scenario.prompt_tokens) / first.si())),
         "prompt tokens over the time to first token",
         static_cast<double>(scenario.prompt_tokens) / (first.si() * prefill_slow),
         static_cast<double>(scenario.prompt_tokens) / (first.si() * prefill_fast), prefill_guess);

  const Time decode_time = request.decode.activity.duration;
  const RangedPower decode = mean_power(request.decode.costs, decode_time);
  const double per_token = decode_time.si() / request.tokens;
  metric(result, "energy.per_token", "Energy per token",
         any(EnergyPerToken(decode.value.si() * per_token)),
         "decode energy of the whole device, losses included, over generated tokens",
         decode.low.si() * per_token, decode.high.si() * per_token, decode.assumed_share);
  // Everything that would not be spent if the accelerator did nothing stays in this figure.
  double accelerator = 0;
  for (const char* component : {"dram", "dram controller", "system cache", "flash"}) {
    accelerator += joules_of(request.decode.costs, component);
  }
  accelerator += joules_of(request.decode.costs, prepared.unit->name);
  metric(result, "energy.per_token_accelerator", "Energy per token, unit and memory only",
         any(EnergyPerToken(accelerator / request.tokens)),
         "compute unit, caches, memory and storage; no display, rest of device or regulators");

  std::vector<Cost> all = request.prefill.costs;
  accumulate(all, request.decode.costs);
  const Time whole = request.ledger.end();
  const RangedPower mean = mean_power(all, whole);
  metric(result, "energy.per_request", "Energy per request", any(request.ledger.total()),
         "prefill and decode of the whole device", mean.low.si() * whole.si(),
         mean.high.si() * whole.si(), mean.assumed_share);
  metric(result, "power.average", "Mean power", any(mean.value),
         "energy of a request over its time", mean.low.si(), mean.high.si(), mean.assumed_share);
  const RangedPower prefill = mean_power(request.prefill.costs, first);
  const bool prefill_peaks = prefill.value > decode.value;
  const RangedPower& peak = prefill_peaks ? prefill : decode;
  metric(result, "power.peak", "Power of the hungrier phase", any(peak.value),
         prefill_peaks ? "mean over prefill" : "mean over decode", peak.low.si(), peak.high.si(),
         peak.assumed_share);

  if (prepared.machine.wall) {
    const auto outside = [](const Cost& cost) {
      return cost.component == "rest of device" || cost.component == "power supply";
    };
    std::vector<Cost> board;
    std::copy_if(all.begin(), all.end(), std::back_inserter(board),
                 [&](const Cost& cost) { return !outside(cost); });
    const RangedPower power = mean_power(board, whole);
    metric(result, "power.board", "Mean power of the board", any(power.value),
           "unit, caches, memory, links and board regulators; no host and no power supply",
           power.low.si(), power.high.si(), power.assumed_share);
  }
  double footprint = 0;
  for (const mapping::TierUse& use : prepared.placement.use) {
    footprint += use.total().si();
  }
  metric(result, "memory.footprint", "Memory footprint", any(Bytes(footprint)),
         "weights with scales, KV cache for the whole answer, largest activations");
  metric(result, "memory.kv_cache", "KV cache at the end",
         any(Bytes(static_cast<double>(prepared.decode.back().totals.kv_bytes))),
         "keys and values of all positions of all sequences");
  const Bytes traffic = request.decode.activity.dram.read + request.decode.activity.dram.written;
  metric(result, "memory.dram_utilisation", "DRAM utilisation in decode",
         {traffic / decode_time / prepared.machine.peak_bandwidth(), Dim{}},
         "bytes moved over the peak bandwidth times the time");
  if (prepared.machine.storage && scenario.weights_in == "dram") {
    const Bytes weights(static_cast<double>(prepared.decode.back().totals.weight_bytes));
    metric(result, "load.time", "Load time",
           any(weights / prepared.machine.storage->sequential_rate()),
           "weights read once from storage at its sequential rate");
  }
  if (scenario.display_on) {
    metric(result, "display.missed_fetches", "Late frame-buffer reads",
           {request.decode.activity.display_missed, Dim{}},
           "paced reads of the display that came after their deadline");
    if (request.decode.activity.display_missed > 0) {
      result.warnings.push_back("the display was starved: some of its reads came late");
    }
  }
  battery_metrics(prepared, request, decode, result);
  fleet_metrics(prepared, request, result);
  numerics_metrics(simulated, result);
}

}  // namespace joulesim::engine
