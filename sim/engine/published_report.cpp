#include "sim/engine/published_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <map>
#include <tuple>

namespace joulesim::engine {
namespace {

bool compares(const PublishedTable& table, const std::vector<PublishedPrediction>& predictions,
              std::size_t i) {
  return predictions[i].skipped.empty() && table.rows[i].kind == "measured" && table.values[i] > 0;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

}  // namespace

std::vector<PublishedErrors> published_errors(const PublishedTable& table,
                                              const std::vector<PublishedPrediction>& predictions) {
  std::map<std::tuple<int, std::string, std::string, std::string>, std::vector<double>> errors;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    if (!compares(table, predictions, i)) {
      continue;
    }
    const PublishedPrediction& p = predictions[i];
    const double error = p.value / table.values[i] - 1;
    errors[{0, "all", "all", p.group}].push_back(error);
    errors[{1, "class", p.device_class, p.group}].push_back(error);
    errors[{2, "stack", p.stack.empty() ? "none" : p.stack, p.group}].push_back(error);
    errors[{3, "source", table.rows[i].source, p.group}].push_back(error);
  }
  std::vector<PublishedErrors> result;
  for (auto& [key, values] : errors) {
    result.push_back({std::get<1>(key), std::get<2>(key), std::get<3>(key),
                      reports::statistics_of(std::move(values))});
  }
  return result;
}

std::vector<PublishedErrors> left_out_errors(const PublishedTable& table,
                                             const std::vector<PublishedPrediction>& predictions) {
  std::map<std::string, std::map<std::string, std::vector<double>>> ratios;  // group, source
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    if (compares(table, predictions, i)) {
      ratios[predictions[i].group][table.rows[i].source].push_back(
          std::log(predictions[i].value / table.values[i]));
    }
  }
  std::vector<PublishedErrors> result;
  for (const auto& [group, sources] : ratios) {
    if (sources.size() < 2) {
      continue;
    }
    std::vector<double> errors;
    for (const auto& [left_out, own] : sources) {
      std::vector<double> others;
      for (const auto& [source, values] : sources) {
        if (source != left_out) {
          others.insert(others.end(), values.begin(), values.end());
        }
      }
      const double shift = median(std::move(others));
      for (const double ratio : own) {
        errors.push_back(std::exp(ratio - shift) - 1);
      }
    }
    result.push_back({"left out", "every source, by one factor of the others", group,
                      reports::statistics_of(std::move(errors))});
  }
  return result;
}

reports::Validation published_validation(const PublishedTable& table,
                                         const std::vector<PublishedPrediction>& predictions) {
  reports::Validation validation;
  validation.title = "Predicted against published end-to-end figures";
  validation.unit = "the rows' own units";
  validation.worst = 20;
  std::map<std::pair<std::string, std::string>, std::size_t> skips;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const PublishedPrediction& p = predictions[i];
    const PublishedRow& row = table.rows[i];
    if (!p.skipped.empty()) {
      ++skips[{row.metric, p.skipped}];
      continue;
    }
    if (!compares(table, predictions, i)) {
      continue;
    }
    reports::ValidationPoint point;
    point.device = p.device_class;
    point.kind = p.group;
    point.what =
        fmt::format("{} on {}{}, {}, {}: {}, batch {:g}, prompt {}, answer {} ({})",
                    row.model_id.value_or(row.model), row.device_id.value_or(row.device),
                    row.devices > 1 ? fmt::format(" x {}", row.devices) : "", row.precision,
                    row.runtime.empty() ? "no stack named" : row.runtime, row.metric, row.batch,
                    row.prompt < 0 ? "not said" : fmt::format("{}", row.prompt),
                    row.answer < 0 ? "not said" : fmt::format("{}", row.answer), row.source);
    point.measured = table.values[i];
    point.predicted = p.value;
    point.roofline = p.naive;
    point.bound = p.bound.empty() ? "bytes" : p.bound;
    point.mapping =
        p.assumptions.empty()
            ? p.mapping
            : fmt::format("{}{}taken: {}", p.mapping, p.mapping.empty() ? "" : "; ", p.assumptions);
    point.runtime = p.stack.empty() ? "none" : p.stack;
    validation.points.push_back(std::move(point));
  }
  for (const auto& [key, rows] : skips) {
    validation.skips.push_back({key.first, key.second, rows});
  }
  return validation;
}

std::string published_json(const PublishedTable& table,
                           const std::vector<PublishedPrediction>& predictions) {
  nlohmann::ordered_json list = nlohmann::ordered_json::parse(table.text);
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const PublishedPrediction& p = predictions[i];
    nlohmann::ordered_json& row = list[i];
    if (!p.skipped.empty()) {
      row["skipped"] = p.skipped;
      continue;
    }
    row["predicted"] = p.value;
    row["stack"] = p.stack;
    row["bound"] = p.bound;
    if (!p.assumptions.empty()) {
      row["assumed"] = p.assumptions;
    }
  }
  return list.dump(1) + "\n";
}

PublishedCoverage coverage_of(const PublishedTable& table,
                              const std::vector<PublishedPrediction>& predictions) {
  PublishedCoverage coverage;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const PublishedRow& row = table.rows[i];
    if (row.kind == "measured" && row.device_id && row.model_id && row.weight_bits) {
      ++coverage.known;
      coverage.predicted += predictions[i].skipped.empty() ? 1 : 0;
    }
  }
  return coverage;
}

}  // namespace joulesim::engine
