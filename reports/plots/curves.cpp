#include "reports/plots/curves.hpp"

#include "reports/plots/plots.hpp"
#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::reports {
namespace {

struct Extent {
  double low = 0, high = 0;
  bool any = false;
  void add(double value) {
    low = any ? std::min(low, value) : value;
    high = any ? std::max(high, value) : value;
    any = true;
  }
};

// Sizes that logarithmic axes and their margins can show (also false for a not-a-number).
bool plottable(double value) { return value > 1e-60 && value < 1e60; }

std::string axis_label(const std::string& label, const std::string& unit) {
  return unit.empty() ? label : fmt::format("{} ({})", label, unit);
}

// The memory tier whose peak a bandwidth is drawn against: the one that the curve's name names
// ("bandwidth.dram", "dram_bandwidth").
const MemoryRow* tier_of(const Result& r, const Series& series) {
  const auto unit = one_of_unit(series.y_unit);
  if (!unit || !(unit->dim == kByte / kSecond)) {
    return nullptr;
  }
  std::string words = "." + series.name + ".";
  std::replace(words.begin(), words.end(), '_', '.');
  for (const MemoryRow& m : r.memory) {
    std::string tier = "." + m.tier + ".";
    std::replace(tier.begin(), tier.end(), '_', '.');
    if (m.peak > 0 && !m.tier.empty() && words.find(tier) != std::string::npos) {
      return &m;
    }
  }
  return nullptr;
}

// How values written in `unit` are shown: `si` of one, and the scale of the axis.
struct Axis {
  double si = 1;
  Scale scale;

  Axis(const std::string& unit, const Extent& extent) : scale{1, unit} {
    const auto one = one_of_unit(unit);
    if (one && unit != "%") {
      si = one->si;
      scale = scale_for(one->dim, si * std::max(std::fabs(extent.low), std::fabs(extent.high)));
    }
  }
  [[nodiscard]] double operator()(double written) const { return written * si / scale.factor; }
};

// The curve's own label when it stands alone, else what its axes say.
std::string title_of(const Chart& chart) {
  const Series& first = *chart.curves.front();
  std::string title =
      chart.curves.size() == 1 && first.label.size() > first.y_label.size()
          ? first.label
          : fmt::format("{} over {}", first.y_label.empty() ? chart.name : first.y_label,
                        first.x_label.empty() ? "time" : first.x_label);
  if (title.front() >= 'a' && title.front() <= 'z') {
    title.front() = static_cast<char>(title.front() - 'a' + 'A');
  }
  return title;
}

void chart_plot(Script& script, const Result& r, const Chart& chart) {
  constexpr std::size_t kMostCurves = 8;
  constexpr std::size_t kMostPoints = 900;
  const Series& first = *chart.curves.front();
  const auto one = one_of_unit(first.y_unit);
  Extent x;
  Extent y;
  y.add(0);
  std::vector<const MemoryRow*> tiers;
  for (const Series* series : chart.curves) {
    for (const double v : series->x) {
      x.add(v);
    }
    for (const double v : series->y) {
      y.add(v);
    }
    tiers.push_back(tier_of(r, *series));
    if (tiers.back() != nullptr) {
      y.add(tiers.back()->peak / one->si);
    }
  }
  if (!(x.high > x.low)) {
    return;
  }
  const Axis along(first.x_unit, x);
  const Axis up(first.y_unit, y);
  script.begin(file_name("time", chart.name), title_of(chart), 280);
  script.command("set xlabel " + quoted(axis_label(first.x_label, along.scale.unit)));
  script.command("set ylabel " + quoted(axis_label(first.y_label, up.scale.unit)));
  script.command(fmt::format("set xrange [{}:{}]", number(along(x.low)), number(along(x.high))));
  script.command(fmt::format("set yrange [{}:{}]", number(up(std::min(0.0, y.low) * 1.08)),
                             number(y.high > 0 ? up(y.high * 1.08) : 1)));
  std::vector<Curve> curves;
  for (std::size_t i = 0; i < chart.curves.size() && i < kMostCurves; ++i) {
    const Series& series = *chart.curves[i];
    auto points = thinned(series.x, series.y, kMostPoints);
    for (auto& [px, py] : points) {
      px = along(px);
      py = up(py);
    }
    // The whole ("power" among "power.npu", …) is drawn stronger than its parts.
    const double width = series.name == chart.name && chart.curves.size() > 1 ? 2.6 : 1.8;
    const bool told = chart.curves.size() > 1 || tiers[i] != nullptr;
    const std::string label = chart.curves.size() > 1 ? series.label : first.y_label;
    curves.push_back(Curve::of_line(kPalette[i], told ? label : "", std::move(points), width));
    if (tiers[i] != nullptr) {
      const double peak = up(tiers[i]->peak / one->si);
      curves.push_back(Curve::of_line(
          kPalette[i],
          fmt::format("peak of {}, {} {}", tiers[i]->tier, significant(peak), up.scale.unit),
          {{along(x.low), peak}, {along(x.high), peak}}, 1.4, 2));
    }
  }
  script.draw(curves);
}

// Units that reach the same rates on the same memory share a line: "npu int8, fp16 on lpddr4x".
std::vector<Roof> distinct(const std::vector<Roof>& all) {
  std::vector<Roof> out;
  for (const Roof& f : all) {
    const double knee = f.ops_per_second / f.bytes_per_second;
    if (!plottable(f.ops_per_second) || !plottable(f.bytes_per_second) || !plottable(knee)) {
      continue;
    }
    const auto found = std::find_if(out.begin(), out.end(), [&](const Roof& o) {
      return o.memory == f.memory && o.ops_per_second == f.ops_per_second &&
             o.bytes_per_second == f.bytes_per_second;
    });
    if (found == out.end()) {
      out.push_back(f);
      continue;
    }
    const auto word = found->unit.find(' ') + 1;  // 0 when the name is one word
    const bool same = word > 0 && f.unit.compare(0, word, found->unit, 0, word) == 0;
    found->unit += ", " + (same ? f.unit.substr(word) : f.unit);
  }
  return out;
}

}  // namespace

