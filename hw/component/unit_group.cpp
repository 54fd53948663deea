#include "hw/component/unit_group.hpp"

#include <fmt/format.h>

#include <algorithm>
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

PlacedKind UnitGroup::kind_of(const Work& work) const {
  if (work.kind == WorkKind::matmul) {
    return work.m <= plan_.small_rows ? PlacedKind::small_product : PlacedKind::product;
  }
  return work.kind == WorkKind::attention ? PlacedKind::attention : PlacedKind::vector;
}

std::optional<std::size_t> UnitGroup::member_for(const Work& work) const {
  const std::size_t wanted = plan_.on.at(static_cast<std::size_t>(kind_of(work)));
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

void UnitGroup::take_in(std::size_t member, TileProgram& program) const {
  for (TileRun& run : program.runs) {
    std::vector<double> joules(causes_.size());
    for (std::size_t i = 0; i < run.joules.size(); ++i) {
      joules[first_cause_[member] + i] = run.joules[i];
    }
    if (member > 0) {
      const double busy = static_cast<double>(run.compute_ps) * 1e-12;
      joules[causes_.size() - members_.size() + member] =
          busy * members_[member].unit->active_power().value.si();
    }
    run.joules = std::move(joules);
  }
}

TileProgram UnitGroup::handed_over(std::size_t member, const Work& work,
                                   TileProgram program) const {
  take_in(member, program);
  if (member > 0) {
    const double copies = 2 * activation_bytes(work) / first().memory_bandwidth().si();
    program.start_ps += std::llround((2 * plan_.handover.si() + copies) * 1e12);
    program.mapping =
        fmt::format("on {}, handed over and back: {}", members_[member].name, program.mapping);
    program.limit = members_[member].name;
  }
  return program;
}

TileProgram UnitGroup::lower(const Work& work, std::size_t index,
                             const RuntimeSpec& runtime) const {
  const std::size_t chosen = member_for(work).value_or(0);
  return handed_over(chosen, work, members_[chosen].unit->lower(work, index, runtime));
}

TileProgram UnitGroup::lower_before(const MemoryView& memory, const Work& work, std::size_t index,
                                    const RuntimeSpec& runtime) const {
  const std::size_t chosen = member_for(work).value_or(0);
  return handed_over(chosen, work,
                     members_[chosen].unit->lower_before(memory, work, index, runtime));
}

std::int64_t UnitGroup::given_to_partner(const MemoryView& memory, const Work& work,
                                         const RuntimeSpec& runtime) const {
  if (!plan_.split || work.kind != WorkKind::matmul) {
    return 0;
  }
  const GroupSplit& split = *plan_.split;
  const bool wanted =
      kind_of(work) == PlacedKind::small_product ? split.small_products : split.products;
  const std::int64_t steps = steps_of(work, split.by);
  const auto chosen = member_for(work);
  if (!wanted || steps < 2 || !chosen || *chosen == split.with || partner().unit->refusal(work)) {
    return 0;
  }
  const std::int64_t grain = grain_of(split.by);
  if (split.share) {
    const auto given = std::llround(*split.share * static_cast<double>(steps));
    return std::clamp<std::int64_t>(given, 1, steps - 1) * grain;
  }
  const auto time = [&](const TileProgram& program, const Work& part, std::size_t member) {
    return time_alone(program, part, *members_[member].unit, memory);
  };
  const Time alone = time(lower_before(memory, work, 0, runtime), work, *chosen).busy;
  return grain * balanced_steps(steps, memory, alone, [&](std::int64_t given) {
           const SharedWork shared = share(memory, work, given * grain, runtime);
           return DealtTime{time(shared.own_program, shared.own, *chosen),
                            time(shared.other_program, shared.other, split.with)};
         });
}

SharedWork UnitGroup::share(const MemoryView& memory, const Work& work, std::int64_t given,
                            const RuntimeSpec& runtime) const {
  const GroupSplit& split = *plan_.split;
  const std::size_t chosen = member_for(work).value_or(0);
  DealtWork dealt = deal(work, split.by, given);
  SharedWork shared;
  shared.own_program = handed_over(
      chosen, dealt.own, members_[chosen].unit->lower_before(memory, dealt.own, 0, runtime));
  shared.other_program = partner().unit->lower_before(memory, dealt.other, 0, split.runtime);
  take_in(split.with, shared.other_program);
  // Inputs that the first unit has on chip go to memory first, outputs come back from there.
  const bool on_chip = std::none_of(work.streams.begin(), work.streams.end(), [](const auto& s) {
    return s.role == DataStream::Role::activation_in && s.tier >= 0;
  });
  const double rate = members_[chosen].unit->memory_bandwidth().si() / (work.activation_bits / 8);
  const auto crossing = [&](std::int64_t elements) {
    const double copy = on_chip ? static_cast<double>(elements) / rate : 0;
    return std::llround((plan_.handover.si() + copy) * 1e12);
  };
  shared.other_program.start_ps += crossing(dealt.other.m * dealt.other.k);
  shared.other_program.drain_ps += crossing(dealt.other.m * dealt.other.n);
  const std::int64_t all = split.by == SplitBy::columns ? work.n : work.m;
  shared.own_program.mapping =
      fmt::format("{} of {} {} here: {}; {} on {}: {}", all - given, all,
                  split.by == SplitBy::columns ? "columns" : "rows", shared.own_program.mapping,
                  given, partner().name, shared.other_program.mapping);
  shared.own = std::move(dealt.own);
  shared.other = std::move(dealt.other);
  return shared;
}

const GroupMember& UnitGroup::owner_of(std::size_t cause) const {
  const std::size_t at_work = causes_.size() - members_.size();  // of the first: none
  if (cause > at_work) {
    return members_.at(cause - at_work);
  }
  std::size_t member = members_.size() - 1;
  while (first_cause_[member] > cause) {
    --member;
  }
  return members_[member];
}

std::string UnitGroup::own_name_of(std::size_t cause) const {
  const GroupMember& owner = owner_of(cause);
  const std::string& name = causes_.at(cause).name;
  return &owner == &members_.front() ? name : name.substr(owner.name.size() + 1);
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
