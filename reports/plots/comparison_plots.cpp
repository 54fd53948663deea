#include "reports/plots/plots.hpp"
#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::reports {
namespace {

constexpr double kHalf = 0.36;

double at_row(std::size_t i) { return 0.0 - static_cast<double>(i); }

void axis(Script& script, const std::vector<Result>& results, double largest,
          const std::string& label) {
  std::string tics;
  for (std::size_t i = 0; i < results.size(); ++i) {
    tics +=
        fmt::format("{}{} {}", i == 0 ? "" : ", ", quoted_tic(results[i].name), number(at_row(i)));
  }
  script.command(fmt::format("set ytics ({})", tics));
  script.command("set grid noytics xtics");
  script.command(
      fmt::format("set yrange [{}:0.6]", number(0.4 - static_cast<double>(results.size()))));
  script.command(fmt::format("set xrange [0:{}]", number(largest > 0 ? largest * 1.25 : 1)));
  script.command("set xlabel " + quoted(label));
}

int height_of(std::size_t bars) { return 54 + 28 * static_cast<int>(bars); }

std::string with_unit(const std::string& label, const Scale& scale) {
  return scale.unit.empty() ? label : fmt::format("{} ({})", label, scale.unit);
}

// What a metric looks like over all results that have it.
struct Spread {
  const Metric* sample = nullptr;
  double low = 0, high = 0;
  std::size_t have = 0;
};

Spread spread_of(const std::vector<Result>& results, const std::string& name) {
  Spread s;
  for (const Result& r : results) {
    const Metric* m = r.metric(name);
    if (m == nullptr || (s.sample != nullptr && !(m->value.dim == s.sample->value.dim))) {
      continue;
    }
    const double low = std::min(m->value.si, m->low.value_or(m->value.si));
    s.low = s.have == 0 ? low : std::min(s.low, low);
    s.high = std::max({s.high, m->value.si, m->high.value_or(0)});
    s.sample = s.sample == nullptr ? m : s.sample;
    ++s.have;
  }
  return s;
}

// A bar per result, with a whisker where the metric has a range. Where the largest would leave the
// others without length, dots on a logarithmic axis.
void metric_bars(Script& script, const std::vector<Result>& results, const std::string& name) {
  const Spread spread = spread_of(results, name);
  if (spread.have < 2 || spread.high <= 0) {
    return;
  }
  constexpr double kFar = 40;
  const bool dots = spread.low > 0 && spread.high > kFar * spread.low;
  const double typical = dots ? std::sqrt(spread.low * spread.high) : spread.high;
  const Scale scale = scale_for(spread.sample->value.dim, typical);
  script.begin(file_name("metric", name), spread.sample->label, height_of(results.size()));
  Curve bars =
      dots ? Curve::of_points(kPalette[0], "", {}, 7, 1.1) : Curve::of_boxes(kPalette[0], "");
  Curve ranges = Curve::of_boxes("#808080", "");
  const double lowest = std::pow(10, std::floor(std::log10(spread.low / scale.factor)));
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Metric* m = results[i].metric(name);
    const double row = at_row(i);
    if (m == nullptr || !(m->value.dim == spread.sample->value.dim)) {
      script.label("–", dots ? lowest : 0, row, "left offset 0.7,0");
      continue;
    }
    const double value = m->value.si / scale.factor;
    double end = value;
    if (dots) {
      bars.points.emplace_back(value, row);
    } else {
      bars.boxes.push_back(box(0, value, row, kHalf));
    }
    if (m->low && m->high && *m->high > *m->low) {
      ranges.boxes.push_back(box(*m->low / scale.factor, *m->high / scale.factor, row, 0.05));
      end = std::max(end, *m->high / scale.factor);
    }
    script.label(show_value(*m), end, row, "left offset 1,0");
  }
  axis(script, results, spread.high / scale.factor, with_unit(spread.sample->label, scale));
  if (dots) {
    script.command("set logscale x");
    script.command("set format x '%g'");
    script.command(
        fmt::format("set xrange [{}:{}]", number(lowest), number(spread.high / scale.factor * 20)));
    script.draw({ranges, bars});
  } else {
    script.draw({bars, ranges});
  }
}

// energy.per_token is the decode phase's energy per token; components share it as they share that
// phase.
struct Stack {
  std::vector<EnergyGroup> groups;
  double per_joule = 0;  // energy per token of one joule of the phase
  double whole = 0;
};

