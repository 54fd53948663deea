#include "sim/engine/devices.hpp"

#include <fmt/format.h>

namespace joulesim::engine {

void share_out(Prepared& prepared) {
  const Scenario& scenario = prepared.scenario;
  const Machine& machine = prepared.machine;
  Diagnostics faults;
  const auto refuse = [&](const std::string& found) {
    faults.error(scenario.devices_place,
                 fmt::format("found {} devices; {}", scenario.devices, found));
  };
  for (const std::string& fault : shard_faults(prepared.model, scenario.devices)) {
    refuse(fault);
  }
  if (device_link(machine) == nullptr) {
    refuse(
        fmt::format("'{}' has no link to another of its kind; expected one called nvlink, xgmi, "
                    "fabric or pcie",
                    machine.title));
  }
  if (prepared.exported || !scenario.units.units.empty() || scenario.split ||
      scenario.weights_in == "flash" || scenario.battery) {
    refuse(
        "expected one with an exported graph, a placement over units, a split between them, "
        "weights in flash or a battery");
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  keep_shard(prepared.model, scenario.devices);
}

StepReduces reduces_of(const Prepared& prepared, const PlannedStep& step) {
  return step_reduces(prepared.model, prepared.scenario.devices,
                      static_cast<double>(step.phase.batch * step.new_tokens));
}

}  // namespace joulesim::engine
