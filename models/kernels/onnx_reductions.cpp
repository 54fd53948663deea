// Sums, extremes and norms along axes. Floats accumulate in double and are rounded once.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <limits>
#include <numeric>

namespace joulesim::models::onnx {
namespace {

// Sums: floats in double, integers in 64 bits that wrap.
template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double, std::uint64_t>;

struct Sum {
  static constexpr bool kNeedsElement = false;
  template <class T>
  static T of(const T* x, std::int64_t n, std::int64_t step) {
    Wide<T> sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      sum += static_cast<Wide<T>>(x[i * step]);
    }
    return static_cast<T>(sum);
  }
};
struct Mean {
  static constexpr bool kNeedsElement = true;
  template <class T>
  static T of(const T* x, std::int64_t n, std::int64_t step) {
    if constexpr (std::is_floating_point_v<T>) {
      double sum = 0;
      for (std::int64_t i = 0; i < n; ++i) {
        sum += static_cast<double>(x[i * step]);
      }
      return static_cast<T>(sum / static_cast<double>(n));
    } else {
      const auto sum = static_cast<std::int64_t>(
          Sum::of<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>>(
              widened(x, n, step).data(), n, 1));
      return static_cast<T>(sum / n);
    }
  }
  template <class T>
  static auto widened(const T* x, std::int64_t n, std::int64_t step) {
    std::vector<std::conditional_t<std::is_signed_v<T>, std::int64_t, std::uint64_t>> all;
    for (std::int64_t i = 0; i < n; ++i) {
      all.push_back(x[i * step]);
    }
    return all;
  }
};
struct Product {
  static constexpr bool kNeedsElement = false;
  template <class T>
  static T of(const T* x, std::int64_t n, std::int64_t step) {
    Wide<T> product = 1;
    for (std::int64_t i = 0; i < n; ++i) {
      product *= static_cast<Wide<T>>(x[i * step]);
    }
    return static_cast<T>(product);
  }
};
struct Largest {
  static constexpr bool kNeedsElement = false;
  template <class T>
  static T of(const T* x, std::int64_t n, std::int64_t step) {
    T best = std::is_floating_point_v<T> ? -std::numeric_limits<T>::infinity()
                                         : std::numeric_limits<T>::lowest();
    for (std::int64_t i = 0; i < n; ++i) {
      const T v = x[i * step];
      best = v > best || v != v ? v : best;
    }
    return best;
  }
};
struct Smallest {
  static constexpr bool kNeedsElement = false;
  template <class T>
  static T of(const T* x, std::int64_t n, std::int64_t step) {
    T best = std::is_floating_point_v<T> ? std::numeric_limits<T>::infinity()
                                         : std::numeric_limits<T>::max();
    for (std::int64_t i = 0; i < n; ++i) {
      const T v = x[i * step];
      best = v < best || v != v ? v : best;
    }
    return best;
  }
};
struct SumSquare {
  static constexpr bool kNeedsElement = false;
  template <class T>
  static T of(const T* x, std::int64_t n, std::int64_t step) {
    Wide<T> sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      const auto v = static_cast<Wide<T>>(x[i * step]);
      sum += v * v;
    }
    return static_cast<T>(sum);
  }
};
// These are computed in double whatever the type.
template <class F>
struct InDouble {
  static constexpr bool kNeedsElement = false;
  template <class T>
  static T of(const T* x, std::int64_t n, std::int64_t step) {
    return static_cast<T>(
        F::of([&](std::int64_t i) { return static_cast<double>(x[i * step]); }, n));
  }
};
struct NormOne {
  template <class X>
  static double of(X x, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      sum += std::fabs(x(i));
    }
    return sum;
  }
};
struct NormTwo {
  template <class X>
  static double of(X x, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      sum += x(i) * x(i);
    }
    return std::sqrt(sum);
  }
};
struct LogSum {
  template <class X>
  static double of(X x, std::int64_t n) {
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      sum += x(i);
    }
    return std::log(sum);
  }
};
struct LogSumExp {
  template <class X>
  static double of(X x, std::int64_t n) {
    double largest = -std::numeric_limits<double>::infinity();
    for (std::int64_t i = 0; i < n; ++i) {
      largest = std::max(largest, x(i));
    }
    if (std::isinf(largest)) {
      return largest;
    }
    double sum = 0;
    for (std::int64_t i = 0; i < n; ++i) {
      sum += std::exp(x(i) - largest);
    }
    return largest + std::log(sum);
  }
};

struct Plan {
  std::vector<std::int64_t> axes;  // reduced ones, rising
  Dims kept_shape;                 // with a 1 for each of them
  Dims shape;
};

