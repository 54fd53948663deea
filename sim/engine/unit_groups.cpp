#include "sim/engine/unit_groups.hpp"

#include "hw/component/resident_unit.hpp"
#include "hw/component/unit_group.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace joulesim::engine {
namespace {

// A signal from one unit's queue to another's and its wake-up: 5 to 50 us with the usual drivers;
// a scenario may say otherwise.
constexpr Time kHandover(20e-6);

// Products of a group on two of its members at once, as the scenario wishes.
void add_split(const Library& library, const Prepared& prepared,
               const std::vector<std::string>& names, hw::GroupPlan& plan, Diagnostics& faults) {
  const UnitSplit& wish = *prepared.scenario.split;
  const Region& place = prepared.scenario.split_place;
  const std::vector<std::string> others(names.begin() + 1, names.end());
  const auto found = std::find(others.begin(), others.end(), wish.with);
  if (found == others.end()) {
    faults.error(place, fmt::format("products are split with '{}'; expected a unit of '{}' beside "
                                    "'{}': {}{}",
                                    wish.with, prepared.machine.title, names.front(),
                                    others.empty() ? "it has none"
                                                   : fmt::format("{}", fmt::join(others, ", ")),
                                    did_you_mean(wish.with, others)));
    return;
  }
  const MachineUnit& partner = *prepared.machine.unit(wish.with);
  for (const MachineUnit* unit : {prepared.unit, &partner}) {
    if (dynamic_cast<const hw::ResidentUnit*>(unit->unit.get()) != nullptr) {
      faults.error(place, fmt::format("'{}' computes where its weights lie and keeps others from "
                                      "them meanwhile; expected units that read them, or a "
                                      "[machine.placement]",
                                      unit->name));
    }
  }
  if (prepared.scenario.weights_in == "flash") {
    faults.error(place,
                 "found weights in flash; expected weights in memory, which both units read");
  }
  const auto has = [&](hw::PlacedKind kind) {
    return std::find(wish.kinds.begin(), wish.kinds.end(), hw::name_of(kind)) != wish.kinds.end();
  };
  hw::GroupSplit split;
  split.with = static_cast<std::size_t>(found - others.begin()) + 1;
  split.by = wish.rows ? hw::SplitBy::rows : hw::SplitBy::columns;
  split.products = has(hw::PlacedKind::product);
  split.small_products = has(hw::PlacedKind::small_product);
  split.share = wish.share;
  split.runtime = load_runtime(library, partner.default_runtime, place).spec;
  plan.handover = wish.handover.value_or(plan.handover);
  plan.split = std::move(split);
}

}  // namespace

void form_group(const Library& library, Prepared& prepared) {
  const UnitPlacement& wish = prepared.scenario.units;
  std::vector<hw::GroupMember> members{{prepared.unit->name, prepared.unit->unit}};
  for (const MachineUnit& unit : prepared.machine.units) {
    if (&unit != prepared.unit) {
      members.push_back({unit.name, unit.unit});
    }
  }
  hw::GroupPlan plan;
  plan.small_rows = wish.small_rows;
  plan.handover = wish.handover.value_or(kHandover);
  std::vector<std::string> names;
  for (const hw::GroupMember& member : members) {
    names.push_back(member.name);
  }
  Diagnostics faults;
  for (const auto& [kind, unit] : wish.units) {
    const auto found = std::find(names.begin(), names.end(), unit);
    if (found == names.end()) {
      faults.error(
          prepared.scenario.units_place,
          fmt::format("{} are placed on '{}', and '{}' has no such unit; expected {}{}", kind, unit,
                      prepared.machine.title, fmt::join(names, ", "), did_you_mean(unit, names)));
      continue;
    }
    for (int i = 0; i < hw::kPlacedKinds; ++i) {
      if (hw::name_of(static_cast<hw::PlacedKind>(i)) == kind) {
        plan.on.at(static_cast<std::size_t>(i)) = static_cast<std::size_t>(found - names.begin());
      }
    }
  }
  if (prepared.scenario.split) {
    add_split(library, prepared, names, plan, faults);
  }
  if (!faults.ok()) {
    throw InputError(std::move(faults));
  }
  for (MachineUnit& unit : prepared.machine.units) {
    if (&unit == prepared.unit) {
      unit.unit = std::make_shared<const hw::UnitGroup>(std::move(members), plan);
    }
  }
}

}  // namespace joulesim::engine
