#include "reports/plots/curves.hpp"
#include "reports/plots/flow.hpp"
#include "reports/plots/plots.hpp"
#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::reports {
namespace {

constexpr double kHalf = 0.36;  // of a bar whose neighbours are one apart
constexpr std::size_t kMostBars = 14;
constexpr std::size_t kMostInputs = 10;

int height_of(std::size_t bars) { return 54 + 28 * static_cast<int>(bars); }

double at_row(std::size_t i) { return -static_cast<double>(i); }

// Bars from the top down: bar i stands at y = -i.
void bar_axis(Script& script, const std::vector<std::string>& names, double largest,
              const std::string& label, double room = 1.22) {
  std::string tics;
  for (std::size_t i = 0; i < names.size(); ++i) {
    tics += fmt::format("{}{} {}", i == 0 ? "" : ", ", quoted_tic(names[i]), number(at_row(i)));
  }
  script.command(fmt::format("set ytics ({})", tics));
  script.command("set grid noytics xtics");
  script.command(
      fmt::format("set yrange [{}:0.6]", number(0.4 - static_cast<double>(names.size()))));
  script.command(fmt::format("set xrange [0:{}]", number(largest > 0 ? largest * room : 1)));
  script.command("set xlabel " + quoted(label));
}

void energy(Script& script, const Result& r) {
  auto groups = energy_by_component(r);
  if (groups.empty() || groups.front().joules <= 0) {
    return;
  }
  if (groups.size() > kMostBars) {
    EnergyGroup rest{fmt::format("{} others", groups.size() - kMostBars + 1), 0, 0, {}};
    for (std::size_t i = kMostBars - 1; i < groups.size(); ++i) {
      rest.joules += groups[i].joules;
      rest.segments.insert(rest.segments.end(), groups[i].segments.begin(),
                           groups[i].segments.end());
    }
    groups.resize(kMostBars - 1);
    groups.push_back(std::move(rest));
  }
  double largest = 0;
  for (const EnergyGroup& g : groups) {
    largest = std::max(largest, g.joules);
  }
  const Scale scale = scale_for(kJoule, largest);
  script.begin("energy", "Energy by component and kind of spending", height_of(groups.size()));
  std::vector<std::string> names;
  std::vector<Curve> curves;
  for (const std::string& kind : spent_kinds()) {
    curves.push_back(Curve::of_boxes(spent_colour(kind), kind));
  }
  curves.push_back(Curve::of_boxes(kOther, "other"));
  for (std::size_t i = 0; i < groups.size(); ++i) {
    names.push_back(groups[i].name);
    double from = 0;
    for (const EnergySegment& s : groups[i].segments) {
      const auto kind = std::find(spent_kinds().begin(), spent_kinds().end(), s.spent);
      const auto index = static_cast<std::size_t>(kind - spent_kinds().begin());
      const double width = s.joules / scale.factor;
      if (width > 0) {
        curves[index].boxes.push_back(box(from, from + width, at_row(i), kHalf));
      }
      from += width;
    }
    script.label(fmt::format("{} · {}", show(any(Energy(groups[i].joules))),
                             percent(groups[i].joules / r.energy_total)),
                 groups[i].joules / scale.factor, at_row(i), "left offset 0.7,0");
  }
  curves.erase(
      std::remove_if(curves.begin(), curves.end(), [](const Curve& c) { return c.boxes.empty(); }),
      curves.end());
  bar_axis(script, names, largest / scale.factor,
           fmt::format("energy of one request ({})", scale.unit), 1.32);
  script.draw(curves);
}

void where(Script& script, const Result& r) {
  auto groups = energy_by_phase(r);
  groups.erase(std::remove_if(groups.begin(), groups.end(),
                              [](const EnergyGroup& g) { return g.joules <= 0; }),
               groups.end());
  if (groups.empty()) {
    return;
  }
  if (groups.size() > 1) {
    EnergyGroup whole{"whole request", 0, 0, energy_by_spending(r)};
    for (const EnergyGroup& g : groups) {
      whole.joules += g.joules;
    }
    groups.push_back(std::move(whole));
  }
  script.begin("where", "Where the energy went: movement, arithmetic, control, static, loss",
               height_of(groups.size()));
  std::vector<std::string> names;
  std::vector<Curve> curves;
  for (const std::string& kind : spent_kinds()) {
    curves.push_back(Curve::of_boxes(spent_colour(kind), kind));
  }
  constexpr double kLabelled = 7;  // per cent that a number fits into
  for (std::size_t i = 0; i < groups.size(); ++i) {
    names.push_back(groups[i].name);
    double from = 0;
    for (std::size_t k = 0; k < spent_kinds().size(); ++k) {
      double joules = 0;
      for (const EnergySegment& s : groups[i].segments) {
        joules += s.spent == spent_kinds()[k] ? s.joules : 0;
      }
      const double width = 100 * joules / groups[i].joules;
      if (width > 0) {
        curves[k].boxes.push_back(box(from, from + width, at_row(i), kHalf));
      }
      if (width >= kLabelled) {
        script.label(
            fmt::format("{:.0f} %", width), from + width / 2, at_row(i),
            fmt::format("center front textcolor rgb '{}'", ink_on(spent_colour(spent_kinds()[k]))));
      }
      from += width;
    }
    script.label(show(any(Energy(groups[i].joules))), 100, at_row(i), "left offset 0.7,0");
  }
  curves.erase(
      std::remove_if(curves.begin(), curves.end(), [](const Curve& c) { return c.boxes.empty(); }),
      curves.end());
  bar_axis(script, names, 100, "share of the phase's energy (%)", 1.14);
  script.command("set xtics 0,20,100");
  script.draw(curves);
}

void operators(Script& script, const Result& r) {
  const std::string phase = main_phase(r);
  auto rows = operators_of(r, phase);
  double total = 0;
  for (const OperatorRow& row : rows) {
    total += row.seconds;
  }
  if (rows.empty() || total <= 0) {
    return;
  }
  if (rows.size() > kMostBars) {
    OperatorRow rest;
    rest.name = fmt::format("{} others", rows.size() - kMostBars + 1);
    for (std::size_t i = kMostBars - 1; i < rows.size(); ++i) {
      rest.seconds += rows[i].seconds;
    }
    rows.resize(kMostBars - 1);
    rows.push_back(std::move(rest));
  }
  double largest = 0;
  for (const OperatorRow& row : rows) {
    largest = std::max(largest, row.seconds);
  }
  const Scale scale = scale_for(kSecond, largest);
  script.begin("operators", fmt::format("Time by operator, one step of {}", phase),
               height_of(rows.size()));
  std::vector<std::string> names;
  std::vector<Curve> curves;  // one per bound, in order of weight
  std::vector<std::string> bounds;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    names.push_back(rows[i].name);
    auto found = std::find(bounds.begin(), bounds.end(), rows[i].bound);
    if (found == bounds.end()) {
      const std::string colour =
          rows[i].bound.empty() ? kOther : kPalette[std::min(bounds.size(), kPalette.size() - 1)];
      curves.push_back(Curve::of_boxes(colour, rows[i].bound));
      bounds.push_back(rows[i].bound);
      found = bounds.end() - 1;
    }
    const double width = rows[i].seconds / scale.factor;
    curves[static_cast<std::size_t>(found - bounds.begin())].boxes.push_back(
        box(0, width, at_row(i), kHalf));
    script.label(
        fmt::format("{} · {}", show(any(Time(rows[i].seconds))), percent(rows[i].seconds / total)),
        width, at_row(i), "left offset 0.7,0");
  }
  bar_axis(
      script, names, largest / scale.factor,
      fmt::format("time in one step of {} ({}), coloured by what bounds it", phase, scale.unit),
      1.32);
  script.draw(curves);
}

