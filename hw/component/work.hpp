// What a compute unit is asked to do, free of any model's or memory's own types.
//
// sim/mapping writes it from an operator graph and a placement; compute units read it.
#pragma once

#include "sim/base/quantity.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::hw {

// The arithmetic of a product: what the multiplier is fed with once operands are unpacked.
enum class DataType : std::uint8_t { fp32, tf32, fp16, bf16, fp8, int8, int4, ternary, fp4 };
inline constexpr int kDataTypes = 9;
std::string_view name_of(DataType type);
double bits_of(DataType type);  // ternary: 2, as unpacked

enum class WorkKind : std::uint8_t {
  matmul,     // C[m, n] = A[m, k] * W[n, k]
  attention,  // per sequence and head: softmax(q kT) v over the cached positions
  vector,     // norms, rotary embedding, activations, residuals: `elements` times `ops_per_element`
  copy,       // gathers and cache appends: bytes only
};

// Vector operators that libraries have kernels of their own for.
enum class VectorOp : std::uint8_t {
  add,
  gelu,
  silu_mul,
  rmsnorm,
  layernorm,
  softmax,
  rope,
  embedding,
};

// One operand's traffic. Bytes of one stream are consumed in order, tile by tile.
struct DataStream {
  enum class Role : std::uint8_t { weight, activation_in, activation_out, kv_read, kv_write };
  Role role = Role::weight;
  int tier = -1;  // index into the machine's memories; -1: stays in the unit's own memory
  std::uint64_t base = 0;
  // count chunks of `chunk` bytes, `stride` apart; a plain run is one chunk.
  std::uint64_t chunk = 0, stride = 0, count = 1;
  [[nodiscard]] std::uint64_t bytes() const { return chunk * count; }
  [[nodiscard]] bool writes() const {
    return role == Role::activation_out || role == Role::kv_write;
  }
};

struct Work {
  WorkKind kind = WorkKind::vector;
  std::string name;                // the operator: "block.3.ffn.down"
  std::string label;               // what reports group by: "ffn.down"
  int block = -1;                  // executed block; -1 outside the stack
  DataType type = DataType::fp16;  // of the multiplier
  double weight_bits = 16;         // stored, scales included
  double weight_elements = 0;      // elements of the weight operand (unpacking cost)
  bool weights_unpacked = false;   // stored narrower than the multiplier's type
  double activation_bits = 16;
  std::int64_t m = 0, n = 0, k = 0;
  std::int64_t sequences = 0, heads = 0, kv_heads = 0, head_dim = 0, q_len = 0, kv_len = 0;
  std::int64_t window = 0;                // how far back a query sees; 0: to the beginning
  bool causal = true;                     // later keys are not seen
  std::int64_t experts = 0, choices = 0;  // matmul of `m` rows that are spread over experts
  double pairs = 0;     // (query, key) pairs per head and sequence that are evaluated
  double elements = 0;  // vector work
  double ops_per_element = 0;
  std::optional<VectorOp> vector;    // what a vector work is, where libraries know it,
  std::int64_t rows = 0, width = 0;  // and the matrix that it goes over
  bool adds_residual = false;        // a norm that adds two inputs before
  bool fused = false;                // runs inside its neighbour: no start of its own
  std::vector<DataStream> streams;

  [[nodiscard]] double macs() const;
  [[nodiscard]] double ops() const;  // 2 per MAC plus vector operations
};

}  // namespace joulesim::hw
