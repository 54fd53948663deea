#include "reports/result/claim.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace joulesim::reports {
namespace {

using Json = nlohmann::ordered_json;

// How far apart two positive values are, as a factor of at least one.
double apart(double a, double b) {
  if (!(a > 0) || !(b > 0)) {
    return a == b ? 1 : std::numeric_limits<double>::infinity();
  }
  return std::max(a / b, b / a);
}

// Worse verdicts are larger.
double badness(const Judged& judged) {
  switch (judged.verdict) {
    case Verdict::contradicted:
      return std::numeric_limits<double>::infinity();
    case Verdict::off_by:
      return 2 + judged.factor;
    case Verdict::holds:
      return 1;
    default:
      return 0;
  }
}

Judged judge(const ClaimFigure& figure, const Expectation& expected) {
  const double value = figure.value.si;
  const double low = figure.low ? figure.low->si : value;
  const double high = figure.high ? figure.high->si : value;
  Judged judged;
  if (expected.figure) {
    const double said = expected.figure->si;
    judged.factor = apart(value, said);
    judged.verdict = judged.factor <= expected.within ? Verdict::holds : Verdict::off_by;
    if (judged.verdict == Verdict::off_by && low <= said * expected.within &&
        high >= said / expected.within) {
      judged.verdict = Verdict::holds;
      judged.by_range = true;
    }
    return judged;
  }
  if (expected.at_least || expected.at_most) {
    const bool least = expected.at_least.has_value();
    const double bound = least ? expected.at_least->si : expected.at_most->si;
    const auto meets = [&](double v) { return least ? v >= bound : v <= bound; };
    judged.factor = meets(value) ? 1 : apart(value, bound);
    judged.by_range = !meets(value) && meets(least ? high : low);
    judged.verdict = meets(value) || judged.by_range ? Verdict::holds : Verdict::contradicted;
  }
  return judged;
}

// The number in the figure's unit.
double in_unit(const ClaimFigure& figure, AnyQuantity value) {
  return figure.unit.empty() ? value.si : value.si / parse_quantity("1 " + figure.unit).si;
}

Json number_or_null(const ClaimFigure& figure, const std::optional<AnyQuantity>& value) {
  return value ? Json(in_unit(figure, *value)) : Json(nullptr);
}

std::string unit_of(const ClaimFigure& figure) {
  return figure.unit.empty() ? si_unit(figure.value.dim) : figure.unit;
}

std::string expectation_text(const ClaimFigure& figure, const Expectation& expected) {
  const auto text = [&](const std::optional<AnyQuantity>& q) { return shown(figure, *q); };
  return expected.figure     ? text(expected.figure)
         : expected.at_least ? "at least " + text(expected.at_least)
         : expected.at_most  ? "at most " + text(expected.at_most)
                             : std::string();
}

Json figure_json(const ClaimFigure& figure) {
  const Judged judged = judge_figure(figure);
  Json readings = Json::array();
  for (const Expectation& expected : figure.readings) {
    readings.push_back({{"says", expected.says},
                        {"expected", expectation_text(figure, expected)},
                        {"verdict", words_of(judge(figure, expected))}});
  }
  return {{"id", figure.id},
          {"label", figure.label},
          {"formula", figure.formula},
          {"value", in_unit(figure, figure.value)},
          {"low", number_or_null(figure, figure.low)},
          {"high", number_or_null(figure, figure.high)},
          {"unit", unit_of(figure)},
          {"text", shown(figure, figure.value)},
          {"verdict", words_of(judged)},
          {"readings", std::move(readings)}};
}

}  // namespace

const char* name_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::holds:
      return "holds";
    case Verdict::off_by:
      return "off by";
    case Verdict::contradicted:
      return "contradicted";
    case Verdict::not_decidable:
      return "not decidable by simulation";
    case Verdict::not_yet:
      return "not yet simulated";
    case Verdict::shown:
      return "";
  }
  return "";
}

Judged judge_figure(const ClaimFigure& figure) {
  if (figure.readings.empty()) {
    return {};
  }
  Judged first = judge(figure, figure.readings.front());
  double nearest = badness(first) + first.factor;
  for (std::size_t i = 1; i < figure.readings.size(); ++i) {
    const Judged other = judge(figure, figure.readings[i]);
    if (badness(other) + other.factor < nearest) {
      nearest = badness(other) + other.factor;
      first.supported = i;
    }
  }
  return first;
}

