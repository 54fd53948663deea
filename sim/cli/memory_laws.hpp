// What must hold for every DRAM part without any reference: closed forms and laws.
#pragma once

#include <string>
#include <vector>

namespace joulesim::cli {

struct LawRow {
  std::string part, law;
  double found = 0, expected = 0;
  double bound = 0;  // share of `expected` that `found` may be off
  [[nodiscard]] bool holds() const;
};

std::vector<LawRow> check_laws(const std::string& part_name);

}  // namespace joulesim::cli
