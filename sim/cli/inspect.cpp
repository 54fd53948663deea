// list, show and explain: what is known, and where numbers come from.
#include "models/arch/model_file.hpp"
#include "models/import/model.hpp"
#include "reports/result/metric_names.hpp"
#include "reports/result/result_json.hpp"
#include "reports/terminal/text.hpp"
#include "sim/cli/commands.hpp"
#include "sim/cli/show_model.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/machine.hpp"
#include "sim/engine/prepare.hpp"
#include "sim/engine/scenario.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace joulesim::cli {
namespace fs = std::filesystem;
namespace {

using Json = nlohmann::ordered_json;

struct Row {
  std::string name, note, description;
};

void print_rows(const Common& common, const std::vector<Row>& rows) {
  if (common.json) {
    Json list = Json::array();
    for (const Row& row : rows) {
      list.push_back({{"name", row.name}, {"kind", row.note}, {"description", row.description}});
    }
    std::cout << list.dump(2) << "\n";
    return;
  }
  std::size_t name = 0;
  std::size_t note = 0;
  for (const Row& row : rows) {
    name = std::max(name, row.name.size());
    note = std::max(note, row.note.size());
  }
  for (const Row& row : rows) {
    std::cout << fmt::format("{:<{}}  {:<{}}  {}\n", row.name, name, row.note, note,
                             row.description);
  }
}

// The device or part file that a name or a path means, or nothing.
std::string hardware_file(const engine::Library& library, const std::string& thing) {
  if (const auto* device = library.device(thing)) {
    return device->path;
  }
  if (const auto* part = library.part(thing)) {
    return part->path;
  }
  std::error_code none;
  if (!thing.ends_with(".toml") || !fs::is_regular_file(thing, none)) {
    return "";
  }
  const ConfigFile file = ConfigFile::read(thing);
  return file.root().has("device") || file.root().has("part") ? thing : "";
}

void show_hardware(const Common& common, const engine::Library& library, const std::string& path) {
  ConfigFile file = library.read(path);
  if (file.root().has("device")) {
    const engine::Machine machine = engine::load_machine_file(library, path);
    print_figures(common, machine.title, machine.figures);
    return;
  }
  file.set_owner(fs::path(path).stem().string());
  engine::check_part(library, file);
  print_figures(common, file.root().text("title"), file.figures());
}

}  // namespace

int list(const Common& common, const std::string& what) {
  const engine::Library library = engine::Library::open(common.plugins);
  std::vector<Row> rows;
  if (what == "devices") {
    for (const auto& e : library.devices()) {
      rows.push_back({e.id, e.kind, e.title});
    }
  } else if (what == "parts" || what == "runtimes") {
    for (const auto& e : library.parts()) {
      if ((e.kind == "runtime") == (what == "runtimes")) {
        rows.push_back({e.id, e.kind, e.title});
      }
    }
  } else if (what == "models") {
    for (const auto& e : library.models()) {
      rows.push_back({e.id, "", e.title});
    }
  } else if (what == "scenarios") {
    for (const auto& e : library.scenarios()) {
      rows.push_back({e.id, "", e.title});
    }
  } else if (what == "components") {
    for (const auto& [model, kind] : library.registry().all()) {
      rows.push_back({model, kind.role, kind.description});
    }
  } else {
    for (const auto& metric : reports::metric_names()) {
      rows.push_back({metric.name, metric.unit, metric.description});
    }
  }
  print_rows(common, rows);
  return 0;
}

int show(const Common& common, const ShowArguments& arguments) {
  const engine::Library library = engine::Library::open(common.plugins);
  const std::string& thing = arguments.thing;
  const bool exported = engine::is_exported(thing);
  if (!exported && !arguments.dims.empty()) {
    throw InputError("found --dim; expected it with an exported graph (.onnx) alone");
  }
  if (const std::string hardware = hardware_file(library, thing); !hardware.empty()) {
    show_hardware(common, library, hardware);
  } else if (const auto* model = library.model(thing)) {
    const models::ModelFile file = models::read_model_file(model->path);
    show_model(common, arguments, file);
  } else if (std::error_code none; fs::exists(thing, none)) {
    if (exported) {
      show_exported(common, arguments);
    } else {
      models::ModelFile file;
      file.spec = models::load_model_spec(thing);
      show_model(common, arguments, file);
    }
  } else if (const auto* scenario = library.scenario(thing)) {
    const engine::Scenario s = engine::read_scenario(scenario->path, {});
    std::cout << s.title << "\n" << s.question << "\n\n" << s.text;
  } else {
    std::vector<std::string> names = library.device_names();
    for (const auto& more :
         {library.part_names(), library.model_names(), library.scenario_names()}) {
      names.insert(names.end(), more.begin(), more.end());
    }
    throw InputError(
        fmt::format("found nothing called '{}'; expected a device, part, model or "
                    "scenario{}",
                    thing, did_you_mean(thing, names)));
  }
  return 0;
}

