// The integer datapaths behind make_datapath(), and the quantisers that they use.
#pragma once

#include "models/kernels/linear.hpp"

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace joulesim::models {

// Codes -127…127 with x ≈ code * scale, scale = max |x| / 127; all zero when x is.
float quantise_int8(std::span<const float> x, std::span<std::int8_t> codes);

// Columns that share a scale in the group datapaths; the last group of a row may be shorter.
inline constexpr std::int64_t kGroup = 32;

// Throws InputError when a row has more than kMostColumns elements.
void require_room(const std::string& key, std::int64_t columns);

// A matrix of small integers with one or more scales per row.
struct IntegerMatrix {
  Shape shape;
  std::vector<std::int8_t> codes;  // row-major
  std::vector<float> scales;       // per row, per (row, group), or one
};

IntegerMatrix quantise_per_channel(const WeightMatrix& weights);
IntegerMatrix quantise_int8_groups(
    const WeightMatrix& weights);  // of kGroup columns, scales in fp32
IntegerMatrix quantise_int4_groups(
    const WeightMatrix& weights);  // of kGroup columns, scales rounded to fp16
IntegerMatrix quantise_ternary(
    const WeightMatrix& weights);  // BitNet b1.58, arXiv 2402.17764 eq. 1-3

// A weight-stationary array of kTileRows rows: weights of kTileRows columns of the matrix at a time
// stay in place while activations stream through, and each column's partial sum joins its int32
// accumulator.
class SystolicInt8 final : public Datapath {
 public:
  static constexpr std::int64_t kTileRows = 128;
  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;

 private:
  std::map<std::string, IntegerMatrix> prepared_;
};

class Int8Group final : public Datapath {
 public:
  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;

 private:
  std::map<std::string, IntegerMatrix> prepared_;
};

class Int4Group final : public Datapath {
 public:
  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;

 private:
  std::map<std::string, IntegerMatrix> prepared_;
};

class TernaryAddSubtract final : public Datapath {
 public:
  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;

 private:
  std::map<std::string, IntegerMatrix> prepared_;
};

}  // namespace joulesim::models
