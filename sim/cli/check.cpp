// check: all faults of files of any kind, and for a device what its figures come to.
#include "models/arch/model_file.hpp"
#include "models/import/model.hpp"
#include "models/kernels/onnx_session.hpp"
#include "reports/terminal/text.hpp"
#include "sim/cli/commands.hpp"
#include "sim/engine/library.hpp"
#include "sim/engine/machine.hpp"
#include "sim/engine/prepare.hpp"
#include "sim/engine/scenario.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

namespace joulesim::cli {
namespace {

// What the figures of a device come to, to be held against its data sheet.
std::string digest(const engine::Machine& machine) {
  std::string text =
      fmt::format("{}: {}\n  memory  {} at {}, {} channels of {}\n", machine.id, machine.title,
                  format(machine.capacity.value), format(machine.peak_bandwidth()),
                  machine.channels, machine.dram.name);
  for (const engine::MachineUnit& unit : machine.units) {
    std::vector<std::string> peaks;
    for (const hw::DataType type : unit.unit->types()) {
      if (const auto peak = unit.unit->peak(type)) {
        peaks.push_back(fmt::format("{} in {}", format(*peak), hw::name_of(type)));
      }
    }
    text +=
        fmt::format("  {:<6}  {}\n", unit.name,
                    peaks.empty() ? unit.unit->title() : fmt::format("{}", fmt::join(peaks, ", ")));
  }
  const auto assumed =
      std::count_if(machine.figures.begin(), machine.figures.end(),
                    [](const Figure& figure) { return figure.source && figure.source->assumed(); });
  text += fmt::format("  {} of {} figures are assumed; `joulesim show` lists them\n", assumed,
                      machine.figures.size());
  return reports::printable(text);
}

// What is found in files that have no fault.
struct Found {
  Diagnostics warnings;
  std::string digests;
};

void check_device(const engine::Library& library, const std::string& path, Found& found) {
  const engine::Machine machine = engine::load_machine_file(library, path);
  found.warnings.append(machine.warnings);
  found.digests += digest(machine);
}

// Checks one file by what it says it is.
void check_file(const engine::Library& library, const std::string& path, Found& found) {
  if (path.ends_with(".onnx")) {
    const models::onnx::Model model = models::onnx::load_model(path);
    (void)models::onnx::Session(model);
    return;
  }
  if (path.ends_with(".gguf")) {
    (void)models::load_model(path);
    return;
  }
  ConfigFile file = library.read(path);
  const ConfigNode root = file.root();
  if (root.has("scenario")) {
    // Everything is resolved and placed: a scenario that cannot run is wrong.
    (void)engine::prepare(library, engine::read_scenario(path, {}, {}, &library));
  } else if (root.has("device")) {
    check_device(library, path, found);
  } else if (root.has("part")) {
    file.set_owner(std::filesystem::path(path).stem().string());
    engine::check_part(library, file);
    found.warnings.append(file.diagnostics());
  } else if (root.has("layers") || root.has("model") || root.has("shape")) {
    (void)models::read_model_file(path);
  } else {
    root.error("",
               "found neither 'scenario', 'device', 'part' nor 'model' at the top of the file; "
               "expected one of them");
    throw InputError(file.diagnostics());
  }
}

}  // namespace

int check(const Common& common, const std::vector<std::string>& files) {
  const engine::Library library = engine::Library::open(common.plugins);
  Diagnostics faults;
  Found found;
  for (const std::string& file : files) {
    try {
      check_file(library, file, found);
    } catch (const InputError& fault) {
      faults.append(fault.diagnostics());
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  if (!common.quiet) {
    std::cerr << found.warnings.render();
    if (files.size() == 1) {
      std::cout << found.digests;
    }
    std::cout << fmt::format("{} file{}: no fault\n", files.size(), files.size() == 1 ? "" : "s");
  }
  return 0;
}

}  // namespace joulesim::cli
