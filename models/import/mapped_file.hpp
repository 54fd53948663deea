// A file's bytes, mapped read-only: opening a model of any size costs no memory.
//
// Checked by: tests/unit/models_gguf.cpp
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>

namespace joulesim::models {

class MappedFile {
 public:
  // Throws InputError when the file cannot be opened, is no regular file or is empty.
  static std::shared_ptr<const MappedFile> open(const std::string& path);

  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  ~MappedFile();

  [[nodiscard]] std::span<const std::byte> bytes() const { return bytes_; }

 private:
  explicit MappedFile(std::span<const std::byte> bytes) : bytes_(bytes) {}

  std::span<const std::byte> bytes_;
};

}  // namespace joulesim::models
