#include "reports/result/view.hpp"

#include "reports/result/display.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string_view>

namespace joulesim::reports {
namespace {

// Reading order of metrics: the widest question that was answered comes first.
constexpr std::array kOrder = {
    "fleet.energy_per_year",
    "fleet.power",
    "fleet.devices",
    "fleet.co2_per_year",
    "fleet.cost_per_million_tokens",
    "training.energy",
    "training.device_hours",
    "serving.throughput",
    "decode.tokens_per_second",
    "energy.per_token",
    "battery.hours",
    "power.average",
    "prefill.time_to_first_token",
    "thermal.sustained_tokens_per_second",
    "memory.footprint",
    "memory.dram_utilisation",
    "serving.p50_time_to_first_token",
    "serving.p99_time_between_tokens",
    "serving.max_batch",
    "numerics.perplexity",
    "numerics.reference_perplexity",
    "numerics.kl_divergence",
    "numerics.top1_agreement",
    "numerics.max_abs_error",
    "battery.tokens",
    "decode.time_per_token",
    "prefill.tokens_per_second",
    "energy.per_request",
    "power.peak",
    "memory.kv_cache",
};

std::size_t spent_rank(const std::string& spent) {
  const auto& kinds = spent_kinds();
  return static_cast<std::size_t>(std::find(kinds.begin(), kinds.end(), spent) - kinds.begin());
}

EnergyGroup& group_of(std::vector<EnergyGroup>& groups, const std::string& name) {
  const auto found = std::find_if(groups.begin(), groups.end(),
                                  [&](const EnergyGroup& g) { return g.name == name; });
  if (found != groups.end()) {
    return *found;
  }
  groups.push_back({name, 0, 0, {}});
  return groups.back();
}

void add(EnergyGroup& group, const std::string& cause, const EnergyRow& row) {
  group.joules += row.joules;
  group.assumed_share += row.joules * row.assumed_share;  // a sum until finish()
  const auto found = std::find_if(
      group.segments.begin(), group.segments.end(),
      [&](const EnergySegment& s) { return s.cause == cause && s.spent == row.spent; });
  if (found != group.segments.end()) {
    found->joules += row.joules;
  } else {
    group.segments.push_back({cause, row.spent, row.joules});
  }
}

void finish(std::vector<EnergyGroup>& groups) {
  for (EnergyGroup& group : groups) {
    group.assumed_share = group.joules > 0 ? group.assumed_share / group.joules : 0;
    std::stable_sort(group.segments.begin(), group.segments.end(),
                     [](const EnergySegment& a, const EnergySegment& b) {
                       const auto left = spent_rank(a.spent);
                       const auto right = spent_rank(b.spent);
                       return left != right ? left < right : a.joules > b.joules;
                     });
  }
}

void note(std::vector<std::string>& seen, const std::string& name) {
  if (std::find(seen.begin(), seen.end(), name) == seen.end()) {
    seen.push_back(name);
  }
}

void note_metrics(std::vector<std::string>& seen, const Result& result) {
  for (const Metric& metric : result.metrics) {
    note(seen, metric.name);
  }
}

std::vector<std::string> in_reading_order(const std::vector<std::string>& seen) {
  std::vector<std::string> out;
  for (const char* name : kOrder) {
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) {
      out.emplace_back(name);
    }
  }
  for (const std::string& name : seen) {
    note(out, name);
  }
  return out;
}

constexpr std::string_view kAccuracy = "accuracy.";

// "accuracy_per_joule.mmlu_5_shot" → "mmlu_5_shot"; empty for other metrics.
std::string benchmark_of(const std::string& metric_name) {
  return metric_name.starts_with("accuracy") ? metric_name.substr(metric_name.find('.') + 1)
                                             : std::string();
}

}  // namespace

const std::vector<std::string>& spent_kinds() {
  static const std::vector<std::string> kinds = {"movement", "arithmetic", "control", "static",
                                                 "loss"};
  return kinds;
}

std::vector<std::string> phases(const Result& result) {
  std::vector<std::string> out;
  for (const EnergyRow& row : result.energy) {
    note(out, row.phase);
  }
  for (const TimeRow& row : result.time) {
    note(out, row.phase);
  }
  for (const OperatorRow& row : result.operators) {
    note(out, row.phase);
  }
  return out;
}

std::string main_phase(const Result& result) {
  const std::vector<std::string> all = phases(result);
  if (all.empty() || std::find(all.begin(), all.end(), "decode") != all.end()) {
    return "decode";
  }
  return result.operators.empty() ? all.back() : result.operators.back().phase;
}

std::vector<EnergyGroup> energy_by_component(const Result& result, const std::string& phase) {
  std::vector<EnergyGroup> groups;
  for (const EnergyRow& row : result.energy) {
    if (phase.empty() || row.phase == phase) {
      add(group_of(groups, row.component), row.cause, row);
    }
  }
  finish(groups);
  std::stable_sort(groups.begin(), groups.end(),
                   [](const EnergyGroup& a, const EnergyGroup& b) { return a.joules > b.joules; });
  return groups;
}

