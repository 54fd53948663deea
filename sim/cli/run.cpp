// run, compare and demo: scenarios in, reports out.
#include "sim/engine/run.hpp"

#include "reports/data/tables.hpp"
#include "reports/html/bundle.hpp"
#include "reports/result/files.hpp"
#include "reports/result/result_json.hpp"
#include "reports/terminal/progress.hpp"
#include "reports/terminal/summary.hpp"
#include "reports/trace/trace_files.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/trace.hpp"

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <memory>
#include <set>
#include <unistd.h>

namespace joulesim::cli {
namespace fs = std::filesystem;
namespace {

reports::TerminalOptions terminal() {
  reports::TerminalOptions options;
  options.colour = ::isatty(STDOUT_FILENO) == 1;
  return options;
}

reports::BundleOptions bundle(const RunArguments& arguments) {
  reports::BundleOptions options;
  options.plots = arguments.plots;
  return options;
}

// A scenario by file or by name.
engine::Scenario find_scenario(const engine::Library& library, const std::string& name,
                               const RunArguments& arguments) {
  std::vector<std::string> settings = arguments.settings;
  if (!arguments.fidelity.empty()) {
    settings.push_back("engine.fidelity=\"" + arguments.fidelity + "\"");
  }
  if (arguments.samples > 0) {
    settings.push_back("engine.samples=" + std::to_string(arguments.samples));
  }
  std::error_code none;
  if (fs::is_regular_file(name, none)) {
    return engine::read_scenario(name, settings, arguments.dims, &library);
  }
  const engine::LibraryEntry* entry = library.scenario(name);
  if (entry == nullptr) {
    throw InputError("found no scenario '" + name + "'; expected a file or a known name" +
                     did_you_mean(name, library.scenario_names()));
  }
  return engine::read_scenario(entry->path, settings, arguments.dims, &library);
}

// Reads and prepares everything before anything is simulated: all faults at once, nothing
// half-written.
std::vector<std::unique_ptr<engine::Prepared>> find_all(const engine::Library& library,
                                                        const std::vector<std::string>& names,
                                                        const RunArguments& arguments) {
  Diagnostics faults;
  std::vector<std::unique_ptr<engine::Prepared>> prepared;
  std::set<std::string> ids;
  for (const std::string& name : names) {
    try {
      const engine::Scenario scenario = find_scenario(library, name, arguments);
      if (!ids.insert(scenario.id).second) {
        throw InputError("two scenarios are called '" + scenario.id +
                         "'; expected names that differ, because results are stored under them");
      }
      prepared.push_back(engine::prepare(library, scenario));
    } catch (const InputError& fault) {
      faults.append(fault.diagnostics());
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  return prepared;
}

struct Runs {
  std::vector<reports::Result> results;
  std::vector<reports::Trace> traces;  // as many, or none
};

Runs simulate_all(const Common& common, const RunArguments& arguments,
                  const std::vector<std::unique_ptr<engine::Prepared>>& scenarios) {
  Runs runs;
  for (const auto& prepared : scenarios) {
    reports::ProgressBar bar(prepared->scenario.id, common.quiet);
    engine::RunOptions options;
    options.workers = arguments.jobs;
    options.cross_check = arguments.cross_check;
    options.progress = [&](std::size_t done, std::size_t all) {
      bar.update(static_cast<double>(done) / static_cast<double>(all));
    };
    const engine::Simulated simulated = engine::simulate(*prepared, options);
    runs.results.push_back(engine::compose(*prepared, simulated));
    if (arguments.trace) {
      runs.traces.push_back(engine::trace_of(*prepared, simulated, runs.results.back()));
    }
  }
  return runs;
}

void warn(const Common& common, const reports::Result& result) {
  if (common.quiet) {
    return;
  }
  for (const std::string& warning : result.warnings) {
    std::cerr << result.name << ": warning: " << warning << "\n";
  }
}

void write_runs(const RunArguments& arguments, const Runs& runs) {
  for (const reports::Result& result : runs.results) {
    reports::write_run(result, (fs::path(arguments.out) / result.name).string(), bundle(arguments));
  }
  for (const reports::Trace& trace : runs.traces) {
    const fs::path folder = fs::path(arguments.out) / trace.name;
    reports::write_atomically((folder / "trace.perfetto-trace").string(),
                              reports::perfetto_trace(trace));
    reports::write_atomically((folder / "trace.vcd").string(), reports::vcd_trace(trace));
  }
}

void print_results(const Common& common, const std::vector<reports::Result>& results) {
  if (common.json) {
    std::cout << (results.size() == 1 ? "" : "[");
    for (std::size_t i = 0; i < results.size(); ++i) {
      std::cout << (i == 0 ? "" : ",\n") << reports::to_json(results[i]);
    }
    std::cout << (results.size() == 1 ? "\n" : "]\n");
  }
}

// What `compare` is given may be stored already.
std::string stored_result(const std::string& name) {
  std::error_code none;
  if (fs::is_directory(name, none)) {
    return (fs::path(name) / "result.json").string();
  }
  return name.ends_with(".json") ? name : std::string();
}

}  // namespace

int run(const Common& common, const RunArguments& arguments) {
  const engine::Library library = engine::Library::open(common.plugins);
  const auto scenarios = find_all(library, arguments.scenarios, arguments);
  const Runs runs = simulate_all(common, arguments, scenarios);
  const std::vector<reports::Result>& results = runs.results;
  write_runs(arguments, runs);
  print_results(common, results);
  for (const reports::Result& result : results) {
    warn(common, result);
    if (!common.json) {
      std::cout << reports::terminal_summary(result, terminal()) << "\n";
    }
  }
  if (!common.json) {
    for (const reports::Result& result : results) {
      std::cout << "report: " << (fs::path(arguments.out) / result.name / "report.html").string()
                << "\n";
    }
  }
  return 0;
}

int compare(const Common& common, const RunArguments& arguments) {
  const engine::Library library = engine::Library::open(common.plugins);
  std::vector<std::string> names;
  for (const std::string& name : arguments.scenarios) {
    if (stored_result(name).empty()) {
      names.push_back(name);
    }
  }
  const auto scenarios = find_all(library, names, arguments);
  std::vector<reports::Result> stored;
  for (const std::string& name : arguments.scenarios) {
    if (const std::string path = stored_result(name); !path.empty()) {
      stored.push_back(reports::read_result(path));
    }
  }
  const Runs simulated = simulate_all(common, arguments, scenarios);
  write_runs(arguments, simulated);
  // In the order of the command line.
  std::vector<reports::Result> results;
  std::size_t next_stored = 0;
  std::size_t next_simulated = 0;
  for (const std::string& name : arguments.scenarios) {
    results.push_back(stored_result(name).empty() ? simulated.results[next_simulated++]
                                                  : stored[next_stored++]);
  }
  reports::write_comparison(results, arguments.out, bundle(arguments));
  print_results(common, results);
  for (const reports::Result& result : results) {
    warn(common, result);
  }
  if (!common.json && arguments.format != "text") {
    std::cout << (arguments.format == "latex" ? reports::comparison_latex(results)
                                              : reports::comparison_markdown(results));
  } else if (!common.json) {
    std::cout << reports::terminal_comparison(results, terminal())
              << "\nreport: " << (fs::path(arguments.out) / "comparison.html").string() << "\n";
  }
  return 0;
}

int demo(const Common& common, const RunArguments& arguments) {
  RunArguments demo = arguments;
  for (const char* name : {"mobilellm_350m_int8", "mobilellm_125m_int8", "mobilellm_125m_ls_int8",
                           "mobilellm_125m_60l_int8", "bitnet_3b_ternary", "llama_2_7b_int4",
                           "llama_2_7b_int4_flash", "search_fleet_h100"}) {
    demo.scenarios.emplace_back(name);
  }
  return compare(common, demo);
}

}  // namespace joulesim::cli
