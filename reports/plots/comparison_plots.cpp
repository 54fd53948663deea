#include "reports/plots/plots.hpp"
#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::reports {
namespace {

constexpr double kHalf = 0.36;

void axis(Script& script, const std::vector<Result>& results, double largest,
          const std::string& label) {
  std::string tics;
  for (std::size_t i = 0; i < results.size(); ++i) {
    tics += fmt::format("{}{} {}", i == 0 ? "" : ", ", quoted_tic(results[i].name),
                        number(-static_cast<double>(i)));
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

// A bar per result, with a whisker where the metric has a range.
void metric_bars(Script& script, const std::vector<Result>& results, const std::string& name) {
  const Metric* sample = nullptr;
  double largest = 0;
  std::size_t have = 0;
  for (const Result& r : results) {
    const Metric* m = r.metric(name);
    if (m != nullptr && (sample == nullptr || m->value.dim == sample->value.dim)) {
      sample = m;
      ++have;
      largest = std::max({largest, m->value.si, m->high.value_or(0)});
    }
  }
  if (have < 2 || largest <= 0) {
    return;
  }
  const Scale scale = scale_for(sample->value.dim, largest);
  script.begin(file_name("metric", name), sample->label, height_of(results.size()));
  Curve bars = Curve::of_boxes(kPalette[0], "");
  Curve ranges = Curve::of_boxes("#808080", "");
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Metric* m = results[i].metric(name);
    const double row = -static_cast<double>(i);
    if (m == nullptr || !(m->value.dim == sample->value.dim)) {
      script.label("–", 0, row, "left offset 0.7,0");
      continue;
    }
    const double value = m->value.si / scale.factor;
    double end = value;
    bars.boxes.push_back(box(0, value, row, kHalf));
    if (m->low && m->high && *m->high > *m->low) {
      ranges.boxes.push_back(box(*m->low / scale.factor, *m->high / scale.factor, row, 0.05));
      end = std::max(end, *m->high / scale.factor);
    }
    script.label(show_value(*m), end, row, "left offset 0.7,0");
  }
  axis(script, results, largest / scale.factor, with_unit(sample->label, scale));
  script.draw({bars, ranges});
}

// energy.per_token is the decode phase's energy per token; components share it as they share that
// phase.
void energy_per_token(Script& script, const std::vector<Result>& results) {
  struct Stack {
    std::vector<EnergyGroup> groups;
    double per_joule = 0;  // energy per token of one joule of the phase
    double whole = 0;
  };
  std::vector<Stack> stacks;
  std::vector<EnergyGroup> weight;  // components by their largest bar
  double largest = 0;
  for (const Result& r : results) {
    Stack stack;
    const Metric* m = r.metric("energy.per_token");
    if (m != nullptr) {
      const std::vector<std::string> all = phases(r);
      const bool decodes = std::find(all.begin(), all.end(), "decode") != all.end();
      stack.groups = energy_by_component(r, decodes ? "decode" : "");
      double joules = 0;
      for (const EnergyGroup& g : stack.groups) {
        joules += g.joules;
      }
      stack.whole = m->value.si;
      stack.per_joule = joules > 0 ? m->value.si / joules : 0;
      largest = std::max(largest, m->value.si);
    }
    for (const EnergyGroup& g : stack.groups) {
      const auto found = std::find_if(weight.begin(), weight.end(),
                                      [&](const EnergyGroup& w) { return w.name == g.name; });
      if (found == weight.end()) {
        weight.push_back({g.name, g.joules * stack.per_joule, 0, {}});
      } else {
        found->joules = std::max(found->joules, g.joules * stack.per_joule);
      }
    }
    stacks.push_back(std::move(stack));
  }
  if (weight.empty() || largest <= 0) {
    return;
  }
  std::stable_sort(weight.begin(), weight.end(),
                   [](const EnergyGroup& a, const EnergyGroup& b) { return a.joules > b.joules; });
  const Scale scale = scale_for(kJoule / kToken, largest);
  script.begin("energy_per_token", "Energy per token by component", height_of(results.size()));
  constexpr std::size_t kNamed = kPalette.size() - 1;
  std::vector<Curve> curves;
  for (std::size_t c = 0; c < weight.size() && c < kNamed; ++c) {
    curves.push_back(Curve::of_boxes(kPalette[c], weight[c].name));
  }
  Curve others = Curve::of_boxes(kOther, "others");
  for (std::size_t i = 0; i < stacks.size(); ++i) {
    double from = 0;
    double rest = 0;
    for (std::size_t c = 0; c < weight.size(); ++c) {
      const auto found =
          std::find_if(stacks[i].groups.begin(), stacks[i].groups.end(),
                       [&](const EnergyGroup& g) { return g.name == weight[c].name; });
      const double width =
          found == stacks[i].groups.end() ? 0 : found->joules * stacks[i].per_joule / scale.factor;
      if (c < curves.size() && width > 0) {
        curves[c].boxes.push_back(box(from, from + width, -static_cast<double>(i), kHalf));
        from += width;
      } else {
        rest += width;
      }
    }
    if (rest > 0) {
      others.boxes.push_back(box(from, from + rest, -static_cast<double>(i), kHalf));
    }
    script.label(stacks[i].whole > 0 ? show(AnyQuantity{stacks[i].whole, kJoule / kToken}) : "–",
                 stacks[i].whole / scale.factor, -static_cast<double>(i), "left offset 0.7,0");
  }
  curves.push_back(std::move(others));
  curves.erase(
      std::remove_if(curves.begin(), curves.end(), [](const Curve& c) { return c.boxes.empty(); }),
      curves.end());
  axis(script, results, largest / scale.factor, with_unit("energy per token", scale));
  script.draw(curves);
}

}  // namespace

void plot_comparison(Script& script, const std::vector<Result>& results) {
  energy_per_token(script, results);
  constexpr std::size_t kMost = 8;
  const auto names = all_metric_names(results);
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
