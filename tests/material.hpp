// Test material that may be there or not.
#pragma once

#include <catch2/catch.hpp>

#include <filesystem>

namespace joulesim::material {

// True, and said in the run's output, when the file or folder is not there.
inline bool absent(const std::filesystem::path& path) {
  if (std::filesystem::exists(path)) {
    return false;
  }
  WARN("skipped: no " << path.string());
  return true;
}

}  // namespace joulesim::material
