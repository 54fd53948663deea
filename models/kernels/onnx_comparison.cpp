// Comparisons, logic, choice by condition.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

// Before version 7 the second operand was laid over the first from `axis` on.
Array aligned(const Call& call) {
  const Array& b = call.in(1);
  if (call.opset() >= 7 || !call.has_attribute("axis")) {
    return b;
  }
  const std::int64_t rank = call.in(0).rank();
  Dims shape = b.shape();
  const std::int64_t after = rank - axis_of(call.integer("axis"), rank) - b.rank();
  shape.insert(shape.end(), static_cast<std::size_t>(std::max<std::int64_t>(0, after)), 1);
  return b.reshaped(std::move(shape));
}

template <class F>
void compare(Call& call) {
  const Array a = call.in(0);
  const Array b = aligned(call);
  expect(a.type() == b.type(),
         fmt::format("operands of {} and {}", name_of(a.type()), name_of(b.type())),
         "the same type");
  if (a.type() == DType::kString) {
    call.set(
        0, zip<std::string, std::string, std::uint8_t>(
               a, b, DType::kBool, [](const std::string& x, const std::string& z) -> std::uint8_t {
                 return F::apply(x, z) ? 1 : 0;
               }));
    return;
  }
  const DType type = a.type() == DType::kBool ? DType::kUint8 : a.type();
  by_number(type, [&]<class T>(Tag<T>) {
    call.set(0, zip<T, T, std::uint8_t>(a, b, DType::kBool, [](T x, T z) -> std::uint8_t {
               return F::apply(x, z) ? 1 : 0;
             }));
  });
}

struct Equal {
  template <class T>
  static bool apply(const T& x, const T& z) {
    return x == z;
  }
};
struct Greater {
  template <class T>
  static bool apply(const T& x, const T& z) {
    return x > z;
  }
};
struct GreaterOrEqual {
  template <class T>
  static bool apply(const T& x, const T& z) {
    return x >= z;
  }
};
struct Less {
  template <class T>
  static bool apply(const T& x, const T& z) {
    return x < z;
  }
};
struct LessOrEqual {
  template <class T>
  static bool apply(const T& x, const T& z) {
    return x <= z;
  }
};

void expect_bool(const Array& a) {
  expect(a.type() == DType::kBool, std::string(name_of(a.type())), "bool");
}

template <class F>
void logic(Call& call) {
  const Array a = call.in(0);
  const Array b = aligned(call);
  expect_bool(a);
  expect_bool(b);
  call.set(0, zip<std::uint8_t, std::uint8_t, std::uint8_t>(
                  a, b, DType::kBool, [](std::uint8_t x, std::uint8_t z) -> std::uint8_t {
                    return F::apply(x != 0, z != 0) ? 1 : 0;
                  }));
}

struct And {
  static bool apply(bool x, bool z) { return x && z; }
};
struct Or {
  static bool apply(bool x, bool z) { return x || z; }
};
struct Xor {
  static bool apply(bool x, bool z) { return x != z; }
};

void negate(Call& call) {
  expect_bool(call.in(0));
  call.set(0, map<std::uint8_t, std::uint8_t>(
                  call.in(0), DType::kBool,
                  [](std::uint8_t x) -> std::uint8_t { return x == 0 ? 1 : 0; }));
}

void where(Call& call) {
  const Array& condition = call.in(0);
  const Array& a = call.in(1);
  const Array& b = call.in(2);
  expect_bool(condition);
  expect(a.type() == b.type(),
         fmt::format("choices of {} and {}", name_of(a.type()), name_of(b.type())),
         "the same type");
  const Broadcast plan({condition.shape(), a.shape(), b.shape()});
  Array y(a.type(), plan.shape());
  by_width(a.type(), [&]<class T>(Tag<T>) {
    const auto c = condition.read<std::uint8_t>();
    const auto left = a.read<T>();
    const auto right = b.read<T>();
    const auto out = y.write<T>();
    plan.runs(
        [&](std::int64_t to, const std::int64_t* at, std::int64_t n, const std::int64_t* step) {
          for (std::int64_t i = 0; i < n; ++i) {
            const bool first = c[static_cast<std::size_t>(at[0] + i * step[0])] != 0;
            out[static_cast<std::size_t>(to + i)] =
                first ? left[static_cast<std::size_t>(at[1] + i * step[1])]
                      : right[static_cast<std::size_t>(at[2] + i * step[2])];
          }
        });
  });
  call.set(0, y);
}

void is_nan(Call& call) {
  by_float(call.in(0).type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, std::uint8_t>(call.in(0), DType::kBool,
                                     [](T x) -> std::uint8_t { return std::isnan(x) ? 1 : 0; }));
  });
}

void is_infinite(Call& call) {
  const bool negative = call.integer("detect_negative", 1) != 0;
  const bool positive = call.integer("detect_positive", 1) != 0;
  by_float(call.in(0).type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, std::uint8_t>(call.in(0), DType::kBool, [&](T x) -> std::uint8_t {
               return std::isinf(x) && (x < 0 ? negative : positive) ? 1 : 0;
             }));
  });
}

constexpr KernelRow kRows[] = {
    {"", "Equal", 1, kNewestOpset, compare<Equal>, Narrow::kWiden},
    {"", "Greater", 1, kNewestOpset, compare<Greater>, Narrow::kWiden},
    {"", "GreaterOrEqual", 12, kNewestOpset, compare<GreaterOrEqual>, Narrow::kWiden},
    {"", "Less", 1, kNewestOpset, compare<Less>, Narrow::kWiden},
    {"", "LessOrEqual", 12, kNewestOpset, compare<LessOrEqual>, Narrow::kWiden},
    {"", "And", 1, kNewestOpset, logic<And>, Narrow::kKeep},
    {"", "Or", 1, kNewestOpset, logic<Or>, Narrow::kKeep},
    {"", "Xor", 1, kNewestOpset, logic<Xor>, Narrow::kKeep},
    {"", "Not", 1, kNewestOpset, negate, Narrow::kKeep},
    {"", "Where", 9, kNewestOpset, where, Narrow::kKeep},
    {"", "IsNaN", 9, kNewestOpset, is_nan, Narrow::kWiden},
    {"", "IsInf", 10, kNewestOpset, is_infinite, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> comparison_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