std::vector<EnergyGroup> energy_by_phase(const Result& result) {
  std::vector<EnergyGroup> groups;
  for (const EnergyRow& row : result.energy) {
    add(group_of(groups, row.phase), row.spent, row);
  }
  finish(groups);
  return groups;
}

std::vector<EnergySegment> energy_by_spending(const Result& result) {
  std::vector<EnergyGroup> whole;
  for (const EnergyRow& row : result.energy) {
    add(group_of(whole, ""), row.spent, row);
  }
  finish(whole);
  return whole.empty() ? std::vector<EnergySegment>{} : whole.front().segments;
}

std::vector<OperatorRow> operators_of(const Result& result, const std::string& phase) {
  std::vector<OperatorRow> out;
  std::copy_if(result.operators.begin(), result.operators.end(), std::back_inserter(out),
               [&](const OperatorRow& row) { return row.phase == phase; });
  std::stable_sort(out.begin(), out.end(), [](const OperatorRow& a, const OperatorRow& b) {
    return a.seconds > b.seconds;
  });
  return out;
}

std::vector<std::string> all_metric_names(const std::vector<Result>& results) {
  std::vector<std::string> seen;
  for (const Result& result : results) {
    note_metrics(seen, result);
  }
  return in_reading_order(seen);
}

std::vector<std::string> all_metric_names(const Result& result) {
  std::vector<std::string> seen;
  note_metrics(seen, result);
  return in_reading_order(seen);
}

std::vector<const Metric*> headline(const Result& result, std::size_t most) {
  std::vector<const Metric*> out;
  for (const char* name : kOrder) {
    const Metric* metric = result.metric(name);
    if (metric != nullptr && out.size() < most) {
      out.push_back(metric);
    }
  }
  if (out.empty()) {
    for (const Metric& metric : result.metrics) {
      if (out.size() < most) {
        out.push_back(&metric);
      }
    }
  }
  return out;
}

std::vector<Chart> charts(const Result& result) {
  std::vector<Chart> out;
  for (const Series& series : result.timeline) {
    if (series.x.size() < 2) {
      continue;
    }
    const std::string name = series.name.substr(0, series.name.find('.'));
    const auto found = std::find_if(out.begin(), out.end(), [&](const Chart& chart) {
      const Series& first = *chart.curves.front();
      return chart.name == name && first.x_unit == series.x_unit && first.y_unit == series.y_unit;
    });
    if (found != out.end()) {
      found->curves.push_back(&series);
    } else {
      out.push_back({name, {&series}});
    }
  }
  // File names are made from chart names: two charts of one name get numbers.
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto earlier = std::count_if(
        out.begin(), out.begin() + static_cast<std::ptrdiff_t>(i), [&](const Chart& c) {
          return c.curves.front()->name.substr(0, c.curves.front()->name.find('.')) == out[i].name;
        });
    if (earlier > 0) {
      out[i].name += fmt::format("_{}", earlier + 1);
    }
  }
  return out;
}

std::string deviation_sentence(const Result& result) {
  // One clause per pair of levels, with its phases.
  std::vector<std::pair<std::string, std::string>> clauses;
  for (const Deviation& d : result.fidelity.deviations) {
    const std::string pair = d.level + " against " + d.reference;
    const std::string phase = fmt::format("{} {} in time, {} in energy", d.phase,
                                          signed_percent(d.time), signed_percent(d.energy));
    const auto found = std::find_if(clauses.begin(), clauses.end(),
                                    [&](const auto& clause) { return clause.first == pair; });
    if (found == clauses.end()) {
      clauses.emplace_back(pair, phase);
    } else {
      found->second += "; " + phase;
    }
  }
  std::string out;
  for (const auto& [pair, text] : clauses) {
    out += fmt::format("{}{}: {}", out.empty() ? "" : ". ", pair, text);
  }
  return out;
}

std::vector<TimeRow> time_rows(const Result& result) {
  double largest = 0;
  for (const TimeRow& row : result.time) {
    largest = std::max(largest, row.seconds);
  }
  constexpr double kRounding = 1e-9;
  std::vector<TimeRow> out;
  std::copy_if(result.time.begin(), result.time.end(), std::back_inserter(out),
               [&](const TimeRow& row) { return row.seconds > largest * kRounding; });
  return out;
}

std::vector<std::string> shared_benchmarks(const std::vector<Result>& results) {
  struct Found {
    std::string benchmark;
    std::ptrdiff_t holders = 0;
  };
  std::vector<Found> found;
  for (const std::string& name : all_metric_names(results)) {
    if (name.starts_with(kAccuracy)) {
      found.push_back({benchmark_of(name),
                       std::count_if(results.begin(), results.end(),
                                     [&](const Result& r) { return r.metric(name) != nullptr; })});
    }
  }
  std::erase_if(found, [](const Found& f) { return f.holders < 2; });
  std::stable_sort(found.begin(), found.end(),
                   [](const Found& a, const Found& b) { return a.holders > b.holders; });
  std::vector<std::string> out;
  for (Found& f : found) {
    out.push_back(std::move(f.benchmark));
  }
  return out;
}

