#include "reports/html/validation_page.hpp"

#include "reports/html/assets.hpp"
#include "reports/html/page.hpp"
#include "reports/html/report.hpp"
#include "reports/plots/validation_plots.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::reports {
namespace {

using Json = nlohmann::ordered_json;

std::string per_cent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string explanation_of(const ValidationPoint& p) {
  std::string text = fmt::format("Taken as bound by {}{}{}; stack {}.", p.bound,
                                 p.mapping.empty() ? "" : ": ", p.mapping, p.runtime);
  if (p.roofline > 0) {
    text += fmt::format(" The roofline says {:.4g}.", p.roofline);
  }
  return text;
}

Json worst_of(const Validation& validation) {
  std::vector<const ValidationPoint*> points;
  for (const ValidationPoint& p : validation.points) {
    points.push_back(&p);
  }
  const auto badness = [](const ValidationPoint& p) {
    return std::fabs(std::log(p.predicted / p.measured));
  };
  std::stable_sort(points.begin(), points.end(),
                   [&](const auto* a, const auto* b) { return badness(*a) > badness(*b); });
  points.resize(std::min(points.size(), validation.worst));
  Json rows = Json::array();
  for (const ValidationPoint* p : points) {
    rows.push_back({{"device", p->device},
                    {"what", fmt::format("{}: {}", p->kind, p->what)},
                    {"measured", fmt::format("{:.4g}", p->measured)},
                    {"predicted", fmt::format("{:.4g}", p->predicted)},
                    {"error", fmt::format("{:+.0f} %", 100 * p->error())},
                    {"explanation", explanation_of(*p)}});
  }
  return rows;
}

}  // namespace

std::string validation_page(const Validation& validation, bool plots) {
  Json data;
  data["style"] = kStyle;
  data["script"] = kSortScript;
  data["title"] = validation.title;
  data["summary"] = fmt::format("{} rows in {}, predicted from device descriptions alone.",
                                validation.points.size(), validation.unit);
  data["groups"] = Json::array();
  for (const ValidationGroup& g : groups_of(validation)) {
    data["groups"].push_back(
        {{"kind", g.kind},
         {"device", g.device},
         {"rows", fmt::format("{}", g.model.count)},
         {"median", per_cent(g.model.median)},
         {"mean", per_cent(g.model.mean)},
         {"p90", per_cent(g.model.p90)},
         {"bias", fmt::format("{:+.1f} %", 100 * g.model.bias)},
         {"roofline_median", g.roofline.count > 0 ? per_cent(g.roofline.median) : "–"},
         {"roofline_p90", g.roofline.count > 0 ? per_cent(g.roofline.p90) : "–"}});
  }
  data["plots"] = Json::array();
  if (plots) {
    for (const PlotFile& plot : validation_plots(validation).files) {
      data["plots"].push_back({{"figure", figure(plot)}});
    }
  }
  data["has_plots"] = !data["plots"].empty();
  data["worst"] = worst_of(validation);
  data["skips"] = Json::array();
  for (const ValidationSkip& s : validation.skips) {
    data["skips"].push_back(
        {{"kind", s.kind}, {"rows", fmt::format("{}", s.rows)}, {"reason", s.reason}});
  }
  data["has_skips"] = !validation.skips.empty();
  return fill(kValidationTemplate, data);
}

}  // namespace joulesim::reports
