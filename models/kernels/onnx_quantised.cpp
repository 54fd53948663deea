// Microsoft's quantised operators, computed on the numbers that the codes stand for and rounded to
// codes once.
#include "models/kernels/onnx_attention.hpp"
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_product.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>

namespace joulesim::models::onnx {
namespace {

// Codes less their zero point, in double: one of each for the whole array or per last axis.
Array centred(const Array& codes, const Array* zero) {
  const Array wide = cast(codes, DType::kDouble);
  if (zero == nullptr || zero->size() == 0) {
    return wide;
  }
  const Array offset = cast(*zero, DType::kDouble);
  return zip<double, double, double>(wide, offset.size() == 1 ? offset.reshaped({}) : offset,
                                     DType::kDouble, [](double v, double z) { return v - z; });
}

Array times(const Array& x, const Array& factor) {
  const Array wide = cast(factor, DType::kDouble);
  return zip<double, double, double>(x, wide.size() == 1 ? wide.reshaped({}) : wide, DType::kDouble,
                                     [](double v, double f) { return v * f; });
}

Array plus(const Array& x, const Array* addend) {
  if (addend == nullptr) {
    return x;
  }
  return zip<double, double, double>(x, cast(*addend, DType::kDouble), DType::kDouble,
                                     [](double v, double a) { return v + a; });
}

// The numbers that inputs i (codes), i + 1 (scale) and i + 2 (zero point) stand for.
Array real(const Call& call, std::size_t i) {
  return times(centred(call.in(i), call.maybe(i + 2)), call.in(i + 1));
}

// Codes of the type of the zero point, or of `absent` when there is none.
Array codes_of(const Array& x, const Array& scale, const Array* zero, DType absent) {
  const DType type = zero == nullptr ? absent : zero->type();
  const double s = converted<double>(scale).at(0);
  const double z = zero == nullptr ? 0.0 : converted<double>(*zero).at(0);
  const double low = type == DType::kInt8 ? -128 : 0;
  return cast(map<double, double>(
                  x, DType::kDouble,
                  [&](double v) { return std::clamp(std::nearbyint(v / s) + z, low, low + 255); }),
              type);
}

void expect_quantised(const Array& scale) {
  expect(scale.size() == 1, fmt::format("{} scales", scale.size()), "one");
}

// a, b, a_scale, b_scale, a_zero, b_zero, bias
void integer_to_float(Call& call) {
  const Array product =
      matmul(centred(call.in(0), call.maybe(4)), centred(call.in(1), call.maybe(5)));
  const Array y = plus(times(times(product, call.in(2)), call.in(3)), call.maybe(6));
  call.set(0, cast(y, call.in(2).type()));
}

// a (float), b, b_scale, b_zero, bias; a is quantised to uint8 over its range.
void dynamic_matmul(Call& call) {
  const auto x = call.in(0).read<float>();
  float low = 0.0F;
  float high = 0.0F;
  for (const float v : x) {
    low = std::min(low, v);
    high = std::max(high, v);
  }
  const float scale = high == low ? 1.0F : (high - low) / 255.0F;
  const float zero = std::nearbyint(std::clamp(-low / scale, 0.0F, 255.0F));
  const Array steps = map<float, double>(call.in(0), DType::kDouble, [&](float v) {
    return static_cast<double>(std::clamp(std::nearbyint(v / scale) + zero, 0.0F, 255.0F) - zero);
  });
  const Array product = matmul(steps, centred(call.in(1), call.maybe(3)));
  const Array factor =
      map<double, double>(cast(call.in(2), DType::kDouble), DType::kDouble,
                          [&](double s) { return s * static_cast<double>(scale); });
  call.set(0, cast(plus(times(product, factor), call.maybe(4)), DType::kFloat));
}

// a, a_scale, a_zero, b, b_scale, b_zero, c_scale, c_zero
template <class F>
void binary(Call& call) {
  const Array y = zip<double, double, double>(real(call, 0), real(call, 3), DType::kDouble,
                                              [](double a, double b) { return F::apply(a, b); });
  expect_quantised(call.in(6));
  call.set(0, codes_of(y, call.in(6), call.maybe(7), call.in(0).type()));
}
struct Add {
  static double apply(double a, double b) { return a + b; }
};
struct Mul {
  static double apply(double a, double b) { return a * b; }
};

// x, x_scale, x_zero, y_scale, y_zero
template <class F>
void unary(Call& call, F f) {
  expect_quantised(call.in(3));
  call.set(0, codes_of(map<double, double>(real(call, 0), DType::kDouble, f), call.in(3),
                       call.maybe(4), call.in(0).type()));
}
void sigmoid(Call& call) {
  unary(call, [](double x) { return 1 / (1 + std::exp(-x)); });
}
void leaky_relu(Call& call) {
  const double alpha = call.number("alpha", 0.01F);
  unary(call, [&](double x) { return x < 0 ? alpha * x : x; });
}

void softmax(Call& call) {
  const Array x = real(call, 0);
  const std::int64_t axis = axis_of(call.integer("axis", -1), x.rank());
  const bool flat = call.integer("opset") < 13;
  std::int64_t after = 1;
  std::int64_t n = 1;
  for (std::int64_t d = axis; d < x.rank(); ++d) {
    (flat || d == axis ? n : after) *= x.dim(d);
  }
  Array y(DType::kDouble, x.shape());
  for (std::int64_t i = 0; n > 0 && i < x.size() / n; ++i) {
    const auto at = [&](std::int64_t k) {
      return static_cast<std::size_t>(i / after * n * after + k * after + i % after);
    };
    double largest = x.read<double>()[at(0)];
    for (std::int64_t k = 1; k < n; ++k) {
      largest = std::max(largest, x.read<double>()[at(k)]);
    }
    double sum = 0;
    for (std::int64_t k = 0; k < n; ++k) {
      sum += std::exp(x.read<double>()[at(k)] - largest);
    }
    for (std::int64_t k = 0; k < n; ++k) {
      y.write<double>()[at(k)] = std::exp(x.read<double>()[at(k)] - largest) / sum;
    }
  }
  call.set(0, codes_of(y, call.in(3), call.maybe(4), call.in(0).type()));
}

void global_average(Call& call) {
  const Array x = real(call, 0);
  const bool last = call.integer("channels_last", 0) != 0;
  expect(x.rank() >= 3, to_string(x.shape()), "[n,c,…]");
  const std::int64_t channels = last ? x.dim(x.rank() - 1) : x.dim(1);
  Dims shape(static_cast<std::size_t>(x.rank()), 1);
  shape[0] = x.dim(0);
  shape[last ? shape.size() - 1 : 1] = channels;
  Array y(DType::kDouble, shape);
  const std::int64_t plane = y.size() == 0 ? 0 : x.size() / y.size();
  for (std::int64_t i = 0; i < y.size(); ++i) {
    double sum = 0;
    for (std::int64_t k = 0; k < plane; ++k) {
      const std::int64_t at =
          last ? (i / channels * plane + k) * channels + i % channels : i * plane + k;
      sum += x.read<double>()[static_cast<std::size_t>(at)];
    }
    y.write<double>()[static_cast<std::size_t>(i)] = sum / static_cast<double>(plane);
  }
  call.set(0, codes_of(y, call.in(3), call.maybe(4), call.in(0).type()));
}

// y_scale, y_zero, then codes, scale and zero point of each part.
void concat(Call& call) {
  std::vector<Array> parts;
  for (std::size_t i = 2; i + 2 < call.count(); i += 3) {
    parts.push_back(real(call, i));
  }
  expect(!parts.empty(), "nothing to join", "an array at least");
  const Array y = concatenated(parts, axis_of(call.integer("axis"), parts.front().rank()));
  call.set(0, codes_of(y, call.in(0), call.maybe(1), call.in(2).type()));
}

// a, a_scale, a_zero, b, b_scale, b_zero, c (in steps of both scales), y_scale, y_zero
void gemm(Call& call) {
  const auto side = [&](std::size_t i, const char* turn) {
    const Array codes = centred(call.in(i), call.maybe(i + 2));
    return call.integer(turn, 0) != 0 ? transposed(codes, {1, 0}) : codes;
  };
  const double alpha = call.number("alpha", 1.0);
  Array y = plus(matmul(side(0, "transA"), side(3, "transB")), call.maybe(6));
  y = times(times(y, call.in(1)), call.in(4));
  y = map<double, double>(y, DType::kDouble, [&](double v) { return v * alpha; });
  call.set(0, call.has(7) ? codes_of(y, call.in(7), call.maybe(8), call.in(0).type())
                          : cast(y, DType::kFloat));
}

constexpr KernelRow kRows[] = {
    {"com.microsoft", "MatMulIntegerToFloat", 1, 1, integer_to_float, Narrow::kKeep},
    {"com.microsoft", "DynamicQuantizeMatMul", 1, 1, dynamic_matmul, Narrow::kKeep},
    {"com.microsoft", "QLinearAdd", 1, 1, binary<Add>, Narrow::kKeep},
    {"com.microsoft", "QLinearMul", 1, 1, binary<Mul>, Narrow::kKeep},
    {"com.microsoft", "QLinearSigmoid", 1, 1, sigmoid, Narrow::kKeep},
    {"com.microsoft", "QLinearLeakyRelu", 1, 1, leaky_relu, Narrow::kKeep},
    {"com.microsoft", "QLinearSoftmax", 1, 1, softmax, Narrow::kKeep},
    {"com.microsoft", "QLinearGlobalAveragePool", 1, 1, global_average, Narrow::kKeep},
    {"com.microsoft", "QLinearConcat", 1, 1, concat, Narrow::kKeep},
    {"com.microsoft", "QGemm", 1, 1, gemm, Narrow::kKeep},
};

}  // namespace

std::span<const KernelRow> quantised_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
