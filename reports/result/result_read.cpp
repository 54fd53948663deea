#include "reports/result/files.hpp"
#include "reports/result/json_place.hpp"
#include "reports/result/result_json.hpp"
#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

namespace joulesim::reports {
namespace {

// Bounds that no honest result comes near; they keep a hostile file from taking time or memory.
// (Objects keep their order in a list, so a lookup is linear in the number of names.)
constexpr std::size_t kLargestFile = std::size_t{64} << 20U;
constexpr int kDeepest = 16;
constexpr std::size_t kMostNames = 1000;

std::vector<Fact> facts(const Place& parent, const char* key) {
  std::vector<Fact> out;
  parent.entries(key, [&](const std::string& name, const Place& p) {
    Fact fact{name, p.text("label"), {}, {}};
    if (p.has("text")) {
      fact.text = p.text("text");
    } else {
      fact.value = {p.number("value", true), p.unit("unit")};
    }
    out.push_back(std::move(fact));
  });
  return out;
}

std::vector<Metric> metrics(const Place& root) {
  std::vector<Metric> out;
  root.entries("metrics", [&](const std::string& name, const Place& p) {
    Metric m;
    m.name = name;
    m.label = p.text("label");
    m.value = {p.number("value", true), p.unit("unit")};
    m.low = p.optional_number("low");
    m.high = p.optional_number("high");
    if (p.has("p5")) {
      m.p5 = p.optional_number("p5");
      m.p95 = p.optional_number("p95");
    }
    m.assumed_share = p.number("assumed_share");
    m.mechanism = p.text("mechanism");
    out.push_back(std::move(m));
  });
  return out;
}

Fidelity fidelity(const Place& p) {
  Fidelity f;
  f.level = p.text("level");
  f.deviations = p.rows<Deviation>("deviations", [](const Place& d) {
    return Deviation{d.text("phase"), d.text("level"), d.text("reference"), d.number("time", true),
                     d.number("energy", true)};
  });
  f.memo_spread_time = p.number("memo_spread_time");
  f.memo_spread_energy = p.number("memo_spread_energy");
  f.blocks = p.integer("blocks");
  f.blocks_simulated = p.integer("blocks_simulated");
  return f;
}

MemoryRow memory(const Place& p) {
  return {p.text("tier"),
          p.text("part"),
          p.number("capacity"),
          p.number("peak"),
          p.number("read"),
          p.number("written"),
          p.number("achieved"),
          p.number("utilisation"),
          p.number("row_hit_rate"),
          p.rows<Footprint>("footprint", [](const Place& f) {
            return Footprint{f.text("what"), f.number("bytes")};
          })};
}

Bottleneck bottleneck(const Place& p) {
  return {p.text("component"), p.text("phase"), p.text("sentence"), p.number("busy_share"),
          p.rows<WhatIf>("what_if", [](const Place& w) {
            return WhatIf{w.text("change"), w.number("speedup")};
          })};
}

Series series(const Place& p) {
  Series s{p.text("name"),    p.text("label"),  p.text("x_label"), p.text("x_unit"),
           p.text("y_label"), p.text("y_unit"), p.numbers("x"),    p.numbers("y")};
  if (s.x.size() != s.y.size()) {
    p.fault(fmt::format("found {} x and {} y values; expected as many", s.x.size(), s.y.size()));
  }
  return s;
}

void read_rows(const Place& root, Result& r) {
  r.energy = root.rows<EnergyRow>("energy", [](const Place& p) {
    return EnergyRow{p.text("phase"), p.text("component"), p.text("cause"),
                     p.text("spent"), p.number("joules"),  p.number("assumed_share")};
  });
  r.time = root.rows<TimeRow>("time", [](const Place& p) {
    return TimeRow{p.text("phase"), p.text("component"), p.text("cause"), p.number("seconds"),
                   p.number("exposed_share")};
  });
  r.operators = root.rows<OperatorRow>("operators", [](const Place& p) {
    return OperatorRow{p.text("phase"),     p.text("name"),     p.text("unit"),  p.integer("count"),
                       p.number("seconds"), p.number("joules"), p.number("ops"), p.number("bytes"),
                       p.text("bound"),     p.text("mapping")};
  });
  r.memory = root.rows<MemoryRow>("memory", memory);
  r.sensitivity = root.rows<SensitivityRow>("sensitivity", [](const Place& p) {
    return SensitivityRow{p.text("metric"), p.text("input"), p.number("low"), p.number("high")};
  });
  r.roofs = root.rows<Roof>("roofs", [](const Place& p) {
    return Roof{p.text("unit"), p.text("memory"), p.number("ops_per_second"),
                p.number("bytes_per_second")};
  });
  r.timeline = root.rows<Series>("timeline", series);
  r.sources = root.rows<SourceRow>("sources", [](const Place& p) {
    return SourceRow{p.text("owner"), p.text("id"),     p.text("kind"),
                     p.text("title"), p.text("detail"), p.integer("figures")};
  });
  r.assumptions = root.rows<AssumptionRow>("assumptions", [](const Place& p) {
    return AssumptionRow{p.text("owner"), p.text("key"),  p.text("value"),
                         p.text("low"),   p.text("high"), p.text("reason")};
  });
}

[[noreturn]] void refuse(const std::string& path, const std::string& message) {
  Diagnostics diagnostics;
  diagnostics.error(path, message);
  throw InputError(std::move(diagnostics));
}

// "line:column" of a byte, both from 1.
std::string line_and_column(const std::string& text, std::size_t byte) {
  const std::size_t at = std::min(byte > 0 ? byte - 1 : 0, text.size());
  const auto begin = text.begin();
  const auto here = begin + static_cast<std::ptrdiff_t>(at);
  const auto line = std::count(begin, here, '\n') + 1;
  const std::size_t start = at == 0 ? std::string::npos : text.rfind('\n', at - 1);
  return fmt::format("{}:{}", line, at - (start == std::string::npos ? 0 : start + 1) + 1);
}

Json parse(const std::string& text, const std::string& path) {
  std::vector<std::size_t> names;
  const auto bounded = [&](int depth, Json::parse_event_t event, Json&) {
    if (depth > kDeepest) {
      refuse(path, fmt::format("found more than {} levels; expected a result", kDeepest));
    }
    if (event == Json::parse_event_t::object_start) {
      names.resize(static_cast<std::size_t>(depth) + 1);
      names.back() = 0;
    }
    const auto level = static_cast<std::size_t>(depth);
    if (event == Json::parse_event_t::key && level > 0 && level <= names.size() &&
        ++names[level - 1] > kMostNames) {
      refuse(path,
             fmt::format("found an object of more than {} names; expected a result", kMostNames));
    }
    return true;
  };
  try {
    return Json::parse(text, bounded);
  } catch (const Json::parse_error& e) {
    refuse(fmt::format("{}:{}", path, line_and_column(text, e.byte)),
           "found text that is no JSON; expected a result as `run` writes it");
  } catch (const Json::exception&) {
    refuse(path, "found a number out of range; expected a result as `run` writes it");
  }
}

}  // namespace

Result from_json(const std::string& text, const std::string& path) {
  if (text.size() > kLargestFile) {
    refuse(path, fmt::format("found more than {} MiB; expected a result", kLargestFile >> 20U));
  }
  const Json document = parse(text, path);
  if (!document.is_object() || !document.contains("schema")) {
    refuse(path, "found no \"schema\"; expected a result as `run` writes it");
  }
  if (document["schema"] != kResultSchema) {
    refuse(path,
           fmt::format("found schema {}; expected schema {} (run the scenario again)",
                       document["schema"].dump(-1, ' ', false, Json::error_handler_t::replace),
                       kResultSchema));
  }
  File file{path, {}};
  const Place root(file, document, "");
  Result r;
  r.version = root.text("joulesim");
  const Place scenario = root.inside("scenario");
  r.name = scenario.text("name");
  r.title = scenario.text("title");
  r.question = scenario.text("question");
  r.scenario = facts(scenario, "facts");
  r.digests = root.rows<Digest>("digests", [](const Place& p) {
    return Digest{p.text("path"), p.text("fnv1a")};
  });
  r.fidelity = fidelity(root.inside("fidelity"));
  r.seed = root.seed("seed");
  r.samples = root.has("samples") ? root.integer("samples") : 0;
  r.model = facts(root, "model");
  r.machine = facts(root, "machine");
  r.workload = facts(root, "workload");
  r.metrics = metrics(root);
  r.energy_total = root.number("energy_total");
  r.energy_integral = root.number("energy_integral");
  r.bottleneck = bottleneck(root.inside("bottleneck"));
  r.claims = facts(root, "claims");
  r.warnings = root.texts("warnings");
  r.limits = root.texts("limits");
  read_rows(root, r);
  if (!file.diagnostics.ok()) {
    throw InputError(std::move(file.diagnostics));
  }
  return r;
}

Result read_result(const std::string& path) {
  std::error_code error;
  const bool folder = std::filesystem::is_directory(path, error);
  const std::string file = folder ? (std::filesystem::path(path) / "result.json").string() : path;
  return from_json(read_text(file, kLargestFile), file);
}

}  // namespace joulesim::reports
