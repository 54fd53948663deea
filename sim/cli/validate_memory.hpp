// What `validate memory` found, for the terminal, for JSON and for the page.
#pragma once

#include "hw/dram/loaded_latency.hpp"
#include "sim/cli/memory_laws.hpp"
#include "sim/cli/memory_reference.hpp"

#include <string>
#include <vector>

namespace joulesim::cli {

struct ReferenceCheck {
  ReferenceRow row;
  ReferenceAnswer answer;
  ReferenceVerdict verdict;
};

// Latency against load of one part.
struct LoadCurve {
  std::string part;
  Bandwidth peak;
  std::vector<hw::LoadPoint> stream, random;
};

struct MemoryValidation {
  std::vector<LawRow> laws;
  std::vector<ReferenceCheck> references;
  std::vector<std::string> skipped;
  std::vector<LoadCurve> curves;  // when a report is wanted
};

// Size of deviations over the rows that have one, in per cent.
struct ErrorStatistics {
  std::size_t rows = 0;
  double mean = 0, worst = 0;  // of the absolute values
  void add(double percent);
};

std::string deviation(const std::optional<double>& percent);

// DIR/report.html, DIR/plots and DIR/memory_rows.csv.
void write_validation(const MemoryValidation& found, const std::string& dir);

}  // namespace joulesim::cli