Judged judge_claim(const Claim& claim) {
  if (claim.fixed != Verdict::shown) {
    Judged judged;
    judged.verdict = claim.fixed;
    return judged;
  }
  Judged worst;
  for (const ClaimFigure& figure : claim.figures) {
    const Judged judged = judge_figure(figure);
    if (badness(judged) > badness(worst)) {
      worst = judged;
    }
  }
  if (worst.verdict == Verdict::shown) {
    worst.verdict = Verdict::not_decidable;
  }
  return worst;
}

const ClaimFigure* headline(const Claim& claim) {
  const ClaimFigure* best = nullptr;
  for (const ClaimFigure& figure : claim.figures) {
    if (best == nullptr || badness(judge_figure(figure)) > badness(judge_figure(*best))) {
      best = &figure;
    }
  }
  return best;
}

std::string said(AnyQuantity value) {
  constexpr std::array<std::pair<double, const char*>, 3> kWords = {
      {{1e12, "trillion"}, {1e9, "billion"}, {1e6, "million"}}};
  if (value.dim == Dim{}) {
    for (const auto& [factor, word] : kWords) {
      if (std::fabs(value.si) >= factor) {
        return fmt::format("{} {}", format(AnyQuantity{value.si / factor, {}}), word);
      }
    }
  }
  return format(value);
}

std::string shown(const ClaimFigure& figure, AnyQuantity value) {
  if (figure.unit.empty()) {
    return said(value);
  }
  return fmt::format("{} {}", format(AnyQuantity{in_unit(figure, value), {}}), figure.unit);
}

std::string words_of(const Judged& judged) {
  if (judged.verdict == Verdict::off_by) {
    constexpr double kWhole = 10;  // factors above are said without decimals
    return std::isfinite(judged.factor) ? judged.factor < kWhole
                                              ? fmt::format("off by ×{:.2g}", judged.factor)
                                              : fmt::format("off by ×{:.0f}", judged.factor)
                                        : std::string("off without bound");
  }
  return judged.by_range ? fmt::format("{}, at the end of its range", name_of(judged.verdict))
                         : std::string(name_of(judged.verdict));
}

std::string reason_of(const Claim& claim) {
  if (claim.fixed != Verdict::shown) {
    return claim.reason;
  }
  const ClaimFigure* figure = headline(claim);
  if (figure == nullptr || figure->readings.empty()) {
    return claim.reason.empty() ? "the statement gives no figure to compare with" : claim.reason;
  }
  const Judged judged = judge_figure(*figure);
  const Expectation& said = figure->readings.front();
  std::string text = fmt::format("{}: simulated {}", figure->label, shown(*figure, figure->value));
  if (figure->low && figure->high) {
    text += fmt::format(" ({} to {})", shown(*figure, *figure->low), shown(*figure, *figure->high));
  }
  text += fmt::format(", stated {}", expectation_text(*figure, said));
  if (said.figure) {
    text += fmt::format(", tolerance ×{:.3g}", said.within);
  }
  if (judged.supported > 0) {
    const Expectation& other = figure->readings[judged.supported];
    text += fmt::format("; the simulation supports the other reading, {} ({})",
                        expectation_text(*figure, other), other.says);
  }
  return text;
}

std::string claims_json(const std::vector<Claim>& claims) {
  Json list = Json::array();
  for (const Claim& claim : claims) {
    const ClaimFigure* figure = headline(claim);
    const Expectation* said =
        figure != nullptr && !figure->readings.empty() ? &figure->readings.front() : nullptr;
    Json row{{"id", claim.id},
             {"statement", claim.statement},
             {"source", claim.source},
             {"metric", figure != nullptr ? Json(figure->label) : Json(nullptr)},
             {"value", figure != nullptr ? Json(in_unit(*figure, figure->value)) : Json(nullptr)},
             {"low", figure != nullptr ? number_or_null(*figure, figure->low) : Json(nullptr)},
             {"high", figure != nullptr ? number_or_null(*figure, figure->high) : Json(nullptr)},
             {"unit", figure != nullptr ? Json(unit_of(*figure)) : Json(nullptr)},
             {"expected", said == nullptr ? Json(nullptr)
                          : said->figure  ? Json(in_unit(*figure, *said->figure))
                                          : Json(expectation_text(*figure, *said))},
             {"verdict", words_of(judge_claim(claim))},
             {"reason", reason_of(claim)},
             {"sentence", claim.sentence},
             {"scenario", claim.path}};
    Json figures = Json::array();
    for (const ClaimFigure& f : claim.figures) {
      figures.push_back(figure_json(f));
    }
    row["figures"] = std::move(figures);
    row["not_yet_simulated"] = claim.open;
    list.push_back(std::move(row));
  }
  return list.dump(2) + "\n";
}

}  // namespace joulesim::reports
