// How far predictions for published figures are off: by device class, metric and software stack,
// and with each source left out.
//
// Checked by: tests/anchors/published.cpp.
#pragma once

#include "reports/result/validation.hpp"
#include "sim/engine/published.hpp"

#include <string>
#include <vector>

namespace joulesim::engine {

struct PublishedErrors {
  std::string by, name, group;  // "class", "phone cpu", "decode"
  reports::ErrorStatistics errors;
};

// Errors of measured rows that were predicted, by all classes together, class, stack and source.
std::vector<PublishedErrors> published_errors(const PublishedTable& table,
                                              const std::vector<PublishedPrediction>& predictions);

// A group's errors when every source's predictions are first scaled by the median ratio of the
// other sources: how far one common factor carries over. What the stacks cost stays as its parts
// say, and those were chosen with all sources in sight; this is no refit of them.
std::vector<PublishedErrors> left_out_errors(const PublishedTable& table,
                                             const std::vector<PublishedPrediction>& predictions);

// Points and skips for the report page.
reports::Validation published_validation(const PublishedTable& table,
                                         const std::vector<PublishedPrediction>& predictions);

// The table with `predicted` or `skipped` added to every row, and what was taken: `stack`,
// `bound`, `assumed`.
std::string published_json(const PublishedTable& table,
                           const std::vector<PublishedPrediction>& predictions);

struct PublishedCoverage {
  std::size_t known = 0, predicted = 0;  // measured rows with device, model and bits
};
PublishedCoverage coverage_of(const PublishedTable& table,
                              const std::vector<PublishedPrediction>& predictions);

}  // namespace joulesim::engine
