#include "hw/quantum/quantum_estimate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace joulesim::hw {

QuantumSpec QuantumSpec::from(const ConfigNode& part) {
  QuantumSpec spec;
  spec.read(part);
  const ConfigNode logical = part.table("logical");
  spec.qubits = logical.count("qubits");
  spec.gate = logical.figure<Time>("gate");
  spec.rival = logical.figure<Bandwidth>("rival_bandwidth");
  return spec;
}

QuantumEstimate::QuantumEstimate(QuantumSpec spec) : spec_(std::move(spec)) {
  causes_ = shared_causes(spec_);
}

Bandwidth QuantumEstimate::input_bandwidth() const {
  return Bytes(spec_.qubits.value / 8) / spec_.gate.value;
}

std::optional<std::string> QuantumEstimate::refusal(const Work& work) const {
  if (work.kind != WorkKind::matmul) {
    return fmt::format("'{}' estimates products of matrices and nothing else", spec_.part);
  }
  return ResidentUnit::refusal(work);
}

TileProgram QuantumEstimate::lower(const Work& work, std::size_t index,
                                   const RuntimeSpec& runtime) const {
  const double bits = bits_of(work.type);
  const double numbers = static_cast<double>(work.m * work.k + work.n * work.k + work.m * work.n);
  const double bytes = numbers * bits / 8;
  const double moving = bytes / input_bandwidth().si();
  const double gates = bits * static_cast<double>(work.m) * spec_.gate.value.si();
  TileProgram result =
      program(work, index, runtime, Time(std::max(moving, gates)), shared_joules(work));
  result.limit = moving > gates ? "input and output" : "gates";
  const double rival = bytes / spec_.rival.value.si();
  result.mapping = fmt::format(
      "operands in and out at {}: {}; gates alone, weights already there: {}. To draw level with "
      "{} "
      "of classical memory, input must be {:.3g} times as fast, or weights must stay in a quantum "
      "memory that one gate layer reads and gates last at most {}",
      format(input_bandwidth()), format(Time(moving)), format(Time(gates)),
      format(spec_.rival.value), moving / rival,
      format(Time(rival / (bits * static_cast<double>(work.m)))));
  return result;
}

std::shared_ptr<const ComputeUnit> QuantumEstimate::at_corner(Corner corner) const {
  QuantumSpec spec = spec_;
  move_to_corner(spec.gate, corner, false);
  move_to_corner(spec.qubits, corner);
  return std::make_shared<QuantumEstimate>(std::move(spec));
}

std::shared_ptr<const ComputeUnit> QuantumEstimate::scaled(double arithmetic, double port) const {
  QuantumSpec spec = spec_;
  spec.gate.value *= 1 / arithmetic;
  spec.qubits.value *= port / arithmetic;
  return std::make_shared<QuantumEstimate>(std::move(spec));
}

}  // namespace joulesim::hw