Plan plan_of(const Call& call, std::int64_t axes_input_since) {
  const Array& x = call.in(0);
  Plan plan;
  const bool by_input = call.opset() >= axes_input_since;
  plan.axes = by_input ? (call.has(1) ? call.ints_in(1) : std::vector<std::int64_t>{})
                       : call.integers("axes");
  plan.axes = axes_of(std::move(plan.axes), x.rank());
  if (plan.axes.empty() && !(by_input && call.integer("noop_with_empty_axes", 0) != 0)) {
    plan.axes.resize(static_cast<std::size_t>(x.rank()));
    std::iota(plan.axes.begin(), plan.axes.end(), 0);
  }
  std::sort(plan.axes.begin(), plan.axes.end());
  const bool keep = call.integer("keepdims", 1) != 0;
  for (std::int64_t d = 0; d < x.rank(); ++d) {
    const bool reduced = std::binary_search(plan.axes.begin(), plan.axes.end(), d);
    plan.kept_shape.push_back(reduced ? 1 : x.dim(d));
    if (!reduced || keep) {
      plan.shape.push_back(plan.kept_shape.back());
    }
  }
  return plan;
}

// The reduced axes become the last ones, unless they are neighbours already.
template <class F>
void reduce(Call& call, std::int64_t axes_input_since) {
  const Plan plan = plan_of(call, axes_input_since);
  Array x = call.in(0);
  if (x.type() == DType::kBool) {
    x = x.retyped(DType::kUint8);
  }
  if (plan.axes.empty() && call.opset() >= axes_input_since && x.rank() > 0) {
    // Nothing is reduced; element-wise parts (squares, logarithms) still apply.
    Array y(x.type(), x.shape());
    by_number(x.type(), [&]<class T>(Tag<T>) {
      for (std::int64_t i = 0; i < x.size(); ++i) {
        y.template write<T>()[static_cast<std::size_t>(i)] =
            F::template of<T>(x.template read<T>().data() + i, 1, 1);
      }
    });
    call.set(0, y.retyped(call.in(0).type()));
    return;
  }
  const bool neighbours = plan.axes.empty() || plan.axes.back() - plan.axes.front() ==
                                                   static_cast<std::int64_t>(plan.axes.size()) - 1;
  std::int64_t n = 1;
  for (const std::int64_t axis : plan.axes) {
    n *= x.dim(axis);
  }
  std::int64_t after = 1;
  if (neighbours) {
    for (std::int64_t d = plan.axes.empty() ? x.rank() : plan.axes.back() + 1; d < x.rank(); ++d) {
      after *= x.dim(d);
    }
  } else {
    std::vector<std::int64_t> order;
    for (std::int64_t d = 0; d < x.rank(); ++d) {
      if (!std::binary_search(plan.axes.begin(), plan.axes.end(), d)) {
        order.push_back(d);
      }
    }
    order.insert(order.end(), plan.axes.begin(), plan.axes.end());
    x = transposed(x, order);
  }
  expect(n > 0 || !F::kNeedsElement, "nothing to average", "an element at least");
  Array y(x.type(), plan.shape);
  by_number(x.type(), [&]<class T>(Tag<T>) {
    const T* in = x.template read<T>().data();
    const auto out = y.template write<T>();
    for (std::int64_t i = 0; i < y.size(); ++i) {
      out[static_cast<std::size_t>(i)] =
          F::template of<T>(in + i / after * n * after + i % after, n, after);
    }
  });
  call.set(0, y.retyped(call.in(0).type()));
}

// Axes are an attribute up to version 17 (of a sum up to 12), then an input.
template <class F>
void since_18(Call& call) {
  reduce<F>(call, 18);
}
void sum(Call& call) { reduce<Sum>(call, 13); }

constexpr KernelRow kRows[] = {
    {"", "ReduceSum", 1, kNewestOpset, sum, Narrow::kWiden},
    {"", "ReduceMean", 1, kNewestOpset, since_18<Mean>, Narrow::kWiden},
    {"", "ReduceProd", 1, kNewestOpset, since_18<Product>, Narrow::kWiden},
    {"", "ReduceMax", 1, kNewestOpset, since_18<Largest>, Narrow::kWiden},
    {"", "ReduceMin", 1, kNewestOpset, since_18<Smallest>, Narrow::kWiden},
    {"", "ReduceSumSquare", 1, kNewestOpset, since_18<SumSquare>, Narrow::kWiden},
    {"", "ReduceL1", 1, kNewestOpset, since_18<InDouble<NormOne>>, Narrow::kWiden},
    {"", "ReduceL2", 1, kNewestOpset, since_18<InDouble<NormTwo>>, Narrow::kWiden},
    {"", "ReduceLogSum", 1, kNewestOpset, since_18<InDouble<LogSum>>, Narrow::kWiden},
    {"", "ReduceLogSumExp", 1, kNewestOpset, since_18<InDouble<LogSumExp>>, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> reduction_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
