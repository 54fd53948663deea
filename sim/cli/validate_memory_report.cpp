// The page of `validate memory --out DIR`: bandwidth against the reference, latency against load.
#include "reports/html/sheet.hpp"
#include "reports/plots/script.hpp"
#include "reports/result/files.hpp"
#include "sim/cli/validate_memory.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

namespace joulesim::cli {
namespace {

using reports::Curve;
using reports::kPalette;
using reports::SheetCell;

// Rows of one configuration and mapping whose queue is kept full: a pair of bars per trace.
void plot_bars(reports::Script& script, const std::string& name, const std::string& title,
               const std::vector<const ReferenceCheck*>& rows) {
  constexpr double kHalf = 0.19;
  Curve ours = Curve::of_boxes(kPalette[0], "joulesim");
  Curve theirs = Curve::of_boxes(reports::kOther, rows.front()->row.simulator);
  script.begin(name, title, 60 + 34 * static_cast<int>(rows.size()));
  std::string tics;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const double y = 0.0 - static_cast<double>(i);
    ours.boxes.push_back(reports::box(0, rows[i]->answer.percent_peak, y + kHalf, kHalf));
    theirs.boxes.push_back(reports::box(0, rows[i]->row.percent_peak, y - kHalf, kHalf));
    tics += fmt::format("{}{} {}", i == 0 ? "" : ", ", reports::quoted_tic(rows[i]->row.trace),
                        reports::number(y));
    script.label(
        fmt::format("{:.2f} | {:.2f}", rows[i]->answer.percent_peak, rows[i]->row.percent_peak),
        std::max(rows[i]->answer.percent_peak, rows[i]->row.percent_peak), y, "left offset 1,0");
  }
  script.command(fmt::format("set ytics ({})", tics));
  script.command("set grid noytics xtics");
  script.command(
      fmt::format("set yrange [{}:0.6]", reports::number(0.4 - static_cast<double>(rows.size()))));
  script.command("set xrange [0:120]");
  script.command("set xlabel 'bandwidth (% of peak)'");
  script.draw({ours, theirs});
}

// Points up to the first at which the channel falls behind.
Curve::Points sustained(const LoadCurve& curve, const std::vector<hw::LoadPoint>& points) {
  Curve::Points out;
  for (const hw::LoadPoint& p : points) {
    if (p.achieved < p.offered * 0.98) {
      break;
    }
    out.emplace_back(100 * (p.offered / curve.peak), p.mean.si() * 1e9);
  }
  return out;
}

// Parts of one standard: reads of consecutive addresses solid, reads anywhere dashed.
void plot_curves(reports::Script& script, const std::string& name, const std::string& title,
                 const std::vector<const LoadCurve*>& curves) {
  script.begin(name, title, 320);
  script.command("set xlabel 'offered bandwidth (% of peak)'");
  script.command("set ylabel 'mean read latency (ns)'");
  script.command("set xrange [0:100]");
  script.command("set yrange [0:300]");
  std::vector<Curve> lines;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const LoadCurve& curve = *curves[i];
    lines.push_back(Curve::of_line(kPalette[i], curve.part, sustained(curve, curve.stream), 1.8));
    lines.push_back(Curve::of_line(kPalette[i], curve.part + ", anywhere",
                                   sustained(curve, curve.random), 1.8, 2));
  }
  script.draw(lines);
}

// Plots of at most so many parts each, by standard.
std::vector<std::string> plot_load(reports::Script& script, const std::vector<LoadCurve>& curves) {
  constexpr std::size_t kMost = 4;
  std::map<std::string, std::vector<const LoadCurve*>> standards;
  for (const LoadCurve& curve : curves) {
    standards[curve.part.substr(0, curve.part.find('_'))].push_back(&curve);
  }
  std::vector<std::string> names;
  for (const auto& [standard, all] : standards) {
    for (std::size_t i = 0; i < all.size(); i += kMost) {
      const std::vector<const LoadCurve*> some(
          all.begin() + static_cast<std::ptrdiff_t>(i),
          all.begin() + static_cast<std::ptrdiff_t>(std::min(all.size(), i + kMost)));
      names.push_back(fmt::format("load_{}_{}", standard, i / kMost));
      plot_curves(script, names.back(), "Latency under load: " + standard, some);
    }
  }
  return names;
}

SheetCell text(const std::string& value) { return {value, std::nullopt}; }
SheetCell whole(double value) { return {fmt::format("{:.0f}", value), value}; }
SheetCell percent(const std::optional<double>& value) { return {deviation(value), value}; }

reports::SheetTable rows_table(const MemoryValidation& found) {
  reports::SheetTable table{"",
                            {"Reference", "Mapping", "Trace", "Mode", "Clocks", "Theirs", "Off",
                             "Latency off", "Energy off", "Same events", "Bounds"},
                            {}};
  for (const ReferenceCheck& c : found.references) {
    table.rows.push_back({text(c.row.config), text(c.row.arguments.mapping), text(c.row.trace),
                          text(c.row.mode), whole(c.answer.cycles), whole(c.row.cycles),
                          percent(c.verdict.cycles), percent(c.verdict.latency),
                          percent(c.verdict.energy), percent(c.verdict.energy_at_theirs),
                          text(c.verdict.broken.empty() ? "hold" : "broken")});
  }
  return table;
}

