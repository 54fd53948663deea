#include "reports/html/claims.hpp"

#include "reports/html/assets.hpp"
#include "reports/html/bundle.hpp"
#include "reports/html/page.hpp"
#include "reports/html/report.hpp"
#include "reports/plots/claim_plots.hpp"
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
  std::vector<std::string> readings;
  for (const Expectation& reading : figure.readings) {
    readings.push_back(stated(figure, reading));
  }
  return readings.empty() ? "–" : fmt::format("{}", fmt::join(readings, "; or "));
}

Json figures_of(const Claim& claim) {
  Json rows = Json::array();
  for (const ClaimFigure& f : claim.figures) {
    rows.push_back({{"label", f.label},
                    {"value", fmt::format("{}", f.value.si)},
                    {"text", shown(f, f.value)},
                    {"range", range_of(f)},
                    {"stated", stated_of(f)},
                    {"verdict", f.readings.empty() ? std::string("–") : words_of(f.judged)},
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
  const ClaimFigure* figure = headline(claim);
  const bool said_so = figure != nullptr && !figure->readings.empty();
  Json drawn = Json::array();
  for (std::size_t i = 0; i < claim.curves.size(); ++i) {
    if (const PlotFile* plot = plots.find(claim_plot_name(claim, i)); plot != nullptr) {
      drawn.push_back({{"figure", reports::figure(*plot)}});
    }
  }
  return {{"id", claim.id},
          {"order", fmt::format("{}", order)},
          {"statement", claim.statement},
          {"source", claim.source},
          {"sentence", claim.sentence},
          {"reason", claim.reason},
          {"verdict", words_of(claim.judged)},
          {"tone", tone_of(claim.judged)},
          {"measure", figure != nullptr ? figure->label : std::string()},
          {"stated", said_so ? stated_of(*figure) : std::string("–")},
          {"stated_value", said_so && figure->readings[0].figure
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
    return std::count_if(claims.begin(), claims.end(),
                         [verdict](const Claim& claim) { return claim.judged.verdict == verdict; });
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
