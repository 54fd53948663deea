// validate memory: every part against closed forms and laws, and against reference simulators'
// answers when there are any. Exit status 3 when a bound does not hold.
#include "sim/cli/validate_memory.hpp"

#include "reports/terminal/progress.hpp"
#include "reports/terminal/text.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/worker_pool.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <iostream>
#include <map>

namespace joulesim::cli {
namespace {

using Json = nlohmann::ordered_json;
using reports::Align;

const std::vector<double>& loads() {
  static const std::vector<double> kLoads = {0.02, 0.1, 0.2, 0.3,  0.35, 0.4,  0.45, 0.5,
                                             0.6,  0.7, 0.8, 0.85, 0.9,  0.93, 0.96};
  return kLoads;
}

// Workers answer in text.
Json law_json(const LawRow& row) {
  return {{"part", row.part},         {"law", row.law},     {"found", row.found},
          {"expected", row.expected}, {"bound", row.bound}, {"holds", row.holds()}};
}

LawRow law_from(const Json& j) {
  return {j.at("part"), j.at("law"), j.at("found"), j.at("expected"), j.at("bound")};
}

Json points_json(const std::vector<hw::LoadPoint>& points) {
  Json out = Json::array();
  for (const hw::LoadPoint& p : points) {
    out.push_back({p.offered.si(), p.achieved.si(), p.mean.si(), p.p99.si()});
  }
  return out;
}

std::vector<hw::LoadPoint> points_from(const Json& j) {
  std::vector<hw::LoadPoint> out;
  for (const Json& p : j) {
    out.push_back({Bandwidth(p[0]), Bandwidth(p[1]), Time(p[2]), Time(p[3])});
  }
  return out;
}

engine::WorkerJob law_job(const std::string& part) {
  return {part, [part] {
            Json out = Json::array();
            for (const LawRow& row : check_laws(part)) {
              out.push_back(law_json(row));
            }
            return out.dump();
          }};
}

engine::WorkerJob row_job(const ReferenceRow& row) {
  return {row.config + " " + row.trace, [row] {
            const ReferenceAnswer a = answer(row);
            return Json{a.cycles,       a.latency_ns,         a.energy_j,
                        a.percent_peak, a.energy_at_theirs_j, a.merges_writes}
                .dump();
          }};
}

ReferenceAnswer answer_from(const Json& j) { return {j[0], j[1], j[2], j[3], j[4], j[5]}; }

engine::WorkerJob curve_job(const std::string& name) {
  return {name, [name] {
            const hw::DramPart part = find_dram_part(name);
            const hw::ControllerPolicy policy = hw::reference_policy(part);
            return Json{
                {"peak", part.peak.value.si()},
                {"stream",
                 points_json(hw::loaded_latency(part, policy, hw::LoadPattern::stream, loads()))},
                {"random",
                 points_json(hw::loaded_latency(part, policy, hw::LoadPattern::random, loads()))}}
                .dump();
          }};
}

MemoryValidation validate(const Common& common, const ValidateArguments& arguments) {
  MemoryValidation found;
  std::vector<ReferenceRow> rows;
  if (!arguments.data.empty()) {
    rows = read_reference(arguments.data, found.skipped);
  }
  const std::vector<std::string> parts =
      engine::Library::open(common.plugins).part_names(hw::DramPart::kModel);
  std::vector<engine::WorkerJob> jobs;
  for (const std::string& part : parts) {
    jobs.push_back(law_job(part));
  }
  for (const ReferenceRow& row : rows) {
    jobs.push_back(row_job(row));
  }
  const bool curves = !arguments.out.empty();
  for (std::size_t i = 0; curves && i < parts.size(); ++i) {
    jobs.push_back(curve_job(parts[i]));
  }
  reports::ProgressBar bar("validate memory", common.quiet);
  const auto texts =
      engine::run_in_workers(jobs, arguments.jobs, [&](std::size_t done, std::size_t all) {
        bar.update(static_cast<double>(done) / static_cast<double>(all));
      });
  std::size_t at = 0;
  for (std::size_t i = 0; i < parts.size(); ++i, ++at) {
    for (const Json& law : Json::parse(texts[at])) {
      found.laws.push_back(law_from(law));
    }
  }
  for (const ReferenceRow& row : rows) {
    const ReferenceAnswer a = answer_from(Json::parse(texts[at++]));
    found.references.push_back({row, a, judge(row, a)});
  }
  for (std::size_t i = 0; curves && i < parts.size(); ++i, ++at) {
    const Json j = Json::parse(texts[at]);
    found.curves.push_back({parts[i], Bandwidth(j.at("peak")), points_from(j.at("stream")),
                            points_from(j.at("random"))});
  }
  return found;
}

std::vector<std::string> broken(const MemoryValidation& found) {
  std::vector<std::string> out;
  for (const LawRow& law : found.laws) {
    if (!law.holds()) {
      out.push_back(fmt::format("{}: {}: found {:.6g}, expected {:.6g} within {} %", law.part,
                                law.law, law.found, law.expected, 100 * law.bound));
    }
  }
  for (const ReferenceCheck& check : found.references) {
    for (const std::string& sentence : check.verdict.broken) {
      out.push_back(fmt::format("{} {} {} ({}): {}", check.row.config, check.row.arguments.mapping,
                                check.row.trace, check.row.mode, sentence));
    }
  }
  return out;
}

void print_json(const MemoryValidation& found, const std::vector<std::string>& faults) {
  Json laws = Json::array();
  for (const LawRow& law : found.laws) {
    laws.push_back(law_json(law));
  }
  const auto number = [](const std::optional<double>& v) { return v ? Json(*v) : Json(nullptr); };
  Json rows = Json::array();
  for (const ReferenceCheck& c : found.references) {
    rows.push_back({{"simulator", c.row.simulator},
                    {"config", c.row.config},
                    {"part", c.row.arguments.part},
                    {"mapping", c.row.arguments.mapping},
                    {"trace", c.row.trace},
                    {"mode", c.row.mode},
                    {"cycles", c.answer.cycles},
                    {"reference_cycles", c.row.cycles},
                    {"cycles_deviation_percent", number(c.verdict.cycles)},
                    {"avg_read_latency_ns", c.answer.latency_ns},
                    {"reference_avg_read_latency_ns", c.row.latency_ns},
                    {"latency_deviation_percent", number(c.verdict.latency)},
                    {"energy_deviation_percent", number(c.verdict.energy)},
                    {"energy_same_events_deviation_percent", number(c.verdict.energy_at_theirs)},
                    {"same_controller", c.row.same_controller},
                    {"holds", c.verdict.broken.empty()}});
  }
  std::cout << Json{{"laws", laws},
                    {"rows", rows},
                    {"skipped", found.skipped},
                    {"broken", faults},
                    {"holds", faults.empty()}}
                   .dump(2)
            << "\n";
}

void print_laws(const MemoryValidation& found) {
  std::map<std::string, std::size_t> holding;
  std::map<std::string, std::size_t> all;
  for (const LawRow& law : found.laws) {
    holding[law.part] += law.holds() ? 1 : 0;
    ++all[law.part];
  }
  std::cout << "Closed forms and laws\n";
  reports::Table table({Align::left, Align::right});
  for (const auto& [part, count] : all) {
    table.row({part, fmt::format("{} of {} hold", holding[part], count)});
  }
  std::cout << table.render(2) << "\n";
}

void print_references(const MemoryValidation& found) {
  reports::Table table({Align::left, Align::left, Align::left, Align::left, Align::right,
                        Align::right, Align::right, Align::right, Align::right, Align::right});
  table.header({"Reference", "Mapping", "Trace", "Mode", "Clocks", "Theirs", "Off", "Latency off",
                "Energy off", "Same events"});
  std::map<std::string, std::array<ErrorStatistics, 3>> errors;
  for (const ReferenceCheck& c : found.references) {
    table.row({c.row.config, c.row.arguments.mapping, c.row.trace, c.row.mode,
               fmt::format("{:.0f}", c.answer.cycles), fmt::format("{:.0f}", c.row.cycles),
               deviation(c.verdict.cycles), deviation(c.verdict.latency),
               deviation(c.verdict.energy), deviation(c.verdict.energy_at_theirs)});
    auto& of = errors[c.row.config];
    of[0].add(*c.verdict.cycles);
    if (c.verdict.latency) {
      of[1].add(*c.verdict.latency);
    }
    if (c.verdict.energy_at_theirs) {
      of[2].add(*c.verdict.energy_at_theirs);
    }
  }
  std::cout << "Reference simulators\n" << table.render(2) << "\n";
  reports::Table summary({Align::left, Align::right, Align::right, Align::right, Align::right,
                          Align::right, Align::right, Align::right});
  summary.header({"Reference", "Rows", "Clocks: mean", "worst", "Latency: mean", "worst",
                  "Energy, same events: mean", "worst"});
  for (const auto& [config, of] : errors) {
    std::vector<std::string> cells = {config, std::to_string(of[0].rows)};
    for (const ErrorStatistics& one : of) {
      cells.push_back(one.rows > 0 ? fmt::format("{:.4f} %", one.mean) : "–");
      cells.push_back(one.rows > 0 ? fmt::format("{:.4f} %", one.worst) : "–");
    }
    summary.row(cells);
  }
  std::cout << "Size of the deviations\n" << summary.render(2) << "\n";
  for (const std::string& line : found.skipped) {
    std::cout << "left out: " << line << "\n";
  }
}

}  // namespace

void ErrorStatistics::add(double percent) {
  const double size = std::fabs(percent);
  mean = (mean * static_cast<double>(rows) + size) / static_cast<double>(rows + 1);
  worst = std::max(worst, size);
  ++rows;
}

std::string deviation(const std::optional<double>& percent) {
  return percent ? fmt::format("{:+.3f} %", *percent) : "–";
}

int validate_memory(const Common& common, const ValidateArguments& arguments) {
  const MemoryValidation found = validate(common, arguments);
  const std::vector<std::string> faults = broken(found);
  if (!arguments.out.empty()) {
    write_validation(found, arguments.out);
  }
  if (common.json) {
    print_json(found, faults);
  } else {
    print_laws(found);
    if (!found.references.empty()) {
      print_references(found);
    }
    std::cout << (faults.empty() ? "all bounds hold\n" : "") << std::flush;
  }
  for (const std::string& fault : faults) {
    std::cerr << "does not hold: " << fault << "\n";
  }
  return faults.empty() ? 0 : 3;
}

}  // namespace joulesim::cli
