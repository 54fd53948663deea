#include "reports/html/report.hpp"

#include "reports/html/assets.hpp"
#include "reports/html/page.hpp"
#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace joulesim::reports {
namespace {

using Json = nlohmann::ordered_json;

std::string raw(double value) { return fmt::format("{}", value); }
std::string raw(std::int64_t value) { return fmt::format("{}", value); }
std::string raw(std::size_t value) { return fmt::format("{}", value); }

// Per cent of the longest bar, for a CSS width.
std::string width(double value, double largest) {
  return fmt::format("{:.2f}", largest > 0 ? std::clamp(100 * value / largest, 0.0, 100.0) : 0);
}

double share_of(double part, double whole) { return whole > 0 ? part / whole : 0; }

// False when the list is empty, so that a section with its heading is left out.
Json rows_or_none(Json rows) {
  if (rows.empty()) {
    return false;
  }
  constexpr std::size_t kFolded = 12;  // longer tables open on demand
  const std::size_t count = rows.size();
  return {{"rows", std::move(rows)}, {"count", raw(count)}, {"open", count <= kFolded}};
}

Json texts(const std::vector<std::string>& all) {
  Json out = Json::array();
  for (const std::string& text : all) {
    out.push_back({{"text", text}});
  }
  return out;
}

// The figures of the plots whose names start so.
Json figures(const PlotSet& plots, const std::vector<std::string>& names) {
  Json out = Json::array();
  for (const std::string& name : names) {
    const PlotFile* plot = plots.find(name);
    if (plot != nullptr) {
      out.push_back({{"figure", figure(*plot)}});
    }
  }
  return out;
}

std::string range_of(const Metric& m) {
  return m.low && m.high && *m.low != *m.high ? show_range(m) : std::string();
}

std::string assumed_of(double share) { return share > 0 ? rough_percent(share) : "–"; }

Json headline_cards(const Result& r) {
  constexpr std::size_t kCards = 8;
  Json out = Json::array();
  for (const Metric* m : headline(r, kCards)) {
    const std::string text = show_value(*m);
    const auto space = std::min(text.find(' '), text.size());
    out.push_back({{"name", m->name},
                   {"label", m->label},
                   {"number", text.substr(0, space)},
                   {"unit", space < text.size() ? text.substr(space + 1) : ""},
                   {"range", m->p5 ? show_quantiles(*m) : range_of(*m)}});
  }
  return out;
}

Json bottleneck(const Result& r) {
  if (r.bottleneck.sentence.empty()) {
    return false;
  }
  double largest = 0;
  for (const WhatIf& w : r.bottleneck.what_if) {
    largest = std::max(largest, w.speedup - 1);
  }
  Json rows = Json::array();
  for (const WhatIf& w : r.bottleneck.what_if) {
    rows.push_back({{"change", w.change},
                    {"raw", raw(w.speedup)},
                    {"speedup", significant(w.speedup)},
                    {"width", width(w.speedup - 1, largest)}});
  }
  return {{"sentence", r.bottleneck.sentence},
          {"has_what_if", !rows.empty()},
          {"what_if", std::move(rows)}};
}

Json component(const EnergyGroup& g, double largest, double total) {
  Json parts = Json::array();
  for (const EnergySegment& s : g.segments) {
    parts.push_back({{"width", width(s.joules, g.joules)},
                     {"colour", spent_colour(s.spent)},
                     {"spent", s.cause + ", " + s.spent}});
  }
  return {{"name", g.name},
          {"raw", raw(g.joules)},
          {"joules", show(any(Energy(g.joules)))},
          {"share", percent(share_of(g.joules, total))},
          {"raw_assumed", raw(g.assumed_share)},
          {"assumed", assumed_of(g.assumed_share)},
          {"width", width(g.joules, largest)},
          {"parts", std::move(parts)}};
}

Json energy(const Result& r, const PlotSet& plots) {
  if (r.energy.empty()) {
    return false;
  }
  const auto groups = energy_by_component(r);
  Json components = Json::array();
  double assumed = 0;
  for (const EnergyGroup& g : groups) {
    components.push_back(component(g, groups.front().joules, r.energy_total));
    assumed += g.joules * g.assumed_share;
  }
  std::vector<EnergyRow> rows = r.energy;
  std::stable_sort(rows.begin(), rows.end(),
                   [](const EnergyRow& a, const EnergyRow& b) { return a.joules > b.joules; });
  Json ledger = Json::array();
  for (const EnergyRow& row : rows) {
    ledger.push_back({{"phase", row.phase},
                      {"component", row.component},
                      {"cause", row.cause},
                      {"spent", row.spent},
                      {"raw", raw(row.joules)},
                      {"joules", show(any(Energy(row.joules)))},
                      {"share", percent(share_of(row.joules, r.energy_total))}});
  }
  return {{"plots", figures(plots, {"energy", "flow", "where"})},
          {"components", std::move(components)},
          {"total", show(any(Energy(r.energy_total)))},
          {"total_assumed", assumed_of(share_of(assumed, r.energy_total))},
          {"integral", show(any(Energy(r.energy_integral)))},
          {"entries", fmt::format("{}", rows.size())},
          {"ledger", std::move(ledger)}};
}

Json time(const Result& r, const PlotSet& plots) {
  if (r.operators.empty() && r.time.empty()) {
    return false;
  }
  Json operators = Json::array();
  Json mappings = Json::array();
  std::vector<std::string> order = phases(r);
  const auto first = std::find(order.begin(), order.end(), main_phase(r));
  if (first != order.end()) {
    std::rotate(order.begin(), first, first + 1);
  }
  for (const std::string& phase : order) {
    for (const OperatorRow& o : operators_of(r, phase)) {
      operators.push_back({{"phase", o.phase},
                           {"name", o.name},
                           {"unit", o.unit},
                           {"count", raw(o.count)},
                           {"raw_seconds", raw(o.seconds)},
                           {"seconds", show(any(Time(o.seconds)))},
                           {"raw_joules", raw(o.joules)},
                           {"joules", show(any(Energy(o.joules)))},
                           {"raw_ops", raw(o.ops)},
                           {"ops", show(any(Ops(o.ops)))},
                           {"raw_bytes", raw(o.bytes)},
                           {"bytes", show(any(Bytes(o.bytes)))},
                           {"bound", o.bound}});
      if (!o.mapping.empty()) {
        mappings.push_back({{"phase", o.phase}, {"name", o.name}, {"mapping", o.mapping}});
      }
    }
  }
  Json busy = Json::array();
  for (const TimeRow& t : time_rows(r)) {
    busy.push_back({{"phase", t.phase},
                    {"component", t.component},
                    {"cause", t.cause},
                    {"raw", raw(t.seconds)},
                    {"seconds", show(any(Time(t.seconds)))},
                    {"raw_exposed", raw(t.exposed_share)},
                    {"exposed", percent(t.exposed_share)},
                    {"width", width(t.exposed_share, 1)}});
  }
  return {{"plots", figures(plots, {"operators", "roofline"})},
          {"has_operators", !operators.empty()},
          {"operators", std::move(operators)},
          {"has_mappings", !mappings.empty()},
          {"mappings", std::move(mappings)},
          {"has_busy", !busy.empty()},
          {"busy", std::move(busy)}};
}

bool is_bandwidth(const PlotFile& plot) {
  return plot.name.starts_with("time_") && plot.name.find("bandwidth") != std::string::npos;
}

Json memory(const Result& r, const PlotSet& plots) {
  if (r.memory.empty()) {
    return false;
  }
  Json tiers = Json::array();
  Json holdings = Json::array();
  for (const MemoryRow& m : r.memory) {
    double used = 0;
    for (const Footprint& f : m.footprint) {
      used += f.bytes;
      holdings.push_back({{"tier", m.tier},
                          {"what", f.what},
                          {"raw", raw(f.bytes)},
                          {"size", show(any(Bytes(f.bytes)))},
                          {"raw_share", raw(share_of(f.bytes, m.capacity))},
                          {"share", percent(share_of(f.bytes, m.capacity))}});
    }
    tiers.push_back({{"tier", m.tier},
                     {"part", m.part},
                     {"raw_used", raw(used)},
                     {"used", show(any(Bytes(used)))},
                     {"raw_capacity", raw(m.capacity)},
                     {"capacity", show_capacity(Bytes(m.capacity))},
                     {"raw_read", raw(m.read)},
                     {"read", show(any(Bytes(m.read)))},
                     {"raw_written", raw(m.written)},
                     {"written", show(any(Bytes(m.written)))},
                     {"raw_achieved", raw(m.achieved)},
                     {"achieved", show(any(Bandwidth(m.achieved)))},
                     {"peak", show(any(Bandwidth(m.peak)))},
                     {"raw_utilisation", raw(m.utilisation)},
                     {"utilisation", percent(m.utilisation)},
                     {"raw_hits", raw(m.row_hit_rate)},
                     {"hits", m.row_hit_rate > 0 ? percent(m.row_hit_rate) : "–"}});
  }
  std::vector<std::string> names;
  for (const PlotFile& plot : plots.files) {
    if (is_bandwidth(plot)) {
      names.push_back(plot.name);
    }
  }
  return {{"tiers", std::move(tiers)},
          {"has_holdings", !holdings.empty()},
          {"holdings", std::move(holdings)},
          {"plots", figures(plots, names)}};
}

Json curves(const Result& r, const PlotSet& plots) {
  std::vector<std::string> names;
  for (const PlotFile& plot : plots.files) {
    if (plot.name.starts_with("time_") && (!is_bandwidth(plot) || r.memory.empty())) {
      names.push_back(plot.name);
    }
  }
  return names.empty() ? Json(false) : Json{{"plots", figures(plots, names)}};
}

Json sensitivity(const PlotSet& plots) {
  Json drawn = figures(plots, {"tornado_speed", "tornado_energy"});
  return drawn.empty() ? Json(false) : Json{{"plots", std::move(drawn)}};
}

// The section of the page with the terms that a figure is made of.
Json terms_of(const Result& r, const std::string& name) {
  const auto begins = [&](std::initializer_list<const char*> words) {
    return std::any_of(words.begin(), words.end(),
                       [&](const char* word) { return name.starts_with(word); });
  };
  if (begins({"energy.", "power.", "battery.", "fleet."})) {
    return r.energy.empty() ? Json(false) : Json{{"section", "energy"}};
  }
  if (begins({"memory."})) {
    return r.memory.empty() ? Json(false) : Json{{"section", "memory"}};
  }
  const bool timed = begins({"decode.", "prefill.", "load."});
  return timed && !(r.operators.empty() && r.time.empty()) ? Json{{"section", "time"}}
                                                           : Json(false);
}

Json metrics(const Result& r) {
  Json out = Json::array();
  for (const std::string& name : all_metric_names(r)) {
    const Metric& m = *r.metric(name);
    out.push_back({{"name", m.name},
                   {"label", m.label},
                   {"raw", raw(m.value.si)},
                   {"value", show_value(m)},
                   {"range", range_of(m)},
                   {"quantiles", m.p5 ? Json{{"text", show_quantiles(m)}} : Json(false)},
                   {"raw_assumed", raw(m.assumed_share)},
                   {"assumed", assumed_of(m.assumed_share)},
                   {"mechanism", m.mechanism},
                   {"terms", terms_of(r, m.name)}});
  }
  return out;
}

Json fact_rows(const std::vector<Fact>& all) {
  Json out = Json::array();
  for (const Fact& fact : all) {
    out.push_back({{"label", fact.label}, {"value", show(fact)}});
  }
  return out;
}

Json facts(const Result& r) {
  Json out = Json::array();
  const auto add = [&](const char* heading, const std::vector<Fact>& all) {
    if (!all.empty()) {
      out.push_back({{"heading", heading}, {"rows", fact_rows(all)}});
    }
  };
  add("Model", r.model);
  add("Machine", r.machine);
  add("Workload", r.workload);
  add("Scenario", r.scenario);
  return out;
}

Json assumptions(const Result& r) {
  Json out = Json::array();
  for (const AssumptionRow& a : r.assumptions) {
    out.push_back({{"owner", a.owner},
                   {"key", a.key},
                   {"value", a.value},
                   {"low", a.low},
                   {"high", a.high},
                   {"reason", a.reason}});
  }
  return rows_or_none(std::move(out));
}

Json sources(const Result& r) {
  Json out = Json::array();
  for (const SourceRow& s : r.sources) {
    out.push_back({{"owner", s.owner},
                   {"kind", s.kind},
                   {"title", s.title},
                   {"detail", s.detail.empty() ? Json(false) : Json{{"text", s.detail}}},
                   {"figures", raw(s.figures)}});
  }
  return rows_or_none(std::move(out));
}

Json sections(const Json& data) {
  Json out = Json::array();
  const auto add = [&](const char* id, const char* name, bool there = true) {
    if (there) {
      out.push_back({{"id", id}, {"name", name}});
    }
  };
  add("answer", "Answer");
  add("bottleneck", "Bottleneck", data["bottleneck"] != false);
  add("energy", "Energy", data["energy"] != false);
  add("time", "Time", data["time"] != false);
  add("memory", "Memory", data["memory"] != false);
  add("curves", "Over time", data["curves"] != false);
  add("sensitivity", "Sensitivity", data["sensitivity"] != false);
  add("figures", "All figures");
  add("setup", "What was run");
  add("trust", "Trust");
  return out;
}

Json blocks(const Result& r) {
  const Fidelity& f = r.fidelity;
  if (f.blocks <= 0) {
    return false;
  }
  return {
      {"text",
       fmt::format("{} of {} blocks were simulated and the others taken from them; equal blocks "
                   "differed by {} in time and {} in energy.",
                   f.blocks_simulated, f.blocks, percent(f.memo_spread_time),
                   percent(f.memo_spread_energy))}};
}

}  // namespace

