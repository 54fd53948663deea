// A page of sections, each with words, plots and tables: what a command that is no scenario run
// shows.
//
// Checked by: tests/unit/reports_html.cpp.
#pragma once

#include "reports/plots/script.hpp"

#include <nlohmann/json_fwd.hpp>

#include <optional>
#include <string>
#include <vector>

namespace joulesim::reports {

struct SheetCell {
  std::string text;
  std::optional<double> number;  // what the column is sorted by; such a cell stands to the right
};

struct SheetTable {
  std::string title;  // empty for none
  std::vector<std::string> heads;
  std::vector<std::vector<SheetCell>> rows;  // each as long as `heads`
};

struct SheetSection {
  std::string id, name;
  std::vector<std::string> words;  // paragraphs
  std::vector<std::string> plots;  // names in the plot set; those that it lacks are left out
  std::vector<SheetTable> tables;
};

struct SheetCard {
  std::string label, number, unit, note;
};

struct Sheet {
  std::string title, question, subject, version;
  std::vector<SheetCard> cards;
  std::vector<std::string> warnings;
  std::vector<SheetSection> sections;
};

std::string html_sheet(const Sheet& sheet, const PlotSet& plots);
nlohmann::ordered_json sheet_data(const Sheet& sheet, const PlotSet& plots);

// DIR/report.html and DIR/plots.
void write_sheet(const Sheet& sheet, const PlotSet& plots, const std::string& dir);

}  // namespace joulesim::reports
