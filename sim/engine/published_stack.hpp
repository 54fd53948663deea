// Software stacks as published rows name them.
#pragma once

#include "sim/engine/machine.hpp"
#include "sim/engine/published_rows.hpp"

#include <map>
#include <string>
#include <vector>

namespace joulesim::engine {

// All stacks of the library, loaded once.
class StackShelf {
 public:
  explicit StackShelf(const Library& library);

  // The stack whose alias the row's runtime is or begins with, among those that suit the unit; one
  // that its note begins with or holds where the row names none; the unit's own otherwise. An
  // earlier version of it where the note names that.
  const hw::RuntimeSpec& of(const PublishedRow& row, const MachineUnit& unit) const;

 private:
  const hw::RuntimeSpec& newest_of(const PublishedRow& row, const MachineUnit& unit) const;
  const hw::RuntimeSpec* named(const std::string& text, const hw::RuntimeSpec& own,
                               const std::string& unit, bool inside) const;
  std::map<std::string, hw::RuntimeSpec> stacks_;
};

}  // namespace joulesim::engine
