// Elements of any type: choosing code by element type, converting, and broadcasting shapes.
//
// Checked by: tests/kernels/models_onnx_ops.cpp
#pragma once

#include "models/import/array.hpp"
#include "models/kernels/onnx_call.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <vector>

namespace joulesim::models::onnx {

template <class T>
struct Tag {
  using type = T;
};

// Calls f(Tag<T>) with the type that holds elements in memory, whatever they mean: for operators
// that only move elements.
template <class F>
decltype(auto) by_width(DType type, F&& f) {
  switch (bytes_of(type)) {
    case 1:
      return f(Tag<std::uint8_t>{});
    case 2:
      return f(Tag<std::uint16_t>{});
    case 4:
      return f(Tag<std::uint32_t>{});
    case 8:
      return f(Tag<std::uint64_t>{});
    default:
      break;
  }
  if (type != DType::kString) {
    refuse("an array of no type", "one");
  }
  return f(Tag<std::string>{});
}

// Calls f(Tag<T>) for float, double and the integers of 8 to 64 bits (4-bit ones as 8-bit ones).
template <class F>
decltype(auto) by_number(DType type, F&& f) {
  switch (type) {
    case DType::kFloat:
      return f(Tag<float>{});
    case DType::kDouble:
      return f(Tag<double>{});
    case DType::kInt8:
    case DType::kInt4:
      return f(Tag<std::int8_t>{});
    case DType::kInt16:
      return f(Tag<std::int16_t>{});
    case DType::kInt32:
      return f(Tag<std::int32_t>{});
    case DType::kInt64:
      return f(Tag<std::int64_t>{});
    case DType::kUint8:
    case DType::kUint4:
      return f(Tag<std::uint8_t>{});
    case DType::kUint16:
      return f(Tag<std::uint16_t>{});
    case DType::kUint32:
      return f(Tag<std::uint32_t>{});
    case DType::kUint64:
      return f(Tag<std::uint64_t>{});
    default:
      refuse(fmt::format("elements of {}", name_of(type)), "numbers");
  }
}

// The same with float and double alone.
template <class F>
decltype(auto) by_float(DType type, F&& f) {
  switch (type) {
    case DType::kFloat:
      return f(Tag<float>{});
    case DType::kDouble:
      return f(Tag<double>{});
    default:
      refuse(fmt::format("elements of {}", name_of(type)), "floats");
  }
}

// Another element type, as the operator Cast defines it; `saturate` is for 8-bit floats.
Array cast(const Array& array, DType type, bool saturate = true);

inline bool is_narrow_float(DType type) {
  return is_float(type) && type != DType::kFloat && type != DType::kDouble;
}

// All elements as T.
template <class T>
std::vector<T> converted(const Array& array) {
  static_assert(std::is_same_v<T, double> || std::is_same_v<T, float> ||
                std::is_same_v<T, std::int64_t>);
  const DType type = std::is_same_v<T, double>  ? DType::kDouble
                     : std::is_same_v<T, float> ? DType::kFloat
                                                : DType::kInt64;
  const Array same = array.type() == type ? array : cast(array, type);
  const auto values = same.read<T>();
  return {values.begin(), values.end()};
}

// ONNX's multidirectional broadcasting. Throws ArrayFault when the shapes do not go together.
Dims broadcast_shape(const std::vector<Dims>& shapes);

// How far apart neighbours lie, in elements.
Dims strides_of(const Dims& shape);

// The walk over a result of broadcast inputs: runs of elements along which every input either steps
// by one or stays.
class Broadcast {
 public:
  explicit Broadcast(const std::vector<Dims>& shapes);
  [[nodiscard]] const Dims& shape() const { return shape_; }

  // f(result offset, offsets of inputs, elements, steps of inputs)
  template <class F>
  void runs(F&& f) const {
    if (total_ == 0) {
      return;
    }
    const std::size_t rank = extent_.size();
    const std::int64_t n = rank == 0 ? 1 : extent_.back();
    std::vector<std::int64_t> at(inputs_, 0);
    std::vector<std::int64_t> step(inputs_, 0);
    for (std::size_t i = 0; rank > 0 && i < inputs_; ++i) {
      step[i] = stride_[rank - 1][i];
    }
    Dims index(rank, 0);
    for (std::int64_t out = 0; out < total_; out += n) {
      f(out, at.data(), n, step.data());
      for (std::size_t d = rank < 2 ? 0 : rank - 1; d-- > 0;) {
        for (std::size_t i = 0; i < inputs_; ++i) {
          at[i] += stride_[d][i];
        }
        if (++index[d] < extent_[d]) {
          break;
        }
        for (std::size_t i = 0; i < inputs_; ++i) {
          at[i] -= stride_[d][i] * extent_[d];
        }
        index[d] = 0;
      }
    }
  }

 private:
  Dims shape_;
  std::size_t inputs_;
  std::int64_t total_ = 0;
  Dims extent_;               // with neighbouring axes joined where every input allows
  std::vector<Dims> stride_;  // [axis][input]
};

template <class A, class R, class F>
Array map(const Array& a, DType type, F f) {
  Array y(type, a.shape());
  const auto x = a.read<A>();
  const auto out = y.write<R>();
  for (std::size_t i = 0; i < x.size(); ++i) {
    out[i] = f(x[i]);
  }
  return y;
}

template <class A, class B, class R, class F>
Array zip(const Array& a, const Array& b, DType type, F f) {
  const Broadcast plan({a.shape(), b.shape()});
  Array y(type, plan.shape());
  const A* left = a.read<A>().data();
  const B* right = b.read<B>().data();
  R* out = y.write<R>().data();
  plan.runs([&](std::int64_t to, const std::int64_t* at, std::int64_t n, const std::int64_t* step) {
    const A* x = left + at[0];
    const B* z = right + at[1];
    R* r = out + to;
    if (step[0] == 1 && step[1] == 1) {
      for (std::int64_t i = 0; i < n; ++i) {
        r[i] = f(x[i], z[i]);
      }
    } else if (step[0] == 1 && step[1] == 0) {
      const B same = *z;
      for (std::int64_t i = 0; i < n; ++i) {
        r[i] = f(x[i], same);
      }
    } else {
      for (std::int64_t i = 0; i < n; ++i) {
        r[i] = f(x[i * step[0]], z[i * step[1]]);
      }
    }
  });
  return y;
}

// An array seen around one axis: [before][along][after].
struct AroundAxis {
  std::int64_t before = 1;
  std::int64_t along = 1;
  std::int64_t after = 1;
  AroundAxis(const Dims& shape, std::int64_t axis) {
    for (std::int64_t d = 0; d < static_cast<std::int64_t>(shape.size()); ++d) {
      (d < axis ? before : d == axis ? along : after) *= shape[static_cast<std::size_t>(d)];
    }
  }
};

}  // namespace joulesim::models::onnx
