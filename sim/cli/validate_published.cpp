// validate published: predictions beside a list of published end-to-end figures.
#include "reports/html/validation_page.hpp"
#include "reports/result/files.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/published_report.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <filesystem>
#include <iostream>

namespace joulesim::cli {
namespace fs = std::filesystem;
namespace {

nlohmann::ordered_json json_of(const engine::PublishedErrors& e) {
  return {{"by", e.by},
          {"name", e.name},
          {"group", e.group},
          {"rows", e.errors.count},
          {"median", e.errors.median},
          {"mean", e.errors.mean},
          {"p90", e.errors.p90},
          {"bias", e.errors.bias}};
}

}  // namespace

int validate_published(const Common& common, const ValidateArguments& arguments) {
  if (arguments.data.empty()) {
    throw InputError("validate published: found no --data; expected a JSON list of figures");
  }
  const engine::PublishedTable table = engine::read_published(arguments.data);
  const engine::Library library = engine::Library::open(common.plugins);
  const auto predictions = engine::predict_published(library, table.rows);
  const fs::path out(arguments.out.empty() ? "out/published" : arguments.out);
  reports::write_atomically((out / "predictions_published.json").string(),
                            engine::published_json(table, predictions));
  reports::Validation validation = engine::published_validation(table, predictions);
  for (const engine::LoadedPlugin& plugin : library.plugins()) {
    validation.plugins.push_back(engine::shown(plugin));
  }
  reports::write_atomically((out / "report.html").string(), reports::validation_page(validation));
  auto errors = engine::published_errors(table, predictions);
  const auto left_out = engine::left_out_errors(table, predictions);
  errors.insert(errors.end(), left_out.begin(), left_out.end());
  const engine::PublishedCoverage coverage = engine::coverage_of(table, predictions);
  if (common.json) {
    nlohmann::ordered_json result{{"rows", table.rows.size()},
                                  {"known", coverage.known},
                                  {"known_predicted", coverage.predicted},
                                  {"compared", validation.points.size()}};
    auto& list = result["errors"] = nlohmann::ordered_json::array();
    for (const engine::PublishedErrors& e : errors) {
      list.push_back(json_of(e));
    }
    auto& skips = result["skipped"] = nlohmann::ordered_json::array();
    for (const reports::ValidationSkip& s : validation.skips) {
      skips.push_back({{"metric", s.kind}, {"reason", s.reason}, {"rows", s.rows}});
    }
    if (!validation.plugins.empty()) {
      result["plugins"] = validation.plugins;
    }
    std::cout << result.dump(2) << "\n";
    return 0;
  }
  std::cout << fmt::format("{:<9} {:<58} {:<11} {:>5}  {:>7} {:>7} {:>7} {:>7}\n", "by", "",
                           "group", "rows", "median", "mean", "P90", "bias");
  for (const engine::PublishedErrors& e : errors) {
    std::cout << fmt::format(
        "{:<9} {:<58} {:<11} {:>5}  {:>6.1f}% {:>6.1f}% {:>6.1f}% {:>+6.1f}%\n", e.by,
        e.name.substr(0, 58), e.group, e.errors.count, 100 * e.errors.median, 100 * e.errors.mean,
        100 * e.errors.p90, 100 * e.errors.bias);
  }
  for (const std::string& plugin : validation.plugins) {
    std::cout << "plug-in " << plugin << "\n";
  }
  for (const reports::ValidationSkip& s : validation.skips) {
    std::cout << fmt::format("skipped {} of {}: {}\n", s.rows, s.kind, s.reason);
  }
  std::cout << fmt::format("{} of {} measured rows with device, model and bits are predicted\n",
                           coverage.predicted, coverage.known);
  return 0;
}

}  // namespace joulesim::cli
