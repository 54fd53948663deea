// Arithmetic of two or more arrays with broadcasting. Integers wrap around; integer division
// truncates.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <limits>

namespace joulesim::models::onnx {
namespace {

// Before version 7 the second operand was laid over the first from `axis` on.
Array aligned(const Call& call, std::size_t i) {
  const Array& b = call.in(i);
  if (call.opset() >= 7 || i == 0 || !call.has_attribute("axis")) {
    return b;
  }
  const std::int64_t rank = call.in(0).rank();
  Dims shape = b.shape();
  const std::int64_t after = rank - axis_of(call.integer("axis"), rank) - b.rank();
  shape.insert(shape.end(), static_cast<std::size_t>(std::max<std::int64_t>(0, after)), 1);
  return b.reshaped(std::move(shape));
}

void expect_same_type(const Array& a, const Array& b) {
  expect(a.type() == b.type(),
         fmt::format("operands of {} and {}", name_of(a.type()), name_of(b.type())),
         "the same type");
}

// F::apply(x, z) on operands of one type.
template <class F>
void binary(Call& call) {
  const Array a = call.in(0);
  const Array b = aligned(call, 1);
  expect_same_type(a, b);
  by_number(a.type(), [&]<class T>(Tag<T>) {
    call.set(0, zip<T, T, T>(a, b, a.type(), [](T x, T z) { return F::template apply<T>(x, z); }));
  });
}

// Any number of operands, from left to right.
template <class F>
Array fold(Call& call) {
  Array sum = call.in(0);
  for (std::size_t i = 1; i < call.count(); ++i) {
    const Array& next = call.in(i);
    expect_same_type(sum, next);
    by_number(sum.type(), [&]<class T>(Tag<T>) {
      sum =
          zip<T, T, T>(sum, next, sum.type(), [](T x, T z) { return F::template apply<T>(x, z); });
    });
  }
  return sum;
}

template <class F>
void folded(Call& call) {
  call.set(0, fold<F>(call));
}

struct Plus {
  template <class T>
  static T apply(T x, T z) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(z));
    } else {
      return x + z;
    }
  }
};
struct Minus {
  template <class T>
  static T apply(T x, T z) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<std::uint64_t>(x) - static_cast<std::uint64_t>(z));
    } else {
      return x - z;
    }
  }
};
struct Times {
  template <class T>
  static T apply(T x, T z) {
    if constexpr (std::is_integral_v<T>) {
      return static_cast<T>(static_cast<std::uint64_t>(x) * static_cast<std::uint64_t>(z));
    } else {
      return x * z;
    }
  }
};
struct Over {
  template <class T>
  static T apply(T x, T z) {
    if constexpr (std::is_integral_v<T>) {
      expect(z != 0, "a division by zero", "another divisor");
      if constexpr (std::is_signed_v<T>) {
        if (z == -1) {  // the most negative number has no opposite
          return Minus::apply<T>(0, x);
        }
      }
      return static_cast<T>(x / z);
    } else {
      return x / z;
    }
  }
};
struct Smaller {
  template <class T>
  static T apply(T x, T z) {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(x) || std::isnan(z)) {
        return std::numeric_limits<T>::quiet_NaN();
      }
    }
    return z < x ? z : x;
  }
};
struct Larger {
  template <class T>
  static T apply(T x, T z) {
    if constexpr (std::is_floating_point_v<T>) {
      if (std::isnan(x) || std::isnan(z)) {
        return std::numeric_limits<T>::quiet_NaN();
      }
    }
    return x < z ? z : x;
  }
};
// The remainder with the sign of the divisor.
struct Modulo {
  template <class T>
  static T apply(T x, T z) {
    if constexpr (std::is_floating_point_v<T>) {
      const T rest = std::fmod(x, z);
      return rest != 0 && (rest < 0) != (z < 0) ? rest + z : rest;
    } else {
      expect(z != 0, "a division by zero", "another divisor");
      if constexpr (std::is_signed_v<T>) {
        if (z == -1) {
          return 0;
        }
      }
      const T rest = static_cast<T>(x % z);
      if constexpr (std::is_signed_v<T>) {
        return rest != 0 && (rest < 0) != (z < 0) ? static_cast<T>(rest + z) : rest;
      }
      return rest;
    }
  }
};
// The remainder with the sign of the dividend.
struct Remainder {
  template <class T>
  static T apply(T x, T z) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fmod(x, z);
    } else {
      expect(z != 0, "a division by zero", "another divisor");
      if constexpr (std::is_signed_v<T>) {
        if (z == -1) {
          return 0;
        }
      }
      return static_cast<T>(x % z);
    }
  }
};

