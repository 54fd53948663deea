#include "models/kernels/onnx_moves.hpp"

#include "models/kernels/onnx_elements.hpp"

#include <numeric>

namespace joulesim::models::onnx {

Array transposed(const Array& array, const std::vector<std::int64_t>& axes) {
  const auto rank = static_cast<std::size_t>(array.rank());
  expect(axes.size() == rank, fmt::format("{} axes", axes.size()), fmt::format("{}", rank));
  const std::vector<std::int64_t> order = axes_of(axes, array.rank());
  const Dims strides = strides_of(array.shape());
  Dims shape;
  Dims step;
  for (const std::int64_t axis : order) {
    shape.push_back(array.dim(axis));
    step.push_back(strides[static_cast<std::size_t>(axis)]);
  }
  Array y(array.type(), shape);
  if (y.size() == 0) {
    return y;
  }
  by_width(array.type(), [&]<class T>(Tag<T>) {
    const auto in = array.read<T>();
    const auto out = y.write<T>();
    const std::int64_t n = rank == 0 ? 1 : shape.back();
    const std::int64_t inner = rank == 0 ? 1 : step.back();
    Dims index(rank, 0);
    std::int64_t from = 0;
    for (std::int64_t to = 0; to < y.size(); to += n) {
      for (std::int64_t i = 0; i < n; ++i) {
        out[static_cast<std::size_t>(to + i)] = in[static_cast<std::size_t>(from + i * inner)];
      }
      for (std::size_t d = rank < 2 ? 0 : rank - 1; d-- > 0;) {
        from += step[d];
        if (++index[d] < shape[d]) {
          break;
        }
        from -= step[d] * shape[d];
        index[d] = 0;
      }
    }
  });
  return y;
}

Array concatenated(const std::vector<Array>& arrays, std::int64_t axis) {
  expect(!arrays.empty(), "nothing to join", "one array at least");
  const Array& first = arrays.front();
  Dims shape = first.shape();
  shape.at(static_cast<std::size_t>(axis)) = 0;
  for (const Array& array : arrays) {
    expect(array.type() == first.type() && array.rank() == first.rank(),
           fmt::format("{} {}", name_of(array.type()), to_string(array.shape())),
           fmt::format("{} of rank {}", name_of(first.type()), first.rank()));
    Dims other = first.shape();
    other[static_cast<std::size_t>(axis)] = array.dim(axis);
    expect(array.shape() == other, to_string(array.shape()), to_string(other));
    shape[static_cast<std::size_t>(axis)] += array.dim(axis);
  }
  Array y(first.type(), shape);
  const AroundAxis whole(shape, axis);
  by_width(first.type(), [&]<class T>(Tag<T>) {
    const auto out = y.write<T>();
    std::int64_t at = 0;
    for (const Array& array : arrays) {
      const auto in = array.read<T>();
      const std::int64_t chunk = array.dim(axis) * whole.after;
      for (std::int64_t b = 0; b < whole.before; ++b) {
        std::copy_n(in.begin() + b * chunk, chunk,
                    out.begin() + b * whole.along * whole.after + at * whole.after);
      }
      at += array.dim(axis);
    }
  });
  return y;
}

Array sliced(const Array& array, std::int64_t axis, std::int64_t first, std::int64_t step,
             std::int64_t count) {
  const AroundAxis around(array.shape(), axis);
  Dims shape = array.shape();
  shape[static_cast<std::size_t>(axis)] = count;
  Array y(array.type(), shape);
  by_width(array.type(), [&]<class T>(Tag<T>) {
    const auto in = array.read<T>();
    const auto out = y.write<T>();
    for (std::int64_t b = 0; b < around.before; ++b) {
      for (std::int64_t i = 0; i < count; ++i) {
        std::copy_n(in.begin() + (b * around.along + first + i * step) * around.after, around.after,
                    out.begin() + (b * count + i) * around.after);
      }
    }
  });
  return y;
}

Array broadcast_to(const Array& array, const Dims& shape) {
  if (array.shape() == shape) {
    return array;
  }
  const Broadcast plan({array.shape(), shape});
  expect(plan.shape() == shape, to_string(array.shape()),
         fmt::format("one that broadcasts to {}", to_string(shape)));
  Array y(array.type(), shape);
  by_width(array.type(), [&]<class T>(Tag<T>) {
    const auto in = array.read<T>();
    const auto out = y.write<T>();
    plan.runs([&](std::int64_t to, const std::int64_t* at, std::int64_t n,
                  const std::int64_t* step) {
      for (std::int64_t i = 0; i < n; ++i) {
        out[static_cast<std::size_t>(to + i)] = in[static_cast<std::size_t>(at[0] + i * step[0])];
      }
    });
  });
  return y;
}

Array taken(const Array& array, std::int64_t axis, const std::vector<std::int64_t>& indices) {
  const AroundAxis around(array.shape(), axis);
  Dims shape = array.shape();
  const auto count = static_cast<std::int64_t>(indices.size());
  shape[static_cast<std::size_t>(axis)] = count;
  Array y(array.type(), shape);
  by_width(array.type(), [&]<class T>(Tag<T>) {
    const auto in = array.read<T>();
    const auto out = y.write<T>();
    for (std::int64_t b = 0; b < around.before; ++b) {
      for (std::int64_t i = 0; i < count; ++i) {
        std::copy_n(
            in.begin() + (b * around.along + indices[static_cast<std::size_t>(i)]) * around.after,
            around.after, out.begin() + (b * count + i) * around.after);
      }
    }
  });
  return y;
}

Array squeezed(const Array& array, std::int64_t axis) {
  Dims shape = array.shape();
  shape.erase(shape.begin() + axis);
  return array.reshaped(shape);
}

Array unsqueezed(const Array& array, std::int64_t axis) {
  Dims shape = array.shape();
  shape.insert(shape.begin() + axis, 1);
  return array.reshaped(shape);
}

}  // namespace joulesim::models::onnx
