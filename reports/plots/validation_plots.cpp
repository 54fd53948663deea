#include "reports/plots/validation_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>

namespace joulesim::reports {
namespace {

using Points = Curve::Points;

// The share of points whose absolute error is below x.
Points distribution_of(std::vector<double> errors) {
  constexpr std::size_t kSteps = 100;
  constexpr double kLeast = 1e-3;
  std::sort(errors.begin(), errors.end());
  Points points;
  const auto count = static_cast<double>(errors.size());
  for (std::size_t i = 0; i <= kSteps; ++i) {
    const auto at = static_cast<std::size_t>(static_cast<double>(i) / kSteps * (count - 1));
    points.emplace_back(std::max(kLeast, errors[at]) * 100, (static_cast<double>(at) + 1) / count);
  }
  return points;
}

void scatter(Script& script, const std::string& kind, const std::map<std::string, Points>& devices,
             const std::string& unit) {
  constexpr int kHeight = 420;
  double low = 1e300;
  double high = 0;
  for (const auto& [device, points] : devices) {
    for (const auto& [x, y] : points) {
      low = std::min({low, x, y});
      high = std::max({high, x, y});
    }
  }
  script.begin("scatter_" + kind, fmt::format("{}: predicted against measured", kind), kHeight);
  script.command("set logscale xy");
  script.command(fmt::format("set xlabel {}", quoted("measured (" + unit + ")")));
  script.command(fmt::format("set ylabel {}", quoted("predicted (" + unit + ")")));
  script.command(fmt::format("set xrange [{}:{}]", number(low * 0.8), number(high * 1.25)));
  script.command(fmt::format("set yrange [{}:{}]", number(low * 0.8), number(high * 1.25)));
  std::vector<Curve> curves;
  curves.push_back(Curve::of_line(kInk, "equal", {{low, low}, {high, high}}, 1.0));
  std::size_t colour = 0;
  for (const auto& [device, points] : devices) {
    constexpr double kSize = 0.45;
    curves.push_back(
        Curve::of_points(kPalette.at(colour++ % kPalette.size()), device, points, 7, kSize));
  }
  script.draw(curves);
}

}  // namespace

PlotSet validation_plots(const Validation& validation) {
  std::map<std::string, std::map<std::string, Points>> kinds;
  std::map<std::string, std::pair<std::vector<double>, std::vector<double>>> errors;
  for (const ValidationPoint& p : validation.points) {
    if (p.predicted > 0 && p.measured > 0) {
      kinds[p.kind][p.device].emplace_back(p.measured, p.predicted);
      errors[p.kind].first.push_back(std::fabs(p.error()));
      if (p.roofline > 0) {
        errors[p.kind].second.push_back(std::fabs(p.roofline / p.measured - 1));
      }
    }
  }
  if (kinds.empty()) {
    return {};
  }
  Script script;
  for (const auto& [kind, devices] : kinds) {
    scatter(script, kind, devices, validation.unit);
    constexpr int kHeight = 260;
    script.begin("errors_" + kind, fmt::format("{}: share of rows with a smaller error", kind),
                 kHeight);
    script.command("set logscale x");
    script.command(fmt::format("set xlabel {}", quoted("absolute error (per cent)")));
    script.command("set yrange [0:1]");
    script.command("set xrange [0.1:1000]");
    std::vector<Curve> curves = {
        Curve::of_line(kPalette[0], "joulesim", distribution_of(errors[kind].first), 1.8)};
    if (!errors[kind].second.empty()) {
      curves.push_back(
          Curve::of_line(kOther, "roofline", distribution_of(errors[kind].second), 1.8));
    }
    script.draw(curves);
  }
  return script.run();
}

}  // namespace joulesim::reports
