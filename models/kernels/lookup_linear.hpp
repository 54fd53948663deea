// Datapaths without multipliers that look sums up in small tables made from the activations.
//
// Models:     TernaryLookup: kTogether ternary weights name one of 3^kTogether sums of as many int8
//             activations, kept in int16 (their largest is kTogether * 127); looked-up sums are
//             added in int32. Bit for bit what adding and subtracting gives. After the TL kernels
//             of bitnet.cpp, Wang et al., arXiv 2410.16144. Int4Lookup: a 4-bit code is four planes
//             of signs, code = sum over b of 2^(b - 1) s_b - 1/2. Four signs name one of 16 signed
//             sums of four activations. The tables of a group are rounded to int8 with one scale;
//             per group, planes are added in int32 with their weights, and the half of all
//             activations is taken away in fp32. After T-MAC, Wei et al., arXiv 2407.00088.
// Leaves out: mirror-consolidated tables (they hold the same sums), fast aggregation (which loses
//             bits).
// Error bound of Int4Lookup against Int4Group: half a table step per look-up, 30 steps in a group
// of
//             32, times the group's weight scale; and fp32 additions across groups.
// Checked by: tests/kernels/models_lookup.cpp
#pragma once

#include "models/kernels/quantised_linear.hpp"

#include <map>
#include <string>

namespace joulesim::models {

class TernaryLookup final : public Datapath {
 public:
  static constexpr std::int64_t kTogether = 3;
  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;

 private:
  std::map<std::string, IntegerMatrix> prepared_;  // codes: table indices
};

class Int4Lookup final : public Datapath {
 public:
  static constexpr std::int64_t kTogether = 4;
  void multiply(const std::string& key, const WeightMatrix& weights, Rows x, Role role,
                std::span<float> y) override;

 private:
  std::map<std::string, IntegerMatrix> prepared_;
};

}  // namespace joulesim::models
