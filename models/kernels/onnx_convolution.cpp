// Convolutions as matrix products over gathered windows, and their integer and transposed forms.
//
// Models:     any number of spatial axes, groups, strides, dilations, padding. Windows are gathered
//             a few output rows at a time, so that the gathered matrix stays in the caches.
// Leaves out: DeformConv.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_product.hpp"
#include "models/kernels/onnx_registry.hpp"
#include "models/kernels/onnx_window.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

// Gathered elements at a time.
constexpr std::int64_t kGathered = std::int64_t{1} << 18;

// Output positions of one run: the last axis; earlier axes count runs.
struct Runs {
  Dims outer;
  std::int64_t count;
  std::int64_t length;
  explicit Runs(const Dims& out) : outer(out.begin(), out.end() - 1), length(out.back()) {
    count = elements_of(outer);
  }
};

// Row (c, k) of the gathered matrix: what kernel element k sees in channel c at runs from `first`.
template <class T>
void gather_row(const T* x, const Window& w, const Dims& k, const Runs& runs, std::int64_t first,
                std::int64_t count, T* row) {
  const std::size_t last = w.rank() - 1;
  Dims at(runs.outer.size(), 0);
  std::int64_t rest = first;
  for (std::size_t d = at.size(); d-- > 0;) {
    at[d] = rest % runs.outer[d];
    rest /= runs.outer[d];
  }
  for (std::int64_t r = 0; r < count; ++r, row += runs.length) {
    std::int64_t base = 0;
    bool inside = true;
    for (std::size_t d = 0; d < last; ++d) {
      const std::int64_t i = at[d] * w.stride[d] + k[d] * w.dilation[d] - w.before[d];
      inside = inside && i >= 0 && i < w.in[d];
      base = base * w.in[d] + i;
    }
    const std::int64_t shift = k[last] * w.dilation[last] - w.before[last];
    const std::int64_t width = w.in[last];
    for (std::int64_t o = 0; o < runs.length; ++o) {
      const std::int64_t i = o * w.stride[last] + shift;
      row[o] = inside && i >= 0 && i < width ? x[base * width + i] : T(0);
    }
    advance(at, runs.outer);
  }
}

// One input channel per group: every output plane is a short sum of shifted input planes.
template <class T>
void depthwise(const T* x, const T* kernel, const Window& w, T* y) {
  const Runs runs(w.out);
  Dims k(w.rank(), 0);
  std::vector<T> row(static_cast<std::size_t>(runs.length));
  std::int64_t at = 0;
  do {
    const T factor = kernel[at++];
    for (std::int64_t r = 0; r < runs.count; ++r) {
      gather_row(x, w, k, runs, r, 1, row.data());
      T* out = y + r * runs.length;
      for (std::int64_t o = 0; o < runs.length; ++o) {
        out[o] += factor * row[static_cast<std::size_t>(o)];
      }
    }
  } while (advance(k, w.kernel));
}

template <class T>
void convolve_group(const T* x, const T* kernel, const Window& w, std::int64_t channels,
                    std::int64_t maps, std::vector<T>& gathered, T* y) {
  const std::int64_t depth = channels * w.kernel_size();
  const std::int64_t size = w.out_size();
  const bool plain = w.kernel_size() == 1 && w.out == w.in;
  if (plain) {  // stride 1 and no padding: the input is the gathered matrix
    multiply<T>({kernel, maps, depth, depth}, {x, depth, size, size}, y, size);
    return;
  }
  const Runs runs(w.out);
  const std::int64_t some = std::clamp<std::int64_t>(
      kGathered / std::max<std::int64_t>(1, depth * runs.length), 1, runs.count);
  gathered.resize(static_cast<std::size_t>(depth * some * runs.length));
  for (std::int64_t first = 0; first < runs.count; first += some) {
    const std::int64_t count = std::min(some, runs.count - first);
    const std::int64_t columns = count * runs.length;
    T* row = gathered.data();
    for (std::int64_t c = 0; c < channels; ++c) {
      Dims k(w.rank(), 0);
      do {
        gather_row(x + c * w.in_size(), w, k, runs, first, count, row);
        row += columns;
      } while (advance(k, w.kernel));
    }
    multiply<T>({kernel, maps, depth, depth}, {gathered.data(), depth, columns, columns},
                y + first * runs.length, size);
  }
}

struct Groups {
  std::int64_t count;
  std::int64_t channels;  // in, per group
  std::int64_t maps;      // out, per group
};

Groups groups_of(const Call& call, const Array& x, const Array& weights) {
  const std::int64_t count = call.integer("group", 1);
  expect(x.rank() >= 3 && weights.rank() == x.rank() && count > 0 && x.dim(1) % count == 0 &&
             weights.dim(0) % count == 0 && weights.dim(1) == x.dim(1) / count,
         fmt::format("{} and weights of {} in {} groups", to_string(x.shape()),
                     to_string(weights.shape()), count),
         "matching channels");
  return {count, x.dim(1) / count, weights.dim(0) / count};
}