std::vector<Stack> stacks_of(const std::vector<Result>& results) {
  std::vector<Stack> stacks;
  for (const Result& r : results) {
    Stack& stack = stacks.emplace_back();
    const Metric* m = r.metric("energy.per_token");
    if (m == nullptr) {
      continue;
    }
    const std::vector<std::string> all = phases(r);
    const bool decodes = std::find(all.begin(), all.end(), "decode") != all.end();
    stack.groups = energy_by_component(r, decodes ? "decode" : "");
    double joules = 0;
    for (const EnergyGroup& g : stack.groups) {
      joules += g.joules;
    }
    stack.whole = m->value.si;
    stack.per_joule = joules > 0 ? m->value.si / joules : 0;
  }
  return stacks;
}

// Component names by their largest share of any result, so that every colour is well used.
std::vector<std::string> weightiest(const std::vector<Stack>& stacks) {
  std::vector<EnergyGroup> weight;
  for (const Stack& stack : stacks) {
    for (const EnergyGroup& g : stack.groups) {
      const double share = stack.whole > 0 ? g.joules * stack.per_joule / stack.whole : 0;
      const auto found = std::find_if(weight.begin(), weight.end(),
                                      [&](const EnergyGroup& w) { return w.name == g.name; });
      if (found == weight.end()) {
        weight.push_back({g.name, share, 0, {}});
      } else {
        found->joules = std::max(found->joules, share);
      }
    }
  }
  std::stable_sort(weight.begin(), weight.end(),
                   [](const EnergyGroup& a, const EnergyGroup& b) { return a.joules > b.joules; });
  std::vector<std::string> names;
  for (const EnergyGroup& w : weight) {
    names.push_back(w.name);
  }
  return names;
}

// One stack per result; `unit_of` gives what one joule of its phase is on the axis.
template <typename UnitOf>
std::vector<Curve> stacked(const std::vector<Stack>& stacks, UnitOf unit_of) {
  constexpr std::size_t kNamed = kPalette.size() - 1;
  const std::vector<std::string> names = weightiest(stacks);
  std::vector<Curve> curves;
  for (std::size_t c = 0; c < names.size() && c < kNamed; ++c) {
    curves.push_back(Curve::of_boxes(kPalette[c], names[c]));
  }
  Curve others = Curve::of_boxes(kOther, "others");
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    const double unit = unit_of(stacks[i]);
    double from = 0;
    double rest = 0;
    for (std::size_t c = 0; c < names.size(); ++c) {
      const auto found = std::find_if(stacks[i].groups.begin(), stacks[i].groups.end(),
                                      [&](const EnergyGroup& g) { return g.name == names[c]; });
      const double width = found == stacks[i].groups.end() ? 0 : found->joules * unit;
      if (c < curves.size() && width > 0) {
        curves[c].boxes.push_back(box(from, from + width, at_row(i), kHalf));
        from += width;
      } else {
        rest += width;
      }
    }
    if (rest > 0) {
      others.boxes.push_back(box(from, from + rest, at_row(i), kHalf));
    }
  }
  curves.push_back(std::move(others));
  return curves;
}

void energy_per_token(Script& script, const std::vector<Result>& results) {
  const std::vector<Stack> stacks = stacks_of(results);
  double largest = 0;
  for (const Stack& stack : stacks) {
    largest = std::max(largest, stack.per_joule > 0 ? stack.whole : 0);
  }
  if (largest <= 0) {
    return;
  }
  const Dim dim = kJoule / kToken;
  const auto label = [&](std::size_t i, double x) {
    script.label(stacks[i].whole > 0 ? show(AnyQuantity{stacks[i].whole, dim}) : "–", x, at_row(i),
                 "left offset 0.7,0");
  };
  const Scale scale = scale_for(dim, largest);
  script.begin("energy_per_token", "Energy per token by component", height_of(results.size()));
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    label(i, stacks[i].whole / scale.factor);
  }
  axis(script, results, largest / scale.factor, with_unit("energy per token", scale));
  script.draw(stacked(stacks, [&](const Stack& s) { return s.per_joule / scale.factor; }));

  script.begin("energy_shares", "Where each token's energy goes, by component",
               height_of(results.size()));
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    label(i, stacks[i].whole > 0 ? 100 : 0);
  }
  axis(script, results, 100, "share of the energy per token (%)");
  script.command("set xtics 0,20,100");
  script.draw(stacked(
      stacks, [](const Stack& s) { return s.whole > 0 ? 100 * s.per_joule / s.whole : 0; }));
}

