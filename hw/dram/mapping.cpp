#include "hw/dram/mapping.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <bit>

namespace joulesim::hw {

namespace {

int log2_of(std::int64_t v) { return std::countr_zero(static_cast<std::uint64_t>(v)); }

}  // namespace

const std::vector<std::string_view>& DramMapping::names() {
  static const std::vector<std::string_view> kNames = {
      "ro_ra_ba_co_bg",     "ro_ra_ba_bg_co",  "ro_ba_co",           "ro_ba_co_bg",
      "ro_ba_bg_co",        "ro_ba_co_bg_pc",  "ro_sid_ba_co_bg_pc", "ro_ba_bg_co_pc",
      "ro_sid_ba_bg_co_pc", "ro_sid_ba_co_bg", "ro_sid_ba_bg_co",    "ro_bg_co_ba"};
  return kNames;
}

std::string DramMapping::lay_out(std::string_view name, const DramOrganisation& o,
                                 DramMapping& out) {
  struct Known {
    std::string_view name;
    std::int64_t count;
    Field* field;
    bool seen = false;
  };
  Field channel;
  Field bank_in_group;
  Field group;
  Field stack;
  Field rank;
  Field unit;
  std::array<Known, 8> known = {{{"ro", o.rows, &out.row_},
                                 {"ra", o.ranks, &rank},
                                 {"sid", o.stacks, &stack},
                                 {"ba", o.banks_per_group, &bank_in_group},
                                 {"bg", o.bank_groups, &group},
                                 {"co", o.columns(), &out.column_},
                                 {"pc", o.units, &unit},
                                 {"ch", 1, &channel}}};
  int shift = 0;
  bool column_seen = false;
  // Fields from the right end of the name, least significant first.
  std::string_view rest = name;
  for (bool more = true; more;) {
    const auto cut = rest.rfind('_');
    more = cut != std::string_view::npos;
    const std::string_view field = more ? rest.substr(cut + 1) : rest;
    rest = more ? rest.substr(0, cut) : std::string_view{};
    const auto it = std::find_if(known.begin(), known.end(),
                                 [field](const Known& k) { return k.name == field; });
    if (it == known.end()) {
      return fmt::format(
          "mapping '{}' has the unknown field '{}'; expected ro, ra, sid, ba, bg, "
          "co, pc and ch in some order",
          name, field);
    }
    if (it->seen) {
      return fmt::format("mapping '{}' has the field '{}' twice; expected it once", name, field);
    }
    it->seen = true;
    const int bits = log2_of(it->count);
    *it->field = {shift, bits, (std::uint64_t{1} << bits) - 1};
    if (field == "co") {
      column_seen = true;
      out.rotation_ = 1 << shift;
      out.stripe_ = std::uint64_t{1} << (shift + bits);
    }
    shift += bits;
  }
  // A field left out would silently shrink the part.
  for (const Known& k : known) {
    if (!k.seen && k.count > 1) {
      return fmt::format(
          "mapping '{}' leaves out '{}', of which the part has {}; expected a name "
          "with all fields of the part",
          name, k.name, k.count);
    }
  }
  out.collect_bank({bank_in_group, group, stack, rank, unit});
  return column_seen ? "" : fmt::format("mapping '{}' leaves out 'co'; expected the column", name);
}

// From the least significant field of the flat bank number on; neighbours in the address that are
// neighbours in the number are one piece.
void DramMapping::collect_bank(std::array<Field, 5> fields) {
  int up = 0;
  for (Field f : fields) {
    if (f.bits == 0) {
      continue;
    }
    f.up = up;
    up += f.bits;
    Field* last = bank_pieces_ > 0 ? &bank_[static_cast<std::size_t>(bank_pieces_ - 1)] : nullptr;
    if (last != nullptr && last->shift + last->bits == f.shift) {
      last->bits += f.bits;
      last->mask = (std::uint64_t{1} << last->bits) - 1;
      continue;
    }
    bank_[static_cast<std::size_t>(bank_pieces_++)] = f;
  }
}

std::optional<DramMapping> DramMapping::named(std::string_view name, const DramOrganisation& o) {
  DramMapping m;
  if (!lay_out(name, o, m).empty()) {
    return std::nullopt;
  }
  return m;
}

std::string DramMapping::fault(std::string_view name, const DramOrganisation& o) {
  DramMapping m;
  return lay_out(name, o, m);
}

}  // namespace joulesim::hw
