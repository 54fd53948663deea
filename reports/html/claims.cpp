#include "reports/html/claims.hpp"

#include "reports/html/assets.hpp"
#include "reports/html/bundle.hpp"
#include "reports/html/page.hpp"
#include "reports/html/report.hpp"
#include "reports/result/files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <utility>

namespace joulesim::reports {
namespace {

using Json = nlohmann::ordered_json;

std::string plot_name(const Claim& claim, std::size_t index) {
  std::string name = fmt::format("claim_{}_{}", claim.id, index);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

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
  script.command(fmt::format("set ylabel {}", quoted(axis_label(curve.y_label, y_unit))));
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
  std::vector<Curve> curves = {Curve::of_line(kPalette[0], "simulated", points, 2),
                               Curve::of_points(kPalette[0], "", points, 7, 0.6)};
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

const char* tone_of(const Judged& judged) {
  switch (judged.verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::off_by:
      return "off";
    case Verdict::contradicted:
      return "contradicted";
    default:
      return "open";
  }
}

std::string range_of(const ClaimFigure& figure) {
  if (!figure.low || !figure.high) {
    return "–";
  }
  return fmt::format("{} – {}", shown(figure, *figure.low), shown(figure, *figure.high));
}

std::string stated_of(const ClaimFigure& figure) {
  std::string text;
  for (const Expectation& e : figure.readings) {
    text += text.empty() ? "" : "; or ";
    text += e.figure     ? shown(figure, *e.figure)
            : e.at_least ? "≥ " + shown(figure, *e.at_least)
            : e.at_most  ? "≤ " + shown(figure, *e.at_most)
                         : "";
  }
  return text.empty() ? "–" : text;
}

Json figures_of(const Claim& claim) {
  Json rows = Json::array();
  for (const ClaimFigure& f : claim.figures) {
    rows.push_back({{"label", f.label},
                    {"value", fmt::format("{}", f.value.si)},
                    {"text", shown(f, f.value)},
                    {"range", range_of(f)},
                    {"stated", stated_of(f)},
                    {"verdict", f.readings.empty() ? std::string("–") : words_of(judge_figure(f))},
                    {"formula", f.formula}});
  }
  return rows;
}

Json inputs_of(const Claim& claim) {
  Json rows = Json::array();
  for (const ClaimInput& i : claim.inputs) {
    rows.push_back({{"label", i.label == i.name ? "" : i.label},
                    {"name", i.name},
                    {"text", said(i.value)},
                    {"range", i.low && i.high ? fmt::format("{} – {}", said(*i.low), said(*i.high))
                                              : std::string("–")},
                    {"source", i.source}});
  }
  return rows;
}

Json runs_of(const Claim& claim) {
  Json rows = Json::array();
  for (const ClaimRun& r : claim.runs) {
    rows.push_back({{"name", r.name},
                    {"title", r.title},
                    {"level", r.level},
                    {"settings", fmt::format("{}", fmt::join(r.settings, ", "))}});
  }
  return rows;
}

Json texts(const std::vector<std::string>& all) {
  Json rows = Json::array();
  for (const std::string& text : all) {
    rows.push_back({{"text", text}});
  }
  return rows;
}

Json claim_data(const Claim& claim, std::size_t order, const PlotSet& plots) {
  const Judged judged = judge_claim(claim);
  const ClaimFigure* figure = headline(claim);
  const bool stated = figure != nullptr && !figure->readings.empty();
  Json drawn = Json::array();
  for (std::size_t i = 0; i < claim.curves.size(); ++i) {
    if (const PlotFile* plot = plots.find(plot_name(claim, i)); plot != nullptr) {
      drawn.push_back({{"figure", reports::figure(*plot)}});
    }
  }
  return {{"id", claim.id},
          {"order", fmt::format("{}", order)},
          {"statement", claim.statement},
          {"source", claim.source},
          {"sentence", claim.sentence},
          {"reason", reason_of(claim)},
          {"verdict", words_of(judged)},
          {"tone", tone_of(judged)},
          {"measure", figure != nullptr ? figure->label : std::string()},
          {"stated", stated ? stated_of(*figure) : std::string("–")},
          {"stated_value", stated && figure->readings[0].figure
                               ? fmt::format("{}", figure->readings[0].figure->si)
                               : std::string("0")},
          {"simulated", figure != nullptr ? shown(*figure, figure->value) : std::string("–")},
          {"simulated_value",
           figure != nullptr ? fmt::format("{}", figure->value.si) : std::string("0")},
          {"open", texts(claim.open)},
          {"has_figures", !claim.figures.empty()},
          {"figures", figures_of(claim)},
          {"plots", std::move(drawn)},
          {"has_inputs", !claim.inputs.empty()},
          {"inputs", inputs_of(claim)},
          {"runs", runs_of(claim)},
          {"path", claim.path}};
}

std::string group_of(const Claim& claim) { return claim.id.substr(0, 1); }

Json cards_of(const std::vector<Claim>& claims) {
  Json cards = Json::array();
  const auto count = [&](Verdict verdict) {
    return std::count_if(claims.begin(), claims.end(), [verdict](const Claim& claim) {
      return judge_claim(claim).verdict == verdict;
    });
  };
  const std::array kinds = {
      std::pair(Verdict::holds, std::pair("Hold", "within the stated tolerance")),
      std::pair(Verdict::off_by, std::pair("Off by a factor", "right kind, wrong size")),
      std::pair(Verdict::contradicted, std::pair("Contradicted", "it comes out the other way")),
      std::pair(Verdict::not_decidable, std::pair("Not decidable", "by simulation; reasons below")),
      std::pair(Verdict::not_yet, std::pair("Not yet simulated", "reasons below"))};
  for (const auto& [verdict, words] : kinds) {
    cards.push_back({{"label", words.first},
                     {"number", fmt::format("{}", count(verdict))},
                     {"unit", fmt::format("of {}", claims.size())},
                     {"note", words.second}});
  }
  return cards;
}

}  // namespace

PlotSet claim_plots(const std::vector<Claim>& claims) {
  Script script;
  bool any_curve = false;
  for (const Claim& claim : claims) {
    for (std::size_t i = 0; i < claim.curves.size(); ++i) {
      plot_curve(script, plot_name(claim, i), claim.curves[i]);
      any_curve = true;
    }
  }
  return any_curve ? script.run() : PlotSet{};
}

Json claims_data(const std::vector<Claim>& claims, const PlotSet& plots,
                 const std::string& version) {
  Json groups = Json::array();
  Json all = Json::array();
  std::string last;
  for (std::size_t i = 0; i < claims.size(); ++i) {
    Json data = claim_data(claims[i], i, plots);
    Json row;
    for (const char* key : {"id", "order", "statement", "stated", "stated_value", "simulated",
                            "simulated_value", "measure", "verdict", "tone"}) {
      row[key] = data.at(key);
    }
    all.push_back(std::move(row));
    if (groups.empty() || group_of(claims[i]) != last) {
      last = group_of(claims[i]);
      groups.push_back({{"anchor", "source-" + last},
                        {"short", "Source " + last},
                        {"name", claims[i].source},
                        {"claims", Json::array()}});
    }
    for (const char* key :
         {"order", "stated_value", "simulated_value", "stated", "simulated", "measure"}) {
      data.erase(key);
    }
    groups.back()["claims"].push_back(std::move(data));
  }
  return {{"title", "The claims ledger"},
          {"question",
           "What do public statements about AI, energy and hardware come to when they "
           "are simulated?"},
          {"subject", fmt::format("{} statements; every input in sight, every verdict computed",
                                  claims.size())},
          {"version", version},
          {"style", kStyle},
          {"script", kSortScript},
          {"cards", cards_of(claims)},
          {"claims", std::move(all)},
          {"groups", std::move(groups)}};
}

std::string claims_page(const std::vector<Claim>& claims, const PlotSet& plots,
                        const std::string& version) {
  return fill(kClaimsTemplate, claims_data(claims, plots, version));
}

void write_claims(const std::vector<Claim>& claims, const std::string& version,
                  const std::string& dir) {
  const PlotSet plots = claim_plots(claims);
  const std::string page = claims_page(claims, plots, version);
  write_plots(plots, dir);
  const std::filesystem::path folder(dir);
  write_atomically((folder / "claims.json").string(), claims_json(claims));
  write_atomically((folder / "claims.html").string(), page);
}

}  // namespace joulesim::reports