Window convolution_window(const Call& call, const Array& x, const Array& weights) {
  const Dims kernel = spatial(weights);
  const std::vector<std::int64_t> written = call.integers("kernel_shape");
  expect(written.empty() || written == kernel, "kernel_shape " + to_string(written),
         to_string(kernel));
  return window_of(call, spatial(x), kernel);
}

template <class T>
Array convolved(const Call& call, const Array& x, const Array& weights) {
  const Groups g = groups_of(call, x, weights);
  const Window w = convolution_window(call, x, weights);
  Dims shape{x.dim(0), weights.dim(0)};
  shape.insert(shape.end(), w.out.begin(), w.out.end());
  Array y(x.type(), shape);
  if (y.size() == 0) {
    return y;
  }
  const std::int64_t in_plane = w.in_size();
  const std::int64_t out_plane = w.out_size();
  const std::int64_t depth = g.channels * w.kernel_size();
  std::vector<T> gathered;
  for (std::int64_t i = 0; i < x.dim(0) * g.count; ++i) {
    const T* from = x.read<T>().data() + i * g.channels * in_plane;
    const T* kernel = weights.read<T>().data() + i % g.count * g.maps * depth;
    T* to = y.write<T>().data() + i * g.maps * out_plane;
    if (g.channels == 1) {
      for (std::int64_t m = 0; m < g.maps; ++m) {
        depthwise(from, kernel + m * depth, w, to + m * out_plane);
      }
    } else {
      convolve_group(from, kernel, w, g.channels, g.maps, gathered, to);
    }
  }
  return y;
}

template <class T>
void add_per_channel(Array& y, const Array& bias) {
  expect(bias.size() == y.dim(1), fmt::format("{} biases", bias.size()),
         fmt::format("{}", y.dim(1)));
  const AroundAxis around(y.shape(), 1);
  const auto out = y.write<T>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto channel = static_cast<std::int64_t>(i) / around.after % around.along;
    out[i] += bias.read<T>()[static_cast<std::size_t>(channel)];
  }
}

void conv(Call& call) {
  by_float(call.in(0).type(), [&]<class T>(Tag<T>) {
    Array y = convolved<T>(call, call.in(0), call.in(1));
    if (call.has(2)) {
      add_per_channel<T>(y, call.in(2));
    }
    call.set(0, y);
  });
}

// Less its zero point, exactly.
Array centred(const Array& x, const Array* zero, std::int64_t axis) {
  const Array wide = cast(x, DType::kDouble);
  if (zero == nullptr) {
    return wide;
  }
  Array offset = cast(*zero, DType::kDouble);
  Dims shape(static_cast<std::size_t>(x.rank()), 1);
  shape[static_cast<std::size_t>(axis)] = offset.size();
  return zip<double, double, double>(wide, offset.reshaped(shape), DType::kDouble,
                                     [](double v, double z) { return v - z; });
}

void conv_integer(Call& call) {
  const Array x = centred(call.in(0), call.maybe(2), 1);
  const Array weights = centred(call.in(1), call.maybe(3), 0);
  call.set(0, cast(convolved<double>(call, x, weights), DType::kInt32));
}

// x, x_scale, x_zero, w, w_scale, w_zero, y_scale, y_zero, bias in steps of x_scale * w_scale
void qlinear_conv(Call& call) {
  const Array x = centred(call.in(0), &call.in(2), 1);
  const Array weights = centred(call.in(3), &call.in(5), 0);
  Array y = convolved<double>(call, x, weights);
  if (call.has(8)) {
    add_per_channel<double>(y, cast(call.in(8), DType::kDouble));
  }
  const double x_scale = call.number_in(1);
  const double y_scale = call.number_in(6);
  const double zero = call.number_in(7);
  const std::vector<double> scales = converted<double>(call.in(4));
  expect(scales.size() == 1 || static_cast<std::int64_t>(scales.size()) == y.dim(1),
         fmt::format("{} weight scales", scales.size()), "one, or one per channel");
  const DType type = call.in(7).type();
  const double low = type == DType::kInt8 ? -128 : 0;
  const AroundAxis around(y.shape(), 1);
  const auto out = y.write<double>();
  for (std::size_t i = 0; i < out.size(); ++i) {
    const auto channel =
        static_cast<std::size_t>(static_cast<std::int64_t>(i) / around.after % around.along);
    const double scale = x_scale * scales[scales.size() == 1 ? 0 : channel] / y_scale;
    out[i] = std::clamp(std::nearbyint(out[i] * scale) + zero, low, low + 255);
  }
  call.set(0, cast(y, type));
}

