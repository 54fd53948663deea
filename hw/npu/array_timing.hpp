// How long a systolic array takes for one pass: a block of weights (weight-stationary) or a block
// of outputs (output-stationary) while it stays in the array.
//
// Models:      weight-stationary: rows x columns weights are shifted in while the pass before
//              streams, then one row of activations enters a clock; the first weights after a pause
//              are read from the scratchpad and shifted down before anything starts. Output-
//              stationary: one step of k a clock, results shifted out under the next pass. Skew of
//              rows + columns - 2 in both. Rates other than one MAC a cell and clock.
// Leaves out:  sparsity, bubbles between rows, clock gating of idle cells.
// Checked by:  tests/timing/npu_arrays.cpp (closed forms).
#pragma once

#include <cstdint>

namespace joulesim::hw {

enum class Dataflow : std::uint8_t { weight_stationary, output_stationary };

struct ArrayTiming {
  Dataflow dataflow = Dataflow::weight_stationary;
  std::int64_t rows = 1, columns = 1;
  double rate = 1;                   // MACs a cell and clock
  double weight_rows_per_clock = 1;  // shifted in

  // Weights of a pass, shifted in.
  [[nodiscard]] double preload() const;
  // From the first weights' read to the first activation's entry, nothing being under way.
  [[nodiscard]] double fill() const;
  // Passes for a product of so many rows (at most `rows` outputs of them in output-stationary
  // arrays), columns within the array, and depth.
  [[nodiscard]] double passes(std::int64_t m, std::int64_t k) const;
  // Clocks from one pass's start to the next one's.
  [[nodiscard]] double interval(std::int64_t m, std::int64_t k) const;
  // Clocks from a pass's start to its last result.
  [[nodiscard]] double latency(std::int64_t m, std::int64_t k) const;
};

}  // namespace joulesim::hw
