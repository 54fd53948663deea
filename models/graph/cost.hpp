// What one operator needs: multiplications, other arithmetic, and bytes by where they belong.
//
// Models:     exact counts from shapes and formats. Causal attention counts only the positions that
// a
//             query may see; an embedding reads only the rows it gathers.
// Leaves out: on-chip reuse, tiling and re-reads (sim/mapping); padding of a datapath to its width.
// Checked by: tests/unit/models_cost.cpp (counts worked out by hand).
#pragma once

#include "models/graph/graph.hpp"

#include <cstdint>

namespace joulesim::models {

// Counts are exact integers, so that sums can be compared for equality; `Bytes(double(n))` makes a
// quantity of one.
struct OpCost {
  std::int64_t macs = 0;          // multiply-accumulates of matrix products and attention
  std::int64_t vector_flops = 0;  // all other elementary arithmetic; a transcendental counts as one
  std::int64_t weight_bytes = 0;  // read, as stored
  std::int64_t activation_in_bytes = 0;
  std::int64_t activation_out_bytes = 0;
  std::int64_t kv_read_bytes = 0;
  std::int64_t kv_write_bytes = 0;

  [[nodiscard]] std::int64_t flops() const { return 2 * macs + vector_flops; }
  [[nodiscard]] std::int64_t bytes() const {
    return weight_bytes + activation_in_bytes + activation_out_bytes + kv_read_bytes +
           kv_write_bytes;
  }
  OpCost& operator+=(const OpCost& other);
  friend bool operator==(const OpCost&, const OpCost&) = default;
};

OpCost cost_of(const OperatorGraph& graph, const Op& op);

// (query, key) pairs that attention of these attributes evaluates for one head of one sequence.
std::int64_t attention_pairs(const Attributes& attributes);

// How many distinct experts `tokens` tokens are expected to reach when each picks `active` of
// `experts` independently and evenly: E (1 - (1 - k/E)^T), rounded to a whole expert.
std::int64_t experts_reached(std::int64_t experts, std::int64_t active, std::int64_t tokens);

struct GraphTotals {
  std::int64_t parameters = 0;          // elements of all weight storages, each counted once
  std::int64_t weight_bytes = 0;        // bytes of all weight storages, each counted once
  std::int64_t kv_bytes = 0;            // bytes of all caches and states after this step
  std::int64_t kv_bytes_per_token = 0;  // what one more token of one sequence adds to them
  OpCost cost;                          // sum over all operators: per use, not per storage
};

GraphTotals totals_of(const OperatorGraph& graph);

}  // namespace joulesim::models
