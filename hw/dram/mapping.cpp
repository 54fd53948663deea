#include "hw/dram/mapping.hpp"

#include <bit>
#include <string>

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

std::optional<DramMapping> DramMapping::named(std::string_view name, const DramOrganisation& o) {
  bool known = false;
  for (const std::string_view n : names()) {
    known = known || n == name;
  }
  if (!known) {
    return std::nullopt;
  }
  DramMapping m;
  int shift = 0;
  bool column_seen = false;
  int below_column = 0;
  // Fields from the right end of the name, least significant first.
  std::string_view rest = name;
  while (!rest.empty()) {
    const auto cut = rest.rfind('_');
    const std::string_view field = cut == std::string_view::npos ? rest : rest.substr(cut + 1);
    rest = cut == std::string_view::npos ? std::string_view{} : rest.substr(0, cut);
    Field* target = nullptr;
    int bits = 0;
    if (field == "co") {
      target = &m.column_;
      bits = log2_of(o.columns());
      column_seen = true;
      m.rotation_ = 1 << below_column;
      m.stripe_ = std::uint64_t{1} << (below_column + bits);
    } else if (field == "bg") {
      target = &m.group_;
      bits = log2_of(o.bank_groups);
    } else if (field == "ba") {
      target = &m.bank_in_group_;
      bits = log2_of(o.banks_per_group);
    } else if (field == "pc") {
      target = &m.unit_;
      bits = log2_of(o.units);
    } else if (field == "sid") {
      target = &m.stack_;
      bits = log2_of(o.stacks);
    } else if (field == "ro") {
      target = &m.row_;
      bits = log2_of(o.rows);
    }  // ra has no bits: one rank
    if (target != nullptr) {
      *target = {shift, bits};
      shift += bits;
      below_column += column_seen ? 0 : bits;
    }
  }
  // Fields that the name leaves out (a mapping without bg on a part with bank groups) would
  // silently shrink the part, so they go between row and the rest.
  if ((o.bank_groups > 1 && m.group_.bits == 0) || (o.units > 1 && m.unit_.bits == 0) ||
      (o.stacks > 1 && m.stack_.bits == 0)) {
    return std::nullopt;
  }
  return m;
}

}  // namespace joulesim::hw
