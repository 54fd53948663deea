// Order along an axis: extremes' places, the k largest, running sums.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <numeric>

namespace joulesim::models::onnx {
namespace {

template <bool kLargest>
void arg(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", 0), x.rank());
  const bool last = call.integer("select_last_index", 0) != 0;
  const AroundAxis around(x.shape(), axis);
  expect(around.along > 0, "an empty axis", "an element at least");
  Dims shape = x.shape();
  shape[static_cast<std::size_t>(axis)] = 1;
  Array y(DType::kInt64, shape);
  by_number(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.read<T>();
    for (std::int64_t i = 0; i < around.before * around.after; ++i) {
      const std::int64_t at = i / around.after * around.along * around.after + i % around.after;
      const auto element = [&](std::int64_t k) {
        return in[static_cast<std::size_t>(at + k * around.after)];
      };
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < around.along; ++k) {
        const T v = element(k);
        const T b = element(best);
        if ((kLargest ? v > b : v < b) || (last && v == b)) {
          best = k;
        }
      }
      y.write<std::int64_t>()[static_cast<std::size_t>(i)] = best;
    }
  });
  if (call.integer("keepdims", 1) == 0) {
    shape.erase(shape.begin() + axis);
    y = y.reshaped(shape);
  }
  call.set(0, y);
}

void top_k(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", -1), x.rank());
  const AroundAxis around(x.shape(), axis);
  const std::int64_t k = call.opset() < 10 ? call.integer("k") : call.int_in(1);
  expect(k >= 0 && k <= around.along, fmt::format("k of {}", k),
         fmt::format("0 to {}", around.along));
  const bool largest = call.integer("largest", 1) != 0;
  Dims shape = x.shape();
  shape[static_cast<std::size_t>(axis)] = k;
  Array values(x.type(), shape);
  Array places(DType::kInt64, shape);
  by_number(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.read<T>();
    std::vector<std::int64_t> order(static_cast<std::size_t>(around.along));
    for (std::int64_t i = 0; i < around.before * around.after; ++i) {
      const std::int64_t b = i / around.after;
      const std::int64_t a = i % around.after;
      const auto element = [&](std::int64_t j) {
        return in[static_cast<std::size_t>((b * around.along + j) * around.after + a)];
      };
      std::iota(order.begin(), order.end(), 0);
      // Not-a-number comes before all numbers, and the first of equals first.
      const auto before = [&](std::int64_t p, std::int64_t q) {
        const T v = element(p);
        const T w = element(q);
        if (v != v || w != w) {
          return v != v && (w == w || p < q);
        }
        return v == w ? p < q : largest ? v > w : v < w;
      };
      std::partial_sort(order.begin(), order.begin() + k, order.end(), before);
      for (std::int64_t j = 0; j < k; ++j) {
        const auto to = static_cast<std::size_t>((b * k + j) * around.after + a);
        const std::int64_t from = order[static_cast<std::size_t>(j)];
        values.template write<T>()[to] = element(from);
        places.write<std::int64_t>()[to] = from;
      }
    }
  });
  call.set(0, values);
  call.set(1, places);
}

// Sums (or products) of all elements up to each.
template <bool kProduct>
void cumulative(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.int_in(1), x.rank());
  const bool exclusive = call.integer("exclusive", 0) != 0;
  const bool reverse = call.integer("reverse", 0) != 0;
  const AroundAxis around(x.shape(), axis);
  Array y(x.type(), x.shape());
  by_number(x.type(), [&]<class T>(Tag<T>) {
    using Wide = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;
    const auto in = x.read<T>();
    const auto out = y.template write<T>();
    for (std::int64_t i = 0; i < around.before * around.after; ++i) {
      Wide total = kProduct ? 1 : 0;
      for (std::int64_t j = 0; j < around.along; ++j) {
        const std::int64_t along = reverse ? around.along - 1 - j : j;
        const auto at = static_cast<std::size_t>(
            (i / around.after * around.along + along) * around.after + i % around.after);
        if (exclusive) {
          out[at] = static_cast<T>(total);
        }
        const auto v = static_cast<Wide>(in[at]);
        total = kProduct ? total * v : total + v;
        if (!exclusive) {
          out[at] = static_cast<T>(total);
        }
      }
    }
  });
  call.set(0, y);
}

constexpr KernelRow kRows[] = {
    {"", "ArgMax", 1, kNewestOpset, arg<true>, Narrow::kWiden},
    {"", "ArgMin", 1, kNewestOpset, arg<false>, Narrow::kWiden},
    {"", "TopK", 1, kNewestOpset, top_k, Narrow::kWiden},
    {"", "CumSum", 11, kNewestOpset, cumulative<false>, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> order_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
