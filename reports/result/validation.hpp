// Predictions beside measurements: what a validation report shows.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace joulesim::reports {

struct ValidationPoint {
  std::string device, kind, what;                    // "gemm", "m 16, n 4096, k 512, fp16"
  double measured = 0, predicted = 0, roofline = 0;  // of the table's unit; nought: there is none
  std::string bound, mapping, runtime;
  [[nodiscard]] double error() const { return predicted / measured - 1; }
};

// Absolute relative errors of a group of points.
struct ErrorStatistics {
  std::size_t count = 0;
  double median = 0, mean = 0, p90 = 0, bias = 0;
};

struct ValidationGroup {
  std::string device, kind;
  ErrorStatistics model, roofline;  // the latter of the points that have one
};

struct ValidationSkip {
  std::string kind, reason;
  std::size_t rows = 0;
};

struct Validation {
  std::string title, unit;
  std::size_t worst = 10;  // rows that a report explains
  std::vector<ValidationPoint> points;
  std::vector<ValidationSkip> skips;
  std::vector<std::string> plugins;  // that brought kinds of components, as reports name them
};

ErrorStatistics statistics_of(std::vector<double> errors);
// Every device and kind that has points, and all devices of a kind together ("all").
std::vector<ValidationGroup> groups_of(const Validation& validation);

}  // namespace joulesim::reports
