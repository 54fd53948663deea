// Normalisations. Means and variances are computed in double.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

void expect_size(const Array& array, std::int64_t size, const char* what) {
  expect(array.size() == size, fmt::format("{} {}", array.size(), what), fmt::format("{}", size));
}

void batch_norm(Call& call) {
  const Array& x = call.in(0);
  expect(call.integer("training_mode", 0) == 0, "training_mode 1", "0");
  if (call.opset() < 7) {
    expect(call.integer("is_test", 0) != 0 || call.output_count() == 1, "training", "is_test 1");
  }
  const double epsilon = call.number("epsilon", 1e-5F);
  expect(x.rank() >= 2, to_string(x.shape()), "[n,c,…]");
  for (std::size_t i = 1; i < 5; ++i) {
    expect_size(call.in(i), x.dim(1), "values per channel");
  }
  const std::vector<double> scale = converted<double>(call.in(1));
  const std::vector<double> bias = converted<double>(call.in(2));
  const std::vector<double> mean = converted<double>(call.in(3));
  const std::vector<double> variance = converted<double>(call.in(4));
  const AroundAxis around(x.shape(), 1);
  Array y(x.type(), x.shape());
  by_float(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.read<T>();
    const auto out = y.template write<T>();
    for (std::int64_t i = 0; i < around.before * around.along; ++i) {
      const auto c = static_cast<std::size_t>(i % around.along);
      const double factor = scale[c] / std::sqrt(variance[c] + epsilon);
      for (std::int64_t k = i * around.after; k < (i + 1) * around.after; ++k) {
        const auto at = static_cast<std::size_t>(k);
        out[at] = static_cast<T>((static_cast<double>(in[at]) - mean[c]) * factor + bias[c]);
      }
    }
  });
  call.set(0, y);
}

struct Moments {
  double mean;
  double inverse;  // of the standard deviation
};

template <class T>
Moments moments_of(std::span<const T> x, double epsilon) {
  double sum = 0;
  for (const T v : x) {
    sum += static_cast<double>(v);
  }
  const double n = static_cast<double>(x.size());
  const double mean = sum / n;
  double squares = 0;
  for (const T v : x) {
    const double d = static_cast<double>(v) - mean;
    squares += d * d;
  }
  return {mean, 1 / std::sqrt(squares / n + epsilon)};
}

// Runs of `length` elements are normalised; element k of run r gets the factor at(r, k).
template <class T, class Scale, class Bias>
void normalise_runs(const Array& x, Array& y, std::int64_t length, double epsilon, Scale scale,
                    Bias bias) {
  const auto out = y.write<T>();
  for (std::int64_t r = 0; length > 0 && r < x.size() / length; ++r) {
    const auto run =
        x.read<T>().subspan(static_cast<std::size_t>(r * length), static_cast<std::size_t>(length));
    const Moments m = moments_of<T>(run, epsilon);
    for (std::int64_t k = 0; k < length; ++k) {
      const double v = (static_cast<double>(run[static_cast<std::size_t>(k)]) - m.mean) * m.inverse;
      out[static_cast<std::size_t>(r * length + k)] = static_cast<T>(v * scale(r, k) + bias(r, k));
    }
  }
}

void instance_norm(Call& call) {
  const Array& x = call.in(0);
  expect(x.rank() >= 3, to_string(x.shape()), "[n,c,…]");
  const std::int64_t channels = x.dim(1);
  expect_size(call.in(1), channels, "scales");
  expect_size(call.in(2), channels, "biases");
  const std::vector<double> scale = converted<double>(call.in(1));
  const std::vector<double> bias = converted<double>(call.in(2));
  const AroundAxis around(x.shape(), 1);
  Array y(x.type(), x.shape());
  const auto per_channel = [&](const std::vector<double>& values) {
    return [&](std::int64_t r, std::int64_t) {
      return values[static_cast<std::size_t>(r % channels)];
    };
  };
  by_float(x.type(), [&]<class T>(Tag<T>) {
    normalise_runs<T>(x, y, around.after, call.number("epsilon", 1e-5F), per_channel(scale),
                      per_channel(bias));
  });
  call.set(0, y);
}

