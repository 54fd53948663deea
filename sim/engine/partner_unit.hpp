// The unit beside the first one of a group in SystemC: it works on its parts of split products,
// each of which begins and ends with the first unit's program.
//
// Models:      an engine of its own with its own software stack, buffers and port, before the same
//              cache and memory.
// Leaves out:  weights read from the store.
// Checked by:  tests/unit/split_step.cpp.
#pragma once

#include "hw/component/tile_engine.hpp"
#include "hw/dram/controller.hpp"
#include "hw/sram/system_cache.hpp"
#include "sim/engine/step_runner.hpp"

#include <memory>
#include <optional>
#include <vector>

namespace joulesim::hw {
class UnitGroup;
}

namespace joulesim::engine {

class PartnerUnit {
 public:
  // Of a job whose plan splits products; inside the constructor of a module. `cache` may be null.
  PartnerUnit(const StepJob& job, hw::TileEngine& first, hw::MemController& memory,
              hw::SystemCache* cache);
  PartnerUnit(const PartnerUnit&) = delete;
  PartnerUnit& operator=(const PartnerUnit&) = delete;

  // Queues what runs beside the plan's programs from `begin` on, before the first unit starts them.
  void submit(const mapping::StepPlan& plan, std::size_t begin, std::size_t end);
  void wait_until_idle();  // all has ended, and its writes have landed

  // What ran beside a program of the plan; none.
  struct Beside {
    const hw::TileProgram* program = nullptr;
    const hw::OperatorTrace* trace = nullptr;
  };
  [[nodiscard]] std::optional<Beside> beside(std::size_t program) const;
  [[nodiscard]] const std::vector<double>& joules() const { return engine_.joules(); }

 private:
  void tie_to(hw::TileEngine& first);
  // Index among the queued programs of what runs beside the first unit's p-th.
  [[nodiscard]] std::optional<std::size_t> index_beside(std::size_t p) const;

  const hw::UnitGroup& group_;
  hw::TileEngine engine_;
  std::size_t begin_ = 0;           // of the plan's programs
  std::vector<std::size_t> meets_;  // programs of the plan, rising
  std::vector<hw::TileProgram> queued_;
  std::size_t released_ = 0, ended_ = 0;
  sc_core::sc_event release_, end_;
};

// Null where the plan splits nothing.
std::unique_ptr<PartnerUnit> partner_of(const StepJob& job, hw::TileEngine& first,
                                        hw::MemController& memory, hw::SystemCache* cache);

}  // namespace joulesim::engine
