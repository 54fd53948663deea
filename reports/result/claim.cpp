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

Json figure_json(const ClaimFigure& figure) {
  Json readings = Json::array();
  for (const Expectation& expected : figure.readings) {
    readings.push_back({{"says", expected.says},
                        {"expected", stated(figure, expected)},
                        {"verdict", words_of(expected.judged)}});
  }
  return {{"id", figure.id},
          {"label", figure.label},
          {"formula", figure.formula},
          {"value", in_unit(figure, figure.value)},
          {"low", number_or_null(figure, figure.low)},
          {"high", number_or_null(figure, figure.high)},
          {"unit", unit_of(figure)},
          {"text", shown(figure, figure.value)},
          {"verdict", words_of(figure.judged)},
          {"readings", std::move(readings)}};
}

// "9.00 Wh" → "9 Wh": who states nine has not stated hundredths.
std::string as_stated(std::string text) {
  const auto end = std::min(text.find(' '), text.size());
  const auto point = text.find('.');
  if (point < end && text.find('e') >= end) {
    const auto last = text.find_last_not_of('0', end - 1);
    const auto from = last == point ? point : last + 1;
    text.erase(from, end - from);
  }
  return text;
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

const ClaimFigure* headline(const Claim& claim) {
  return claim.leading < claim.figures.size() ? &claim.figures[claim.leading] : nullptr;
}

std::string stated(const ClaimFigure& figure, const Expectation& expected) {
  const auto text = [&](const std::optional<AnyQuantity>& q) {
    return as_stated(shown(figure, *q));
  };
  return expected.figure     ? text(expected.figure)
         : expected.at_least ? "at least " + text(expected.at_least)
         : expected.at_most  ? "at most " + text(expected.at_most)
                             : std::string();
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
                                          : Json(stated(*figure, *said))},
             {"verdict", words_of(claim.judged)},
             {"reason", claim.reason},
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
