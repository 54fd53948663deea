#include "reports/html/quality.hpp"

#include "reports/html/assets.hpp"
#include "reports/html/page.hpp"

#include <fmt/format.h>

namespace joulesim::reports {

std::string quality_page(const QualityTable& table) {
  using Json = nlohmann::ordered_json;
  Json heads = Json::array();
  for (const std::string& head : quality_heads(table)) {
    heads.push_back({{"head", head}});
  }
  Json rows = Json::array();
  for (const QualityRow& row : table.rows) {
    Json cells = Json::array();
    for (const std::string& cell : quality_cells(table, row)) {
      cells.push_back({{"cell", cell}});
    }
    rows.push_back({{"cells", std::move(cells)}});
  }
  std::string note = fmt::format("{} predicted tokens of {}", table.scored, table.text);
  note += table.calibration.empty() ? "" : fmt::format("; calibrated on {}", table.calibration);
  note += table.device.empty() ? "." : fmt::format("; energy on {}.", table.device);
  return fill(kQualityTemplate, {{"style", kStyle},
                                 {"script", kSortScript},
                                 {"title", table.title},
                                 {"version", table.version},
                                 {"note", note},
                                 {"heads", std::move(heads)},
                                 {"rows", std::move(rows)}});
}

}  // namespace joulesim::reports
