#include "hw/component/watched_unit.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <cmath>
#include <exception>
#include <utility>

namespace joulesim::hw {
namespace {

// What the engine cannot run of a program; empty when it can.
std::string fault_of(const TileProgram& program, const Work& work, std::size_t index,
                     const ComputeUnit& unit) {
  if (unit.tile_buffers() < 1 || !(unit.port_bandwidth() > Bandwidth(0)) ||
      !(unit.memory_bandwidth() > Bandwidth(0))) {
    return "found no buffer or no bandwidth; expected at least one buffer and a port";
  }
  if (program.work != index) {
    return fmt::format("found a program of work {}; expected {}", program.work, index);
  }
  if (program.start_ps < 0 || program.idle_ps < 0 || program.drain_ps < 0 ||
      program.draw < Bandwidth(0)) {
    return "found a negative start, drain or draw";
  }
  const std::size_t causes = unit.causes().size();
  for (const TileRun& run : program.runs) {
    if (run.count < 1 || run.compute_ps < 0) {
      return fmt::format(
          "found a run of {} tiles of {} ps; expected one tile or more of no "
          "negative time",
          run.count, run.compute_ps);
    }
    for (const auto* moves : {&run.loads, &run.stores}) {
      for (const TileMove& move : *moves) {
        if (move.stream >= work.streams.size() || work.streams[move.stream].tier < 0) {
          return fmt::format(
              "found a move of stream {}; expected one of the work's {} that lies "
              "in a memory",
              move.stream, work.streams.size());
        }
        if (work.streams[move.stream].writes() != (moves == &run.stores)) {
          return fmt::format("found stream {} {}; expected it {}", move.stream,
                             moves == &run.stores ? "stored" : "loaded",
                             moves == &run.stores ? "loaded" : "stored");
        }
      }
    }
    if (run.joules.size() > causes) {
      return fmt::format("found joules of {} causes; expected those of the unit's {}",
                         run.joules.size(), causes);
    }
    for (const double joules : run.joules) {
      if (!std::isfinite(joules) || joules < 0) {
        return fmt::format("found {} J; expected an energy that is finite and not negative",
                           joules);
      }
    }
  }
  return "";
}

class WatchedUnit final : public ComputeUnit {
 public:
  WatchedUnit(std::shared_ptr<const ComputeUnit> unit, std::string plugin)
      : unit_(std::move(unit)), plugin_(std::move(plugin)) {}

  [[nodiscard]] const std::string& name() const override { return unit_->name(); }
  [[nodiscard]] const std::string& title() const override { return unit_->title(); }
  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override {
    return guarded("refusal", [&] { return unit_->refusal(work); });
  }
  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const override {
    return sound(guarded("lower", [&] { return unit_->lower(work, index, runtime); }), work, index);
  }
  [[nodiscard]] TileProgram lower_before(const MemoryView& memory, const Work& work,
                                         std::size_t index,
                                         const RuntimeSpec& runtime) const override {
    return sound(
        guarded("lower_before", [&] { return unit_->lower_before(memory, work, index, runtime); }),
        work, index);
  }
  [[nodiscard]] KernelAnswer answer(const KernelRequest& request, const MemoryView& memory,
                                    const RuntimeSpec& runtime) const override {
    return guarded("answer", [&] { return unit_->answer(request, memory, runtime); });
  }
  [[nodiscard]] const std::vector<EnergyCause>& causes() const override { return unit_->causes(); }
  [[nodiscard]] Sourced<Power> idle_power() const override { return unit_->idle_power(); }
  [[nodiscard]] Sourced<Power> active_power() const override { return unit_->active_power(); }
  [[nodiscard]] std::optional<OpRate> peak(DataType type) const override {
    return unit_->peak(type);
  }
  [[nodiscard]] std::vector<DataType> types() const override { return unit_->types(); }
  [[nodiscard]] Bytes local_memory() const override { return unit_->local_memory(); }
  [[nodiscard]] Bandwidth port_bandwidth() const override { return unit_->port_bandwidth(); }
  [[nodiscard]] Bandwidth memory_bandwidth() const override { return unit_->memory_bandwidth(); }
  [[nodiscard]] bool arithmetic_assumed() const override { return unit_->arithmetic_assumed(); }
  [[nodiscard]] bool memory_assumed() const override { return unit_->memory_assumed(); }
  [[nodiscard]] int tile_buffers() const override { return unit_->tile_buffers(); }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override {
    return watched(guarded("at_corner", [&] { return unit_->at_corner(corner); }), plugin_);
  }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override {
    return watched(guarded("scaled", [&] { return unit_->scaled(arithmetic, port); }), plugin_);
  }

 private:
  template <class Ask>
  auto guarded(const char* what, const Ask& ask) const -> decltype(ask()) {
    try {
      return ask();
    } catch (const InputError&) {
      throw;
    } catch (const std::exception& fault) {
      refuse(what, fault.what());
    }
  }
  [[noreturn]] void refuse(const std::string& what, const std::string& fault) const {
    Diagnostics diagnostics;
    diagnostics.error(plugin_, fmt::format("{} of '{}': {}", what, unit_->name(), fault));
    throw InputError(std::move(diagnostics));
  }
  [[nodiscard]] TileProgram sound(TileProgram program, const Work& work, std::size_t index) const {
    if (const std::string fault = fault_of(program, work, index, *unit_); !fault.empty()) {
      refuse(fmt::format("the program for '{}'", work.name), fault);
    }
    return program;
  }

  std::shared_ptr<const ComputeUnit> unit_;
  std::string plugin_;
};

}  // namespace

std::shared_ptr<const ComputeUnit> watched(std::shared_ptr<const ComputeUnit> unit,
                                           const std::string& plugin) {
  if (unit == nullptr) {
    Diagnostics diagnostics;
    diagnostics.error(plugin, "found no unit where one was asked for; expected a unit");
    throw InputError(std::move(diagnostics));
  }
  return std::make_shared<const WatchedUnit>(std::move(unit), plugin);
}

}  // namespace joulesim::hw
