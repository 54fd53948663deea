// Activation functions with parameters; clipping.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <limits>
#include <numbers>

namespace joulesim::models::onnx {
namespace {

// f(x) in the element's own type; parameters come in it too.
template <class F>
void with(Call& call, F f) {
  const Array& a = call.in(0);
  by_float(a.type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, T>(a, a.type(), [&](T x) { return static_cast<T>(f(x)); }));
  });
}

void relu(Call& call) {
  by_number(call.in(0).type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, T>(call.in(0), call.in(0).type(), [](T x) { return x < 0 ? T(0) : x; }));
  });
}

void leaky_relu(Call& call) {
  const double alpha = call.number("alpha", 0.01F);
  with(call, [&](auto x) { return x < 0 ? static_cast<decltype(x)>(alpha) * x : x; });
}

void elu(Call& call) {
  const double alpha = call.number("alpha", 1.0);
  with(call, [&](auto x) { return x < 0 ? static_cast<decltype(x)>(alpha) * std::expm1(x) : x; });
}

void celu(Call& call) {
  const double alpha = call.number("alpha", 1.0);
  with(call, [&](auto x) {
    const auto a = static_cast<decltype(x)>(alpha);
    return x < 0 ? a * std::expm1(x / a) : x;
  });
}

void selu(Call& call) {
  const bool old = call.opset() < 6;
  const double alpha = call.number("alpha", old ? 1.6732F : 1.67326319217681884765625);
  const double gamma = call.number("gamma", old ? 1.0507F : 1.05070102214813232421875);
  with(call, [&](auto x) {
    using T = decltype(x);
    return static_cast<T>(gamma) * (x > 0 ? x : static_cast<T>(alpha) * std::expm1(x));
  });
}

void hard_sigmoid(Call& call) {
  const double alpha = call.number("alpha", 0.2F);
  const double beta = call.number("beta", 0.5);
  with(call, [&](auto x) {
    using T = decltype(x);
    return std::fmax(T(0), std::fmin(T(1), static_cast<T>(alpha) * x + static_cast<T>(beta)));
  });
}

void thresholded_relu(Call& call) {
  const double alpha = call.number("alpha", 1.0);
  with(call, [&](auto x) { return x > static_cast<decltype(x)>(alpha) ? x : decltype(x)(0); });
}

void gelu(Call& call) {
  const std::string how = call.text("approximate", "none");
  expect(how == "none" || how == "tanh", "approximation '" + how + "'", "none or tanh");
  with(call, [&](auto x) {
    using T = decltype(x);
    if (how == "tanh") {
      const T inner = static_cast<T>(std::sqrt(2.0 / std::numbers::pi)) *
                      (x + static_cast<T>(0.044715) * x * x * x);
      return x / 2 * (1 + std::tanh(inner));
    }
    return x / 2 * (1 + std::erf(x / std::numbers::sqrt2_v<T>));
  });
}

void swish(Call& call) {
  const double alpha = call.number("alpha", 1.0);
  with(call, [&](auto x) { return x / (1 + std::exp(-static_cast<decltype(x)>(alpha) * x)); });
}

void shrink(Call& call) {
  const double bias = call.number("bias", 0.0);
  const double limit = call.number("lambd", 0.5);
  by_number(call.in(0).type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, T>(call.in(0), call.in(0).type(), [&](T x) {
               const auto v = static_cast<double>(x);
               return v < -limit  ? static_cast<T>(v + bias)
                      : v > limit ? static_cast<T>(v - bias)
                                  : T(0);
             }));
  });
}

void prelu(Call& call) {
  const Array& a = call.in(0);
  Array slope = call.in(1);
  if (call.opset() < 7 && slope.rank() == 1 && slope.size() > 1 && a.rank() > 1) {
    Dims shape(static_cast<std::size_t>(a.rank()) - 1, 1);
    shape[0] = slope.size();  // one slope per channel
    slope = slope.reshaped(shape);
  }
  expect(a.type() == slope.type(), "a slope of another type", std::string(name_of(a.type())));
  by_number(a.type(), [&]<class T>(Tag<T>) {
    call.set(0, zip<T, T, T>(a, slope, a.type(),
                             [](T x, T s) { return x < 0 ? static_cast<T>(x * s) : x; }));
  });
}

template <class T>
void clip_between(Call& call, T low, T high) {
  call.set(0, map<T, T>(call.in(0), call.in(0).type(),
                        [&](T x) { return std::min(std::max(x, low), high); }));
}

void clip(Call& call) {
  by_number(call.in(0).type(), [&]<class T>(Tag<T>) {
    T low = std::numeric_limits<T>::lowest();
    T high = std::numeric_limits<T>::max();
    if constexpr (std::is_floating_point_v<T>) {
      low = -std::numeric_limits<T>::infinity();
      high = std::numeric_limits<T>::infinity();
    }
    const auto bound = [&](std::size_t i, T& limit) {
      if (call.has(i)) {
        expect(call.in(i).type() == call.in(0).type() && call.in(i).size() == 1,
               fmt::format("a bound of {} {}", name_of(call.in(i).type()),
                           to_string(call.in(i).shape())),
               "one number of the input's type");
        limit = call.in(i).template read<T>()[0];
      }
    };
    bound(1, low);
    bound(2, high);
    clip_between<T>(call, low, high);
  });
}

void clip_by_attributes(Call& call) {
  const double low = call.number("min", std::numeric_limits<float>::lowest());
  const double high = call.number("max", std::numeric_limits<float>::max());
  by_float(call.in(0).type(), [&]<class T>(Tag<T>) {
    clip_between<T>(call, static_cast<T>(low), static_cast<T>(high));
  });
}

constexpr KernelRow kRows[] = {
    {"", "Relu", 1, kNewestOpset, relu, Narrow::kWiden},
    {"", "LeakyRelu", 1, kNewestOpset, leaky_relu, Narrow::kWiden},
    {"", "Elu", 1, kNewestOpset, elu, Narrow::kWiden},
    {"", "Celu", 12, kNewestOpset, celu, Narrow::kWiden},
    {"", "Selu", 1, kNewestOpset, selu, Narrow::kWiden},
    {"", "HardSigmoid", 1, kNewestOpset, hard_sigmoid, Narrow::kWiden},
    {"", "ThresholdedRelu", 10, kNewestOpset, thresholded_relu, Narrow::kWiden},
    {"", "Gelu", 20, kNewestOpset, gelu, Narrow::kWiden},
    {"", "Swish", 24, kNewestOpset, swish, Narrow::kWiden},
    {"", "Shrink", 9, kNewestOpset, shrink, Narrow::kWiden},
    {"", "PRelu", 1, kNewestOpset, prelu, Narrow::kWiden},
    {"", "Clip", 11, kNewestOpset, clip, Narrow::kWiden},
    {"", "Clip", 1, 10, clip_by_attributes, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> activation_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
