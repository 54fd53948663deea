#include "tests/fuzz/targets.hpp"

#include "sim/base/diagnostics.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>

namespace joulesim::fuzz {
namespace {

namespace fs = std::filesystem;

// In memory where the system has a place for it.
struct Folder {
  Folder() {
    const fs::path top =
        fs::is_directory("/dev/shm") ? fs::path("/dev/shm") : fs::temp_directory_path();
    std::string name = (top / "joulesim-fuzz-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) {
      throw std::runtime_error("no folder for inputs below " + top.string());
    }
    path = name;
  }
  ~Folder() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  fs::path path;
};

}  // namespace

void run(const Target& target, std::span<const std::byte> input) {
  try {
    target.parse(input);
  } catch (const InputError&) {
    return;
  }
}

std::string as_file(const std::string& name, std::span<const std::byte> input) {
  static const Folder folder;
  const fs::path path = folder.path / name;
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(input.data()),
            static_cast<std::streamsize>(input.size()));
  return path.string();
}

Bytes bytes_of(const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  return {bytes.begin(), bytes.end()};
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace joulesim::fuzz
