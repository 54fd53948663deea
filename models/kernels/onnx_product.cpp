#include "models/kernels/onnx_product.hpp"

#include "models/kernels/onnx_elements.hpp"

#include <mutex>

#define EIGEN_DONT_PARALLELIZE
#define EIGEN_MPL2_ONLY
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wdeprecated-enum-enum-conversion"
#include <Eigen/Core>
#pragma GCC diagnostic pop

namespace joulesim::models::onnx {
namespace {

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using ConstMap = Eigen::Map<const RowMajor<T>, 0, Eigen::OuterStride<>>;
template <class T>
using Map = Eigen::Map<RowMajor<T>, 0, Eigen::OuterStride<>>;

// Block sizes follow the caches; those of this machine must not decide about the last digit.
void fix_blocking() {
  static std::once_flag once;
  std::call_once(once, [] { Eigen::setCpuCacheSizes(32 << 10, 512 << 10, 4 << 20); });
}

template <class T, class A, class B>
void store(const A& a, const B& b, Map<T>& c, bool accumulate) {
  if (accumulate) {
    c.noalias() += a * b;
  } else {
    c.noalias() = a * b;
  }
}

}  // namespace

template <class T>
void multiply(const MatrixView<T>& a, const MatrixView<T>& b, T* c, std::int64_t stride,
              bool accumulate) {
  fix_blocking();
  Map<T> out(c, a.rows, b.columns, Eigen::OuterStride<>(stride));
  if (a.columns == 0) {
    if (!accumulate) {
      out.setZero();
    }
    return;
  }
  const auto stored = [](const MatrixView<T>& m) {
    return ConstMap<T>(m.data, m.transposed ? m.columns : m.rows, m.transposed ? m.rows : m.columns,
                       Eigen::OuterStride<>(m.stride));
  };
  const ConstMap<T> left = stored(a);
  const ConstMap<T> right = stored(b);
  if (a.transposed && b.transposed) {
    store<T>(left.transpose(), right.transpose(), out, accumulate);
  } else if (a.transposed) {
    store<T>(left.transpose(), right, out, accumulate);
  } else if (b.transposed) {
    store<T>(left, right.transpose(), out, accumulate);
  } else {
    store<T>(left, right, out, accumulate);
  }
}

template void multiply<float>(const MatrixView<float>&, const MatrixView<float>&, float*,
                              std::int64_t, bool);
template void multiply<double>(const MatrixView<double>&, const MatrixView<double>&, double*,
                               std::int64_t, bool);

namespace {

template <class T>
void multiply_integers(const T* a, const T* b, T* c, std::int64_t m, std::int64_t k,
                       std::int64_t n) {
  for (std::int64_t i = 0; i < m; ++i) {
    for (std::int64_t j = 0; j < n; ++j) {
      std::uint64_t sum = 0;
      for (std::int64_t l = 0; l < k; ++l) {
        sum += static_cast<std::uint64_t>(a[i * k + l]) * static_cast<std::uint64_t>(b[l * n + j]);
      }
      c[i * n + j] = static_cast<T>(sum);
    }
  }
}

}  // namespace

Array matmul(const Array& left, const Array& right) {
  expect(left.type() == right.type() && left.rank() > 0 && right.rank() > 0,
         fmt::format("{} {} and {} {}", name_of(left.type()), to_string(left.shape()),
                     name_of(right.type()), to_string(right.shape())),
         "arrays of one type and rank 1 at least");
  Array a = left;
  Array b = right;
  if (left.rank() == 1) {
    a = left.reshaped({1, left.size()});
  }
  if (right.rank() == 1) {
    b = right.reshaped({right.size(), 1});
  }
  const std::int64_t m = a.dim(a.rank() - 2);
  const std::int64_t k = a.dim(a.rank() - 1);
  const std::int64_t n = b.dim(b.rank() - 1);
  expect(b.dim(b.rank() - 2) == k,
         fmt::format("{} times {}", to_string(left.shape()), to_string(right.shape())),
         "equal inner sizes");
  const Dims outer_a(a.shape().begin(), a.shape().end() - 2);
  const Dims outer_b(b.shape().begin(), b.shape().end() - 2);
  const Broadcast plan({outer_a, outer_b});
  Dims shape = plan.shape();
  if (left.rank() > 1) {
    shape.push_back(m);
  }
  if (right.rank() > 1) {
    shape.push_back(n);
  }
  Array y(a.type(), shape);
  by_number(a.type(), [&]<class T>(Tag<T>) {
    const T* x = a.read<T>().data();
    const T* z = b.read<T>().data();
    T* out = y.template write<T>().data();
    if (elements_of(outer_b) == 1) {  // one matrix for all: a single product
      if constexpr (std::is_floating_point_v<T>) {
        const std::int64_t rows = elements_of(outer_a) * m;
        if (rows > 0 && n > 0) {
          multiply<T>({x, rows, k, k}, {z, k, n, n}, out, n);
        }
        return;
      }
    }
    plan.runs(
        [&](std::int64_t to, const std::int64_t* at, std::int64_t count, const std::int64_t* step) {
          for (std::int64_t i = 0; i < count; ++i) {
            const T* one = x + (at[0] + i * step[0]) * m * k;
            const T* other = z + (at[1] + i * step[1]) * k * n;
            if constexpr (std::is_floating_point_v<T>) {
              if (m > 0 && n > 0) {
                multiply<T>({one, m, k, k}, {other, k, n, n}, out + (to + i) * m * n, n);
              }
            } else {
              multiply_integers<T>(one, other, out + (to + i) * m * n, m, k, n);
            }
          }
        });
  });
  return y;
}

}  // namespace joulesim::models::onnx
