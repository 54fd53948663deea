// An honest bound on what a fault-tolerant quantum computer could do for a product: numbers go in
// and out at its logical qubits' rate, and gates follow each other at its logical clock.
//
// Models:      every operand has to be loaded and every result read, a bit a logical operation, all
//              qubits at once: input and output bandwidth is qubits over gate time; a product of
//              state vectors is granted for one gate layer a bit of precision, which is less than
//              any known method takes. The answer names what would have to be true to pay.
// Leaves out:  repetition to read amplitudes, error correction beyond the logical rate, a quantum
//              memory that holds weights (none exists), all that would make it slower.
// Checked by:  tests/timing/other_units.cpp.
#pragma once

#include "hw/component/resident_unit.hpp"

namespace joulesim::hw {

struct QuantumSpec : ResidentSpec {
  Sourced<double> qubits;    // logical
  Sourced<Time> gate;        // logical
  Sourced<Bandwidth> rival;  // what a classical machine reads its operands at

  static QuantumSpec from(const ConfigNode& part);
};

class QuantumEstimate final : public ResidentUnit {
 public:
  static constexpr const char* kModel = "quantum_estimate";
  explicit QuantumEstimate(QuantumSpec spec);

  [[nodiscard]] std::optional<std::string> refusal(const Work& work) const override;
  [[nodiscard]] TileProgram lower(const Work& work, std::size_t index,
                                  const RuntimeSpec& runtime) const override;
  [[nodiscard]] Bandwidth input_bandwidth() const;
  [[nodiscard]] Bytes local_memory() const override { return Bytes(spec_.qubits.value / 8); }
  [[nodiscard]] Bandwidth port_bandwidth() const override { return input_bandwidth(); }
  [[nodiscard]] std::shared_ptr<const ComputeUnit> at_corner(Corner corner) const override;
  [[nodiscard]] std::shared_ptr<const ComputeUnit> scaled(double arithmetic,
                                                          double port) const override;

 private:
  [[nodiscard]] const ResidentSpec& base() const override { return spec_; }
  QuantumSpec spec_;
};

}  // namespace joulesim::hw
