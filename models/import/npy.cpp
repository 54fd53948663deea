#include "models/import/npy.hpp"

#include "models/import/byte_reader.hpp"
#include "models/import/mapped_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <string_view>
#include <vector>

namespace joulesim::models {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr std::size_t kFixedBytes = 10;  // magic, version, header length
constexpr std::size_t kAlignment = 64;

std::string header_of(const FloatArray& array) {
  std::string text = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}",
                                 array.rows, array.columns);
  // Spaces and a newline up to a multiple of 64 bytes.
  const std::size_t unpadded = kFixedBytes + text.size() + 1;
  text.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  return text + "\n";
}

// The numbers between the brackets of the shape.
std::vector<std::size_t> shape_in(std::string_view header) {
  constexpr std::string_view kKey = "'shape': (";
  constexpr std::size_t kMostElements = std::size_t{1} << 40U;
  std::vector<std::size_t> shape;
  const std::size_t at = header.find(kKey);
  std::string_view text = header.substr(at == std::string_view::npos ? 0 : at + kKey.size());
  std::size_t elements = 1;
  while (at != std::string_view::npos && !text.empty() && text.front() != ')') {
    if (text.front() == ' ' || text.front() == ',') {
      text.remove_prefix(1);
      continue;
    }
    std::size_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || (value > 0 && elements > kMostElements / value)) {
      throw BinaryFault(kFixedBytes, "a shape that is none in the header", "whole numbers");
    }
    elements *= std::max<std::size_t>(value, 1);
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    shape.push_back(value);
  }
  if (shape.size() < 2 || text.empty()) {
    throw BinaryFault(kFixedBytes, fmt::format("a shape of {} dimensions", shape.size()),
                      "at least two");
  }
  return shape;
}

FloatArray parse(std::span<const std::byte> bytes) {
  ByteReader reader(bytes);
  if (reader.text(kMagic.size(), "the magic text") != kMagic) {
    throw BinaryFault(0, "no NumPy array", "\"\\x93NUMPY\"");
  }
  if (const auto version = reader.number<std::uint16_t>("the version"); version != 1) {
    throw BinaryFault(kMagic.size(), fmt::format("version {}.{}", version & 255, version >> 8),
                      "1.0");
  }
  const std::string header =
      reader.text(reader.number<std::uint16_t>("the header's length"), "the header");
  if (header.find("'<f4'") == std::string::npos ||
      header.find("'fortran_order': False") == std::string::npos) {
    throw BinaryFault(kFixedBytes, "header " + header, "float32 in C order");
  }
  // All dimensions but the last are rows.
  const std::vector<std::size_t> shape = shape_in(header);
  FloatArray array;
  const std::size_t most = reader.left() / sizeof(float);
  std::size_t elements = 1;
  for (const std::size_t dimension : shape) {
    if (dimension > 0 && elements > most / dimension) {
      throw BinaryFault(reader.offset(), fmt::format("{} bytes of data", reader.left()),
                        "all elements of the header's shape");
    }
    elements *= dimension;
  }
  array.columns = shape.back();
  array.rows = 1;
  for (std::size_t i = 0; i + 1 < shape.size(); ++i) {
    array.rows *= shape[i];
  }
  const auto data =
      reader.take(std::uint64_t{array.rows} * array.columns * sizeof(float), "the array");
  array.values.resize(array.rows * array.columns);
  if (!data.empty()) {
    std::memcpy(array.values.data(), data.data(), data.size());
  }
  return array;
}

}  // namespace

void write_npy(const std::string& path, const FloatArray& array) {
  const std::string header = header_of(array);
  std::ofstream out(path, std::ios::binary);
  const char length[2] = {static_cast<char>(header.size() & 255U),
                          static_cast<char>(header.size() >> 8U)};
  out << kMagic << '\x01' << '\x00';
  out.write(length, 2);
  out << header;
  out.write(reinterpret_cast<const char*>(array.values.data()),
            static_cast<std::streamsize>(array.values.size() * sizeof(float)));
  out.flush();
  if (!out) {
    refuse_file(path, "cannot be written");
  }
}

FloatArray read_npy(const std::string& path) {
  const auto file = MappedFile::open(path);
  try {
    return parse(file->bytes());
  } catch (const BinaryFault& fault) {
    refuse_file(path, fault.what());
  }
}

}  // namespace joulesim::models