// Speed against energy of a token, with the results that no other one beats at both.
void pareto(Script& script, const std::vector<Result>& results) {
  struct Point {
    std::string name;
    double speed = 0, joules = 0;
    double accuracy = -1;  // none
  };
  const std::vector<std::string> shared = shared_benchmarks(results);
  const std::string judged = shared.empty() ? "" : "accuracy." + shared.front();
  std::vector<Point> all;
  for (const Result& r : results) {
    const Metric* speed = r.metric("decode.tokens_per_second");
    const Metric* joules = r.metric("energy.per_token");
    if (speed != nullptr && joules != nullptr && speed->value.si > 0 && joules->value.si > 0) {
      Point p{r.name, speed->value.si, joules->value.si};
      const Metric* accuracy = judged.empty() ? nullptr : r.metric(judged);
      if (accuracy != nullptr) {
        p.accuracy = accuracy->value.si;
        p.name = show_value(*accuracy) + accuracy_mark(r, judged) + " · " + r.name;
      }
      all.push_back(std::move(p));
    }
  }
  if (all.size() < 2) {
    return;
  }
  std::vector<Point> front;
  double least_speed = all.front().speed;
  double most_speed = least_speed;
  double least_joules = all.front().joules;
  double most_joules = least_joules;
  for (const Point& p : all) {
    const bool beaten = std::any_of(all.begin(), all.end(), [&](const Point& q) {
      return q.speed >= p.speed && q.joules <= p.joules &&
             (q.speed > p.speed || q.joules < p.joules);
    });
    if (!beaten) {
      front.push_back(p);
    }
    least_speed = std::min(least_speed, p.speed);
    most_speed = std::max(most_speed, p.speed);
    least_joules = std::min(least_joules, p.joules);
    most_joules = std::max(most_joules, p.joules);
  }
  std::sort(front.begin(), front.end(),
            [](const Point& a, const Point& b) { return a.speed < b.speed; });
  script.begin("pareto",
               "Speed against energy of a token: the line joins what nothing else beats" +
                   (shared.empty() ? std::string()
                                   : "; larger points answer better, of open ones nothing was "
                                     "published (" +
                                         benchmark_title(results, shared.front()) + ")"),
               380);
  constexpr double kRoom = 2;  // around the points, of logarithmic axes
  const double left = least_speed / kRoom;
  const double top = most_joules * kRoom;
  script.command("set logscale xy");
  script.command("set format x '%.0s%c'");
  script.command("set format y '%.0s %cJ'");
  script.command("set xlabel 'decode speed (tokens/s)'");
  script.command("set ylabel 'energy of a token'");
  script.command(fmt::format("set xrange [{}:{}]", number(left), number(most_speed * kRoom)));
  script.command(fmt::format("set yrange [{}:{}]", number(least_joules / kRoom), number(top)));
  // Steps: at any speed, the least energy that is had at that speed or above.
  Curve::Points steps;
  double from = left;
  for (const Point& p : front) {
    steps.emplace_back(from, p.joules);
    steps.emplace_back(p.speed, p.joules);
    from = p.speed;
  }
  steps.emplace_back(from, top);
  std::vector<Curve> curves = {Curve::of_line("#808080", "", std::move(steps), 1.4, 2)};
  // Areas from a small to a large point between the least and the best accuracy.
  double low = 1;
  double high = 0;
  for (const Point& p : all) {
    low = p.accuracy >= 0 ? std::min(low, p.accuracy) : low;
    high = std::max(high, p.accuracy);
  }
  const auto size_of = [low, high](double accuracy) {
    constexpr double kPlain = 1.6, kSmall = 1.2, kLarge = 2.6;
    return accuracy < 0 || high <= low ? kPlain
                                       : std::sqrt(std::lerp(kSmall * kSmall, kLarge * kLarge,
                                                             (accuracy - low) / (high - low)));
  };
  Curve::Points rest;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (i < kPalette.size()) {
      const int mark = judged.empty() || all[i].accuracy >= 0 ? 7 : 6;  // full, open
      curves.push_back(Curve::of_points(kPalette[i], all[i].name, {{all[i].speed, all[i].joules}},
                                        mark, size_of(all[i].accuracy)));
    } else {
      rest.emplace_back(all[i].speed, all[i].joules);
    }
  }
  if (!rest.empty()) {
    curves.push_back(Curve::of_points(kOther, "others", std::move(rest), 7, 1.2));
  }
  script.draw(curves);
}

}  // namespace

void plot_comparison(Script& script, const std::vector<Result>& results) {
  energy_per_token(script, results);
  pareto(script, results);
  constexpr std::size_t kMost = 8;
  const auto names = compared_metrics(results);
  std::size_t drawn = 0;
  for (const std::string& name : names) {
    const auto have = std::count_if(results.begin(), results.end(),
                                    [&](const Result& r) { return r.metric(name) != nullptr; });
    if (have >= 2 && drawn < kMost && name != "energy.per_token") {
      metric_bars(script, results, name);
      ++drawn;
    }
  }
}

PlotSet draw_comparison(const std::vector<Result>& results) {
  Script script;
  plot_comparison(script, results);
  return script.run();
}

}  // namespace joulesim::reports
