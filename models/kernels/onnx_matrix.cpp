// Matrix products: MatMul, Gemm, their integer forms, determinants.
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_product.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

void matmul_op(Call& call) { call.set(0, matmul(call.in(0), call.in(1))); }

// alpha a b + beta c, with a and b turned over at will.
void gemm(Call& call) {
  const Array& a = call.in(0);
  const Array& b = call.in(1);
  const bool turn_a = call.integer("transA", 0) != 0;
  const bool turn_b = call.integer("transB", 0) != 0;
  expect(a.rank() == 2 && b.rank() == 2 && a.type() == b.type(),
         fmt::format("{} and {}", to_string(a.shape()), to_string(b.shape())),
         "matrices of one type");
  const std::int64_t m = a.dim(turn_a ? 1 : 0);
  const std::int64_t k = a.dim(turn_a ? 0 : 1);
  const std::int64_t n = b.dim(turn_b ? 0 : 1);
  expect(b.dim(turn_b ? 1 : 0) == k,
         fmt::format("{} and {}", to_string(a.shape()), to_string(b.shape())), "equal inner sizes");
  if (!is_float(a.type())) {  // rare: by way of the general product
    expect(call.number("alpha", 1.0) == 1.0 && call.number("beta", 1.0) == 1.0,
           "integers with factors", "factors of 1");
    call.set(0, matmul(turn_a ? transposed(a, {1, 0}) : a, turn_b ? transposed(b, {1, 0}) : b));
    expect(!call.has(2), "integers with an addend", "none");
    return;
  }
  Array y(a.type(), {m, n});
  by_float(a.type(), [&]<class T>(Tag<T>) {
    const auto out = y.template write<T>();
    if (m > 0 && n > 0) {
      multiply<T>({a.read<T>().data(), m, k, a.dim(1), turn_a},
                  {b.read<T>().data(), k, n, b.dim(1), turn_b}, out.data(), n);
    }
    const T alpha = static_cast<T>(call.number("alpha", 1.0));
    if (alpha != 1) {
      for (T& v : out) {
        v *= alpha;
      }
    }
    if (!call.has(2)) {
      return;
    }
    const T beta = static_cast<T>(call.number("beta", 1.0));
    Array c = call.in(2);
    if (c.rank() > 2) {
      c = c.reshaped(Dims(c.shape().end() - 2, c.shape().end()));
    }
    c = broadcast_to(c, {m, n});
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] += beta * c.read<T>()[i];
    }
  });
  call.set(0, y);
}

// x minus its zero point, which is one number, one per row (of a) or one per column (of b).
Array centred(const Array& x, const Array* zero, bool per_row) {
  const Array wide = cast(x, DType::kDouble);
  if (zero == nullptr || zero->size() == 0) {
    return wide;
  }
  Array offset = cast(*zero, DType::kDouble);
  if (offset.size() == 1) {
    offset = offset.reshaped({});
  } else if (per_row && offset.rank() == 1) {
    offset = offset.reshaped({offset.size(), 1});
  }
  return zip<double, double, double>(wide, offset, DType::kDouble,
                                     [](double v, double z) { return v - z; });
}

// Products of at most 255 * 255 are exact in double for any inner size that fits memory.
Array integer_product(const Array& a, const Array* a_zero, const Array& b, const Array* b_zero) {
  return matmul(centred(a, a_zero, true), centred(b, b_zero, false));
}

void matmul_integer(Call& call) {
  call.set(0, cast(integer_product(call.in(0), call.maybe(2), call.in(1), call.maybe(3)),
                   DType::kInt32));
}

Array scale_like(const Array& scale, bool per_row) {
  const Array wide = cast(scale, DType::kDouble);
  if (wide.size() == 1) {
    return wide.reshaped({});
  }
  return per_row && wide.rank() == 1 ? wide.reshaped({wide.size(), 1}) : wide;
}

// a, a_scale, a_zero, b, b_scale, b_zero, y_scale, y_zero
void qlinear_matmul(Call& call) {
  const Array product = integer_product(call.in(0), &call.in(2), call.in(3), &call.in(5));
  const auto times = [](const Array& x, const Array& s) {
    return zip<double, double, double>(x, s, DType::kDouble,
                                       [](double v, double f) { return v * f; });
  };
  const Array real =
      times(times(product, scale_like(call.in(1), true)), scale_like(call.in(4), false));
  const Array steps =
      zip<double, double, double>(real, scale_like(call.in(6), true), DType::kDouble,
                                  [](double v, double s) { return std::nearbyint(v / s); });
  const Array shifted =
      zip<double, double, double>(steps, scale_like(call.in(7), true), DType::kDouble,
                                  [](double v, double z) { return v + z; });
  const DType type = call.in(7).type();
  const bool with_sign = type == DType::kInt8;
  call.set(0, cast(map<double, double>(shifted, DType::kDouble,
                                       [&](double v) {
                                         return std::clamp(v, with_sign ? -128.0 : 0.0,
                                                           with_sign ? 127.0 : 255.0);
                                       }),
                   type));
}

// Gaussian elimination with row exchange, in double.
double determinant(std::vector<double> m, std::size_t n) {
  double result = 1;
  for (std::size_t c = 0; c < n; ++c) {
    std::size_t pivot = c;
    for (std::size_t r = c + 1; r < n; ++r) {
      pivot = std::fabs(m[r * n + c]) > std::fabs(m[pivot * n + c]) ? r : pivot;
    }
    if (m[pivot * n + c] == 0) {
      return 0;
    }
    if (pivot != c) {
      std::swap_ranges(m.begin() + static_cast<std::ptrdiff_t>(c * n),
                       m.begin() + static_cast<std::ptrdiff_t>((c + 1) * n),
                       m.begin() + static_cast<std::ptrdiff_t>(pivot * n));
      result = -result;
    }
    result *= m[c * n + c];
    for (std::size_t r = c + 1; r < n; ++r) {
      const double factor = m[r * n + c] / m[c * n + c];
      for (std::size_t k = c; k < n; ++k) {
        m[r * n + k] -= factor * m[c * n + k];
      }
    }
  }
  return result;
}

void det(Call& call) {
  const Array& x = call.in(0);
  expect(x.rank() >= 2 && x.dim(x.rank() - 1) == x.dim(x.rank() - 2), to_string(x.shape()),
         "square matrices");
  const auto n = static_cast<std::size_t>(x.dim(x.rank() - 1));
  const Array wide = cast(x, DType::kDouble);
  Array y(DType::kDouble, Dims(x.shape().begin(), x.shape().end() - 2));
  for (std::size_t i = 0; i < static_cast<std::size_t>(y.size()); ++i) {
    const auto one = wide.read<double>().subspan(i * n * n, n * n);
    y.write<double>()[i] = determinant({one.begin(), one.end()}, n);
  }
  call.set(0, cast(y, x.type()));
}

constexpr KernelRow kRows[] = {
    {"", "MatMul", 1, kNewestOpset, matmul_op, Narrow::kWiden},
    {"", "Gemm", 1, kNewestOpset, gemm, Narrow::kWiden},
    {"", "MatMulInteger", 10, kNewestOpset, matmul_integer, Narrow::kKeep},
    {"", "QLinearMatMul", 10, kNewestOpset, qlinear_matmul, Narrow::kKeep},
    {"", "Det", 11, kNewestOpset, det, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> matrix_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
