#include "hw/component/resident_unit.hpp"

#include "hw/component/kernel_works.hpp"

#include <fmt/format.h>

#include <cmath>

namespace joulesim::hw {

void ResidentSpec::read(const ConfigNode& file) {
  part = file.text("part");
  title = file.text("title");
  clock = file.table("unit").figure<Frequency>("clock");
  arithmetic = Arithmetic::from(file);
  if (const auto vector = file.table_if("vector")) {
    vector_rate = vector->figure<OpRate>("rate");
    vector_energy = vector->figure<EnergyPerOp>("energy");
  }
  control_energy = file.table("control").figure<EnergyPerOp>("energy");
  const ConfigNode power = file.table("power");
  idle = power.figure_or_zero<Power>("idle");
  active = power.figure<Power>("active");
}

void ResidentSpec::multiply_power(std::int64_t chips) {
  for (Sourced<Power>* power : {&idle, &active}) {
    const auto n = static_cast<double>(chips);
    power->value *= n;
    if (power->low) {
      *power->low *= n;
    }
    if (power->high) {
      *power->high *= n;
    }
  }
}

std::optional<std::string> ResidentUnit::refusal(const Work& work) const {
  const ResidentSpec& spec = base();
  if (work.macs() > 0 && spec.arithmetic.find(work.type) == nullptr) {
    return refusal_of_type(spec.part, spec.arithmetic, work.type);
  }
  if (work.macs() <= 0 && work.elements * work.ops_per_element > 0 && !spec.vector_rate) {
    return fmt::format("'{}' has no vector operations", spec.part);
  }
  return std::nullopt;
}

KernelAnswer ResidentUnit::answer(const KernelRequest& request, const MemoryView& memory,
                                  const RuntimeSpec& runtime) const {
  return answer_by_works(*this, request, memory, runtime, base().clock.value);
}

std::optional<OpRate> ResidentUnit::peak(DataType type) const {
  const ArithmeticRate* rate = base().arithmetic.find(type);
  if (rate == nullptr) {
    return std::nullopt;
  }
  return macs(rate->macs_per_cycle.value) * base().clock.value;
}

std::vector<EnergyCause> ResidentUnit::shared_causes(const ResidentSpec& spec) {
  std::vector<EnergyCause> causes{spec.arithmetic.cause(),
                                  {"vector", Spent::arithmetic, false, 1, 1},
                                  EnergyCause::of("control", Spent::control, spec.control_energy)};
  if (spec.vector_energy) {
    causes[kVector] = EnergyCause::of("vector", Spent::arithmetic, *spec.vector_energy);
  }
  return causes;
}

std::vector<double> ResidentUnit::shared_joules(const Work& work) const {
  const ResidentSpec& spec = base();
  std::vector<double> joules(causes_.size());
  const double macs = work.macs();
  if (macs > 0) {
    joules[kMac] = 2 * macs * spec.arithmetic.find(work.type)->energy.value.si();
    joules[kControl] = 2 * macs * spec.control_energy.value.si();
  }
  if (spec.vector_energy) {
    joules[kVector] = work.elements * work.ops_per_element * spec.vector_energy->value.si();
  }
  return joules;
}

TileProgram ResidentUnit::program(const Work& work, std::size_t index, const RuntimeSpec& runtime,
                                  Time busy, std::vector<double> joules) const {
  TileProgram program;
  program.work = index;
  program.start_ps = work.fused ? 0 : std::llround(runtime.launch.si() * 1e12);
  TileRun run;
  run.compute_ps = std::llround(busy.si() * 1e12);
  run.joules = std::move(joules);
  program.runs.push_back(std::move(run));
  return program;
}

}  // namespace joulesim::hw
