// Operators, time, bottleneck and curves of a result.
#include "sim/engine/compose.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

namespace joulesim::engine {
namespace {

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
  if (op.computing >= moving && op.limit != "memory") {
    return prepared.unit->name + " " + op.limit;
  }
  return flash ? "flash" : "memory";
}

// An energy split over operators: unit energy as counted, memory's by bytes, the rest by time.
void fill_phase_operators(const Prepared& prepared, const std::string& phase,
                          const std::vector<std::string>& mappings, const Activity& activity,
                          const std::vector<Cost>& costs, reports::Result& result) {
  double moved = 0;
  double unit_joules = 0;
  const auto devices = static_cast<double>(prepared.scenario.devices);
  for (const OperatorActivity& op : activity.operators) {
    moved += op.moved.si();
    for (const double j : op.joules) {
      unit_joules += j * devices;
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
    const bool host = op.label == "host step";
    const bool link = op.label == kAllReduce;
    row.unit = host ? "host" : link ? "link" : prepared.unit->name;
    row.count = op.count;
    row.seconds = op.exposed.si();
    row.ops = op.ops;
    row.bytes = op.moved.si();
    row.bound = host ? "host" : link ? "link" : bound_of(prepared, op);
    for (const std::string& mapping : mappings) {
      if (mapping.starts_with(op.label + ": ")) {
        row.mapping = mapping.substr(op.label.size() + 2);
        break;
      }
    }
    for (const double j : op.joules) {
      row.joules += j * devices;
    }
    row.joules += moved > 0 ? memory * op.moved.si() / moved : 0;
    row.joules += rest * (op.exposed / activity.duration);
    result.operators.push_back(std::move(row));
  }
}

}  // namespace

Exposure exposure_of(const Activity& activity) {
  Exposure e;
  for (const OperatorActivity& op : activity.operators) {
    e.computing += op.computing;
    e.starved += op.starved;
    e.starting += op.starting;
    if (op.label == kAllReduce) {
      e.reducing += op.exposed;
      continue;
    }
    e.other += max(Time(0), op.exposed - op.computing - op.starved - op.starting);
  }
  return e;
}

void fill_operators(const Prepared& prepared, const Simulated& simulated, const Request& request,
                    reports::Result& result) {
  fill_phase_operators(prepared, "prefill", simulated.prefill.mappings, request.prefill.activity,
                       request.prefill.costs, result);
  const Activity& step = simulated.decode[simulated.middle].total;
  fill_phase_operators(
      prepared, "decode", simulated.decode[simulated.middle].mappings, step,
      times(costs_of(step, {&prepared.machine, prepared.unit, prepared.scenario.display_on, true}),
            static_cast<double>(prepared.scenario.devices)),
      result);
  for (const Phase* phase : {&request.prefill, &request.decode}) {
    const Exposure e = exposure_of(phase->activity);
    const Time all = phase->activity.duration;
    const std::string memory = prepared.scenario.weights_in == "flash" ? "flash" : "memory";
    for (const auto& [component, cause, time] :
         {std::tuple(prepared.unit->name, std::string("computing"), e.computing),
          std::tuple(prepared.unit->name, "waiting for " + memory, e.starved),
          std::tuple(std::string("runtime"), std::string("launch and host"), e.starting),
          std::tuple(std::string("link"), std::string("all-reduces between devices"), e.reducing),
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

namespace {

// What was changed in a re-simulation, as a sentence says it.
std::string change_of(const std::string& component, const std::string& unit) {
  return component == "dram"           ? "twice the DRAM channels"
         : component == "port"         ? fmt::format("twice the {}'s access to memory", unit)
         : component == "memory path"  ? "twice both"
         : component == "runtime"      ? "half the launch and host cost"
         : component == "link"         ? "links twice as fast"
         : component == "flash"        ? "twice the flash bandwidth"
         : component == "storage path" ? "reading twice as fast"
                                       : fmt::format("twice the {}'s arithmetic", unit);
}

// "; twice the DRAM channels would make it 1.52 times as fast, twice the gpu's arithmetic 1.04
// times": what relieves the bottleneck, beside what does not.
std::string relief_of(const Simulated& simulated, Time now, const std::string& component,
                      const std::string& unit) {
  const auto gain_of = [&](const std::string& of) -> std::optional<double> {
    for (const WhatIfRun& run : simulated.what_if) {
      if (run.component == of) {
        return now / run.step;
      }
    }
    return std::nullopt;
  };
  const std::optional<double> own = gain_of(component);
  if (!own) {
    return "";
  }
  std::string text =
      fmt::format("; {} would make it {:.2f} times as fast", change_of(component, unit), *own);
  const std::optional<double> path = gain_of("memory path");
  constexpr double kMore = 1.1;
  if (path && (component == "dram" || component == "port") && *path > kMore * *own) {
    text +=
        fmt::format(", with {} too {:.2f} times",
                    component == "dram" ? change_of("port", unit) : change_of("dram", unit), *path);
  }
  // The contrast: arithmetic beside memory and host, the memory beside arithmetic.
  const std::string other = component == unit ? "memory path" : unit;
  if (const std::optional<double> gain = gain_of(other)) {
    constexpr double kNothing = 1.005;
    const std::string change =
        other == "memory path" ? "twice the memory's rate" : change_of(other, unit);
    text += *gain < kNothing ? fmt::format("; {} would change nothing", change)
                             : fmt::format(", {} {:.2f} times", change, *gain);
  }
  return text;
}

}  // namespace

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
      what = fmt::format("the bandwidth of {} ({:.0f} % of its peak in use)", memory_name,
                         100 * utilisation);
    } else if (best->component == "port") {
      b.busy_share = memory / step.duration;
      what = fmt::format(
          "what the {} can draw from memory (waiting for loads {:.0f} % of the time, {:.0f} % of "
          "the DRAM's peak in use)",
          prepared.unit->name, 100 * b.busy_share, 100 * utilisation);
    } else if (best->component == "flash") {
      b.busy_share = step.flash_active / step.duration;
      what = fmt::format("flash bandwidth (reading {:.0f} % of the time)", 100 * b.busy_share);
    } else if (best->component == "storage path") {
      b.busy_share = step.file_processor / step.duration;
      what = fmt::format(
          "how the weights' file is read ({}; the processor busy with it {:.0f} % of the time)",
          hw::name_of(prepared.file->path), 100 * b.busy_share);
    } else if (best->component == "link") {
      b.busy_share = e.reducing / step.duration;
      what = fmt::format("all-reduces between {} devices ({:.0f} % of the time)",
                         prepared.scenario.devices, 100 * b.busy_share);
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
  b.sentence = fmt::format("Decode is bound by {}{}.", what,
                           relief_of(simulated, step.duration, b.component, prepared.unit->name));
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

}  // namespace joulesim::engine