int explain(const Common& common, const std::string& path, const std::string& name) {
  std::error_code none;
  const reports::Result result = reports::read_result(
      fs::is_directory(path, none) ? (fs::path(path) / "result.json").string() : path);
  const reports::Metric* metric = result.metric(name);
  if (metric == nullptr) {
    std::vector<std::string> names;
    for (const auto& m : result.metrics) {
      names.push_back(m.name);
    }
    throw InputError(
        fmt::format("'{}' has no metric '{}'{}", result.name, name, did_you_mean(name, names)));
  }
  const bool energy = name.find("energy") == 0 || name.find("power") == 0 ||
                      name.find("battery") == 0 || name.find("fleet") == 0;
  const std::string phase = name.starts_with("prefill") ? "prefill" : "decode";
  Json terms = Json::array();
  std::vector<Row> rows;
  if (energy) {
    for (const auto& row : result.energy) {
      if (row.phase == phase) {
        rows.push_back({row.component + ", " + row.cause, format(Energy(row.joules)),
                        fmt::format("{}, {:.0f} % assumed", row.spent, 100 * row.assumed_share)});
      }
    }
  } else {
    for (const auto& row : result.operators) {
      if (row.phase == phase) {
        rows.push_back({row.name, format(Time(row.seconds)), "bound by " + row.bound});
      }
    }
  }
  std::vector<Row> moving;
  Json movers = Json::array();
  const std::string of = energy ? "energy.per_token" : "decode.tokens_per_second";
  const reports::Metric* moved = result.metric(of);
  for (const auto& row : result.sensitivity) {
    if (row.metric == of && moved != nullptr && phase == "decode") {
      moving.push_back({row.input,
                        fmt::format("{} … {}", format(AnyQuantity{row.low, moved->value.dim}),
                                    format(AnyQuantity{row.high, moved->value.dim})),
                        moved->label});
      movers.push_back(
          {{"metric", of}, {"input", row.input}, {"low", row.low}, {"high", row.high}});
    }
  }
  if (common.json) {
    for (const Row& row : rows) {
      terms.push_back({{"term", row.name}, {"value", row.note}, {"note", row.description}});
    }
    Json assumptions = Json::array();
    for (const auto& a : result.assumptions) {
      assumptions.push_back({{"owner", a.owner},
                             {"key", a.key},
                             {"value", a.value},
                             {"low", a.low},
                             {"high", a.high},
                             {"reason", a.reason}});
    }
    std::cout << Json{{"metric", name},
                      {"value", metric->value.si},
                      {"unit", si_unit(metric->value.dim)},
                      {"mechanism", metric->mechanism},
                      {"assumed_share", metric->assumed_share},
                      {"terms", terms},
                      {"sensitivity", movers},
                      {"assumptions", assumptions}}
                     .dump(2)
              << "\n";
    return 0;
  }
  std::cout << fmt::format("{} = {}", metric->label, format(metric->value));
  if (metric->low) {
    std::cout << fmt::format(" [{} … {}]", format(AnyQuantity{*metric->low, metric->value.dim}),
                             format(AnyQuantity{*metric->high, metric->value.dim}));
  }
  std::cout << fmt::format("\n{}\n{:.0f} % rests on assumed figures\n\n", metric->mechanism,
                           100 * metric->assumed_share);
  print_rows(common, rows);
  if (!moving.empty()) {
    std::cout << "\nwhat moves it, one input at a time over its range\n";
    print_rows(common, moving);
  }
  std::cout << "\nassumed figures\n";
  for (const auto& a : result.assumptions) {
    std::cout << fmt::format("  {} {} = {}{}: {}\n", a.owner, a.key, a.value,
                             a.low.empty() ? "" : fmt::format(" [{} … {}]", a.low, a.high),
                             a.reason);
  }
  return 0;
}

}  // namespace joulesim::cli