// Spreads every input element over the outputs that its window covers.
template <class T>
void spread(const std::vector<T>& columns, const Window& w, std::int64_t maps, T* y) {
  const std::int64_t out_plane = w.out_size();
  const T* row = columns.data();
  for (std::int64_t m = 0; m < maps; ++m) {
    Dims k(w.rank(), 0);
    do {
      Dims i(w.rank(), 0);
      do {
        std::int64_t to = 0;
        bool inside = true;
        for (std::size_t d = 0; d < w.rank(); ++d) {
          const std::int64_t o = i[d] * w.stride[d] + k[d] * w.dilation[d] - w.before[d];
          inside = inside && o >= 0 && o < w.out[d];
          to = to * w.out[d] + o;
        }
        if (inside) {
          y[m * out_plane + to] += *row;
        }
        ++row;
      } while (advance(i, w.in));
    } while (advance(k, w.kernel));
  }
}

Window transposed_window(const Call& call, const Array& x, const Array& weights) {
  Window w;
  w.in = spatial(x);
  w.kernel = spatial(weights);
  const std::size_t rank = w.rank();
  const auto list = [&](const char* name, std::int64_t absent) {
    std::vector<std::int64_t> values = call.integers(name);
    values.resize(values.empty() ? rank : values.size(), absent);
    expect(values.size() == rank &&
               std::all_of(values.begin(), values.end(),
                           [&](std::int64_t v) { return v >= absent && v < 1 << 30; }),
           fmt::format("{} of {}", name, to_string(values)), fmt::format("{} numbers", rank));
    return values;
  };
  w.stride = list("strides", 1);
  w.dilation = list("dilations", 1);
  const std::vector<std::int64_t> more = list("output_padding", 0);
  std::vector<std::int64_t> pads = call.integers("pads");
  pads.resize(pads.empty() ? 2 * rank : pads.size(), 0);
  const std::vector<std::int64_t> shape = call.integers("output_shape");
  expect(pads.size() == 2 * rank && (shape.empty() || shape.size() >= rank),
         "lists of the wrong length", fmt::format("{} spatial axes", rank));
  const std::string automatic = call.text("auto_pad", "NOTSET");
  const bool same = automatic == "SAME_UPPER" || automatic == "SAME_LOWER";
  for (std::size_t d = 0; d < rank; ++d) {
    const std::int64_t whole =
        w.stride[d] * (w.in[d] - 1) + more[d] + (w.kernel[d] - 1) * w.dilation[d] + 1;
    std::int64_t before = pads[d];
    std::int64_t after = pads[rank + d];
    if (!shape.empty() || same) {
      const std::int64_t wanted =
          shape.empty() ? w.in[d] * w.stride[d] : shape[shape.size() - rank + d];
      const std::int64_t total = std::max<std::int64_t>(0, whole - wanted);
      before = automatic == "SAME_UPPER" || !same ? total / 2 : total - total / 2;
      if (!same && automatic == "NOTSET") {
        before = total - total / 2;
      }
      after = whole - wanted - before;
    } else if (automatic == "VALID") {
      before = after = 0;
    }
    w.before.push_back(before);
    w.after.push_back(after);
    w.out.push_back(whole - before - after);
    expect(w.out.back() > 0, fmt::format("an output of {}", w.out.back()), "a positive one");
  }
  return w;
}

void conv_transpose(Call& call) {
  const Array& x = call.in(0);
  const Array& weights = call.in(1);
  const std::int64_t groups = call.integer("group", 1);
  expect(x.rank() >= 3 && weights.rank() == x.rank() && groups > 0 && x.dim(1) == weights.dim(0) &&
             x.dim(1) % groups == 0,
         fmt::format("{} and weights of {}", to_string(x.shape()), to_string(weights.shape())),
         "matching channels");
  const Window w = transposed_window(call, x, weights);
  const std::int64_t channels = x.dim(1) / groups;
  const std::int64_t maps = weights.dim(1);
  Dims shape{x.dim(0), maps * groups};
  shape.insert(shape.end(), w.out.begin(), w.out.end());
  Array y(x.type(), shape);
  by_float(x.type(), [&]<class T>(Tag<T>) {
    const std::int64_t in_plane = w.in_size();
    const std::int64_t depth = maps * w.kernel_size();
    (void)Array(x.type(), {depth, in_plane});  // refuses what is too large
    std::vector<T> columns(static_cast<std::size_t>(depth * in_plane));
    for (std::int64_t i = 0; i < x.dim(0) * groups && in_plane > 0; ++i) {
      const T* kernel = weights.read<T>().data() + i % groups * channels * depth;
      multiply<T>({kernel, depth, channels, depth, true},
                  {x.read<T>().data() + i * channels * in_plane, channels, in_plane, in_plane},
                  columns.data(), in_plane);
      spread(columns, w, maps, y.write<T>().data() + i * maps * w.out_size());
    }
    if (call.has(2)) {
      add_per_channel<T>(y, call.in(2));
    }
  });
  call.set(0, y);
}

constexpr KernelRow kRows[] = {
    {"", "Conv", 1, kNewestOpset, conv, Narrow::kWiden},
    {"", "ConvInteger", 10, kNewestOpset, conv_integer, Narrow::kKeep},
    {"", "QLinearConv", 10, kNewestOpset, qlinear_conv, Narrow::kKeep},
    {"", "ConvTranspose", 1, kNewestOpset, conv_transpose, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> convolution_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
