// Pools: the largest, the mean or a norm of each window.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"
#include "models/kernels/onnx_window.hpp"

#include <cmath>
#include <limits>

namespace joulesim::models::onnx {
namespace {

// Calls visit(plane, output position, output index) for every window of every plane.
template <class Visit>
void for_windows(const Array& x, const Window& w, Visit visit) {
  const std::int64_t planes = x.dim(0) * x.dim(1);
  const std::int64_t out_plane = w.out_size();
  if (out_plane == 0) {
    return;
  }
  for (std::int64_t p = 0; p < planes; ++p) {
    Dims o(w.rank(), 0);
    std::int64_t to = 0;
    do {
      visit(p, to++, o);
    } while (advance(o, w.out));
  }
}

// Calls see(offset in the plane) for every element of a window; counts also the padding it covers.
template <class See>
std::int64_t for_elements(const Window& w, const Dims& o, See see) {
  Dims k(w.rank(), 0);
  std::int64_t padded = 0;
  do {
    std::int64_t at = 0;
    bool inside = true;
    bool counted = true;
    for (std::size_t d = 0; d < w.rank(); ++d) {
      const std::int64_t i = o[d] * w.stride[d] + k[d] * w.dilation[d] - w.before[d];
      inside = inside && i >= 0 && i < w.in[d];
      counted = counted && i < w.in[d] + w.after[d];
      at = at * w.in[d] + i;
    }
    padded += counted ? 1 : 0;
    if (inside) {
      see(at);
    }
  } while (advance(k, w.kernel));
  return padded;
}

Dims result_shape(const Array& x, const Window& w) {
  Dims shape{x.dim(0), x.dim(1)};
  shape.insert(shape.end(), w.out.begin(), w.out.end());
  return shape;
}

void max_pool(Call& call) {
  const Array& x = call.in(0);
  const Window w = window_of(call, spatial(x), call.integers("kernel_shape"));
  const bool column_major = call.integer("storage_order", 0) != 0;
  Array y(x.type(), result_shape(x, w));
  Array places(DType::kInt64, y.shape());
  by_number(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.read<T>();
    const auto out = y.template write<T>();
    for_windows(x, w, [&](std::int64_t plane, std::int64_t to, const Dims& o) {
      T best = std::numeric_limits<T>::lowest();
      if constexpr (std::is_floating_point_v<T>) {
        best = -std::numeric_limits<T>::infinity();
      }
      std::int64_t place = -1;
      const std::int64_t base = plane * w.in_size();
      for_elements(w, o, [&](std::int64_t at) {
        const T v = in[static_cast<std::size_t>(base + at)];
        if (place < 0 || v > best) {
          best = v;
          place = at;
        }
      });
      const auto slot = static_cast<std::size_t>(plane * w.out_size() + to);
      out[slot] = best;
      if (column_major) {
        std::int64_t turned = 0;
        std::int64_t factor = 1;
        std::int64_t rest = place;
        Dims index(w.rank(), 0);
        for (std::size_t d = w.rank(); d-- > 0;) {
          index[d] = rest % w.in[d];
          rest /= w.in[d];
        }
        for (std::size_t d = 0; d < w.rank(); ++d) {
          turned += index[d] * factor;
          factor *= w.in[d];
        }
        place = turned;
      }
      places.write<std::int64_t>()[slot] = base + place;
    });
  });
  call.set(0, y);
  call.set(1, places);
}

void average_pool(Call& call) {
  const Array& x = call.in(0);
  const Window w = window_of(call, spatial(x), call.integers("kernel_shape"));
  const bool with_padding = call.integer("count_include_pad", 0) != 0;
  Array y(x.type(), result_shape(x, w));
  by_float(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.read<T>();
    const auto out = y.template write<T>();
    for_windows(x, w, [&](std::int64_t plane, std::int64_t to, const Dims& o) {
      double sum = 0;
      std::int64_t seen = 0;
      const std::int64_t padded = for_elements(w, o, [&](std::int64_t at) {
        sum += static_cast<double>(in[static_cast<std::size_t>(plane * w.in_size() + at)]);
        ++seen;
      });
      const std::int64_t count = with_padding ? padded : seen;
      out[static_cast<std::size_t>(plane * w.out_size() + to)] =
          static_cast<T>(sum / static_cast<double>(count));
    });
  });
  call.set(0, y);
}

double power_of(double v, std::int64_t p) {
  return p == 2 ? v * v : p == 1 ? std::fabs(v) : std::pow(std::fabs(v), static_cast<double>(p));
}

double root_of(double v, std::int64_t p) {
  return p == 2 ? std::sqrt(v) : p == 1 ? v : std::pow(v, 1.0 / static_cast<double>(p));
}

