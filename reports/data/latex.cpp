#include "reports/data/tables.hpp"
#include "reports/result/display.hpp"
#include "reports/result/view.hpp"

#include <fmt/format.h>

#include <array>
#include <string_view>
#include <utility>

namespace joulesim::reports {
namespace {

// What TeX would take for a command, and signs that text fonts lack.
constexpr std::array<std::pair<std::string_view, std::string_view>, 26> kSpelled = {{
    {"\\", "\\textbackslash{}"},
    {"{", "\\{"},
    {"}", "\\}"},
    {"$", "\\$"},
    {"&", "\\&"},
    {"#", "\\#"},
    {"%", "\\%"},
    {"_", "\\_"},
    {"^", "\\textasciicircum{}"},
    {"~", "\\textasciitilde{}"},
    {"<", "\\textless{}"},
    {">", "\\textgreater{}"},
    {"|", "\\textbar{}"},
    {"×", "$\\times$"},
    {"÷", "$\\div$"},
    {"–", "--"},
    {"—", "---"},
    {"…", "\\ldots{}"},
    {"†", "$\\dagger$"},
    {"µ", "$\\mu$"},
    {"μ", "$\\mu$"},
    {"≤", "$\\leq$"},
    {"≥", "$\\geq$"},
    {"\u00a0", "~"},    // no-break space
    {"\u202f", "\\,"},  // narrow no-break space
    {"\u2009", "\\,"},  // thin space
}};

std::string tex(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    bool found = false;
    for (const auto& [sign, spelled] : kSpelled) {
      if (text.starts_with(sign)) {
        out += spelled;
        text.remove_prefix(sign.size());
        found = true;
        break;
      }
    }
    if (!found) {
      const auto c = static_cast<unsigned char>(text.front());
      // Control characters would end a line, or the file.
      out += c < ' ' || c == 0x7f ? ' ' : text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

}  // namespace

std::string comparison_latex(const std::vector<Result>& results) {
  std::string out = "% Needs \\usepackage{booktabs}; ratios are to the first column.\n";
  out += fmt::format("\\begin{{tabular}}{{l{}}}\n\\toprule\n", std::string(results.size(), 'r'));
  for (const Result& r : results) {
    out += " & " + tex(r.name);
  }
  out += " \\\\\n\\midrule\n";
  for (const std::string& name : compared_metrics(results)) {
    std::string label;
    std::string cells;
    for (const Result& r : results) {
      const Metric* m = r.metric(name);
      const std::string ratio =
          &r == &results.front() ? std::string() : ratio_text(results.front().metric(name), m);
      label = label.empty() && m != nullptr ? tex(m->label) : label;
      cells += " & " + (m == nullptr ? "--" : tex(show_value(*m) + accuracy_mark(r, name)));
      cells += ratio.empty() ? "" : " (" + tex(ratio) + ")";
    }
    out += label + cells + " \\\\\n";
  }
  return out + "\\bottomrule\n\\end{tabular}\n";
}

}  // namespace joulesim::reports