// Version 18 scales per group, version 21 per channel.
void group_norm(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t groups = call.integer("num_groups");
  expect(x.rank() >= 3 && groups > 0 && x.dim(1) % groups == 0, to_string(x.shape()),
         fmt::format("a multiple of {} channels", groups));
  const bool per_group = call.opset() < 21;
  expect_size(call.in(1), per_group ? groups : x.dim(1), "scales");
  expect_size(call.in(2), per_group ? groups : x.dim(1), "biases");
  const std::vector<double> scale = converted<double>(call.in(1));
  const std::vector<double> bias = converted<double>(call.in(2));
  const AroundAxis around(x.shape(), 1);
  const std::int64_t channels = x.dim(1) / groups;
  Array y(x.type(), x.shape());
  const auto of = [&](const std::vector<double>& values) {
    return [&](std::int64_t r, std::int64_t k) {
      const std::int64_t group = r % groups;
      return values[static_cast<std::size_t>(per_group ? group
                                                       : group * channels + k / around.after)];
    };
  };
  by_float(x.type(), [&]<class T>(Tag<T>) {
    normalise_runs<T>(x, y, channels * around.after, call.number("epsilon", 1e-5F), of(scale),
                      of(bias));
  });
  call.set(0, y);
}

void layer_norm(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", -1), x.rank());
  const double epsilon = call.number("epsilon", 1e-5F);
  const Dims normalised(x.shape().begin() + axis, x.shape().end());
  const std::int64_t n = elements_of(normalised);
  const Array scale = broadcast_to(call.in(1), normalised);
  const Array bias =
      call.has(2) ? broadcast_to(call.in(2), normalised) : Array(x.type(), normalised);
  Dims statistics = x.shape();
  std::fill(statistics.begin() + axis, statistics.end(), 1);
  Array y(x.type(), x.shape());
  by_float(x.type(), [&]<class T>(Tag<T>) {
    const auto gain = scale.read<T>();
    const auto shift = bias.read<T>();
    normalise_runs<T>(
        x, y, n, epsilon,
        [&](std::int64_t, std::int64_t k) { return gain[static_cast<std::size_t>(k)]; },
        [&](std::int64_t, std::int64_t k) { return shift[static_cast<std::size_t>(k)]; });
    Array mean(x.type(), statistics);
    Array inverse(x.type(), statistics);
    for (std::int64_t r = 0; r < mean.size() && n > 0; ++r) {
      const Moments m = moments_of<T>(
          x.read<T>().subspan(static_cast<std::size_t>(r * n), static_cast<std::size_t>(n)),
          epsilon);
      mean.write<T>()[static_cast<std::size_t>(r)] = static_cast<T>(m.mean);
      inverse.write<T>()[static_cast<std::size_t>(r)] = static_cast<T>(m.inverse);
    }
    call.set(1, mean);
    call.set(2, inverse);
  });
  call.set(0, y);
}

void rms_norm(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t axis = axis_of(call.integer("axis", -1), x.rank());
  const double epsilon = call.number("epsilon", 1e-5F);
  const Dims normalised(x.shape().begin() + axis, x.shape().end());
  const std::int64_t n = elements_of(normalised);
  const Array scale = broadcast_to(cast(call.in(1), x.type()), normalised);
  Dims statistics = x.shape();
  std::fill(statistics.begin() + axis, statistics.end(), 1);
  Array y(x.type(), x.shape());
  by_float(x.type(), [&]<class T>(Tag<T>) {
    Array inverse(x.type(), statistics);
    for (std::int64_t r = 0; n > 0 && r < x.size() / n; ++r) {
      const auto run =
          x.read<T>().subspan(static_cast<std::size_t>(r * n), static_cast<std::size_t>(n));
      double squares = 0;
      for (const T v : run) {
        squares += static_cast<double>(v) * static_cast<double>(v);
      }
      const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + epsilon);
      inverse.write<T>()[static_cast<std::size_t>(r)] = static_cast<T>(factor);
      for (std::size_t k = 0; k < run.size(); ++k) {
        y.write<T>()[static_cast<std::size_t>(r * n) + k] = static_cast<T>(
            static_cast<double>(run[k]) * factor * static_cast<double>(scale.read<T>()[k]));
      }
    }
    call.set(1, inverse);
  });
  call.set(0, y);
}

