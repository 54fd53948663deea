// Changing the element type.
#include "models/import/codec.hpp"
#include "models/import/small_floats.hpp"
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>

namespace joulesim::models::onnx {
namespace {

// Floats become integers by cutting off; what does not fit ends at the nearest end of int64 and is
// then cut to the width, as compilers do it on common machines.
template <class T>
T from_double(double value) {
  if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(value);
  } else {
    if (std::isnan(value)) {
      return static_cast<T>(std::numeric_limits<std::int64_t>::min());
    }
    if constexpr (std::is_same_v<T, std::uint64_t>) {
      if (value >= 9.2233720368547758e18) {
        return value >= 1.8446744073709552e19 ? std::numeric_limits<T>::max()
                                              : static_cast<T>(value);
      }
    }
    if (value >= 9.2233720368547758e18) {
      return static_cast<T>(std::numeric_limits<std::int64_t>::max());
    }
    if (value <= -9.2233720368547758e18) {
      return static_cast<T>(std::numeric_limits<std::int64_t>::min());
    }
    return static_cast<T>(static_cast<std::int64_t>(value));
  }
}

template <class S, class T>
Array between_numbers(const Array& array, DType type) {
  return map<S, T>(array, type, [](S x) -> T {
    if constexpr (std::is_floating_point_v<S> && std::is_integral_v<T>) {
      return from_double<T>(static_cast<double>(x));
    } else {
      return static_cast<T>(x);
    }
  });
}

float narrow_to_float(DType type, std::uint16_t bits) {
  switch (type) {
    case DType::kFloat16:
      return fp16_to_float(bits);
    case DType::kBfloat16:
      return bf16_to_float(bits);
    default:
      return float8_to_float(type, static_cast<std::uint8_t>(bits));
  }
}

Array widened(const Array& array) {
  Array wide(DType::kFloat, array.shape());
  const auto out = wide.write<float>();
  if (bytes_of(array.type()) == 2) {
    const auto in = array.read<std::uint16_t>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = narrow_to_float(array.type(), in[i]);
    }
  } else {
    const auto in = array.read<std::uint8_t>();
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = narrow_to_float(array.type(), in[i]);
    }
  }
  return wide;
}

Array narrowed(const Array& floats, DType type, bool saturate) {
  Array narrow(type, floats.shape());
  const auto in = floats.read<float>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (type == DType::kFloat16) {
      narrow.write<std::uint16_t>()[i] = float_to_fp16(in[i]);
    } else if (type == DType::kBfloat16) {
      narrow.write<std::uint16_t>()[i] = float_to_bf16(in[i]);
    } else {
      narrow.write<std::uint8_t>()[i] = float_to_float8(type, in[i], saturate);
    }
  }
  return narrow;
}

// As NumPy prints numbers of this type, which is what the standard's cases expect.
std::string text_of(double value, bool single) {
  if (std::isnan(value)) {
    return "NaN";
  }
  if (std::isinf(value)) {
    return value > 0 ? "INF" : "-INF";
  }
  std::string text =
      single ? fmt::format("{}", static_cast<float>(value)) : fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) {
    text += ".0";
  }
  return text;
}

Array to_strings(const Array& array) {
  Array texts(DType::kString, array.shape());
  const auto out = texts.write<std::string>();
  if (array.type() == DType::kBool) {
    const auto in = array.read<std::uint8_t>();
    for (std::size_t i = 0; i < in.size(); ++i) {
      out[i] = in[i] != 0 ? "True" : "False";
    }
    return texts;
  }
  by_number(array.type(), [&]<class T>(Tag<T>) {
    const auto in = array.read<T>();
    for (std::size_t i = 0; i < in.size(); ++i) {
      if constexpr (std::is_floating_point_v<T>) {
        out[i] = text_of(static_cast<double>(in[i]), std::is_same_v<T, float>);
      } else {
        out[i] = fmt::format("{}", +in[i]);
      }
    }
  });
  return texts;
}