void modulo(Call& call) {
  if (call.integer("fmod", 0) != 0) {
    binary<Remainder>(call);
  } else {
    binary<Modulo>(call);
  }
}

template <class T>
T whole_power(T base, std::uint64_t exponent) {
  T result = 1;
  for (; exponent != 0; exponent >>= 1U) {
    if ((exponent & 1U) != 0) {
      result = Times::apply<T>(result, base);
    }
    base = Times::apply<T>(base, base);
  }
  return result;
}

// A double as an integer type, cut off; out of range at the nearest end.
template <class T>
T cut(double value) {
  if (std::isnan(value)) {
    return 0;
  }
  const double low = static_cast<double>(std::numeric_limits<T>::min());
  const double high = static_cast<double>(std::numeric_limits<T>::max());
  if (value <= low) {
    return std::numeric_limits<T>::min();
  }
  return value >= high ? std::numeric_limits<T>::max() : static_cast<T>(value);
}

template <class A, class B>
A power_of(A x, B z) {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B>) {
    if constexpr (std::is_signed_v<B>) {
      if (z < 0) {
        return cut<A>(std::pow(static_cast<double>(x), static_cast<double>(z)));
      }
    }
    return whole_power<A>(x, static_cast<std::uint64_t>(z));
  } else if constexpr (std::is_integral_v<A>) {
    return cut<A>(std::pow(static_cast<double>(x), static_cast<double>(z)));
  } else {
    const auto exponent = static_cast<A>(z);
    return exponent == 2 ? x * x : std::pow(x, exponent);
  }
}

// The exponent may be of another type than the base; the result is of the base's.
void power(Call& call) {
  const Array a = call.in(0);
  const Array b = aligned(call, 1);
  by_number(a.type(), [&]<class A>(Tag<A>) {
    if (is_integer(b.type())) {
      const Array wide = cast(b, DType::kInt64);
      call.set(0, zip<A, std::int64_t, A>(a, wide, a.type(), power_of<A, std::int64_t>));
    } else {
      const Array wide = cast(b, DType::kDouble);
      call.set(0, zip<A, double, A>(a, wide, a.type(), power_of<A, double>));
    }
  });
}

void mean(Call& call) {
  const Array sum = fold<Plus>(call);
  const auto count = static_cast<double>(call.count());
  by_float(sum.type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, T>(sum, sum.type(), [&](T x) { return x / static_cast<T>(count); }));
  });
}

// F::apply on integers alone.
template <class F>
void bitwise(Call& call) {
  expect_same_type(call.in(0), call.in(1));
  expect(is_integer(call.in(0).type()), fmt::format("{}", name_of(call.in(0).type())), "integers");
  by_number(call.in(0).type(), [&]<class T>(Tag<T>) {
    if constexpr (std::is_integral_v<T>) {
      call.set(0, zip<T, T, T>(call.in(0), call.in(1), call.in(0).type(), [](T x, T z) {
                 return static_cast<T>(F::template apply<T>(x, z));
               }));
    }
  });
}

struct BitAnd {
  template <class T>
  static auto apply(T x, T z) {
    return x & z;
  }
};
struct BitOr {
  template <class T>
  static auto apply(T x, T z) {
    return x | z;
  }
};
struct BitXor {
  template <class T>
  static auto apply(T x, T z) {
    return x ^ z;
  }
};
struct ShiftLeft {
  template <class T>
  static auto apply(T x, T z) {
    return static_cast<std::uint64_t>(z) >= 8 * sizeof(T) ? 0U : static_cast<std::uint64_t>(x) << z;
  }
};
struct ShiftRight {
  template <class T>
  static auto apply(T x, T z) {
    return static_cast<std::uint64_t>(z) >= 8 * sizeof(T) ? 0U : static_cast<std::uint64_t>(x) >> z;
  }
};

