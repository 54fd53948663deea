#include "sim/engine/compose.hpp"

#include "sim/engine/devices.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

namespace joulesim::engine {
namespace {

using reports::Fact;

Fact number(std::string name, std::string label, AnyQuantity value) {
  return {std::move(name), std::move(label), value, {}};
}
Fact words(std::string name, std::string label, std::string text) {
  return {std::move(name), std::move(label), {}, std::move(text)};
}
AnyQuantity count(double value) { return {value, Dim{}}; }

BookingContext working(const Prepared& prepared) {
  return {&prepared.machine, prepared.unit, prepared.scenario.display_on, true};
}

void add_deviation(const std::string& phase, const std::string& level, const std::string& reference,
                   const StepActivity& step, const StepActivity& judge,
                   const BookingContext& context, reports::Fidelity& fidelity) {
  if (!(judge.total.duration > Time(0)) || !(step.total.duration > Time(0))) {
    return;
  }
  reports::Deviation deviation;
  deviation.phase = phase;
  deviation.level = level;
  deviation.reference = reference;
  deviation.time = step.total.duration / judge.total.duration - 1;
  deviation.energy =
      total_of(costs_of(step.total, context)) / total_of(costs_of(judge.total, context)) - 1;
  fidelity.deviations.push_back(deviation);
}

void fill_fidelity(const Prepared& prepared, const Simulated& simulated,
                   reports::Fidelity& fidelity) {
  const std::string level = name_of(prepared.scenario.fidelity);
  const BookingContext context = working(prepared);
  fidelity.level = level;
  const StepActivity& decode = simulated.decode[simulated.middle];
  fidelity.blocks = decode.blocks;
  fidelity.blocks_simulated = decode.blocks_simulated;
  for (const StepActivity& step : simulated.decode) {
    fidelity.memo_spread_time = std::max(fidelity.memo_spread_time, step.spread_time);
    fidelity.memo_spread_energy = std::max(fidelity.memo_spread_energy, step.spread_energy);
  }
  const std::string checked = name_of(simulated.checked_level);
  add_deviation("prefill", level, checked, simulated.prefill, simulated.prefill_checked, context,
                fidelity);
  add_deviation("decode", level, checked, decode, simulated.decode_checked, context, fidelity);
  add_deviation("prefill", "analytic", level, simulated.prefill_analytic, simulated.prefill,
                context, fidelity);
  add_deviation("decode", "analytic", level, simulated.decode_analytic, decode, context, fidelity);
}

}  // namespace

RangedPower mean_power(const std::vector<Cost>& costs, Time duration) {
  Energy value;
  Energy low;
  Energy high;
  Energy assumed;
  for (const Cost& cost : costs) {
    value += cost.energy;
    low += cost.low;
    high += cost.high;
    assumed += cost.assumed;
  }
  return {value / duration, low / duration, high / duration,
          value > Energy(0) ? assumed / value : 0};
}

Request request_of(const Prepared& prepared, const Simulated& simulated) {
  Request request;
  const BookingContext context = working(prepared);
  request.batch = static_cast<double>(prepared.scenario.batch);
  request.tokens = static_cast<double>(prepared.scenario.generate_tokens);

  request.prefill.name = "prefill";
  request.prefill.activity = simulated.prefill.total;
  // All devices do the same at the same time.
  const auto devices = static_cast<double>(prepared.scenario.devices);
  request.prefill.costs = times(costs_of(request.prefill.activity, context), devices);

  request.decode.name = "decode";
  request.decode.begin = request.prefill.activity.duration;
  Time at = request.decode.begin;
  book(request.prefill.costs, Time(0), at, request.ledger);
  for (std::size_t i = 0; i < simulated.decode.size(); ++i) {
    // A request's share of steps that serve a whole batch.
    const double steps = prepared.decode_weight[i] / request.batch;
    const Activity& step = simulated.decode[i].total;
    request.decode.activity.add(step, steps);
    const std::vector<Cost> costs = times(costs_of(step, context), devices * steps);
    const Time end = at + steps * step.duration;
    book(costs, at, end, request.ledger);
    at = end;
    accumulate(request.decode.costs, costs);
  }
  request.step = request.decode.activity.duration * request.batch / request.tokens;

  Activity second;
  second.duration = Time(1);
  const double units =
      static_cast<double>(prepared.machine.channels) * prepared.machine.dram.organisation.units;
  // With the display on somebody reads the memory all the time; otherwise it may power down.
  (prepared.scenario.display_on ? second.dram.standby : second.dram.power_down) =
      units * second.duration;
  BookingContext idle = context;
  idle.unit_works = false;
  request.idle = times(costs_of(second, idle), devices);
  return request;
}

void describe_inputs(const Prepared& prepared, reports::Result& result) {
  const Scenario& s = prepared.scenario;
  result.scenario = {words("file", "Scenario file", prepared.files.front().path)};
  const models::ModelSpec& m = prepared.model;
  const models::GraphTotals& totals = prepared.whole;
  result.model = {
      words("name", "Model", m.title),
      number("parameters", "Parameters", count(static_cast<double>(totals.parameters))),
      number("layers", "Layers stored", count(static_cast<double>(m.stored_layers()))),
      number("layers_executed", "Layers executed", count(static_cast<double>(m.executed_layers()))),
      number("hidden", "Hidden size", count(static_cast<double>(m.hidden))),
      words("weights", "Weight format", m.formats.linear.name),
      words("embedding", "Embedding format",
            m.formats.embedding.name + (m.tied ? ", shared with the head" : "")),
      words("activations", "Input of linear layers", m.formats.linear_input.name),
      words("kv_format", "KV-cache format", m.formats.kv_cache.name),
      number("weight_bytes", "Weights", any(Bytes(static_cast<double>(totals.weight_bytes)))),
      number("kv_bytes_per_token", "KV cache per token",
             any(Bytes(static_cast<double>(totals.kv_bytes_per_token)))),
      number("ops_per_token", "Operations per token",
             count(static_cast<double>(totals.cost.flops()) / static_cast<double>(s.batch))),
  };
  const Machine& machine = prepared.machine;
  result.machine = {
      words("name", "Device", machine.title),
      words("unit", "Compute unit",
            fmt::format("{}: {}", prepared.unit->name, prepared.unit->unit->title())),
      words("memory", "Memory", machine.dram.title),
      number("memory_capacity", "Memory capacity", any(machine.capacity.value)),
      number("memory_peak", "Memory bandwidth, peak", any(machine.peak_bandwidth())),
      words("runtime", "Software stack", prepared.runtime.spec.title),
      words("weights_in", "Weights live in", s.weights_in),
  };
  if (s.devices > 1) {
    const Bytes held = prepared.placement.use.front().total();
    result.machine.push_back(number("devices", "Devices", count(static_cast<double>(s.devices))));
    result.machine.push_back(
        words("sharing", "Shared out",
              fmt::format("every layer over {} devices by heads and columns, {} all-reduces a step "
                          "over {}; memory and traffic are one device's, energy is of all",
                          s.devices, reduces_of(prepared, prepared.decode.back()).count,
                          device_link(machine)->spec.title)));
    result.machine.push_back(number("memory_each", "Held by each device", any(held)));
  }
  if (machine.cache) {
    result.machine.push_back(words("cache", "System cache", machine.cache->title));
  }
  if (machine.storage) {
    result.machine.push_back(words("storage", "Storage", machine.storage->title));
  }
  if (prepared.file) {
    const FileUse& file = *prepared.file;
    result.machine.push_back(
        words("storage_policy", "Weights on the store", name_of(s.storage.policy)));
    result.machine.push_back(words("storage_path", "Read by",
                                   fmt::format("{}, {} threads; {}", hw::name_of(file.path),
                                               file.threads, machine.storage_system->title)));
    result.machine.push_back(number("storage_file", "Read from the store",
                                    any(Bytes(static_cast<double>(file.file_bytes)))));
  }
  if (machine.battery) {
    result.machine.push_back(number("battery", "Battery", any(machine.battery->capacity.value)));
  }
  for (const LoadedPlugin& plugin : machine.plugins) {
    // The digest of the library stands with those of all files.
    result.machine.push_back(words("plugin", "Plug-in", shown(plugin)));
  }
  result.workload = {
      number("prompt_tokens", "Prompt", any(Tokens(static_cast<double>(s.prompt_tokens)))),
      number("generate_tokens", "Answer", any(Tokens(static_cast<double>(s.generate_tokens)))),
      number("batch", "Sequences at once", count(static_cast<double>(s.batch))),
      words("display", "Display", s.display_on ? "on" : "off"),
  };
  if (s.fleet) {
    constexpr double kDay = 86400;
    constexpr double kMillion = 1e6;
    result.workload.push_back(
        words("requests", "Requests",
              fmt::format("{:.4g} million a day", s.fleet->requests.si() * kDay / kMillion)));
    result.workload.push_back(
        number("utilisation", "Utilisation at the peak", count(s.fleet->utilisation)));
    result.workload.push_back(
        number("peak_to_mean", "Peak to mean load", count(s.fleet->peak_to_mean)));
    result.workload.push_back(number("pue", "PUE", count(s.fleet->pue)));
    result.workload.push_back(number("grid", "Grid intensity", any(s.fleet->grid)));
    result.workload.push_back(
        number("electricity_price", "Electricity price", any(s.fleet->price)));
  }
  if (s.battery && s.battery->tokens_per_second) {
    result.workload.push_back(
        number("pace", "Tokens asked for", any(*s.battery->tokens_per_second)));
  }
  for (const DigestedFile& file : prepared.files) {
    result.digests.push_back({file.path, file.fnv1a});
  }
}

void describe_sources(const Prepared& prepared, reports::Result& result) {
  std::map<std::pair<std::string, std::string>, reports::SourceRow> rows;
  const auto visit = [&](const std::vector<Figure>& figures) {
    for (const Figure& figure : figures) {
      if (!figure.source) {
        continue;
      }
      const Source& source = *figure.source;
      reports::SourceRow& row = rows[{figure.owner, source.id}];
      row.owner = figure.owner;
      row.id = source.id;
      row.kind = source.kind;
      row.title = source.title;
      row.detail = source.detail;
      ++row.figures;
      if (source.assumed()) {
        reports::AssumptionRow assumption;
        assumption.owner = figure.owner;
        assumption.key = figure.key;
        assumption.value = format(figure.value);
        assumption.low = figure.low ? format(*figure.low) : "";
        assumption.high = figure.high ? format(*figure.high) : "";
        assumption.reason =
            source.detail.starts_with("reason: ") ? source.detail.substr(8) : source.detail;
        result.assumptions.push_back(std::move(assumption));
      }
    }
  };
  visit(prepared.model_figures);
  visit(prepared.machine.figures);
  visit(prepared.runtime.figures);
  for (auto& [key, row] : rows) {
    result.sources.push_back(std::move(row));
  }
}

void fill_energy(const Prepared& /*prepared*/, const Request& request, reports::Result& result) {
  for (const Phase* phase : {&request.prefill, &request.decode}) {
    for (const Cost& cost : phase->costs) {
      reports::EnergyRow row;
      row.phase = phase->name;
      row.component = cost.component;
      row.cause = cost.cause;
      row.spent = spent_name(cost.spent);
      row.joules = cost.energy.si();
      row.assumed_share = cost.energy > Energy(0) ? cost.assumed / cost.energy : 0;
      result.energy.push_back(std::move(row));
    }
  }
  result.energy_total = request.ledger.total().si();
  constexpr std::size_t kBins = 512;
  const Time end = request.ledger.end();
  const Time width = end / static_cast<double>(kBins);
  for (const Power power : request.ledger.power_trace(Time(0), end, kBins)) {
    result.energy_integral += (power * width).si();
  }
}

void fill_memory(const Prepared& prepared, const Request& request, reports::Result& result) {
  const Machine& machine = prepared.machine;
  const Activity& decode = request.decode.activity;
  const double tokens = request.tokens;
  // The step serves the whole batch while a request is charged its share.
  const auto achieved = [&](Bytes bytes) { return (bytes / decode.duration).si(); };
  for (std::size_t i = 0; i < prepared.tiers.size(); ++i) {
    const mapping::MemoryTier& tier = prepared.tiers[i];
    reports::MemoryRow row;
    row.tier = tier.name;
    row.part = tier.part;
    row.capacity = tier.capacity.si();
    if (i == 0) {
      row.peak = machine.peak_bandwidth().si();
      row.read = decode.dram.read.si() / tokens;
      row.written = decode.dram.written.si() / tokens;
      row.achieved = achieved(decode.dram.read + decode.dram.written);
      row.row_hit_rate = decode.dram_bursts > 0 ? decode.dram_row_hits / decode.dram_bursts : 0;
    } else {
      row.peak = machine.storage->sequential_rate().si();
      row.read = decode.flash_read.si() / tokens;
      row.achieved = achieved(decode.flash_read);
    }
    row.utilisation = row.peak > 0 ? row.achieved / row.peak : 0;
    const mapping::TierUse& use = prepared.placement.use[i];
    for (const auto& [what, bytes] :
         {std::pair("weights", use.weights), std::pair("kv cache", use.kv_cache),
          std::pair("activations", use.activations), std::pair("page cache", use.file_cache)}) {
      if (bytes > Bytes(0)) {
        row.footprint.push_back({what, bytes.si()});
      }
    }
    result.memory.push_back(std::move(row));
  }
  if (machine.cache) {
    reports::MemoryRow row;
    row.tier = "system cache";
    row.part = machine.cache->name;
    row.capacity = machine.cache->capacity.value.si();
    row.peak = machine.cache->bandwidth.value.si();
    row.read = decode.cache_hits.si() / tokens;
    row.written = decode.cache_written.si() / tokens;
    row.achieved = achieved(decode.cache_hits + decode.cache_written);
    row.utilisation = row.achieved / row.peak;
    result.memory.push_back(std::move(row));
  }
}

reports::Result compose(const Prepared& prepared, const Simulated& simulated) {
  reports::Result result;
  result.version = JOULESIM_VERSION;
  result.name = prepared.scenario.id;
  result.title = prepared.scenario.title;
  result.question = prepared.scenario.question;
  result.seed = prepared.scenario.seed;
  const Request request = request_of(prepared, simulated);
  describe_inputs(prepared, result);
  describe_sources(prepared, result);
  fill_fidelity(prepared, simulated, result.fidelity);
  fill_energy(prepared, request, result);
  fill_operators(prepared, simulated, request, result);
  fill_memory(prepared, request, result);
  fill_bottleneck(prepared, simulated, request, result);
  fill_timeline(prepared, simulated, request, result);
  fill_metrics(prepared, simulated, request, result);
  fill_sensitivity(simulated, request, result);
  result.limits = {
      "One compute unit runs the whole model; placement over several units is not searched.",
      "No thermal throttling; only GPUs lower their clock under a power limit.",
      "Prefill is one sequence at a time; decode serves the stated number of sequences in step.",
      "Token sampling, tokenisation and network time are not included.",
  };
  fill_accuracy(prepared, request, result);
  fill_samples(prepared, simulated, request, result);
  return result;
}

}  // namespace joulesim::engine