Json report_data(const Result& r, const PlotSet& plots) {
  Json data;
  data["style"] = kStyle;
  data["script"] = kSortScript;
  data["title"] = r.title.empty() ? r.name : r.title;
  data["question"] = r.question;
  data["subject"] = subject(r);
  data["headline"] = headline_cards(r);
  data["warnings"] = texts(r.warnings);
  data["bottleneck"] = bottleneck(r);
  data["energy"] = energy(r, plots);
  data["time"] = time(r, plots);
  data["memory"] = memory(r, plots);
  data["curves"] = curves(r, plots);
  data["sensitivity"] = sensitivity(plots);
  data["metrics"] = metrics(r);
  data["claims"] = rows_or_none(fact_rows(r.claims));
  data["facts"] = facts(r);
  data["level"] = r.fidelity.level;
  const std::string deviation = deviation_sentence(r);
  data["deviation"] = deviation.empty()
                          ? "Its deviation from a finer level was not measured in this run."
                          : "Measured deviation: " + deviation + ".";
  data["blocks"] = blocks(r);
  data["limits"] = rows_or_none(texts(r.limits));
  data["assumptions"] = assumptions(r);
  data["sources"] = sources(r);
  data["version"] = r.version;
  data["name"] = r.name;
  data["seed"] = fmt::format("{}", r.seed);
  data["digests"] = Json::array();
  for (const Digest& d : r.digests) {
    data["digests"].push_back({{"path", d.path}, {"fnv1a", d.fnv1a}});
  }
  data["sections"] = sections(data);
  return data;
}

std::string html_report(const Result& result, const PlotSet& plots) {
  return fill(kReportTemplate, report_data(result, plots));
}

}  // namespace joulesim::reports
