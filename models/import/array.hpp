// A dense array of any rank and element type: what ONNX graphs compute on and what NumPy files
// hold.
//
// Models:     the element types of ONNX tensors, row-major; 4-bit integers take one byte each here.
//             Copies share their elements; only the maker of an array writes to it.
// Leaves out: strides, complex numbers.
// Checked by: tests/unit/models_array.cpp
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace joulesim::models {

using Dims = std::vector<std::int64_t>;

// Numbered as in ONNX's TensorProto.
enum class DType : std::uint8_t {
  kUndefined = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kUint16 = 4,
  kInt16 = 5,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11,
  kUint32 = 12,
  kUint64 = 13,
  kBfloat16 = 16,
  kFloat8E4m3fn = 17,
  kFloat8E4m3fnuz = 18,
  kFloat8E5m2 = 19,
  kFloat8E5m2fnuz = 20,
  kUint4 = 21,
  kInt4 = 22,
};

std::string_view name_of(DType type);                   // "float", "int64"
std::optional<DType> dtype_of_code(std::int64_t code);  // ONNX's number; none for what is left out
std::size_t bytes_of(DType type);                       // of one element in memory; 0 for strings
[[nodiscard]] bool is_float(DType type);                // any width, 8 bits included
[[nodiscard]] bool is_integer(DType type);

// Wrong sizes, types or values met while computing; callers add where.
class ArrayFault : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// Larger arrays are refused: a damaged file must not ask for all memory.
inline constexpr std::int64_t kMostArrayBytes = std::int64_t{1} << 33;

// Product of the dimensions. Throws ArrayFault when one is negative or the product overflows.
std::int64_t elements_of(const Dims& shape);
std::string to_string(const Dims& shape);  // "[2,3]"

// Floats narrower than 32 bits travel as their bits.
struct Half {
  std::uint16_t bits;
};
struct Bfloat {
  std::uint16_t bits;
};

class Array {
 public:
  Array() = default;
  // Zeros, or empty strings.
  Array(DType type, Dims shape);
  // Borrows elements that `owner` keeps alive; `data` is aligned for the type and of the right
  // size.
  static Array view(DType type, Dims shape, std::span<const std::byte> data,
                    std::shared_ptr<const void> owner);
  template <class T>
  static Array of(DType type, Dims shape, const std::vector<T>& values) {
    Array array(type, std::move(shape));
    array.check_count(values.size());
    const auto out = array.write<T>();
    for (std::size_t i = 0; i < values.size(); ++i) {
      out[i] = values[i];
    }
    return array;
  }
  static Array of_ints(const std::vector<std::int64_t>& values);  // int64, rank 1
  static Array scalar(std::int64_t value);                        // int64, rank 0

  [[nodiscard]] DType type() const { return type_; }
  [[nodiscard]] const Dims& shape() const { return shape_; }
  [[nodiscard]] std::int64_t rank() const { return static_cast<std::int64_t>(shape_.size()); }
  [[nodiscard]] std::int64_t dim(std::int64_t axis) const {
    return shape_.at(static_cast<std::size_t>(axis));
  }
  [[nodiscard]] std::int64_t size() const { return size_; }
  [[nodiscard]] bool defined() const { return type_ != DType::kUndefined; }

  template <class T>
  [[nodiscard]] std::span<const T> read() const {
    if constexpr (std::is_same_v<T, std::string>) {
      return *strings_;
    } else {
      check_width(sizeof(T));
      return {reinterpret_cast<const T*>(data_), static_cast<std::size_t>(size_)};
    }
  }
  template <class T>
  [[nodiscard]] std::span<T> write() {
    if constexpr (std::is_same_v<T, std::string>) {
      return *strings_;
    } else {
      check_width(sizeof(T));
      return {reinterpret_cast<T*>(data_), static_cast<std::size_t>(size_)};
    }
  }
  [[nodiscard]] std::span<const std::byte> bytes() const;  // not of strings

  // The same elements in another shape of as many elements.
  [[nodiscard]] Array reshaped(Dims shape) const;
  // The same bits under a type of the same width.
  [[nodiscard]] Array retyped(DType type) const;

 private:
  void check_width(std::size_t width) const;
  void check_count(std::size_t count) const;

  DType type_ = DType::kUndefined;
  Dims shape_;
  std::int64_t size_ = 0;
  std::byte* data_ = nullptr;
  std::shared_ptr<const void> owner_;
  std::shared_ptr<std::vector<std::string>> strings_;
};

}  // namespace joulesim::models
