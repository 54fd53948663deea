// Which bank, row and column an address of one channel falls on.
//
// Models:      plain bit-field mappings, named from the most significant field to the least, in any
//              order: ro row, ra rank, sid stack, ba bank in group, bg bank group, co column,
//              pc pseudo-channel, ch channel (no bits: one channel is mapped here). A field of
//              which the part has one may be named or left out. The bits below a burst are not
//              mapped; addresses beyond the part's capacity wrap around.
// Leaves out:  XOR hashing of bank bits, fields in pieces, non-power-of-two organisations.
// Checked by:  tests/unit/dram_structures.cpp (bijective, field order, refusals).
#pragma once

#include "hw/dram/timing.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace joulesim::hw {

struct DramAddress {
  int bank = 0;  // flat: pseudo-channel, rank, stack, bank group, bank, from the top
  std::int32_t row = 0;
  std::int32_t column = 0;  // in bursts
};

class DramMapping {
 public:
  // nullopt when the name does not fit the organisation; `fault` says why, and is empty otherwise.
  static std::optional<DramMapping> named(std::string_view name, const DramOrganisation& o);
  static std::string fault(std::string_view name, const DramOrganisation& o);
  // Names in use; any other order of the fields works as well.
  static const std::vector<std::string_view>& names();

  [[nodiscard]] DramAddress decode(std::uint64_t burst_index) const {
    std::uint64_t bank = 0;
    for (int i = 0; i < bank_pieces_; ++i) {
      const Field& f = bank_[static_cast<std::size_t>(i)];
      bank |= pick(burst_index, f) << f.up;
    }
    return {static_cast<int>(bank), static_cast<std::int32_t>(pick(burst_index, row_)),
            static_cast<std::int32_t>(pick(burst_index, column_))};
  }

  // Bursts in a row before any consecutive address leaves the set of banks and the row that it is
  // in: one row of every bank that the fields below and within the column field select.
  [[nodiscard]] std::uint64_t stripe_bursts() const { return stripe_; }
  // Consecutive bursts rotate over this many banks (fields below the column).
  [[nodiscard]] int rotation() const { return rotation_; }

 private:
  struct Field {
    int shift = 0;
    int bits = 0;
    std::uint64_t mask = 0;
    int up = 0;  // where a piece of the bank number goes
  };
  void collect_bank(std::array<Field, 5> fields);
  static std::string lay_out(std::string_view name, const DramOrganisation& o, DramMapping& out);
  static std::uint64_t pick(std::uint64_t v, const Field& f) { return (v >> f.shift) & f.mask; }
  Field row_, column_;
  std::array<Field, 5> bank_;  // pieces of the flat bank number that have bits
  int bank_pieces_ = 0;
  std::uint64_t stripe_ = 1;
  int rotation_ = 1;
};

}  // namespace joulesim::hw
