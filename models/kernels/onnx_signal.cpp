// Signals: windows, Fourier transforms, mel filters.
//
// Transforms are sums over all pairs (no fast algorithm), in double.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <complex>
#include <numbers>

namespace joulesim::models::onnx {
namespace {

using Complex = std::complex<double>;

DType output_type(const Call& call, const char* name) {
  const std::int64_t code = call.integer(name, static_cast<std::int64_t>(DType::kFloat));
  const auto type = dtype_of_code(code);
  expect(type.has_value(), fmt::format("type {}", code), "one of ONNX's element types");
  return *type;
}

// a0 - a1 cos(2 pi i / N) + a2 cos(4 pi i / N), N one less when symmetric.
void window(Call& call, double a0, double a1, double a2) {
  const std::int64_t size = call.int_in(0);
  const bool periodic = call.integer("periodic", 1) != 0;
  Array y(DType::kDouble, {size});
  const auto n = static_cast<double>(periodic ? size : size - 1);
  for (std::int64_t i = 0; i < size; ++i) {
    const double angle = n == 0 ? 0 : 2 * std::numbers::pi * static_cast<double>(i) / n;
    y.write<double>()[static_cast<std::size_t>(i)] =
        a0 - a1 * std::cos(angle) + a2 * std::cos(2 * angle);
  }
  call.set(0, cast(y, output_type(call, "output_datatype")));
}
void hann(Call& call) { window(call, 0.5, 0.5, 0); }
void hamming(Call& call) { window(call, 25.0 / 46, 21.0 / 46, 0); }
void blackman(Call& call) { window(call, 0.42, 0.5, 0.08); }

// Values x(k) for k below `known`, zeros up to `length`.
template <class X>
std::vector<Complex> transform(X x, std::int64_t known, std::int64_t length, std::int64_t bins,
                               bool inverse) {
  std::vector<Complex> roots(static_cast<std::size_t>(length));
  for (std::int64_t i = 0; i < length; ++i) {
    const double angle = (inverse ? 2 : -2) * std::numbers::pi * static_cast<double>(i) /
                         static_cast<double>(length);
    roots[static_cast<std::size_t>(i)] = std::polar(1.0, angle);
  }
  std::vector<Complex> y(static_cast<std::size_t>(bins));
  for (std::int64_t b = 0; b < bins; ++b) {
    Complex sum = 0;
    std::int64_t at = 0;
    for (std::int64_t k = 0; k < std::min(known, length); ++k) {
      sum += x(k) * roots[static_cast<std::size_t>(at)];
      at = (at + b) % length;
    }
    y[static_cast<std::size_t>(b)] = inverse ? sum / static_cast<double>(length) : sum;
  }
  return y;
}

// The last axis of the input is a number's real and, maybe, imaginary part.
void dft(Call& call) {
  const Array x = cast(call.in(0), DType::kDouble);
  expect(x.rank() >= 2 && (x.dim(x.rank() - 1) == 1 || x.dim(x.rank() - 1) == 2),
         to_string(x.shape()), "[…,1 or 2]");
  const std::int64_t parts = x.dim(x.rank() - 1);
  const std::int64_t written = call.opset() < 20 ? call.integer("axis", 1)
                               : call.has(2)     ? call.int_in(2)
                                                 : -2;
  const std::int64_t axis = axis_of(written, x.rank());
  expect(axis != x.rank() - 1, fmt::format("axis {}", axis), "one before the last");
  const bool inverse = call.integer("inverse", 0) != 0;
  const bool half = call.integer("onesided", 0) != 0;
  const std::int64_t length = call.has(1) ? call.int_in(1) : x.dim(axis);
  expect(length > 0, fmt::format("a length of {}", length), "a positive one");
  const std::int64_t bins = half ? length / 2 + 1 : length;
  Dims shape = x.shape();
  shape[static_cast<std::size_t>(axis)] = bins;
  shape.back() = 2;
  Array y(DType::kDouble, shape);
  const AroundAxis around(x.shape(), axis);
  const std::int64_t after = around.after / parts;
  for (std::int64_t i = 0; i < around.before * after; ++i) {
    const auto at = [&](std::int64_t k, std::int64_t count) {
      return (i / after * count + k) * after + i % after;
    };
    const auto bin = transform(
        [&](std::int64_t k) {
          const auto place = static_cast<std::size_t>(at(k, around.along) * parts);
          return Complex(x.read<double>()[place], parts == 2 ? x.read<double>()[place + 1] : 0.0);
        },
        around.along, length, bins, inverse);
    for (std::int64_t b = 0; b < bins; ++b) {
      const auto place = static_cast<std::size_t>(at(b, bins) * 2);
      y.write<double>()[place] = bin[static_cast<std::size_t>(b)].real();
      y.write<double>()[place + 1] = bin[static_cast<std::size_t>(b)].imag();
    }
  }
  call.set(0, cast(y, call.in(0).type()));
}

// signal [batch, length, 1 or 2], frame_step, window, frame_length
void stft(Call& call) {
  Array x = cast(call.in(0), DType::kDouble);
  if (x.rank() == 2) {
    x = x.reshaped({x.dim(0), x.dim(1), 1});
  }
  expect(x.rank() == 3, to_string(x.shape()), "[batch,length,1 or 2]");
  const std::int64_t parts = x.dim(2);
  const std::int64_t step = call.int_in(1);
  std::vector<double> shape_of_window;
  if (call.has(2)) {
    shape_of_window = converted<double>(call.in(2));
  }
  const std::int64_t length =
      call.has(3) ? call.int_in(3) : static_cast<std::int64_t>(shape_of_window.size());
  expect(
      step > 0 && length > 0 && length <= x.dim(1) && (parts == 1 || parts == 2) &&
          (shape_of_window.empty() || static_cast<std::int64_t>(shape_of_window.size()) == length),
      fmt::format("frames of {} every {}", length, step), "frames within the signal");
  const std::int64_t frames = (x.dim(1) - length) / step + 1;
  const bool half = call.integer("onesided", 1) != 0;
  const std::int64_t bins = half ? length / 2 + 1 : length;
  Array y(DType::kDouble, {x.dim(0), frames, bins, 2});
  std::size_t to = 0;
  for (std::int64_t b = 0; b < x.dim(0); ++b) {
    for (std::int64_t f = 0; f < frames; ++f) {
      const auto bin = transform(
          [&](std::int64_t k) {
            const auto at = static_cast<std::size_t>((b * x.dim(1) + f * step + k) * parts);
            const double w =
                shape_of_window.empty() ? 1.0 : shape_of_window[static_cast<std::size_t>(k)];
            return w * Complex(x.read<double>()[at], parts == 2 ? x.read<double>()[at + 1] : 0.0);
          },
          length, length, bins, false);
      for (const Complex& value : bin) {
        y.write<double>()[to++] = value.real();
        y.write<double>()[to++] = value.imag();
      }
    }
  }
  call.set(0, cast(y, call.in(0).type()));
}

// num_mel_bins, dft_length, sample_rate, lower and upper edge
void mel_weights(Call& call) {
  const std::int64_t bins = call.int_in(0);
  const std::int64_t length = call.int_in(1);
  const auto rate = static_cast<double>(call.int_in(2));
  const auto mel = [](double hertz) { return 2595 * std::log10(1 + hertz / 700); };
  expect(bins > 0 && bins < (1 << 20) && length > 0 && rate > 0, "empty filters", "positive sizes");
  const double low = mel(call.number_in(3));
  const double high = mel(call.number_in(4));
  const std::int64_t spectrum = length / 2 + 1;
  std::vector<std::int64_t> edges;
  for (std::int64_t i = 0; i < bins + 2; ++i) {
    const double at = low + static_cast<double>(i) * (high - low) / static_cast<double>(bins + 2);
    const double hertz = 700 * (std::pow(10, at / 2595) - 1);
    edges.push_back(
        static_cast<std::int64_t>(std::floor(static_cast<double>(length + 1) * hertz / rate)));
  }
  Array y(DType::kDouble, {spectrum, bins});
  const auto put = [&](std::int64_t row, std::int64_t column, double value) {
    if (row >= 0 && row < spectrum) {
      y.write<double>()[static_cast<std::size_t>(row * bins + column)] = value;
    }
  };
  for (std::int64_t i = 0; i < bins; ++i) {
    const std::int64_t first = edges[static_cast<std::size_t>(i)];
    const std::int64_t centre = edges[static_cast<std::size_t>(i + 1)];
    const std::int64_t last = edges[static_cast<std::size_t>(i + 2)];
    if (centre == first) {
      put(centre, i, 1.0);
    }
    for (std::int64_t j = first; centre > first && j <= std::min(centre, spectrum); ++j) {
      put(j, i, static_cast<double>(j - first) / static_cast<double>(centre - first));
    }
    for (std::int64_t j = centre; last > centre && j < std::min(last, spectrum); ++j) {
      put(j, i, static_cast<double>(last - j) / static_cast<double>(last - centre));
    }
  }
  call.set(0, cast(y, output_type(call, "output_datatype")));
}

constexpr KernelRow kRows[] = {
    {"", "HannWindow", 17, kNewestOpset, hann, Narrow::kKeep},
    {"", "HammingWindow", 17, kNewestOpset, hamming, Narrow::kKeep},
    {"", "BlackmanWindow", 17, kNewestOpset, blackman, Narrow::kKeep},
    {"", "DFT", 17, kNewestOpset, dft, Narrow::kKeep},
    {"", "STFT", 17, kNewestOpset, stft, Narrow::kKeep},
    {"", "MelWeightMatrix", 17, kNewestOpset, mel_weights, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> signal_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
