// Text in terminal columns: width of UTF-8, wrapping, aligned tables, small bars.
//
// Checked by: tests/unit/reports_table.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::reports {

// Columns that a terminal gives the text: wide characters take two, combining marks none.
std::size_t columns(std::string_view utf8);

// The text without control characters, so that a file's text cannot steer the terminal.
std::string printable(std::string_view text);

// At most `most` columns, with "…" for what is cut.
std::string shortened(std::string_view text, std::size_t most);

// Breaks at spaces; every line starts with `indent` spaces.
std::string wrap(std::string_view text, std::size_t width, std::size_t indent);

// A bar of eighths of a column, `share` (0 to 1) of `width` columns long.
std::string bar(double share, std::size_t width);

enum class Align { left, right };

class Table {
 public:
  explicit Table(std::vector<Align> alignment) : alignment_(std::move(alignment)) {}

  void header(std::vector<std::string> cells);
  void row(std::vector<std::string> cells);

  // Two spaces between columns, no trailing spaces. The header is wrapped in `emphasis` and the
  // matching end when that is not empty.
  [[nodiscard]] std::string render(std::size_t indent, const std::string& emphasis = {}) const;

 private:
  std::vector<Align> alignment_;
  std::vector<std::vector<std::string>> rows_;
  bool has_header_ = false;
};

}  // namespace joulesim::reports
