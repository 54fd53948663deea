// validate measured: predictions beside a folder of measured kernels.
#include "reports/html/validation_page.hpp"
#include "reports/result/files.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/measured.hpp"
#include "sim/engine/measured_serving.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <array>
#include <filesystem>
#include <iostream>

namespace joulesim::cli {
namespace fs = std::filesystem;
namespace {

constexpr std::array kKinds = {"gemm", "attention_prefill", "attention_decode", "elementwise_norm",
                               "moe",  "allreduce",         "e2e_serving"};

nlohmann::ordered_json json_of(const reports::ErrorStatistics& s) {
  return {{"median", s.median}, {"mean", s.mean}, {"p90", s.p90}, {"bias", s.bias}};
}

void print_table(const std::vector<reports::ValidationGroup>& groups) {
  std::cout << fmt::format("{:<23} {:<20} {:>6}  {:>7} {:>7} {:>7} {:>7}   {}\n", "kind", "device",
                           "rows", "median", "mean", "P90", "bias", "roofline: median, P90");
  for (const reports::ValidationGroup& g : groups) {
    const std::string roofline =
        g.roofline.count > 0
            ? fmt::format("{:.1f}%, {:.1f}%", 100 * g.roofline.median, 100 * g.roofline.p90)
            : std::string("–");
    std::cout << fmt::format("{:<23} {:<20} {:>6}  {:>6.1f}% {:>6.1f}% {:>6.1f}% {:>+6.1f}%   {}\n",
                             g.kind, g.device, g.model.count, 100 * g.model.median,
                             100 * g.model.mean, 100 * g.model.p90, 100 * g.model.bias, roofline);
  }
}

}  // namespace

int validate_measured(const Common& common, const ValidateArguments& arguments) {
  const engine::Library library = engine::Library::open(common.plugins);
  engine::MeasuredSetting setting(library);
  std::vector<engine::MeasuredTable> tables;
  Diagnostics faults;
  if (arguments.data.empty()) {
    throw InputError(
        "validate measured: found no --data; expected a folder with gemm.csv and the like");
  }
  for (const char* kind : kKinds) {
    const fs::path path = fs::path(arguments.data) / fmt::format("{}.csv", kind);
    if (!fs::exists(path)) {
      continue;
    }
    try {
      tables.push_back(engine::read_measured(path.string(), kind));
    } catch (const InputError& fault) {
      faults.append(fault.diagnostics());
    }
  }
  if (tables.empty() && faults.ok()) {
    faults.error(arguments.data, fmt::format("found none of {}.csv", fmt::join(kKinds, ".csv, ")));
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  reports::Validation validation;
  validation.title = "Predicted against measured kernels";
  validation.unit = "us";
  for (const engine::LoadedPlugin& plugin : library.plugins()) {
    validation.plugins.push_back(engine::shown(plugin));
  }
  const fs::path out(arguments.out.empty() ? "out/validate" : arguments.out);
  for (const engine::MeasuredTable& table : tables) {
    if (table.kind == "e2e_serving") {
      const auto runs = engine::predict_serving(library, setting, table);
      reports::write_atomically((out / "predictions_e2e_serving.csv").string(),
                                engine::serving_csv(table, runs));
      engine::add_serving_errors(table, runs, validation);
      continue;
    }
    const auto predictions = engine::predict(setting, table);
    reports::write_atomically((out / fmt::format("predictions_{}.csv", table.kind)).string(),
                              engine::predictions_csv(table, predictions));
    engine::add_errors(table, predictions, validation);
  }
  reports::write_atomically((out / "report.html").string(), reports::validation_page(validation));
  const auto groups = reports::groups_of(validation);
  if (common.json) {
    nlohmann::ordered_json result{{"rows", validation.points.size()}};
    auto& list = result["groups"] = nlohmann::ordered_json::array();
    for (const reports::ValidationGroup& g : groups) {
      list.push_back({{"kind", g.kind},
                      {"device", g.device},
                      {"rows", g.model.count},
                      {"model", json_of(g.model)},
                      {"roofline", g.roofline.count > 0 ? json_of(g.roofline)
                                                        : nlohmann::ordered_json(nullptr)}});
    }
    auto& skips = result["skipped"] = nlohmann::ordered_json::array();
    for (const reports::ValidationSkip& s : validation.skips) {
      skips.push_back({{"kind", s.kind}, {"reason", s.reason}, {"rows", s.rows}});
    }
    if (!validation.plugins.empty()) {
      result["plugins"] = validation.plugins;
    }
    std::cout << result.dump(2) << "\n";
    return 0;
  }
  print_table(groups);
  for (const std::string& plugin : validation.plugins) {
    std::cout << "plug-in " << plugin << "\n";
  }
  for (const reports::ValidationSkip& s : validation.skips) {
    std::cout << fmt::format("skipped {} of {}: {}\n", s.rows, s.kind, s.reason);
  }
  return 0;
}

}  // namespace joulesim::cli
