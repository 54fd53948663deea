// Parts for the memory tests.
#pragma once

#include "hw/dram/part.hpp"
#include "tests/part_file.hpp"

#include <algorithm>
#include <filesystem>
#include <string>
#include <vector>

namespace joulesim::hw::testing {

inline DramPart load_part(const std::string& name) {
  ConfigFile file = read_part_file(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram/" + name + ".toml");
  DramPart part = DramPart::from(file.root());
  file.require_ok();
  return part;
}

// All parts of the folder, in order of name.
inline std::vector<std::string> part_names() {
  std::vector<std::string> out;
  for (const auto& entry :
       std::filesystem::directory_iterator(std::string(JOULESIM_SOURCE_DIR) + "/hw/dram")) {
    if (entry.path().extension() == ".toml") {
      out.push_back(entry.path().stem().string());
    }
  }
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace joulesim::hw::testing