Array numbers_of(const Array& texts) {
  Array numbers(DType::kDouble, texts.shape());
  const auto in = texts.read<std::string>();
  const auto out = numbers.write<double>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    char* end = nullptr;
    out[i] = std::strtod(in[i].c_str(), &end);
    expect(!in[i].empty() && *end == '\0', "text '" + in[i] + "'", "a number");
  }
  return numbers;
}

Array truths_of(const Array& array) {
  return by_number(array.type(), [&]<class T>(Tag<T>) {
    return map<T, std::uint8_t>(array, DType::kBool,
                                [](T x) -> std::uint8_t { return x != 0 ? 1 : 0; });
  });
}

// The low four bits of integers; floats are cut off and end at the range.
Array to_4bit(const Array& array, DType type) {
  const bool with_sign = type == DType::kInt4;
  const Array wide = cast(array, DType::kInt64);
  Array out(type, array.shape());
  const auto in = wide.read<std::int64_t>();
  const auto to = out.write<std::int8_t>();
  for (std::size_t i = 0; i < in.size(); ++i) {
    const std::int64_t low = in[i] & 15;
    to[i] = static_cast<std::int8_t>(with_sign && low >= 8 ? low - 16 : low);
  }
  return out;
}

DType target_of(const Call& call) {
  const auto type = dtype_of_code(call.integer("to"));
  if (!type) {
    refuse(fmt::format("type {}", call.integer("to")), "one of ONNX's element types");
  }
  return *type;
}

void cast_op(Call& call) {
  if (call.opset() < 6) {  // the type's name, then
    static constexpr std::pair<std::string_view, DType> kNames[] = {
        {"FLOAT", DType::kFloat},   {"DOUBLE", DType::kDouble}, {"FLOAT16", DType::kFloat16},
        {"INT8", DType::kInt8},     {"INT16", DType::kInt16},   {"INT32", DType::kInt32},
        {"INT64", DType::kInt64},   {"UINT8", DType::kUint8},   {"UINT16", DType::kUint16},
        {"UINT32", DType::kUint32}, {"UINT64", DType::kUint64}, {"BOOL", DType::kBool}};
    const std::string to = call.text("to", "");
    for (const auto& [name, type] : kNames) {
      if (name == to) {
        call.set(0, cast(call.in(0), type));
        return;
      }
    }
    refuse("type '" + to + "'", "a type's name");
  }
  call.set(0, cast(call.in(0), target_of(call), call.integer("saturate", 1) != 0));
}

void cast_like(Call& call) {
  call.set(0, cast(call.in(0), call.in(1).type(), call.integer("saturate", 1) != 0));
}

constexpr KernelRow kRows[] = {
    {"", "Cast", 1, kNewestOpset, cast_op, Narrow::kKeep},
    {"", "CastLike", 15, kNewestOpset, cast_like, Narrow::kKeep},
};

}  // namespace

Array cast(const Array& array, DType type, bool saturate) {
  if (array.type() == type) {
    return array;
  }
  if (is_narrow_float(array.type())) {
    return cast(widened(array), type, saturate);
  }
  if (array.type() == DType::kString) {
    return cast(numbers_of(array), type, saturate);
  }
  if (type == DType::kString) {
    return to_strings(array);
  }
  if (type == DType::kBool) {
    return truths_of(array);
  }
  if (is_narrow_float(type)) {
    return narrowed(cast(array, DType::kFloat), type, saturate);
  }
  if (type == DType::kInt4 || type == DType::kUint4) {
    return to_4bit(array, type);
  }
  const DType source = array.type() == DType::kBool ? DType::kUint8 : array.type();
  return by_number(source, [&]<class S>(Tag<S>) {
    return by_number(type, [&]<class T>(Tag<T>) { return between_numbers<S, T>(array, type); });
  });
}

std::span<const KernelRow> cast_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
