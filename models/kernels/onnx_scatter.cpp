// Writing elements at indices, replacing or reducing.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

std::int64_t index_within(std::int64_t index, std::int64_t n) {
  if (index < -n || index >= n) {
    refuse(fmt::format("index {}", index), fmt::format("one of {} elements", n));
  }
  return index < 0 ? index + n : index;
}

Array copy_of(const Array& x) {
  Array y(x.type(), x.shape());
  by_width(x.type(), [&]<class T>(Tag<T>) {
    std::copy(x.read<T>().begin(), x.read<T>().end(), y.write<T>().begin());
  });
  return y;
}

template <class T>
T reduced(T old, T update, const std::string& how) {
  if (how == "add") {
    return static_cast<T>(old + update);
  }
  if (how == "mul") {
    return static_cast<T>(old * update);
  }
  return how == "max" ? std::max(old, update) : std::min(old, update);
}

// The integers' sums may overflow: they wrap.
template <class T>
T combined(T old, T update, const std::string& how) {
  if constexpr (std::is_integral_v<T>) {
    if (how == "add" || how == "mul") {
      const auto a = static_cast<std::uint64_t>(old);
      const auto b = static_cast<std::uint64_t>(update);
      return static_cast<T>(how == "add" ? a + b : a * b);
    }
  }
  return reduced(old, update, how);
}

// put(element of the result, element of the updates) for each pair that `walk` yields.
template <class Walk>
Array scattered(const Array& x, const Array& updates, const std::string& how, Walk walk) {
  expect(x.type() == updates.type(), fmt::format("updates of {}", name_of(updates.type())),
         std::string(name_of(x.type())));
  Array y = copy_of(x);
  if (how == "none") {
    by_width(x.type(), [&]<class T>(Tag<T>) {
      const auto out = y.write<T>();
      const auto in = updates.read<T>();
      walk([&](std::int64_t to, std::int64_t from) {
        out[static_cast<std::size_t>(to)] = in[static_cast<std::size_t>(from)];
      });
    });
    return y;
  }
  expect(how == "add" || how == "mul" || how == "max" || how == "min", "reduction '" + how + "'",
         "none, add, mul, max or min");
  by_number(x.type(), [&]<class T>(Tag<T>) {
    const auto out = y.write<T>();
    const auto in = updates.read<T>();
    walk([&](std::int64_t to, std::int64_t from) {
      T& slot = out[static_cast<std::size_t>(to)];
      slot = combined<T>(slot, in[static_cast<std::size_t>(from)], how);
    });
  });
  return y;
}

void scatter_elements(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", 0), x.rank());
  const std::vector<std::int64_t> indices = call.ints_in(1);
  const Dims& shape = call.in(1).shape();
  expect(shape == call.in(2).shape() && static_cast<std::int64_t>(shape.size()) == x.rank(),
         fmt::format("indices of {} and updates of {}", to_string(shape),
                     to_string(call.in(2).shape())),
         fmt::format("the same shape, of rank {}", x.rank()));
  const Dims strides = strides_of(x.shape());
  call.set(0, scattered(x, call.in(2), call.text("reduction", "none"), [&](const auto& put) {
             Dims at(shape.size(), 0);
             for (std::size_t i = 0; i < indices.size(); ++i) {
               std::int64_t to = 0;
               for (std::size_t d = 0; d < at.size(); ++d) {
                 const bool chosen = static_cast<std::int64_t>(d) == axis;
                 to += strides[d] * index_within(chosen ? indices[i] : at[d], x.shape()[d]);
               }
               put(to, static_cast<std::int64_t>(i));
               for (std::size_t d = at.size(); d-- > 0 && ++at[d] == shape[d];) {
                 at[d] = 0;
               }
             }
           }));
}

