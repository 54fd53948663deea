#include "reports/html/report.hpp"

#include <fmt/format.h>
#include <kainjow/mustache.hpp>

#include <array>
#include <string_view>

namespace joulesim::reports {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

}  // namespace

std::string figure(const PlotFile& plot) {
  const auto start = plot.svg.find("<svg");
  std::string svg = start == std::string::npos ? std::string() : plot.svg.substr(start);
  // gnuplot's point symbols and filters have the same ids in every file.
  constexpr std::array<std::string_view, 7> kIds = {"id='gp",       "href='#gp",    "id='textbox",
                                                    "id='greybox",  "url(#textbox", "url(#greybox",
                                                    "id=\"gnuplot_"};
  for (const std::string_view id : kIds) {
    const auto cut = id.find_first_of("'(\"") + (id.find('#') == std::string_view::npos ? 1 : 2);
    replace_all(svg, std::string(id),
                fmt::format("{}{}-{}", id.substr(0, cut), plot.name, id.substr(cut)));
  }
  return fmt::format(
      "<figure class=\"plot\" id=\"plot-{}\"><figcaption>{}</figcaption>\n{}</figure>\n", plot.name,
      kainjow::mustache::html_escape<std::string>(plot.title), svg);
}

}  // namespace joulesim::reports