void lp_norm(Call& call) {
  const Array& x = call.in(0);
  const AroundAxis around(x.shape(), axis_of(call.integer("axis", -1), x.rank()));
  const std::int64_t p = call.integer("p", 2);
  expect(p == 1 || p == 2, fmt::format("p of {}", p), "1 or 2");
  Array y(x.type(), x.shape());
  by_float(x.type(), [&]<class T>(Tag<T>) {
    for (std::int64_t i = 0; i < around.before * around.after; ++i) {
      const std::int64_t base = i / around.after * around.along * around.after + i % around.after;
      double total = 0;
      const auto at = [&](std::int64_t k) {
        return static_cast<std::size_t>(base + k * around.after);
      };
      for (std::int64_t k = 0; k < around.along; ++k) {
        const auto v = static_cast<double>(x.read<T>()[at(k)]);
        total += p == 1 ? std::fabs(v) : v * v;
      }
      const double norm = p == 1 ? total : std::sqrt(total);
      for (std::int64_t k = 0; k < around.along; ++k) {
        const auto v = static_cast<double>(x.read<T>()[at(k)]);
        y.write<T>()[at(k)] = static_cast<T>(norm == 0 ? 0 : v / norm);
      }
    }
  });
  call.set(0, y);
}

// Local response: each channel is divided by a power of its neighbours' mean square.
void lrn(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t size = call.integer("size");
  const double alpha = call.number("alpha", 1e-4F);
  const double beta = call.number("beta", 0.75);
  const double bias = call.number("bias", 1.0);
  const AroundAxis around(x.shape(), 1);
  expect(size > 0, fmt::format("size {}", size), "a positive one");
  Array y(x.type(), x.shape());
  by_float(x.type(), [&]<class T>(Tag<T>) {
    const auto in = x.read<T>();
    for (std::int64_t i = 0; i < x.size(); ++i) {
      const std::int64_t c = i / around.after % around.along;
      const std::int64_t first = std::max<std::int64_t>(0, c - (size - 1) / 2);
      const std::int64_t last = std::min(around.along - 1, c + size / 2);
      double squares = 0;
      for (std::int64_t k = first; k <= last; ++k) {
        const auto v =
            static_cast<double>(in[static_cast<std::size_t>(i + (k - c) * around.after)]);
        squares += v * v;
      }
      y.write<T>()[static_cast<std::size_t>(i)] =
          static_cast<T>(static_cast<double>(in[static_cast<std::size_t>(i)]) /
                         std::pow(bias + alpha / static_cast<double>(size) * squares, beta));
    }
  });
  call.set(0, y);
}

void mean_variance_norm(Call& call) {
  const Array& x = call.in(0);
  std::vector<std::int64_t> axes = call.integers("axes");
  if (!call.has_attribute("axes")) {
    axes = {0, 2, 3};
  }
  axes = axes_of(std::move(axes), x.rank());
  std::vector<std::int64_t> order;
  for (std::int64_t d = 0; d < x.rank(); ++d) {
    if (std::find(axes.begin(), axes.end(), d) == axes.end()) {
      order.push_back(d);
    }
  }
  std::int64_t n = 1;
  for (const std::int64_t axis : axes) {
    n *= x.dim(axis);
    order.push_back(axis);
  }
  const Array turned = transposed(x, order);
  Array y(x.type(), turned.shape());
  const auto constant = [](double value) {
    return [value](std::int64_t, std::int64_t) { return value; };
  };
  by_float(x.type(), [&]<class T>(Tag<T>) {
    normalise_runs<T>(turned, y, n, 1e-18, constant(1.0), constant(0.0));
  });
  std::vector<std::int64_t> back(order.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    back[static_cast<std::size_t>(order[i])] = static_cast<std::int64_t>(i);
  }
  call.set(0, transposed(y, back));
}

constexpr KernelRow kRows[] = {
    {"", "BatchNormalization", 1, kNewestOpset, batch_norm, Narrow::kWiden},
    {"", "InstanceNormalization", 1, kNewestOpset, instance_norm, Narrow::kWiden},
    {"", "GroupNormalization", 18, kNewestOpset, group_norm, Narrow::kWiden},
    {"", "LayerNormalization", 17, kNewestOpset, layer_norm, Narrow::kWidenFirst},
    {"", "LayerNormalization", 1, 16, layer_norm, Narrow::kWidenFirst},
    {"", "RMSNormalization", 23, kNewestOpset, rms_norm, Narrow::kWiden},
    {"", "SimplifiedLayerNormalization", 1, kNewestOpset, rms_norm, Narrow::kWidenFirst},
    {"com.microsoft", "SimplifiedLayerNormalization", 1, 1, rms_norm, Narrow::kWidenFirst},
    {"com.microsoft", "LayerNormalization", 1, 1, layer_norm, Narrow::kWidenFirst},
    {"", "LpNormalization", 1, kNewestOpset, lp_norm, Narrow::kWiden},
    {"", "LRN", 1, kNewestOpset, lrn, Narrow::kWiden},
    {"", "MeanVarianceNormalization", 9, kNewestOpset, mean_variance_norm, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> norm_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
