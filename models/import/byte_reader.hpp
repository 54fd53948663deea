// A cursor over untrusted bytes: every read is checked against the end, every fault names its
// offset.
//
// Checked by: tests/unit/models_gguf.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <string>

namespace joulesim::models {

// "offset N: found …; expected …"
class BinaryFault : public std::runtime_error {
 public:
  BinaryFault(std::size_t offset, const std::string& found, const std::string& expected);
};

// Throws InputError: "path: error: message".
[[noreturn]] void refuse_file(const std::string& path, const std::string& message);

class ByteReader {
 public:
  explicit ByteReader(std::span<const std::byte> bytes) : bytes_(bytes) {}

  [[nodiscard]] std::size_t offset() const { return offset_; }
  [[nodiscard]] std::size_t left() const { return bytes_.size() - offset_; }

  // A little-endian number; `what` names it in the message when the file ends first.
  template <class T>
  T number(const std::string& what) {
    static_assert(std::is_arithmetic_v<T>);
    T value{};
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> take(std::uint64_t size, const std::string& what);
  std::string text(std::uint64_t size, const std::string& what);
  void skip_to(std::size_t offset, const std::string& what);

 private:
  std::span<const std::byte> bytes_;
  std::size_t offset_ = 0;
};

}  // namespace joulesim::models
