// What tests of reports share: a folder of one's own, and a world without gnuplot.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>
#include <unistd.h>

namespace joulesim::reports {

struct Folder {
  std::filesystem::path path;
  explicit Folder(const std::string& name)
      : path(std::filesystem::temp_directory_path() /
             ("joulesim-" + name + "-" + std::to_string(::getpid()))) {
    std::filesystem::remove_all(path);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
};

struct WithoutGnuplot {
  std::string path;
  WithoutGnuplot() : path(std::getenv("PATH")) { ::setenv("PATH", "/nonexistent", 1); }
  ~WithoutGnuplot() { ::setenv("PATH", path.c_str(), 1); }
  WithoutGnuplot(const WithoutGnuplot&) = delete;
  WithoutGnuplot& operator=(const WithoutGnuplot&) = delete;
  WithoutGnuplot(WithoutGnuplot&&) = delete;
  WithoutGnuplot& operator=(WithoutGnuplot&&) = delete;
};

}  // namespace joulesim::reports
