// All files of a run or a comparison, each written whole or not at all.
//
// Checked by: tests/unit/reports_bundle.cpp.
#pragma once

#include "reports/plots/script.hpp"
#include "reports/result/result.hpp"

#include <string>
#include <vector>

namespace joulesim::reports {

struct BundleOptions {
  bool plots = true;  // needs gnuplot; without, the pages have tables and bars only
};

// DIR/{result.json,summary.md,metrics.csv,report.html} and DIR/plots/{*.svg,plots.gp}.
void write_run(const Result& result, const std::string& dir, const BundleOptions& options = {});

// DIR/{comparison.html,comparison.md,comparison.tex,comparison.csv} and DIR/plots. A result whose
// own page stands at DIR/NAME/report.html or DIR/../NAME/report.html is linked.
void write_comparison(const std::vector<Result>& results, const std::string& dir,
                      const BundleOptions& options = {});

// DIR/plots/{*.svg,plots.gp}. Plots of an earlier run that this one does not make are removed, so
// that the folder is one run's.
void write_plots(const PlotSet& plots, const std::string& dir);

}  // namespace joulesim::reports