std::string benchmark_title(const std::vector<Result>& results, const std::string& benchmark) {
  for (const Result& r : results) {
    if (const Metric* m = r.metric(std::string(kAccuracy) + benchmark)) {
      const auto comma = m->label.find(", ");
      return comma == std::string::npos ? m->label : m->label.substr(comma + 2);
    }
  }
  return benchmark;
}

std::string accuracy_mark(const Result& result, const std::string& metric_name) {
  const std::string benchmark = benchmark_of(metric_name);
  const Metric* accuracy =
      benchmark.empty() ? nullptr : result.metric(std::string(kAccuracy) + benchmark);
  return accuracy != nullptr && accuracy->assumed_share > 0 ? "†" : "";
}

std::string accuracy_note() {
  return "† published for the model as its makers store it. The accuracy of the form that runs "
         "here, with other weights, was not published.";
}

std::vector<std::string> compared_metrics(const std::vector<Result>& results) {
  std::vector<std::string> names = all_metric_names(results);
  const std::vector<std::string> shared = shared_benchmarks(results);
  std::erase_if(names, [&](const std::string& name) {
    const std::string benchmark = benchmark_of(name);
    return !benchmark.empty() && std::find(shared.begin(), shared.end(), benchmark) == shared.end();
  });
  std::stable_partition(names.begin(), names.end(), [&](const std::string& name) {
    return std::count_if(results.begin(), results.end(),
                         [&](const Result& r) { return r.metric(name) != nullptr; }) >= 2;
  });
  return names;
}

std::vector<HeadlineGroup> headline_groups(const std::vector<Result>& results) {
  std::vector<HeadlineGroup> groups = {{"At a glance",
                                        {{"decode.tokens_per_second", "Decode"},
                                         {"prefill.time_to_first_token", "First token"},
                                         {"energy.per_token", "Energy"},
                                         {"power.average", "Power"},
                                         {"battery.hours", "Battery"},
                                         {"memory.footprint", "Memory"}},
                                        {},
                                        {}},
                                       {"Fleets",
                                        {{"fleet.devices", "Devices"},
                                         {"fleet.power", "Power"},
                                         {"fleet.energy_per_request", "Per request"},
                                         {"fleet.energy_per_year", "Per year"},
                                         {"fleet.co2_per_year", "CO2 per year"},
                                         {"fleet.cost_per_million_tokens", "Per M tokens"}},
                                        {},
                                        {}}};
  for (const std::string& benchmark : shared_benchmarks(results)) {
    HeadlineGroup group{"Accuracy per cost: " + benchmark_title(results, benchmark),
                        {{"accuracy." + benchmark, "Accuracy"},
                         {"accuracy_per_joule." + benchmark, "Per J/token"},
                         {"accuracy_per_byte." + benchmark, "Per GB/token"},
                         {"accuracy_per_dollar." + benchmark, "Per USD"}},
                        {},
                        "Right answers count, guesses too."};
    for (const Result& r : results) {
      if (!accuracy_mark(r, group.columns.front().name).empty()) {
        group.note = "Right answers count, guesses too. " + accuracy_note();
      }
    }
    groups.push_back(std::move(group));
  }
  for (HeadlineGroup& group : groups) {
    const auto has = [&](const Result& r, const HeadlineColumn& c) {
      return r.metric(c.name) != nullptr;
    };
    std::erase_if(group.columns, [&](const HeadlineColumn& c) {
      return std::none_of(results.begin(), results.end(),
                          [&](const Result& r) { return has(r, c); });
    });
    for (std::size_t i = 0; i < results.size(); ++i) {
      if (std::any_of(group.columns.begin(), group.columns.end(),
                      [&](const HeadlineColumn& c) { return has(results[i], c); })) {
        group.results.push_back(i);
      }
    }
  }
  std::erase_if(groups, [](const HeadlineGroup& g) { return g.results.empty(); });
  return groups;
}

std::string ratio_text(const Metric* first, const Metric* other) {
  if (first == nullptr || other == nullptr || first->value.si == 0 ||
      !(first->value.dim == other->value.dim)) {
    return {};
  }
  const double ratio = other->value.si / first->value.si;
  constexpr double kSmall = 0.1;
  return ratio > 0 && ratio < kSmall ? "÷ " + significant(1 / ratio) : "× " + significant(ratio);
}

std::string subject(const Result& result) {
  std::string out;
  const auto append = [&](const std::string& text) {
    out += text.empty() ? "" : (out.empty() ? "" : " · ") + text;
  };
  for (const auto* facts : {&result.model, &result.machine}) {
    if (!facts->empty()) {
      append(show(facts->front()));
    }
  }
  constexpr std::size_t kMost = 3;
  for (std::size_t i = 0; i < result.workload.size() && i < kMost; ++i) {
    append(result.workload[i].label + " " + show(result.workload[i]));
  }
  return out;
}

}  // namespace joulesim::reports
