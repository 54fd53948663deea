// Softmax and its relatives. Sums run in double.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

enum class Kind : std::uint8_t { kSoftmax, kLog, kHard };

// One run of n elements, `step` apart.
template <class T>
void along(const T* x, T* y, std::int64_t n, std::int64_t step, Kind kind) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < n; ++i) {
    best = x[i * step] > x[best * step] ? i : best;
  }
  if (kind == Kind::kHard) {
    for (std::int64_t i = 0; i < n; ++i) {
      y[i * step] = i == best ? T(1) : T(0);
    }
    return;
  }
  const T largest = x[best * step];
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) {
    const T e = std::exp(x[i * step] - largest);
    y[i * step] = e;
    sum += static_cast<double>(e);
  }
  if (kind == Kind::kSoftmax) {
    const double inverse = 1 / sum;
    for (std::int64_t i = 0; i < n; ++i) {
      y[i * step] = static_cast<T>(static_cast<double>(y[i * step]) * inverse);
    }
  } else {
    const double log_sum = std::log(sum);
    for (std::int64_t i = 0; i < n; ++i) {
      y[i * step] =
          static_cast<T>(static_cast<double>(x[i * step]) - static_cast<double>(largest) - log_sum);
    }
  }
}

// Before version 13 all axes from `axis` on are one; then `axis` alone counts.
template <Kind kind>
void softmax(Call& call) {
  const Array& x = call.in(0);
  const bool flat = call.opset() < 13;
  const std::int64_t written = call.integer("axis", flat ? 1 : -1);
  std::int64_t n = 1;
  std::int64_t after = 1;
  if (flat) {
    const std::int64_t axis = written == x.rank() ? written : axis_of(written, x.rank());
    n = elements_of(Dims(x.shape().begin() + axis, x.shape().end()));
  } else if (x.rank() > 0) {
    const AroundAxis around(x.shape(), axis_of(written, x.rank()));
    n = around.along;
    after = around.after;
  }
  Array y(x.type(), x.shape());
  if (n > 0) {
    by_float(x.type(), [&]<class T>(Tag<T>) {
      const T* in = x.read<T>().data();
      T* out = y.template write<T>().data();
      for (std::int64_t i = 0; i < x.size() / n; ++i) {
        const std::int64_t at = i / after * n * after + i % after;
        along<T>(in + at, out + at, n, after, kind);
      }
    });
  }
  call.set(0, y);
}

constexpr KernelRow kRows[] = {
    {"", "Softmax", 1, kNewestOpset, softmax<Kind::kSoftmax>, Narrow::kWiden},
    {"", "LogSoftmax", 1, kNewestOpset, softmax<Kind::kLog>, Narrow::kWiden},
    {"", "Hardmax", 1, kNewestOpset, softmax<Kind::kHard>, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> softmax_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
