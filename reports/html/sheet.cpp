#include "reports/html/sheet.hpp"

#include "reports/html/assets.hpp"
#include "reports/html/bundle.hpp"
#include "reports/html/page.hpp"
#include "reports/html/report.hpp"
#include "reports/result/files.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>

namespace joulesim::reports {
namespace {

using Json = nlohmann::ordered_json;

Json right_of(const std::optional<double>& number) {
  return number ? Json{{"value", fmt::format("{}", *number)}} : Json(false);
}

Json table_data(const SheetTable& table) {
  Json heads = Json::array();
  for (std::size_t i = 0; i < table.heads.size(); ++i) {
    const bool right = std::any_of(table.rows.begin(), table.rows.end(), [i](const auto& row) {
      return i < row.size() && row[i].number.has_value();
    });
    heads.push_back({{"head", table.heads[i]}, {"right", right}});
  }
  Json rows = Json::array();
  for (const auto& row : table.rows) {
    Json cells = Json::array();
    for (const SheetCell& cell : row) {
      cells.push_back({{"text", cell.text}, {"right", right_of(cell.number)}});
    }
    rows.push_back({{"cells", std::move(cells)}});
  }
  return {{"heading", table.title.empty() ? Json(false) : Json{{"text", table.title}}},
          {"heads", std::move(heads)},
          {"rows", std::move(rows)}};
}

Json texts(const std::vector<std::string>& all) {
  Json out = Json::array();
  for (const std::string& text : all) {
    out.push_back({{"text", text}});
  }
  return out;
}

}  // namespace

Json sheet_data(const Sheet& sheet, const PlotSet& plots) {
  Json cards = Json::array();
  for (const SheetCard& card : sheet.cards) {
    cards.push_back(
        {{"label", card.label}, {"number", card.number}, {"unit", card.unit}, {"note", card.note}});
  }
  Json sections = Json::array();
  for (const SheetSection& section : sheet.sections) {
    Json figures = Json::array();
    for (const std::string& name : section.plots) {
      if (const PlotFile* plot = plots.find(name); plot != nullptr) {
        figures.push_back({{"figure", figure(*plot)}});
      }
    }
    Json tables = Json::array();
    for (const SheetTable& table : section.tables) {
      tables.push_back(table_data(table));
    }
    sections.push_back({{"id", section.id},
                        {"name", section.name},
                        {"words", texts(section.words)},
                        {"plots", std::move(figures)},
                        {"tables", std::move(tables)}});
  }
  return {
      {"title", sheet.title},     {"question", sheet.question}, {"subject", sheet.subject},
      {"version", sheet.version}, {"cards", std::move(cards)},  {"warnings", texts(sheet.warnings)},
      {"style", kStyle},          {"script", kSortScript},      {"sections", std::move(sections)}};
}

std::string html_sheet(const Sheet& sheet, const PlotSet& plots) {
  return fill(kSheetTemplate, sheet_data(sheet, plots));
}

void write_sheet(const Sheet& sheet, const PlotSet& plots, const std::string& dir) {
  const std::string page = html_sheet(sheet, plots);
  write_plots(plots, dir);
  write_atomically((std::filesystem::path(dir) / "report.html").string(), page);
}

}  // namespace joulesim::reports
