#include "sim/mapping/lowering.hpp"

#include "hw/component/unit_group.hpp"

#include <fmt/format.h>

#include <map>
#include <string>

namespace joulesim::mapping {
namespace {

// Equal products are cut alike.
std::string key_of(const hw::Work& work) {
  std::uint64_t bytes = 0;
  for (const hw::DataStream& stream : work.streams) {
    bytes += stream.tier >= 0 ? stream.bytes() : 0;
  }
  return fmt::format("{}/{}/{}/{}/{}/{}/{}", work.m, work.n, work.k, work.weight_bits,
                     work.elements, hw::name_of(work.type), bytes);
}

}  // namespace

void lower_all(const hw::ComputeUnit& unit, const hw::RuntimeSpec& runtime,
               const hw::MemoryView& memory, StepPlan& plan) {
  const auto* group = dynamic_cast<const hw::UnitGroup*>(&unit);
  const bool known = memory.stream > Bandwidth(0);
  const bool splits = known && group != nullptr && group->split() != nullptr;
  std::map<std::string, std::int64_t> given;
  const std::size_t works = plan.works.size();
  for (std::size_t i = 0; i < works; ++i) {
    const hw::Work& work = plan.works[i];
    if (splits && work.kind == hw::WorkKind::matmul) {
      const auto [found, fresh] = given.try_emplace(key_of(work), 0);
      if (fresh) {
        found->second = group->given_to_partner(memory, work, runtime);
      }
      if (found->second > 0) {
        hw::SharedWork shared = group->share(memory, work, found->second, runtime);
        shared.own_program.work = plan.works.size();
        shared.other_program.work = plan.works.size() + 1;
        plan.programs.push_back(std::move(shared.own_program));
        plan.partner.push_back({i, std::move(shared.other_program)});
        plan.works.push_back(std::move(shared.own));
        plan.works.push_back(std::move(shared.other));
        continue;
      }
    }
    plan.programs.push_back(known ? unit.lower_before(memory, work, i, runtime)
                                  : unit.lower(work, i, runtime));
  }
}

}  // namespace joulesim::mapping
