#include "models/graph/format.hpp"

#include <array>
#include <charconv>
#include <numeric>
#include <span>
#include <stdexcept>

namespace joulesim::models {
namespace {

constexpr std::int64_t kFp16Bytes = 2;
constexpr std::int64_t kFp32Bytes = 4;
constexpr std::int64_t kLargestGroup = 1 << 20;

struct Fixed {
  std::string_view name;
  Element element;
  std::int64_t block_elements;
  std::int64_t block_bytes;
  std::int64_t tensor_bytes;
};

// The GGUF rows count, per block: fp16 scale (and minimum) + codes (+ 6-bit or 8-bit sub-block
// scales).
constexpr std::array kFixed = {
    Fixed{"fp32", Element::kFp32, 1, 4, 0},
    Fixed{"fp16", Element::kFp16, 1, 2, 0},
    Fixed{"bf16", Element::kBf16, 1, 2, 0},
    Fixed{"fp8_e4m3", Element::kFp8, 1, 1, 0},
    Fixed{"fp8_e5m2", Element::kFp8, 1, 1, 0},
    Fixed{"int32", Element::kInt32, 1, 4, 0},
    Fixed{"i8", Element::kInt8, 1, 1, 0},
    Fixed{"mxfp4", Element::kFp4, 32, 16 + 1, 0},
    Fixed{"ternary", Element::kTernary, 4, 1, kFp32Bytes},
    Fixed{"ternary_base3", Element::kTernary, 5, 1, kFp32Bytes},
    Fixed{"q4_0", Element::kInt4, 32, 2 + 16, 0},
    Fixed{"q4_1", Element::kInt4, 32, 4 + 16, 0},
    Fixed{"q5_0", Element::kInt5, 32, 2 + 4 + 16, 0},
    Fixed{"q5_1", Element::kInt5, 32, 4 + 4 + 16, 0},
    Fixed{"q8_0", Element::kInt8, 32, 2 + 32, 0},
    Fixed{"q2_k", Element::kInt2, 256, 4 + 16 + 64, 0},
    Fixed{"q3_k", Element::kInt3, 256, 2 + 12 + 32 + 64, 0},
    Fixed{"q4_k", Element::kInt4, 256, 4 + 12 + 128, 0},
    Fixed{"q5_k", Element::kInt5, 256, 4 + 12 + 32 + 128, 0},
    Fixed{"q6_k", Element::kInt6, 256, 2 + 16 + 64 + 128, 0},
    Fixed{"iq4_nl", Element::kInt4, 32, 2 + 16, 0},
    Fixed{"iq4_xs", Element::kInt4, 256, 2 + 2 + 4 + 128, 0},
    Fixed{"tq1_0", Element::kTernary, 256, 48 + 4 + 2, 0},
    Fixed{"tq2_0", Element::kTernary, 256, 64 + 2, 0},
    Fixed{"q8_k", Element::kInt8, 256, 4 + 256 + 32, 0},
};

std::optional<Element> integer_of(std::int64_t bits) {
  switch (bits) {
    case 8:
      return Element::kInt8;
    case 6:
      return Element::kInt6;
    case 5:
      return Element::kInt5;
    case 4:
      return Element::kInt4;
    case 3:
      return Element::kInt3;
    case 2:
      return Element::kInt2;
    default:
      return std::nullopt;
  }
}

// Takes a decimal number off the front of `text`.
std::optional<std::int64_t> take_number(std::string_view& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

std::optional<Format> integer_format(std::string_view name) {
  std::string_view rest = name;
  if (!rest.starts_with("int")) {
    return std::nullopt;
  }
  rest.remove_prefix(3);
  const auto bits = take_number(rest);
  if (!bits) {
    return std::nullopt;
  }
  const auto element = integer_of(*bits);
  if (!element) {
    return std::nullopt;
  }
  Format format{.name = std::string(name), .element = *element};
  if (rest.empty()) {
    // The smallest run of elements that fills whole bytes.
    format.block_elements = 8 / std::gcd<std::int64_t>(8, *bits);
    format.block_bytes = format.block_elements * *bits / 8;
    format.row_bytes = kFp16Bytes;
    return format;
  }
  if (rest == "_zp") {
    format.block_elements = 8 / std::gcd<std::int64_t>(8, *bits);
    format.block_bytes = format.block_elements * *bits / 8;
    format.row_bytes = 2 * kFp16Bytes;
    return format;
  }
  if (!rest.starts_with("_g")) {
    return std::nullopt;
  }
  rest.remove_prefix(2);
  const auto group = take_number(rest);
  const std::int64_t scale_bytes = rest.empty()      ? kFp16Bytes
                                   : rest == "_zp"   ? 2 * kFp16Bytes
                                   : rest == "_fp32" ? kFp32Bytes
                                                     : 0;
  if (!group || *group < 1 || *group > kLargestGroup || scale_bytes == 0) {
    return std::nullopt;
  }
  format.block_elements = *group;
  format.block_bytes = (*group * *bits + 7) / 8 + scale_bytes;
  return format;
}

}  // namespace

std::string_view name_of(Element element) {
  switch (element) {
    case Element::kFp32:
      return "fp32";
    case Element::kFp16:
      return "fp16";
    case Element::kBf16:
      return "bf16";
    case Element::kFp8:
      return "fp8";
    case Element::kFp4:
      return "fp4";
    case Element::kInt32:
      return "int32";
    case Element::kInt8:
      return "int8";
    case Element::kInt6:
      return "int6";
    case Element::kInt5:
      return "int5";
    case Element::kInt4:
      return "int4";
    case Element::kInt3:
      return "int3";
    case Element::kInt2:
      return "int2";
    case Element::kTernary:
      return "ternary";
  }
  return "unknown";
}

std::int64_t Format::bytes_of_row(std::int64_t columns) const {
  return (columns + block_elements - 1) / block_elements * block_bytes + row_bytes;
}

std::int64_t Format::bytes(std::int64_t rows, std::int64_t columns) const {
  return rows == 0 ? 0 : rows * bytes_of_row(columns) + tensor_bytes;
}

double Format::bits_per_element(std::int64_t rows, std::int64_t columns) const {
  return 8.0 * static_cast<double>(bytes(rows, columns)) /
         (static_cast<double>(rows) * static_cast<double>(columns));
}

std::optional<Format> find_format(std::string_view name) {
  for (const Fixed& fixed : kFixed) {
    if (fixed.name == name) {
      return Format{.name = std::string(name),
                    .element = fixed.element,
                    .block_elements = fixed.block_elements,
                    .block_bytes = fixed.block_bytes,
                    .row_bytes = 0,
                    .tensor_bytes = fixed.tensor_bytes};
    }
  }
  return integer_format(name);
}

Format known_format(std::string_view name) {
  std::optional<Format> format = find_format(name);
  if (!format) {
    throw std::logic_error("no format named " + std::string(name));
  }
  return *std::move(format);
}

std::vector<std::string> format_names() {
  std::vector<std::string> names;
  names.reserve(kFixed.size());
  for (const Fixed& fixed : kFixed) {
    names.emplace_back(fixed.name);
  }
  for (const char* pattern :
       {"int8", "int4", "int8_g32", "int4_g32", "int4_g128", "int4_g128_zp"}) {
    names.emplace_back(pattern);
  }
  return names;
}

}  // namespace joulesim::models
