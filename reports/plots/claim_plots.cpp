#include "reports/plots/claim_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <stdexcept>
#include <utility>

namespace joulesim::reports {
namespace {

// A prefix that brings the largest value between 1 and 1000, for an axis.
std::pair<double, std::string> axis_unit(const std::vector<double>& values, Dim dim) {
  const double most = *std::max_element(values.begin(), values.end());
  const std::string text = format(AnyQuantity{most, dim});
  const auto space = text.find(' ');
  if (space == std::string::npos || most <= 0) {
    return {1, ""};
  }
  const std::string unit = text.substr(space + 1);
  try {
    return {parse_quantity("1 " + unit).si, unit};
  } catch (const std::invalid_argument&) {
    return {1, si_unit(dim)};
  }
}

std::string axis_label(const std::string& label, const std::string& unit) {
  return unit.empty() ? label : fmt::format("{} ({})", label, unit);
}

void plot_curve(Script& script, const std::string& name, const ClaimCurve& curve) {
  constexpr int kHeight = 300;
  const auto [x_scale, x_unit] = axis_unit(curve.x, curve.x_dim);
  auto [y_scale, y_unit] = axis_unit(curve.y, curve.y_dim);
  if (!curve.y_unit.empty()) {
    y_scale = parse_quantity("1 " + curve.y_unit).si;
    y_unit = curve.y_unit;
  }
  script.begin(name, curve.label, kHeight);
  script.command(fmt::format("set xlabel {}", quoted(axis_label(curve.x_label, x_unit))));
  // A label longer than the axis names the curve instead.
  constexpr std::size_t kLongest = 26;
  const std::string y_label = axis_label(curve.y_label, y_unit);
  const bool fits = y_label.size() <= kLongest;
  script.command(fmt::format("set ylabel {}", quoted(fits ? y_label : y_unit)));
  if (curve.log_x) {
    script.command("set logscale x");
  }
  script.command(curve.log_y ? "set logscale y" : "set yrange [0:*]");
  // Large pure numbers as 1M, 10M.
  constexpr double kLarge = 1e4;
  const auto large = [](const std::vector<double>& values, const std::string& unit) {
    return unit.empty() && *std::max_element(values.begin(), values.end()) >= kLarge;
  };
  if (large(curve.x, x_unit)) {
    script.command("set format x '%.0s%c'");
  }
  if (large(curve.y, y_unit)) {
    script.command("set format y '%.0s%c'");
  }
  Curve::Points points;
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    points.emplace_back(curve.x[i] / x_scale, curve.y[i] / y_scale);
  }
  std::vector<Curve> curves = {
      Curve::of_line(kPalette[0], fits ? "simulated" : curve.y_label, points, 2),
      Curve::of_points(kPalette[0], "", points, 7, 0.6)};
  if (curve.own_x && curve.own_y) {
    curves.push_back(Curve::of_points(kPalette[1], "as judged",
                                      {{*curve.own_x / x_scale, *curve.own_y / y_scale}}, 7, 1.1));
  }
  const auto ends = [](const std::vector<double>& v) {
    return std::pair(*std::min_element(v.begin(), v.end()), *std::max_element(v.begin(), v.end()));
  };
  if (curve.mark_x && curve.mark_y) {
    curves.push_back(Curve::of_points(
        kPalette[5], curve.mark, {{*curve.mark_x / x_scale, *curve.mark_y / y_scale}}, 7, 1.3));
  } else if (curve.mark_y) {
    const auto [low, high] = ends(curve.x);
    const double y = *curve.mark_y / y_scale;
    curves.push_back(
        Curve::of_line(kPalette[5], curve.mark, {{low / x_scale, y}, {high / x_scale, y}}, 1.6, 2));
  } else if (curve.mark_x) {
    const auto [low, high] = ends(curve.y);
    const double x = *curve.mark_x / x_scale;
    curves.push_back(
        Curve::of_line(kPalette[5], curve.mark, {{x, low / y_scale}, {x, high / y_scale}}, 1.6, 2));
  }
  script.draw(curves);
}

}  // namespace

std::string claim_plot_name(const Claim& claim, std::size_t index) {
  std::string name = fmt::format("claim_{}_{}", claim.id, index);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

PlotSet claim_plots(const std::vector<Claim>& claims) {
  Script script;
  bool any_curve = false;
  for (const Claim& claim : claims) {
    for (std::size_t i = 0; i < claim.curves.size(); ++i) {
      plot_curve(script, claim_plot_name(claim, i), claim.curves[i]);
      any_curve = true;
    }
  }
  return any_curve ? script.run() : PlotSet{};
}

}  // namespace joulesim::reports
