#include "reports/html/assets.hpp"
#include "reports/html/page.hpp"
#include "reports/html/report.hpp"
#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

namespace joulesim::reports {
namespace {

using Json = nlohmann::ordered_json;

Json scenario(const Result& r, const Link& link) {
  const std::string address = link ? link(r) : std::string();
  const std::string deviation = deviation_sentence(r);
  return {{"name", r.name},
          {"title", r.title.empty() ? r.name : r.title},
          {"question", r.question},
          {"subject", subject(r)},
          {"link", address.empty() ? Json(false) : Json{{"href", address}}},
          {"bottleneck", r.bottleneck.sentence},
          {"level", r.fidelity.level},
          {"deviation", deviation.empty() ? "" : "Measured deviation: " + deviation + "."}};
}

Json metric_row(const std::vector<Result>& results, const std::string& name) {
  Json cells = Json::array();
  std::string label;
  const Metric* first = results.front().metric(name);
  for (std::size_t i = 0; i < results.size(); ++i) {
    const Metric* m = results[i].metric(name);
    label = label.empty() && m != nullptr ? m->label : label;
    cells.push_back(
        {{"text", m == nullptr ? "–" : show_value(*m) + accuracy_mark(results[i], name)},
         {"ratio", i == 0 ? std::string() : ratio_text(first, m)},
         {"raw", m == nullptr ? Json(false) : Json{{"value", fmt::format("{}", m->value.si)}}}});
  }
  return {{"name", name}, {"label", label}, {"cells", std::move(cells)}};
}

Json headline_table(const std::vector<Result>& results, const HeadlineGroup& group,
                    const Link& link) {
  Json heads = Json::array();
  for (const HeadlineColumn& column : group.columns) {
    heads.push_back({{"head", column.head}, {"name", column.name}});
  }
  Json rows = Json::array();
  const Result& first = results[group.results.front()];
  for (const std::size_t i : group.results) {
    Json cells = Json::array();
    for (const HeadlineColumn& column : group.columns) {
      const Metric* m = results[i].metric(column.name);
      cells.push_back(
          {{"text", m == nullptr ? "–" : show_value(*m) + accuracy_mark(results[i], column.name)},
           {"ratio",
            &results[i] == &first ? std::string() : ratio_text(first.metric(column.name), m)},
           {"raw", m == nullptr ? Json(false) : Json{{"value", fmt::format("{}", m->value.si)}}}});
    }
    const std::string address = link ? link(results[i]) : std::string();
    rows.push_back({{"title", results[i].title.empty() ? results[i].name : results[i].title},
                    {"link", address.empty() ? Json(false) : Json{{"href", address}}},
                    {"cells", std::move(cells)}});
  }
  return {{"group", group.title},
          {"heads", std::move(heads)},
          {"rows", std::move(rows)},
          {"note", group.note.empty() ? "" : " " + group.note}};
}

}  // namespace

Json comparison_data(const std::vector<Result>& results, const PlotSet& plots, const Link& link) {
  Json data;
  data["style"] = kStyle;
  data["script"] = kSortScript;
  data["title"] = fmt::format("{} scenarios compared", results.size());
  data["first"] = results.front().name;
  data["version"] = results.front().version;
  data["scenarios"] = Json::array();
  for (const Result& r : results) {
    data["scenarios"].push_back(scenario(r, link));
  }
  data["groups"] = Json::array();
  for (const HeadlineGroup& group : headline_groups(results)) {
    data["groups"].push_back(headline_table(results, group, link));
  }
  std::string mark_note;
  for (const Result& r : results) {
    for (const Metric& m : r.metrics) {
      mark_note = accuracy_mark(r, m.name).empty() ? mark_note : accuracy_note();
    }
  }
  data["mark_note"] =
      shared_benchmarks(results).empty() || mark_note.empty() ? "" : " " + mark_note;
  data["metrics"] = Json::array();
  for (const std::string& name : compared_metrics(results)) {
    data["metrics"].push_back(metric_row(results, name));
  }
  data["plots"] = Json::array();
  for (const PlotFile& plot : plots.files) {
    data["plots"].push_back({{"figure", figure(plot)}});
  }
  data["has_plots"] = !plots.files.empty();
  return data;
}

std::string html_comparison(const std::vector<Result>& results, const PlotSet& plots,
                            const Link& link) {
  return fill(kComparisonTemplate, comparison_data(results, plots, link));
}

}  // namespace joulesim::reports