void lp_pool(Call& call) {
  const Array& x = call.in(0);
  const Window w = window_of(call, spatial(x), call.integers("kernel_shape"));
  const std::int64_t p =
      call.opset() < 2 ? std::llround(call.number("p", 2.0)) : call.integer("p", 2);
  Array y(x.type(), result_shape(x, w));
  by_float(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.read<T>();
    for_windows(x, w, [&](std::int64_t plane, std::int64_t to, const Dims& o) {
      double sum = 0;
      for_elements(w, o, [&](std::int64_t at) {
        sum += power_of(static_cast<double>(in[static_cast<std::size_t>(plane * w.in_size() + at)]),
                        p);
      });
      y.template write<T>()[static_cast<std::size_t>(plane * w.out_size() + to)] =
          static_cast<T>(root_of(sum, p));
    });
  });
  call.set(0, y);
}

// f(elements of one plane) for every plane.
template <class F>
void global(Call& call, F f) {
  const Array& x = call.in(0);
  const std::int64_t plane = elements_of(spatial(x));
  expect(plane > 0, to_string(x.shape()), "an element at least");
  Dims shape(static_cast<std::size_t>(x.rank()), 1);
  shape[0] = x.dim(0);
  shape[1] = x.dim(1);
  Array y(x.type(), shape);
  by_float(x.type(), [&]<class T>(Tag<T>) {
    for (std::int64_t i = 0; i < y.size(); ++i) {
      y.template write<T>()[static_cast<std::size_t>(i)] = static_cast<T>(f(x.read<T>().subspan(
          static_cast<std::size_t>(i * plane), static_cast<std::size_t>(plane))));
    }
  });
  call.set(0, y);
}

void global_average(Call& call) {
  global(call, [](auto values) {
    double sum = 0;
    for (const auto v : values) {
      sum += static_cast<double>(v);
    }
    return sum / static_cast<double>(values.size());
  });
}

void global_max(Call& call) {
  global(call, [](auto values) {
    return static_cast<double>(*std::max_element(values.begin(), values.end()));
  });
}

void global_lp(Call& call) {
  const std::int64_t p =
      call.opset() < 2 ? std::llround(call.number("p", 2.0)) : call.integer("p", 2);
  global(call, [&](auto values) {
    double sum = 0;
    for (const auto v : values) {
      sum += power_of(static_cast<double>(v), p);
    }
    return root_of(sum, p);
  });
}

// Puts each value back to where a pool took it from.
void max_unpool(Call& call) {
  const Array& x = call.in(0);
  const std::vector<std::int64_t> places = call.ints_in(1);
  const Dims kernel = call.integers("kernel_shape");
  Dims shape{x.dim(0), x.dim(1)};
  std::vector<std::int64_t> strides = call.integers("strides");
  std::vector<std::int64_t> pads = call.integers("pads");
  strides.resize(strides.empty() ? kernel.size() : strides.size(), 1);
  pads.resize(pads.empty() ? 2 * kernel.size() : pads.size(), 0);
  expect(kernel.size() == spatial(x).size() && strides.size() == kernel.size() &&
             pads.size() == 2 * kernel.size(),
         "lists of the wrong length", fmt::format("{} spatial axes", x.rank() - 2));
  for (std::size_t d = 0; d < kernel.size(); ++d) {
    shape.push_back((x.shape()[d + 2] - 1) * strides[d] + kernel[d] - pads[d] -
                    pads[kernel.size() + d]);
  }
  const Dims own = shape;
  if (call.has(2)) {
    shape = call.ints_in(2);
    expect(shape.size() == own.size(), to_string(shape), fmt::format("rank {}", own.size()));
  }
  Array y(x.type(), shape);
  expect(static_cast<std::int64_t>(places.size()) == x.size(),
         fmt::format("{} indices", places.size()), fmt::format("{}", x.size()));
  by_width(x.type(), [&]<class T>(Tag<T>) {
    for (std::size_t i = 0; i < places.size(); ++i) {
      // Indices count in the natural shape; a larger output keeps the coordinates.
      std::int64_t rest = places[i];
      expect(rest >= 0 && rest < elements_of(own), fmt::format("index {}", rest),
             "one of the output");
      std::int64_t to = 0;
      std::int64_t factor = 1;
      for (std::size_t d = own.size(); d-- > 0;) {
        expect(rest % own[d] < shape[d], fmt::format("index {}", places[i]), "one of the output");
        to += rest % own[d] * factor;
        factor *= shape[d];
        rest /= own[d];
      }
      y.template write<T>()[static_cast<std::size_t>(to)] = x.read<T>()[i];
    }
  });
  call.set(0, y);
}

constexpr KernelRow kRows[] = {
    {"", "MaxPool", 1, kNewestOpset, max_pool, Narrow::kWiden},
    {"", "AveragePool", 1, kNewestOpset, average_pool, Narrow::kWiden},
    {"", "LpPool", 1, kNewestOpset, lp_pool, Narrow::kWiden},
    {"", "GlobalAveragePool", 1, kNewestOpset, global_average, Narrow::kWiden},
    {"", "GlobalMaxPool", 1, kNewestOpset, global_max, Narrow::kWiden},
    {"", "GlobalLpPool", 1, kNewestOpset, global_lp, Narrow::kWiden},
    {"", "MaxUnpool", 9, kNewestOpset, max_unpool, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> pooling_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
