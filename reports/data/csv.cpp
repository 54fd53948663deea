#include "reports/data/tables.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <optional>

namespace joulesim::reports {
namespace {

// RFC 4180: quoted where the text needs it, quotes doubled.
std::string field(const std::string& text) {
  if (text.find_first_of(",\"\r\n") == std::string::npos) {
    return text;
  }
  std::string out = "\"";
  for (const char c : text) {
    out += c == '"' ? "\"\"" : std::string(1, c);
  }
  return out + "\"";
}

std::string field(const std::optional<double>& value) {
  return value ? fmt::format("{}", *value) : std::string();
}

std::string figures(const Metric& m) {
  return fmt::format("{},{},{},{},{},{}", field(m.name), m.value.si, field(si_unit(m.value.dim)),
                     field(m.low), field(m.high), m.assumed_share);
}

}  // namespace

std::string metrics_csv(const Result& result) {
  std::string out = "metric,value,unit,low,high,assumed_share,label\n";
  for (const std::string& name : all_metric_names(result)) {
    const Metric& m = *result.metric(name);
    out += figures(m) + "," + field(m.label) + "\n";
  }
  return out;
}

std::string comparison_csv(const std::vector<Result>& results) {
  std::string out = "scenario,metric,value,unit,low,high,assumed_share,ratio_to_first\n";
  for (const std::string& name : all_metric_names(results)) {
    const Metric* first = results.empty() ? nullptr : results.front().metric(name);
    for (const Result& r : results) {
      const Metric* m = r.metric(name);
      if (m == nullptr) {
        continue;
      }
      const bool comparable =
          first != nullptr && first->value.si != 0 && first->value.dim == m->value.dim;
      out += fmt::format("{},{},{}\n", field(r.name), figures(*m),
                         comparable ? fmt::format("{}", m->value.si / first->value.si) : "");
    }
  }
  return out;
}

}  // namespace joulesim::reports
