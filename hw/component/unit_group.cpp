#include "hw/component/unit_group.hpp"

#include <fmt/format.h>

#include <cmath>

namespace joulesim::hw {
namespace {

constexpr std::array<std::string_view, kPlacedKinds> kNames = {"products", "small_products",
                                                               "attention", "vectors"};

// Activations that an operator reads and writes.
double activation_bytes(const Work& work) {
  const double bytes = work.activation_bits / 8;
  switch (work.kind) {
    case WorkKind::matmul:
      return static_cast<double>(work.m * (work.k + work.n)) * bytes;
    case WorkKind::attention:
      return 2 * static_cast<double>(work.sequences * work.heads * work.head_dim * work.q_len) *
             bytes;
    default:
      return 2 * work.elements * bytes;
  }
}

}  // namespace

std::string_view name_of(PlacedKind kind) { return kNames.at(static_cast<std::size_t>(kind)); }

UnitGroup::UnitGroup(std::vector<GroupMember> members, GroupPlan plan)
    : members_(std::move(members)), plan_(plan) {
  for (const GroupMember& member : members_) {
    title_ += (title_.empty() ? "" : " + ") + member.unit->title();
    first_cause_.push_back(causes_.size());
    for (EnergyCause cause : member.unit->causes()) {
      if (&member != &members_.front()) {
        cause.name = member.name + " " + cause.name;
      }
      causes_.push_back(std::move(cause));
    }
  }
  for (std::size_t i = 1; i < members_.size(); ++i) {
    causes_.push_back(EnergyCause::of(members_[i].name + " at work", Spent::standing,
                                      members_[i].unit->active_power()));
  }
}

std::optional<std::size_t> UnitGroup::member_for(const Work& work) const {
  PlacedKind kind = PlacedKind::vector;
  if (work.kind == WorkKind::matmul) {
    kind = work.m <= plan_.small_rows ? PlacedKind::small_product : PlacedKind::product;
  } else if (work.kind == WorkKind::attention) {
    kind = PlacedKind::attention;
  }
  const std::size_t wanted = plan_.on.at(static_cast<std::size_t>(kind));
  if (!members_[wanted].unit->refusal(work)) {
    return wanted;
  }
  for (std::size_t i = 0; i < members_.size(); ++i) {
    if (!members_[i].unit->refusal(work)) {
      return i;
    }
  }
  return std::nullopt;
}

std::optional<std::string> UnitGroup::refusal(const Work& work) const {
  if (member_for(work)) {
    return std::nullopt;
  }
  std::string reasons;
  for (const GroupMember& member : members_) {
    reasons += (reasons.empty() ? "" : "; ") + member.unit->refusal(work).value_or("");
  }
  return reasons;
}

TileProgram UnitGroup::lower(const Work& work, std::size_t index,
                             const RuntimeSpec& runtime) const {
  const std::size_t chosen = member_for(work).value_or(0);
  const ComputeUnit& unit = *members_[chosen].unit;
  TileProgram program = unit.lower(work, index, runtime);
  for (TileRun& run : program.runs) {
    std::vector<double> joules(causes_.size());
    for (std::size_t i = 0; i < run.joules.size(); ++i) {
      joules[first_cause_[chosen] + i] = run.joules[i];
    }
    if (chosen > 0) {
      const double busy = static_cast<double>(run.compute_ps) * 1e-12;
      joules[causes_.size() - members_.size() + chosen] = busy * unit.active_power().value.si();
    }
    run.joules = std::move(joules);
  }
  if (chosen > 0) {
    const double copies = 2 * activation_bytes(work) / first().memory_bandwidth().si();
    program.start_ps += std::llround((2 * plan_.handover.si() + copies) * 1e12);
    program.mapping =
        fmt::format("on {}, handed over and back: {}", members_[chosen].name, program.mapping);
    program.limit = members_[chosen].name;
  }
  return program;
}

std::shared_ptr<const ComputeUnit> UnitGroup::at_corner(Corner corner) const {
  std::vector<GroupMember> members = members_;
  for (GroupMember& member : members) {
    member.unit = member.unit->at_corner(corner);
  }
  return std::make_shared<UnitGroup>(std::move(members), plan_);
}

std::shared_ptr<const ComputeUnit> UnitGroup::scaled(double arithmetic, double port) const {
  std::vector<GroupMember> members = members_;
  for (GroupMember& member : members) {
    member.unit = member.unit->scaled(arithmetic, port);
  }
  return std::make_shared<UnitGroup>(std::move(members), plan_);
}

}  // namespace joulesim::hw
