#include "reports/html/bundle.hpp"

#include "reports/data/tables.hpp"
#include "reports/html/report.hpp"
#include "reports/plots/plots.hpp"
#include "reports/result/files.hpp"
#include "reports/result/result_json.hpp"
#include "sim/base/diagnostics.hpp"

#include <filesystem>
#include <set>

namespace joulesim::reports {
namespace fs = std::filesystem;

void write_plots(const PlotSet& plots, const std::string& dir) {
  const fs::path folder = fs::path(dir) / "plots";
  std::set<std::string> kept;
  for (const PlotFile& plot : plots.files) {
    kept.insert(plot.name + ".svg");
    write_atomically((folder / (plot.name + ".svg")).string(), plot.svg);
  }
  if (!plots.files.empty()) {
    kept.insert("plots.gp");
    write_atomically((folder / "plots.gp").string(), plots.script);
  }
  std::error_code error;
  std::vector<fs::path> stale;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    const bool ours = entry.path().extension() == ".svg" || entry.path().filename() == "plots.gp";
    if (ours && !kept.contains(entry.path().filename().string())) {
      stale.push_back(entry.path());
    }
  }
  for (const fs::path& path : stale) {
    remove_stale(path.string());
  }
}

void write_run(const Result& result, const std::string& dir, const BundleOptions& options) {
  const fs::path folder(dir);
  // Everything is made before anything is written: a fault leaves the folder as it was.
  const std::string json = to_json(result);
  const PlotSet plots = options.plots ? draw_result(result) : PlotSet{};
  const std::string page = html_report(result, plots);
  write_plots(plots, folder.string());
  write_atomically((folder / "metrics.csv").string(), metrics_csv(result));
  write_atomically((folder / "summary.md").string(), summary_markdown(result));
  write_atomically((folder / "report.html").string(), page);
  write_atomically((folder / "result.json").string(), json);
}

void write_comparison(const std::vector<Result>& results, const std::string& dir,
                      const BundleOptions& options) {
  if (results.empty()) {
    throw InputError("found no result to compare; expected at least one");
  }
  // Resolved before the folder is made, so that ".." means what it will mean.
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(fs::absolute(dir), error);
  const Link link = [&](const Result& r) {
    for (const fs::path& beside : {fs::path(r.name), fs::path("..") / r.name}) {
      const fs::path page = beside / "report.html";
      if (!r.name.empty() && fs::exists((folder / page).lexically_normal(), error)) {
        return page.generic_string();
      }
    }
    return std::string();
  };
  const PlotSet plots = options.plots ? draw_comparison(results) : PlotSet{};
  const std::string page = html_comparison(results, plots, link);
  write_plots(plots, folder.string());
  write_atomically((folder / "comparison.csv").string(), comparison_csv(results));
  write_atomically((folder / "comparison.md").string(), comparison_markdown(results));
  write_atomically((folder / "comparison.tex").string(), comparison_latex(results));
  write_atomically((folder / "comparison.html").string(), page);
}

}  // namespace joulesim::reports
