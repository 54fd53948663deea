// Part files as the library reads them: with those that they are based on.
#pragma once

#include "sim/base/config.hpp"

#include <filesystem>
#include <string>

namespace joulesim::hw::testing {

// The bases lie beside the part.
inline ConfigFile read_part_file(const std::string& path) {
  ConfigFile file = ConfigFile::read(path);
  if (file.root().has("base")) {
    const std::string base = file.root().text("base") + ".toml";
    file.inherit(read_part_file((std::filesystem::path(path).parent_path() / base).string()));
  }
  return file;
}

}  // namespace joulesim::hw::testing
