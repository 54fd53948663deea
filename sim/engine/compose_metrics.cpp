// Headline numbers, battery, fleet and numerics of a result.
#include "sim/engine/cold_load.hpp"
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

double joules_of(const std::vector<Cost>& costs, const std::string& component) {
  double sum = 0;
  for (const Cost& cost : costs) {
    if (cost.component == component) {
      sum += cost.energy.si();
    }
  }
  return sum;
}

// Bringing weights into memory before the first token, and reading the others meanwhile.
void load_metrics(const Prepared& prepared, const Request& request, reports::Result& result) {
  const Machine& machine = prepared.machine;
  if (prepared.load) {
    const Activity load = cold_load(machine, *prepared.load, prepared.load->file_bytes);
    metric(result, "load.time", "Load time", any(load.duration),
           fmt::format("weights that memory holds, read once by {} with {} threads",
                       hw::name_of(prepared.load->path), prepared.load->threads));
    const RangedPower mean = mean_power(
        times(costs_of(load, {&machine, prepared.unit, prepared.scenario.display_on, false}),
              static_cast<double>(prepared.scenario.devices)),
        load.duration);
    const double seconds = load.duration.si();
    metric(result, "load.energy", "Load energy", any(mean.value * load.duration),
           "the whole device while it loads", mean.low.si() * seconds, mean.high.si() * seconds,
           mean.assumed_share);
  } else if (machine.storage && prepared.scenario.weights_in == "dram") {
    const Bytes weights(static_cast<double>(prepared.decode.back().totals.weight_bytes));
    metric(result, "load.time", "Load time", any(weights / machine.storage->sequential_rate()),
           "weights read once from storage at its sequential rate");
  }
  if (prepared.file) {
    const Activity& decode = request.decode.activity;
    metric(result, "storage.read_per_token", "Read from storage per token",
           any(decode.flash_read / Tokens(request.tokens)),
           "bytes that the store has sent to memory");
    metric(result, "storage.processor_share", "Processor time of reading weights",
           {decode.file_processor / decode.duration, Dim{}},
           "calls, faults, commands, pages and copies of the operating system");
  }
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
  const auto devices = static_cast<double>(prepared.scenario.devices);
  metric(result, "fleet.devices", "Devices", {answer.devices * devices, Dim{}},
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
void quality_metrics(const Simulated& simulated, reports::Result& result) {
  for (std::size_t i = 0; i < simulated.quality.size(); ++i) {
    const QualityRun& run = simulated.quality[i];
    const models::Comparison& c = run.comparison;
    const std::string prefix = i == 0 ? "numerics." : "numerics." + run.datapath + ".";
    const std::string with = " of the " + run.datapath + " datapath";
    const std::string how = "the model file computed by this datapath, against float kernels";
    metric(result, prefix + "max_abs_error", "Largest logit error" + with, {c.max_abs_error, Dim{}},
           how);
    metric(result, prefix + "rms_error", "RMS logit error" + with, {c.rms_error, Dim{}}, how);
    metric(result, prefix + "kl_divergence", "KL divergence" + with, {c.kl_divergence, Dim{}},
           how + ", in nats");
    metric(result, prefix + "top1_agreement", "Top-1 agreement" + with, {c.top1_agreement, Dim{}},
           how);
    if (run.perplexity) {
      metric(result, prefix + "perplexity", "Perplexity" + with, {*run.perplexity, Dim{}},
             "exp of the mean negative log probability of the text's tokens");
    }
    if (run.reference_perplexity && i == 0) {
      metric(result, "numerics.reference_perplexity", "Perplexity in fp32",
             {*run.reference_perplexity, Dim{}}, "the same text by float kernels");
    }
  }
}

}  // namespace

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
  for (const char* component :
       {"dram", "dram controller", "system cache", "flash", "operating system"}) {
    accelerator += joules_of(request.decode.costs, component);
  }
  accelerator += joules_of(request.decode.costs, prepared.unit->name);
  for (const Cost& cost : request.decode.costs) {
    // What units beside it did for it; that they are there is not for it.
    const bool helper = prepared.machine.unit(cost.component) != nullptr &&
                        cost.component != prepared.unit->name && cost.cause != "idle";
    accelerator += helper ? cost.energy.si() : 0;
  }
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
  load_metrics(prepared, request, result);
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
  quality_metrics(simulated, result);
}

}  // namespace joulesim::engine
