// Parts for the memory tests.
#pragma once

#include "hw/dram/part.hpp"

#include <string>

namespace joulesim::hw::testing {

inline DramPart load_part(const std::string& name) {
  ConfigFile file =
      ConfigFile::read(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/" + name + ".toml");
  DramPart part = DramPart::from(file.root());
  file.require_ok();
  return part;
}

}  // namespace joulesim::hw::testing
