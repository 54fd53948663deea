#include "sim/engine/published_stack.hpp"

#include "hw/component/registry.hpp"
#include "sim/engine/spelling.hpp"

#include <algorithm>
#include <cctype>

namespace joulesim::engine {
namespace {

const std::vector<std::string> kNone;

bool suits(const hw::RuntimeSpec& stack, const std::string& unit) {
  const auto& units = stack.units;
  return units.empty() || std::find(units.begin(), units.end(), unit) != units.end();
}

}  // namespace

StackShelf::StackShelf(const Library& library) {
  for (const std::string& name : library.part_names("runtime")) {
    LoadedRuntime loaded = load_runtime(library, name, {});
    if (!loaded.spec.harness) {
      stacks_.emplace(name, std::move(loaded.spec));
    }
  }
}

const hw::RuntimeSpec* StackShelf::named(const std::string& text, const hw::RuntimeSpec& own,
                                         const std::string& unit, bool inside) const {
  const hw::RuntimeSpec* best = nullptr;
  std::size_t length = 0;
  const auto look = [&](const hw::RuntimeSpec& stack, bool prefer) {
    for (const std::string& alias : stack.version_of.empty() ? stack.aliases : kNone) {
      const std::string wanted = lower(alias);
      const bool found = inside ? text.find(wanted) != text.npos
                                : text == wanted || text.starts_with(wanted + "-") ||
                                      text.starts_with(wanted + " ") ||
                                      (prefer && wanted.starts_with(text + "-"));
      if (found && suits(stack, unit) && wanted.size() + (prefer ? 1 : 0) > length) {
        best = &stack;
        length = wanted.size() + (prefer ? 1 : 0);
      }
    }
  };
  look(own, true);
  for (const auto& [name, stack] : stacks_) {
    look(stack, false);
  }
  return best;
}

const hw::RuntimeSpec& StackShelf::of(const PublishedRow& row, const MachineUnit& unit) const {
  const hw::RuntimeSpec& newest = newest_of(row, unit);
  for (const auto& [name, stack] : stacks_) {
    const auto said = [&](const std::string& alias) {
      return lower(row.note).find(lower(alias)) != std::string::npos;
    };
    if (stack.version_of == newest.name &&
        std::any_of(stack.aliases.begin(), stack.aliases.end(), said)) {
      return stack;
    }
  }
  return newest;
}

const hw::RuntimeSpec& StackShelf::newest_of(const PublishedRow& row,
                                             const MachineUnit& unit) const {
  const auto found = stacks_.find(unit.default_runtime);
  const hw::RuntimeSpec& own = found == stacks_.end() ? stacks_.begin()->second : found->second;
  // A table that compares stacks says in the note of a row which one it ran.
  const std::string note = lower(row.note).substr(0, row.note.find_first_of(";,:"));
  const bool same = lower(row.runtime).starts_with(note.substr(0, note.find(' ')));
  if (const hw::RuntimeSpec* stack =
          note.empty() || same ? nullptr : named(note, own, unit.name, false)) {
    return *stack;
  }
  if (!row.runtime.empty()) {
    if (const hw::RuntimeSpec* stack = named(lower(row.runtime), own, unit.name, false)) {
      return *stack;
    }
    return own;
  }
  const hw::RuntimeSpec* stack = named(lower(row.note), own, unit.name, true);
  return stack == nullptr ? own : *stack;
}

}  // namespace joulesim::engine
