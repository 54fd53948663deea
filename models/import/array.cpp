#include "models/import/array.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace joulesim::models {
namespace {

struct TypeRow {
  DType type;
  std::string_view name;
  std::size_t bytes;
};

constexpr std::array kTypes{
    TypeRow{DType::kFloat, "float", 4},
    TypeRow{DType::kUint8, "uint8", 1},
    TypeRow{DType::kInt8, "int8", 1},
    TypeRow{DType::kUint16, "uint16", 2},
    TypeRow{DType::kInt16, "int16", 2},
    TypeRow{DType::kInt32, "int32", 4},
    TypeRow{DType::kInt64, "int64", 8},
    TypeRow{DType::kString, "string", 0},
    TypeRow{DType::kBool, "bool", 1},
    TypeRow{DType::kFloat16, "float16", 2},
    TypeRow{DType::kDouble, "double", 8},
    TypeRow{DType::kUint32, "uint32", 4},
    TypeRow{DType::kUint64, "uint64", 8},
    TypeRow{DType::kBfloat16, "bfloat16", 2},
    TypeRow{DType::kFloat8E4m3fn, "float8e4m3fn", 1},
    TypeRow{DType::kFloat8E4m3fnuz, "float8e4m3fnuz", 1},
    TypeRow{DType::kFloat8E5m2, "float8e5m2", 1},
    TypeRow{DType::kFloat8E5m2fnuz, "float8e5m2fnuz", 1},
    TypeRow{DType::kUint4, "uint4", 1},
    TypeRow{DType::kInt4, "int4", 1},
};

const TypeRow* row_of(DType type) {
  const auto* found = std::find_if(kTypes.begin(), kTypes.end(),
                                   [&](const TypeRow& row) { return row.type == type; });
  return found == kTypes.end() ? nullptr : found;
}

}  // namespace

std::string_view name_of(DType type) {
  const TypeRow* row = row_of(type);
  return row == nullptr ? "undefined" : row->name;
}

std::optional<DType> dtype_of_code(std::int64_t code) {
  if (code < 0 || code > 255) {
    return std::nullopt;
  }
  const auto type = static_cast<DType>(code);
  return row_of(type) == nullptr ? std::nullopt : std::optional(type);
}

std::size_t bytes_of(DType type) {
  const TypeRow* row = row_of(type);
  return row == nullptr ? 0 : row->bytes;
}

bool is_float(DType type) {
  switch (type) {
    case DType::kFloat:
    case DType::kFloat16:
    case DType::kDouble:
    case DType::kBfloat16:
    case DType::kFloat8E4m3fn:
    case DType::kFloat8E4m3fnuz:
    case DType::kFloat8E5m2:
    case DType::kFloat8E5m2fnuz:
      return true;
    default:
      return false;
  }
}

bool is_integer(DType type) {
  return !is_float(type) && type != DType::kString && type != DType::kBool &&
         type != DType::kUndefined;
}

std::int64_t elements_of(const Dims& shape) {
  std::int64_t product = 1;
  bool empty = false;
  for (const std::int64_t dim : shape) {
    if (dim < 0) {
      throw ArrayFault(
          fmt::format("found a shape of {}; expected no negative dimension", to_string(shape)));
    }
    if (dim == 0) {
      empty = true;
    } else if (__builtin_mul_overflow(product, dim, &product)) {
      throw ArrayFault(
          fmt::format("found a shape of {}; expected fewer elements", to_string(shape)));
    }
  }
  return empty ? 0 : product;
}

std::string to_string(const Dims& shape) { return fmt::format("[{}]", fmt::join(shape, ",")); }

Array::Array(DType type, Dims shape)
    : type_(type), shape_(std::move(shape)), size_(elements_of(shape_)) {
  const auto width =
      static_cast<std::int64_t>(type == DType::kString ? sizeof(std::string) : bytes_of(type));
  if (width == 0 || size_ > kMostArrayBytes / width) {
    throw ArrayFault(fmt::format("found an array of {} {}; expected at most {} bytes",
                                 to_string(shape_), name_of(type), kMostArrayBytes));
  }
  const auto count = static_cast<std::size_t>(size_);
  if (type == DType::kString) {
    strings_ = std::make_shared<std::vector<std::string>>(count);
    return;
  }
  // Whole cache lines, so that vector code may assume alignment.
  constexpr std::size_t kLine = 64;
  const std::size_t bytes =
      std::max(kLine, (count * static_cast<std::size_t>(width) + kLine - 1) / kLine * kLine);
  void* memory = std::aligned_alloc(kLine, bytes);
  if (memory == nullptr) {
    throw ArrayFault(
        fmt::format("found no memory for an array of {} {}", to_string(shape_), name_of(type)));
  }
  std::memset(memory, 0, bytes);
  owner_ = std::shared_ptr<void>(memory, [](void* p) { std::free(p); });
  data_ = static_cast<std::byte*>(memory);
}

Array Array::view(DType type, Dims shape, std::span<const std::byte> data,
                  std::shared_ptr<const void> owner) {
  Array array;
  array.type_ = type;
  array.size_ = elements_of(shape);
  array.shape_ = std::move(shape);
  if (data.size() != static_cast<std::size_t>(array.size_) * bytes_of(type) ||
      reinterpret_cast<std::uintptr_t>(data.data()) % std::max<std::size_t>(1, bytes_of(type))) {
    throw ArrayFault("found borrowed elements of the wrong size or alignment");
  }
  // Never written through: write() is for makers.
  array.data_ = const_cast<std::byte*>(data.data());
  array.owner_ = std::move(owner);
  return array;
}

Array Array::of_ints(const std::vector<std::int64_t>& values) {
  return of(DType::kInt64, {static_cast<std::int64_t>(values.size())}, values);
}

Array Array::scalar(std::int64_t value) {
  return of(DType::kInt64, {}, std::vector<std::int64_t>{value});
}

std::span<const std::byte> Array::bytes() const {
  return {data_, static_cast<std::size_t>(size_) * bytes_of(type_)};
}

Array Array::reshaped(Dims shape) const {
  if (elements_of(shape) != size_) {
    throw ArrayFault(fmt::format("found a shape of {} for {} elements; expected as many",
                                 to_string(shape), size_));
  }
  Array array = *this;
  array.shape_ = std::move(shape);
  return array;
}

Array Array::retyped(DType type) const {
  if (bytes_of(type) != bytes_of(type_)) {
    throw ArrayFault(fmt::format("found {} read as {}", name_of(type_), name_of(type)));
  }
  Array array = *this;
  array.type_ = type;
  return array;
}

void Array::check_width(std::size_t width) const {
  if (width != bytes_of(type_)) {
    throw ArrayFault(
        fmt::format("found elements of {}; expected elements of {} bytes", name_of(type_), width));
  }
}

void Array::check_count(std::size_t count) const {
  if (count != static_cast<std::size_t>(size_)) {
    throw ArrayFault(fmt::format("found {} values for a shape of {}", count, to_string(shape_)));
  }
}

}  // namespace joulesim::models
