// Loads plug-ins (hw/component/plugin.hpp): shared libraries that bring kinds of compute units.
//
// Models:      a library is loaded and asked in a process of its own first, so that one that is
//              damaged or crashes is refused like any other wrong input; then here, with everything
//              that it must be held against what it is. Libraries stay loaded to the end.
// Leaves out:  what its units answer later (hw/component/watched_unit.hpp).
// Checked by:  tests/plugin/plugin.cpp.
#pragma once

#include "hw/component/registry.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace joulesim::engine {

struct LoadedPlugin {
  std::string path, fnv1a;
  std::int32_t interface = 0;
  std::vector<std::string> models;  // the kinds that it brought
};

// "dot_engine.so (interface 3): dot_engine", as reports name it.
std::string shown(const LoadedPlugin& plugin);

// Adds the kinds of all these libraries. Throws InputError with every library that is no plug-in,
// is of another interface, or brings a kind that exists.
std::vector<LoadedPlugin> load_plugins(const std::vector<std::string>& paths,
                                       hw::Registry& registry);

}  // namespace joulesim::engine
