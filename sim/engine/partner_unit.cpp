#include "sim/engine/partner_unit.hpp"

#include "hw/component/unit_group.hpp"

#include <algorithm>

namespace joulesim::engine {
namespace {
constexpr int kDramTier = 0;

const hw::UnitGroup& group_of(const StepJob& job) {
  return dynamic_cast<const hw::UnitGroup&>(*job.unit->unit);
}
}  // namespace

PartnerUnit::PartnerUnit(const StepJob& job, hw::TileEngine& first, hw::MemController& memory,
                         hw::SystemCache* cache)
    : group_(group_of(job)),
      engine_("partner", *group_.partner().unit, group_.split()->runtime, 1) {
  const std::uint16_t client = memory.add_client("partner");
  if (cache != nullptr) {
    const Bandwidth drawn =
        group_.partner().unit->memory_bandwidth() * group_.split()->runtime.use.stream_share;
    const hw::CacheClient ways = job.machine->cache_client(group_.partner().name);
    const std::uint16_t port = cache->add_client(client, drawn, false, ways);
    engine_.socket(kDramTier).bind(cache->socket(port));
    cache->memory_socket(port).bind(memory.port);
  } else {
    engine_.socket(kDramTier).bind(memory.port);
  }
  engine_.set_client(kDramTier, client);
  tie_to(first);
}

void PartnerUnit::tie_to(hw::TileEngine& first) {
  first.meet({{},
              [this](std::size_t p) {
                if (const auto i = index_beside(p)) {
                  released_ = *i + 1;
                  release_.notify(sc_core::SC_ZERO_TIME);
                }
              },
              [this](std::size_t p) {
                const auto i = index_beside(p);
                while (i && ended_ <= *i) {
                  sc_core::wait(end_);
                }
              }});
  engine_.meet({[this](std::size_t i) {
                  while (released_ <= i) {
                    sc_core::wait(release_);
                  }
                },
                {},
                {}});
  engine_.on_program_done([this](std::size_t done) {
    ended_ = done;
    end_.notify(sc_core::SC_ZERO_TIME);
  });
}

std::optional<std::size_t> PartnerUnit::index_beside(std::size_t p) const {
  const auto found = std::lower_bound(meets_.begin(), meets_.end(), begin_ + p);
  if (found == meets_.end() || *found != begin_ + p) {
    return std::nullopt;
  }
  return static_cast<std::size_t>(found - meets_.begin());
}

void PartnerUnit::submit(const mapping::StepPlan& plan, std::size_t begin, std::size_t end) {
  begin_ = begin;
  meets_.clear();
  queued_.clear();
  released_ = ended_ = 0;
  for (const mapping::PartnerProgram& p : plan.partner) {
    if (p.beside >= begin && p.beside < end) {
      meets_.push_back(p.beside);
      queued_.push_back(p.program);
    }
  }
  if (!queued_.empty()) {
    engine_.submit(plan.works, queued_);
  }
}

void PartnerUnit::wait_until_idle() {
  while (!engine_.idle()) {
    sc_core::wait(engine_.done());
  }
}

std::optional<PartnerUnit::Beside> PartnerUnit::beside(std::size_t program) const {
  const auto found = std::lower_bound(meets_.begin(), meets_.end(), program);
  if (found == meets_.end() || *found != program) {
    return std::nullopt;
  }
  const auto i = static_cast<std::size_t>(found - meets_.begin());
  return Beside{&queued_[i], &engine_.traces()[i]};
}

std::unique_ptr<PartnerUnit> partner_of(const StepJob& job, hw::TileEngine& first,
                                        hw::MemController& memory, hw::SystemCache* cache) {
  return job.plan->partner.empty() ? nullptr
                                   : std::make_unique<PartnerUnit>(job, first, memory, cache);
}

}  // namespace joulesim::engine
