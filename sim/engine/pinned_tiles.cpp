#include "sim/engine/pinned_tiles.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

namespace joulesim::engine {

mapping::StepPlan at_place(const Scenario& scenario,
                           const std::function<mapping::StepPlan()>& plan) {
  if (scenario.tiles.empty()) {
    return plan();
  }
  try {
    return plan();
  } catch (const InputError& fault) {
    Diagnostics diagnostics;
    for (const Diagnostic& diagnostic : fault.diagnostics().all()) {
      diagnostics.error(
          diagnostic.region.file != nullptr ? diagnostic.region : scenario.tiles_place,
          diagnostic.message);
    }
    throw InputError(std::move(diagnostics));
  }
}

hw::RuntimeSpec with_pins(const Scenario& scenario, const hw::RuntimeSpec& runtime, bool prefill) {
  hw::RuntimeSpec out = runtime;
  out.pins.clear();
  for (const PinnedTile& pinned : scenario.tiles) {
    if (prefill ? pinned.prefill : pinned.decode) {
      out.pins.push_back(pinned.tile);
    }
  }
  return out;
}

void check_pins(const Prepared& prepared) {
  Diagnostics faults;
  for (const PinnedTile& pinned : prepared.scenario.tiles) {
    const hw::TilePin& pin = pinned.tile;
    std::vector<std::string> products;
    bool found = false;
    bool taken = false;
    for (const mapping::StepPlan* plan : {&prepared.prefill.plan, &prepared.decode.back().plan}) {
      for (const hw::TileProgram& program : plan->programs) {
        const hw::Work& work = plan->works[program.work];
        if (work.kind != hw::WorkKind::matmul) {
          continue;
        }
        if (std::find(products.begin(), products.end(), work.label) == products.end()) {
          products.push_back(work.label);
        }
        found = found || work.label == pin.label;
        taken = taken ||
                (work.label == pin.label && program.mapping.find("pinned: ") != std::string::npos);
      }
    }
    if (!found) {
      faults.error(
          prepared.scenario.tiles_place,
          fmt::format("a tile is set for '{}', which is no product of the model; expected "
                      "one of {}{}",
                      pin.label, fmt::join(products, ", "), did_you_mean(pin.label, products)));
    } else if (!taken) {
      faults.error(prepared.scenario.tiles_place,
                   fmt::format("a tile is set for '{}', but '{}' takes none; expected a GPU and a "
                               "product that is not spread over experts",
                               pin.label, prepared.unit->name));
    }
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
}

}  // namespace joulesim::engine