reports::SheetTable laws_table(const MemoryValidation& found) {
  reports::SheetTable table{"", {"Part", "Law", "Found", "Expected", "Within", "Holds"}, {}};
  for (const LawRow& law : found.laws) {
    table.rows.push_back({text(law.part),
                          text(law.law),
                          {fmt::format("{:.6g}", law.found), law.found},
                          {fmt::format("{:.6g}", law.expected), law.expected},
                          {fmt::format("{:g} %", 100 * law.bound), law.bound},
                          text(law.holds() ? "yes" : "no")});
  }
  return table;
}

std::string csv(const MemoryValidation& found) {
  std::string out =
      "simulator,config,part,mapping,trace,mode,cycles,reference_cycles,cycles_off_percent,"
      "latency_ns,reference_latency_ns,latency_off_percent,energy_j,reference_energy_j,"
      "energy_off_percent,energy_same_events_off_percent\n";
  const auto number = [](const std::optional<double>& v) {
    return v ? fmt::format("{}", *v) : std::string();
  };
  for (const ReferenceCheck& c : found.references) {
    out += fmt::format("{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}\n", c.row.simulator,
                       c.row.config, c.row.arguments.part, c.row.arguments.mapping, c.row.trace,
                       c.row.mode, c.answer.cycles, c.row.cycles, number(c.verdict.cycles),
                       c.answer.latency_ns, c.row.latency_ns, number(c.verdict.latency),
                       c.answer.energy_j, c.row.energy_j, number(c.verdict.energy),
                       number(c.verdict.energy_at_theirs));
  }
  return out;
}

}  // namespace

void write_validation(const MemoryValidation& found, const std::string& dir) {
  reports::Script script;
  reports::Sheet sheet;
  sheet.title = "Memory parts, validated";
  sheet.question = "Do the memory models answer what independent simulators and closed forms say?";
  sheet.subject = "one channel of every part, default controller, queue kept full unless said";
  sheet.version = JOULESIM_VERSION;
  std::size_t holding = 0;
  ErrorStatistics clocks;
  ErrorStatistics latency;
  std::map<std::string, std::vector<const ReferenceCheck*>> groups;
  for (const ReferenceCheck& c : found.references) {
    holding += c.verdict.broken.empty() ? 1 : 0;
    if (c.row.same_controller) {
      clocks.add(*c.verdict.cycles);
      if (c.verdict.latency) {
        latency.add(*c.verdict.latency);
      }
      if (c.row.mode == "max") {
        groups[c.row.config + " " + c.row.arguments.mapping].push_back(&c);
      }
    }
  }
  const auto laws = std::count_if(found.laws.begin(), found.laws.end(),
                                  [](const LawRow& law) { return law.holds(); });
  sheet.cards.push_back({"Laws that hold", std::to_string(laws),
                         fmt::format("of {}", found.laws.size()), "closed forms, all parts"});
  if (!found.references.empty()) {
    sheet.cards.push_back({"Reference rows within bounds", std::to_string(holding),
                           fmt::format("of {}", found.references.size()), ""});
    sheet.cards.push_back({"Clocks, worst deviation", fmt::format("{:.4f}", clocks.worst), "%",
                           fmt::format("{} rows of the same controller", clocks.rows)});
    sheet.cards.push_back({"Read latency, worst deviation", fmt::format("{:.3f}", latency.worst),
                           "%", fmt::format("{} rows", latency.rows)});
  }
  reports::SheetSection load{"load",
                             "Latency under load",
                             {"Bursts arrive at random instants at a given mean rate, at burst "
                              "level. A curve ends where the channel no longer keeps up."},
                             plot_load(script, found.curves),
                             {}};
  reports::SheetSection bars{"bandwidth", "Bandwidth against the reference", {}, {}, {}};
  std::size_t number = 0;
  for (const auto& [title, rows] : groups) {
    const std::string name = fmt::format("bandwidth_{}", number++);
    plot_bars(script, name, title, rows);
    bars.plots.push_back(name);
  }
  if (!bars.plots.empty()) {
    sheet.sections.push_back(std::move(bars));
  }
  sheet.sections.push_back(std::move(load));
  if (!found.references.empty()) {
    reports::SheetSection rows{"rows",
                               "Every row",
                               {"“Same events”: our joules per event and per second, with the "
                                "activates, refreshes and time of the reference."},
                               {},
                               {rows_table(found)}};
    for (const std::string& line : found.skipped) {
      rows.words.push_back("Left out: " + line);
    }
    sheet.sections.push_back(std::move(rows));
  }
  sheet.sections.push_back({"laws", "Closed forms and laws", {}, {}, {laws_table(found)}});
  const reports::PlotSet plots = script.run();
  reports::write_sheet(sheet, plots, dir);
  reports::write_atomically((std::filesystem::path(dir) / "memory_rows.csv").string(), csv(found));
}

}  // namespace joulesim::cli
