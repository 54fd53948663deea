// Arrays from nothing: constants, ranges, identity matrices, triangles.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

void constant(Call& call) {
  if (call.has_attribute("value")) {
    call.set(0, call.tensor("value"));
  } else if (call.has_attribute("value_float")) {
    call.set(0, Array::of(DType::kFloat, {},
                          std::vector<float>{static_cast<float>(call.number("value_float", 0))}));
  } else if (call.has_attribute("value_floats")) {
    const std::vector<float> values = call.numbers("value_floats");
    call.set(0, Array::of(DType::kFloat, {static_cast<std::int64_t>(values.size())}, values));
  } else if (call.has_attribute("value_int")) {
    call.set(0, Array::scalar(call.integer("value_int")));
  } else if (call.has_attribute("value_ints")) {
    call.set(0, Array::of_ints(call.integers("value_ints")));
  } else if (call.has_attribute("value_string")) {
    call.set(
        0, Array::of(DType::kString, {}, std::vector<std::string>{call.text("value_string", "")}));
  } else if (call.has_attribute("value_strings")) {
    const std::vector<std::string> values = call.texts("value_strings");
    call.set(0, Array::of(DType::kString, {static_cast<std::int64_t>(values.size())}, values));
  } else {
    refuse("no value that is dense", "value, value_float, value_int, value_string or a list");
  }
}

void constant_of_shape(Call& call) {
  Array value = Array::of(DType::kFloat, {}, std::vector<float>{0.0F});
  if (call.has_attribute("value")) {
    value = call.tensor("value");
    expect(value.size() == 1, to_string(value.shape()), "one element");
    value = value.reshaped({});
  }
  call.set(0, broadcast_to(value, call.ints_in(0)));
}

void range(Call& call) {
  const Array& start = call.in(0);
  for (std::size_t i = 0; i < 3; ++i) {
    expect(call.in(i).size() == 1 && call.in(i).type() == start.type(),
           fmt::format("{} {}", name_of(call.in(i).type()), to_string(call.in(i).shape())),
           "three numbers of one type");
  }
  by_number(start.type(), [&]<class T>(Tag<T>) {
    const T first = start.read<T>()[0];
    const T limit = call.in(1).template read<T>()[0];
    const T delta = call.in(2).template read<T>()[0];
    expect(delta != 0, "a step of 0", "another");
    const double exact =
        (static_cast<double>(limit) - static_cast<double>(first)) / static_cast<double>(delta);
    const double count = std::ceil(exact);
    expect(count <= static_cast<double>(kMostArrayBytes), fmt::format("{} elements", count),
           "fewer");
    Array y(start.type(), {count > 0 ? static_cast<std::int64_t>(count) : 0});
    const auto out = y.template write<T>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      if constexpr (std::is_integral_v<T>) {
        out[i] = static_cast<T>(static_cast<std::uint64_t>(first) +
                                static_cast<std::uint64_t>(i) * static_cast<std::uint64_t>(delta));
      } else {
        out[i] = first + static_cast<T>(i) * delta;
      }
    }
    call.set(0, y);
  });
}

DType type_attribute(const Call& call, DType absent) {
  if (!call.has_attribute("dtype")) {
    return absent;
  }
  const auto type = dtype_of_code(call.integer("dtype"));
  if (!type) {
    refuse(fmt::format("type {}", call.integer("dtype")), "one of ONNX's element types");
  }
  return *type;
}

void eye_like(Call& call) {
  const Array& like = call.in(0);
  expect(like.rank() == 2, to_string(like.shape()), "a matrix");
  const std::int64_t k = call.integer("k", 0);
  Array y(DType::kFloat, like.shape());
  for (std::int64_t r = 0; r < like.dim(0); ++r) {
    if (r + k >= 0 && r + k < like.dim(1)) {
      y.write<float>()[static_cast<std::size_t>(r * like.dim(1) + r + k)] = 1.0F;
    }
  }
  call.set(0, cast(y, type_attribute(call, like.type())));
}

void triangle(Call& call) {
  const Array& x = call.in(0);
  expect(x.rank() >= 2, to_string(x.shape()), "matrices");
  const bool upper = call.integer("upper", 1) != 0;
  const std::int64_t k = call.has(1) ? call.int_in(1) : 0;
  const std::int64_t rows = x.dim(x.rank() - 2);
  const std::int64_t columns = x.dim(x.rank() - 1);
  Array y(x.type(), x.shape());
  by_width(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.read<T>();
    const auto out = y.template write<T>();
    for (std::int64_t i = 0; i < x.size(); ++i) {
      // Distance above the diagonal; compared without adding k, which may be any number.
      const std::int64_t above = i % columns - i / columns % rows;
      if (upper ? above >= k : above <= k) {
        out[static_cast<std::size_t>(i)] = in[static_cast<std::size_t>(i)];
      }
    }
  });
  call.set(0, y);
}

constexpr KernelRow kRows[] = {
    {"", "Constant", 1, kNewestOpset, constant, Narrow::kKeep},
    {"", "ConstantOfShape", 9, kNewestOpset, constant_of_shape, Narrow::kKeep},
    {"", "Range", 11, kNewestOpset, range, Narrow::kWiden},
    {"", "EyeLike", 9, kNewestOpset, eye_like, Narrow::kKeep},
    {"", "Trilu", 14, kNewestOpset, triangle, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> creation_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