void scatter_nd(Call& call) {
  const Array& x = call.in(0);
  const std::vector<std::int64_t> indices = call.ints_in(1);
  const Dims& index_shape = call.in(1).shape();
  expect(!index_shape.empty() && index_shape.back() <= x.rank(), to_string(index_shape),
         fmt::format("up to {} coordinates", x.rank()));
  const std::int64_t depth = index_shape.back();
  Dims shape(index_shape.begin(), index_shape.end() - 1);
  const std::int64_t tuples = elements_of(shape);
  shape.insert(shape.end(), x.shape().begin() + depth, x.shape().end());
  expect(call.in(2).shape() == shape, "updates of " + to_string(call.in(2).shape()),
         to_string(shape));
  const std::int64_t chunk = elements_of(Dims(x.shape().begin() + depth, x.shape().end()));
  const Dims strides = strides_of(x.shape());
  call.set(0, scattered(x, call.in(2), call.text("reduction", "none"), [&](const auto& put) {
             for (std::int64_t i = 0; i < tuples; ++i) {
               std::int64_t to = 0;
               for (std::int64_t k = 0; k < depth; ++k) {
                 to += strides[static_cast<std::size_t>(k)] *
                       index_within(indices[static_cast<std::size_t>(i * depth + k)], x.dim(k));
               }
               for (std::int64_t e = 0; e < chunk; ++e) {
                 put(to + e, i * chunk + e);
               }
             }
           }));
}

// Opset 24: new positions of a cache, written in place or around the end.
void tensor_scatter(Call& call) {
  const Array& past = call.in(0);
  const Array& update = call.in(1);
  const std::int64_t axis = axis_of(call.integer("axis", -2), past.rank());
  const std::string mode = call.text("mode", "linear");
  expect(axis > 0 && (mode == "linear" || mode == "circular"), "axis 0 or mode '" + mode + "'",
         "a later axis, linear or circular");
  std::vector<std::int64_t> starts(static_cast<std::size_t>(past.dim(0)), 0);
  if (call.has(2)) {
    starts = call.ints_in(2);
    expect(static_cast<std::int64_t>(starts.size()) == past.dim(0),
           fmt::format("{} start positions", starts.size()), fmt::format("{}", past.dim(0)));
  }
  Dims shape = past.shape();
  shape[static_cast<std::size_t>(axis)] = update.rank() == past.rank() ? update.dim(axis) : 0;
  expect(update.shape() == shape, "an update of " + to_string(update.shape()),
         "the cache's shape but along the axis");
  const AroundAxis whole(past.shape(), axis);
  const std::int64_t fresh = update.dim(axis);
  const std::int64_t per_batch = past.dim(0) == 0 ? 0 : whole.before / past.dim(0);
  call.set(0, scattered(past, update, "none", [&](const auto& put) {
             for (std::int64_t b = 0; b < whole.before; ++b) {
               const std::int64_t start = starts[static_cast<std::size_t>(b / per_batch)];
               for (std::int64_t t = 0; t < fresh; ++t) {
                 const std::int64_t to = mode == "circular" ? (start + t) % whole.along
                                                            : index_within(start + t, whole.along);
                 expect(to >= 0, fmt::format("position {}", to), "0 or more");
                 for (std::int64_t e = 0; e < whole.after; ++e) {
                   put((b * whole.along + to) * whole.after + e, (b * fresh + t) * whole.after + e);
                 }
               }
             }
           }));
}

constexpr KernelRow kRows[] = {
    {"", "Scatter", 9, 10, scatter_elements, Narrow::kKeep},
    {"", "ScatterElements", 11, 15, scatter_elements, Narrow::kKeep},
    {"", "ScatterElements", 16, kNewestOpset, scatter_elements, Narrow::kWiden},
    {"", "ScatterND", 11, 15, scatter_nd, Narrow::kKeep},
    {"", "ScatterND", 16, kNewestOpset, scatter_nd, Narrow::kWiden},
    {"", "TensorScatter", 24, kNewestOpset, tensor_scatter, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> scatter_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
