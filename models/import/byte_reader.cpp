#include "models/import/byte_reader.hpp"

#include "sim/base/diagnostics.hpp"

#include <fmt/format.h>

#include <bit>

namespace joulesim::models {

static_assert(std::endian::native == std::endian::little,
              "files are read as the machine's own numbers");

BinaryFault::BinaryFault(std::size_t offset, const std::string& found, const std::string& expected)
    : std::runtime_error(fmt::format("offset {}: found {}; expected {}", offset, found, expected)) {
}

void refuse_file(const std::string& path, const std::string& message) {
  Diagnostics diagnostics;
  diagnostics.error(path, message);
  throw InputError(std::move(diagnostics));
}

std::span<const std::byte> ByteReader::take(std::uint64_t size, const std::string& what) {
  if (size > left()) {
    throw BinaryFault(offset_,
                      fmt::format("{} of {} bytes with {} left in the file", what, size, left()),
                      "it to end within the file");
  }
  const auto taken = bytes_.subspan(offset_, static_cast<std::size_t>(size));
  offset_ += static_cast<std::size_t>(size);
  return taken;
}

std::string ByteReader::text(std::uint64_t size, const std::string& what) {
  const auto bytes = take(size, what);
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void ByteReader::skip_to(std::size_t offset, const std::string& what) {
  if (offset < offset_ || offset > bytes_.size()) {
    throw BinaryFault(offset_, fmt::format("{} at {} of {} bytes", what, offset, bytes_.size()),
                      "it to start within the file");
  }
  offset_ = offset;
}

}  // namespace joulesim::models