// A figure with one input after the other at the ends of its range, the widest on top.
void tornado(Script& script, const Result& r, const std::string& metric, const std::string& name) {
  const Metric* m = r.metric(metric);
  std::vector<SensitivityRow> rows;
  for (const SensitivityRow& row : r.sensitivity) {
    if (row.metric == metric && rows.size() < kMostInputs) {
      rows.push_back(row);
    }
  }
  if (m == nullptr || rows.empty()) {
    return;
  }
  double least = m->value.si;
  double most = m->value.si;
  for (const SensitivityRow& row : rows) {
    least = std::min(least, row.low);
    most = std::max(most, row.high);
  }
  const Scale scale = scale_for(m->value.dim, most);
  script.begin(name, fmt::format("{} with one input at the ends of its range", m->label),
               height_of(rows.size()));
  std::vector<std::string> names;
  std::vector<Curve> curves = {Curve::of_boxes(kPalette[4], "less"),
                               Curve::of_boxes(kPalette[1], "more")};
  const double middle = m->value.si / scale.factor;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    names.push_back(rows[i].input);
    const double low = rows[i].low / scale.factor;
    const double high = rows[i].high / scale.factor;
    if (low < middle) {
      curves[0].boxes.push_back(box(low, std::min(high, middle), at_row(i), kHalf));
      script.label(significant(low), low, at_row(i), "right offset -0.7,0");
    }
    if (high > middle) {
      curves[1].boxes.push_back(box(std::max(low, middle), high, at_row(i), kHalf));
      script.label(significant(high), high, at_row(i), "left offset 0.7,0");
    }
  }
  curves.erase(
      std::remove_if(curves.begin(), curves.end(), [](const Curve& c) { return c.boxes.empty(); }),
      curves.end());
  bar_axis(script, names, most / scale.factor, fmt::format("{} ({})", m->label, scale.unit));
  const double span = (most - least) / scale.factor;
  constexpr double kRoom = 0.28;  // for the numbers at the ends
  script.command(fmt::format("set xrange [{}:{}]",
                             number(std::max(0.0, least / scale.factor - kRoom * span)),
                             number(most / scale.factor + kRoom * span)));
  script.draw(curves);
}

}  // namespace

std::string file_name(const std::string& prefix, const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    out += plain ? c : '_';
  }
  return prefix + "_" + out.substr(0, 60);
}

void plot_result(Script& script, const Result& result) {
  energy(script, result);
  where(script, result);
  operators(script, result);
  plot_roofline(script, result);
  plot_charts(script, result);
  tornado(script, result, "decode.tokens_per_second", "tornado_speed");
  tornado(script, result, "energy.per_token", "tornado_energy");
}

PlotSet draw_result(const Result& result) {
  Script script;
  plot_result(script, result);
  PlotSet plots = script.run();
  if (PlotFile flow = draw_flow(result); !flow.svg.empty()) {
    plots.files.push_back(std::move(flow));
  }
  return plots;
}

}  // namespace joulesim::reports
