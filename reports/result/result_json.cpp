#include "reports/result/result_json.hpp"

#include "reports/result/display.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <stdexcept>

namespace joulesim::reports {
namespace {

using Json = nlohmann::ordered_json;

Json number(double value, const std::string& where) {
  if (!std::isfinite(value)) {
    throw std::logic_error(fmt::format("result: {} is not a finite number", where));
  }
  return value;
}

// Adds a member to an object whose names must be unique.
void put(Json& object, const std::string& name, Json value, const char* where) {
  if (object.contains(name)) {
    throw std::logic_error(fmt::format("result: {} has the name '{}' twice", where, name));
  }
  object[name] = std::move(value);
}

template <typename Rows, typename Write>
Json list(const Rows& rows, Write write) {
  Json out = Json::array();
  for (const auto& row : rows) {
    out.push_back(write(row));
  }
  return out;
}

Json facts(const std::vector<Fact>& all, const char* where) {
  Json out = Json::object();
  for (const Fact& fact : all) {
    Json entry = {{"label", fact.label}};
    if (fact.text.empty()) {
      entry["value"] = number(fact.value.si, fact.name);
      entry["unit"] = si_unit(fact.value.dim);
    } else {
      entry["text"] = fact.text;
    }
    put(out, fact.name, std::move(entry), where);
  }
  return out;
}

Json metrics(const Result& r) {
  Json out = Json::object();
  for (const Metric& m : r.metrics) {
    Json entry = {
        {"label", m.label}, {"value", number(m.value.si, m.name)}, {"unit", si_unit(m.value.dim)}};
    entry["low"] = m.low ? number(*m.low, m.name) : Json(nullptr);
    entry["high"] = m.high ? number(*m.high, m.name) : Json(nullptr);
    if (m.p5 && m.p95) {
      entry["p5"] = number(*m.p5, m.name);
      entry["p95"] = number(*m.p95, m.name);
    }
    entry["assumed_share"] = number(m.assumed_share, m.name);
    entry["text"] = show_value(m);
    entry["mechanism"] = m.mechanism;
    put(out, m.name, std::move(entry), "metrics");
  }
  return out;
}

Json fidelity(const Fidelity& f) {
  return {{"level", f.level},
          {"deviations", list(f.deviations,
                              [](const Deviation& d) {
                                return Json{{"phase", d.phase},
                                            {"level", d.level},
                                            {"reference", d.reference},
                                            {"time", number(d.time, "deviation in time")},
                                            {"energy", number(d.energy, "deviation in energy")}};
                              })},
          {"memo_spread_time", number(f.memo_spread_time, "memo_spread_time")},
          {"memo_spread_energy", number(f.memo_spread_energy, "memo_spread_energy")},
          {"blocks", f.blocks},
          {"blocks_simulated", f.blocks_simulated}};
}

Json energy(const EnergyRow& e) {
  return {{"phase", e.phase},
          {"component", e.component},
          {"cause", e.cause},
          {"spent", e.spent},
          {"joules", number(e.joules, "energy")},
          {"assumed_share", number(e.assumed_share, "energy.assumed_share")}};
}

Json time(const TimeRow& t) {
  return {{"phase", t.phase},
          {"component", t.component},
          {"cause", t.cause},
          {"seconds", number(t.seconds, "time")},
          {"exposed_share", number(t.exposed_share, "time.exposed_share")}};
}

Json operators(const OperatorRow& o) {
  return {{"phase", o.phase},
          {"name", o.name},
          {"unit", o.unit},
          {"count", o.count},
          {"seconds", number(o.seconds, o.name)},
          {"joules", number(o.joules, o.name)},
          {"ops", number(o.ops, o.name)},
          {"bytes", number(o.bytes, o.name)},
          {"bound", o.bound},
          {"mapping", o.mapping}};
}

Json memory(const MemoryRow& m) {
  return {{"tier", m.tier},
          {"part", m.part},
          {"capacity", number(m.capacity, m.tier)},
          {"peak", number(m.peak, m.tier)},
          {"read", number(m.read, m.tier)},
          {"written", number(m.written, m.tier)},
          {"achieved", number(m.achieved, m.tier)},
          {"utilisation", number(m.utilisation, m.tier)},
          {"row_hit_rate", number(m.row_hit_rate, m.tier)},
          {"footprint", list(m.footprint, [&](const Footprint& f) {
             return Json{{"what", f.what}, {"bytes", number(f.bytes, m.tier)}};
           })}};
}

Json bottleneck(const Bottleneck& b) {
  return {{"component", b.component},
          {"phase", b.phase},
          {"sentence", b.sentence},
          {"busy_share", number(b.busy_share, "bottleneck.busy_share")},
          {"what_if", list(b.what_if, [](const WhatIf& w) {
             return Json{{"change", w.change}, {"speedup", number(w.speedup, w.change)}};
           })}};
}

Json series(const Series& s) {
  if (s.x.size() != s.y.size()) {
    throw std::logic_error(fmt::format("result: series '{}' has {} x but {} y values", s.name,
                                       s.x.size(), s.y.size()));
  }
  const auto values = [&](const std::vector<double>& all) {
    return list(all, [&](double v) { return number(v, s.name); });
  };
  return {{"name", s.name},     {"label", s.label},     {"x_label", s.x_label},
          {"x_unit", s.x_unit}, {"y_label", s.y_label}, {"y_unit", s.y_unit},
          {"x", values(s.x)},   {"y", values(s.y)}};
}

Json source(const SourceRow& s) {
  return {{"owner", s.owner}, {"id", s.id},         {"kind", s.kind},
          {"title", s.title}, {"detail", s.detail}, {"figures", s.figures}};
}

Json assumption(const AssumptionRow& a) {
  return {{"owner", a.owner}, {"key", a.key},   {"value", a.value},
          {"low", a.low},     {"high", a.high}, {"reason", a.reason}};
}

std::string leaf(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

constexpr std::size_t kLine = 160;

// On one line, given up once it is too long for one.
bool flat(const Json& value, std::size_t limit, std::string& out) {
  if (!value.is_structured()) {
    out += leaf(value);
    return out.size() <= limit;
  }
  out += value.is_array() ? "[" : "{";
  const char* comma = "";
  for (const auto& [key, item] : value.items()) {
    out += comma;
    comma = ", ";
    if (value.is_object()) {
      out += leaf(Json(key)) + ": ";
    }
    if (!flat(item, limit, out)) {
      return false;
    }
  }
  out += value.is_array() ? "]" : "}";
  return out.size() <= limit;
}

// Short objects on one line, long ones spread out: readable, and a changed number is one line of a
// text difference.
void print(const Json& value, std::size_t indent, std::string& out) {
  std::string line;
  if (!value.is_structured() || value.empty()) {
    out += leaf(value);
    return;
  }
  if (indent > 0 && flat(value, kLine - indent, line)) {
    out += line;
    return;
  }
  const std::string margin(indent + 1, ' ');
  const bool numbers = value.is_array() && value.front().is_number();
  out += value.is_array() ? '[' : '{';
  std::size_t line_start = 0;
  const char* comma = "";
  for (const auto& [key, item] : value.items()) {
    out += comma;
    const bool breaks = *comma == '\0' || !numbers || out.size() - line_start > kLine;
    comma = ",";
    if (breaks) {
      line_start = out.size();
      out += "\n" + margin;
    } else {
      out += ' ';
    }
    if (value.is_object()) {
      out += leaf(Json(key)) + ": ";
    }
    print(item, indent + 1, out);
  }
  out += "\n" + std::string(indent, ' ');
  out += value.is_array() ? ']' : '}';
}

}  // namespace

std::string to_json(const Result& r) {
  Json root;
  root["schema"] = r.schema;
  root["joulesim"] = r.version;
  root["scenario"] = {{"name", r.name},
                      {"title", r.title},
                      {"question", r.question},
                      {"facts", facts(r.scenario, "scenario")}};
  root["digests"] = list(r.digests, [](const Digest& d) {
    return Json{{"path", d.path}, {"fnv1a", d.fnv1a}};
  });
  root["fidelity"] = fidelity(r.fidelity);
  root["seed"] = r.seed;
  if (r.samples > 0) {
    root["samples"] = r.samples;
  }
  root["model"] = facts(r.model, "model");
  root["machine"] = facts(r.machine, "machine");
  root["workload"] = facts(r.workload, "workload");
  root["metrics"] = metrics(r);
  root["energy"] = list(r.energy, energy);
  root["energy_total"] = number(r.energy_total, "energy_total");
  root["energy_integral"] = number(r.energy_integral, "energy_integral");
  root["time"] = list(r.time, time);
  root["operators"] = list(r.operators, operators);
  root["memory"] = list(r.memory, memory);
  root["bottleneck"] = bottleneck(r.bottleneck);
  root["roofs"] = list(r.roofs, [](const Roof& f) {
    return Json{{"unit", f.unit},
                {"memory", f.memory},
                {"ops_per_second", number(f.ops_per_second, f.unit)},
                {"bytes_per_second", number(f.bytes_per_second, f.memory)}};
  });
  root["sensitivity"] = list(r.sensitivity, [](const SensitivityRow& s) {
    return Json{{"metric", s.metric},
                {"input", s.input},
                {"low", number(s.low, s.input)},
                {"high", number(s.high, s.input)}};
  });
  root["timeline"] = list(r.timeline, series);
  root["claims"] = facts(r.claims, "claims");
  root["sources"] = list(r.sources, source);
  root["assumptions"] = list(r.assumptions, assumption);
  root["warnings"] = r.warnings;
  root["limits"] = r.limits;
  std::string out;
  print(root, 0, out);
  out += '\n';
  return out;
}

}  // namespace joulesim::reports