void shift(Call& call) {
  const std::string direction = call.text("direction", "");
  const DType type = call.in(0).type();
  expect(type == DType::kUint8 || type == DType::kUint16 || type == DType::kUint32 ||
             type == DType::kUint64,
         std::string(name_of(type)), "unsigned integers");
  if (direction == "LEFT") {
    bitwise<ShiftLeft>(call);
  } else if (direction == "RIGHT") {
    bitwise<ShiftRight>(call);
  } else {
    refuse("direction '" + direction + "'", "LEFT or RIGHT");
  }
}

void bitwise_not(Call& call) {
  const Array& a = call.in(0);
  expect(is_integer(a.type()), std::string(name_of(a.type())), "integers");
  by_number(a.type(), [&]<class T>(Tag<T>) {
    if constexpr (std::is_integral_v<T>) {
      call.set(0, map<T, T>(a, a.type(), [](T x) { return static_cast<T>(~x); }));
    }
  });
}

template <class F>
void unary(Call& call) {
  const Array& a = call.in(0);
  by_number(a.type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, T>(a, a.type(), [](T x) { return F::template apply<T>(x); }));
  });
}

struct Negative {
  template <class T>
  static T apply(T x) {
    return std::is_floating_point_v<T> ? static_cast<T>(-x) : Minus::apply<T>(0, x);
  }
};
struct Absolute {
  template <class T>
  static T apply(T x) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::fabs(x);
    } else if constexpr (std::is_signed_v<T>) {
      return x < 0 ? Minus::apply<T>(0, x) : x;
    } else {
      return x;
    }
  }
};
struct Sign {
  template <class T>
  static T apply(T x) {
    if constexpr (std::is_floating_point_v<T>) {
      return std::isnan(x) ? x : static_cast<T>((x > 0) - (x < 0));
    } else if constexpr (std::is_signed_v<T>) {
      return static_cast<T>((x > 0) - (x < 0));
    } else {
      return x > 0 ? 1 : 0;
    }
  }
};

constexpr KernelRow kRows[] = {
    {"", "Add", 1, kNewestOpset, binary<Plus>, Narrow::kWiden},
    {"", "Sub", 1, kNewestOpset, binary<Minus>, Narrow::kWiden},
    {"", "Mul", 1, kNewestOpset, binary<Times>, Narrow::kWiden},
    {"", "Div", 1, kNewestOpset, binary<Over>, Narrow::kWiden},
    {"", "Mod", 10, kNewestOpset, modulo, Narrow::kWiden},
    {"", "Pow", 1, kNewestOpset, power, Narrow::kWiden},
    {"", "Sum", 1, kNewestOpset, folded<Plus>, Narrow::kWiden},
    {"", "Min", 1, kNewestOpset, folded<Smaller>, Narrow::kWiden},
    {"", "Max", 1, kNewestOpset, folded<Larger>, Narrow::kWiden},
    {"", "Mean", 1, kNewestOpset, mean, Narrow::kWiden},
    {"", "BitwiseAnd", 18, kNewestOpset, bitwise<BitAnd>, Narrow::kKeep},
    {"", "BitwiseOr", 18, kNewestOpset, bitwise<BitOr>, Narrow::kKeep},
    {"", "BitwiseXor", 18, kNewestOpset, bitwise<BitXor>, Narrow::kKeep},
    {"", "BitwiseNot", 18, kNewestOpset, bitwise_not, Narrow::kKeep},
    {"", "BitShift", 11, kNewestOpset, shift, Narrow::kKeep},
    {"", "Neg", 1, kNewestOpset, unary<Negative>, Narrow::kWiden},
    {"", "Abs", 1, kNewestOpset, unary<Absolute>, Narrow::kWiden},
    {"", "Sign", 9, kNewestOpset, unary<Sign>, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> arithmetic_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