std::vector<std::pair<double, double>> thinned(const std::vector<double>& x,
                                               const std::vector<double>& y, std::size_t most) {
  std::vector<std::pair<double, double>> out;
  const std::size_t n = std::min(x.size(), y.size());
  // Of each run of samples its lowest and its highest, in their order.
  const std::size_t run = n > most ? (2 * n + most - 1) / most : 1;
  for (std::size_t begin = 0; begin < n; begin += run) {
    const std::size_t end = std::min(n, begin + run);
    std::size_t low = begin;
    std::size_t high = begin;
    for (std::size_t i = begin; i < end; ++i) {
      low = y[i] < y[low] ? i : low;
      high = y[i] > y[high] ? i : high;
    }
    out.emplace_back(x[std::min(low, high)], y[std::min(low, high)]);
    if (low != high) {
      out.emplace_back(x[std::max(low, high)], y[std::max(low, high)]);
    }
  }
  return out;
}

void plot_roofline(Script& script, const Result& r) {
  const std::vector<Roof> roofs = distinct(r.roofs);
  std::vector<OperatorRow> rows;
  std::copy_if(r.operators.begin(), r.operators.end(), std::back_inserter(rows),
               [](const OperatorRow& o) {
                 return o.ops > 0 && plottable(o.ops / o.bytes) && plottable(o.ops / o.seconds);
               });
  if (roofs.empty() || rows.empty()) {
    return;
  }
  std::stable_sort(rows.begin(), rows.end(), [](const OperatorRow& a, const OperatorRow& b) {
    return a.seconds > b.seconds;
  });
  Extent x;
  Extent y;
  for (const OperatorRow& o : rows) {
    x.add(o.ops / o.bytes);
    y.add(o.ops / o.seconds);
  }
  for (const Roof& f : roofs) {
    x.add(f.ops_per_second / f.bytes_per_second);
    y.add(f.ops_per_second);
  }
  const double left = x.low / 3;
  const double right = x.high * 6;
  script.begin("roofline", "Roofline: attained against attainable rates", 400);
  script.command("set logscale xy");
  script.command("set format y '%.0s %cop/s'");
  script.command("set format x '%g'");
  script.command("set xlabel 'operations per byte moved (op/B)'");
  script.command(fmt::format("set xrange [{}:{}]", number(left), number(right)));
  script.command(fmt::format("set yrange [{}:{}]", number(y.low / 4), number(y.high * 3)));
  std::vector<Curve> curves;
  constexpr std::size_t kMostRoofs = 4;
  for (std::size_t i = 0; i < roofs.size() && i < kMostRoofs; ++i) {
    const Roof& f = roofs[i];
    const double knee = f.ops_per_second / f.bytes_per_second;
    curves.push_back(Curve::of_line(
        "#808080", fmt::format("{} on {}", f.unit, f.memory),
        {{left, left * f.bytes_per_second}, {knee, f.ops_per_second}, {right, f.ops_per_second}}, 2,
        static_cast<int>(i) + 1));
  }
  constexpr std::size_t kNamed = 7;
  std::vector<std::pair<double, double>> rest;
  std::size_t named = 0;
  for (const OperatorRow& o : rows) {
    const std::pair<double, double> at(o.ops / o.bytes, o.ops / o.seconds);
    if (named < kNamed && o.phase == main_phase(r)) {
      // Equal operators coincide: later ones are smaller, so that each shows as a ring.
      const double size = 2.3 - 0.22 * static_cast<double>(named);
      curves.push_back(Curve::of_points(kPalette[named], o.phase + " " + o.name, {at}, 7, size));
      ++named;
    } else {
      rest.push_back(at);
    }
  }
  curves.push_back(Curve::of_points("#808080", "other operators", std::move(rest), 6, 0.7));
  script.draw(curves);
}

void plot_charts(Script& script, const Result& r) {
  constexpr std::size_t kMost = 12;
  const auto all = charts(r);
  for (std::size_t i = 0; i < all.size() && i < kMost; ++i) {
    chart_plot(script, r, all[i]);
  }
}

}  // namespace joulesim::reports
