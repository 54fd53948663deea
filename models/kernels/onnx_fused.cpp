// Fused operators of Microsoft's set: norms with residuals, GELUs with biases, products with
// activations, weights of few bits.
#include "models/kernels/onnx_attention.hpp"
#include "models/kernels/onnx_elements.hpp"
#include "models/kernels/onnx_moves.hpp"
#include "models/kernels/onnx_product.hpp"
#include "models/kernels/onnx_registry.hpp"

#include <cmath>
#include <numbers>

namespace joulesim::models::onnx {
namespace {

float gelu(float x) { return x / 2 * (1 + std::erf(x / std::numbers::sqrt2_v<float>)); }

float fast_gelu(float x) {
  constexpr float kFactor = 0.7978845608028654F;  // sqrt(2 / pi)
  return x / 2 * (1 + std::tanh(kFactor * (x + 0.044715F * x * x * x)));
}

Array applied(const Array& x, float (*f)(float)) { return map<float, float>(x, DType::kFloat, f); }

void gelu_op(Call& call) { call.set(0, applied(call.in(0), gelu)); }

void bias_gelu(Call& call) { call.set(0, applied(added(call.in(0), call.in(1)), gelu)); }

void fast_gelu_op(Call& call) {
  call.set(0, applied(call.has(1) ? added(call.in(0), call.in(1)) : call.in(0), fast_gelu));
}

void quick_gelu(Call& call) {
  const auto alpha = static_cast<float>(call.number("alpha", 1.702F));
  call.set(0, map<float, float>(call.in(0), DType::kFloat,
                                [&](float x) { return x / (1 + std::exp(-alpha * x)); }));
}

void bias_add(Call& call) { call.set(0, added(added(call.in(0), call.in(1)), call.in(2))); }

struct Normalised {
  Array y, mean, inverse;
};

// Over the last axis; without a mean when `simple`.
Normalised normalised(const Array& x, const Array& gain, const Array* bias, double epsilon,
                      bool simple) {
  const std::int64_t n = x.dim(x.rank() - 1);
  expect(gain.size() == n && (bias == nullptr || bias->size() == n),
         fmt::format("{} gains", gain.size()), fmt::format("{}", n));
  Dims statistics = x.shape();
  statistics.back() = 1;
  Normalised result{Array(DType::kFloat, x.shape()), Array(DType::kFloat, statistics),
                    Array(DType::kFloat, statistics)};
  for (std::size_t r = 0; r < static_cast<std::size_t>(result.mean.size()); ++r) {
    const auto width = static_cast<std::size_t>(n);
    const auto row = x.read<float>().subspan(r * width, width);
    double sum = 0;
    for (const float v : row) {
      sum += static_cast<double>(v);
    }
    const double mean = simple ? 0 : sum / static_cast<double>(n);
    double squares = 0;
    for (const float v : row) {
      squares += (static_cast<double>(v) - mean) * (static_cast<double>(v) - mean);
    }
    const double inverse = 1 / std::sqrt(squares / static_cast<double>(n) + epsilon);
    for (std::size_t i = 0; i < width; ++i) {
      const double v = (static_cast<double>(row[i]) - mean) * inverse *
                       static_cast<double>(gain.read<float>()[i]);
      result.y.write<float>()[r * width + i] = static_cast<float>(
          v + (bias == nullptr ? 0.0 : static_cast<double>(bias->read<float>()[i])));
    }
    result.mean.write<float>()[r] = static_cast<float>(mean);
    result.inverse.write<float>()[r] = static_cast<float>(inverse);
  }
  return result;
}

// input, skip, gamma, beta, bias; then output, mean, inverse deviation, the sum that was normalised
void skip_norm(Call& call, bool simple) {
  Array sum = added(call.in(0), call.in(1));
  const std::size_t bias = simple ? 3 : 4;
  if (call.has(bias)) {
    sum = added(sum, call.in(bias));
  }
  const Normalised n = normalised(sum, call.in(2), simple ? nullptr : call.maybe(3),
                                  call.number("epsilon", 1e-12F), simple);
  call.set(0, n.y);
  call.set(1, n.mean);
  call.set(2, n.inverse);
  call.set(3, sum);
}
void skip_layer_norm(Call& call) { skip_norm(call, false); }
void skip_simple_norm(Call& call) { skip_norm(call, true); }

// input_ids, segment_ids, word, position and segment tables, gamma, beta, mask, position_ids
void embed_layer_norm(Call& call) {
  const Array& ids = call.in(0);
  expect(ids.rank() == 2, to_string(ids.shape()), "[batch,tokens]");
  const auto rows = [](const Array& table, std::vector<std::int64_t> indices, const Dims& shape) {
    for (const std::int64_t index : indices) {
      expect(index >= 0 && index < table.dim(0), fmt::format("index {}", index),
             fmt::format("one of {} rows", table.dim(0)));
    }
    Dims whole = shape;
    whole.push_back(table.dim(1));
    return taken(table, 0, indices).reshaped(whole);
  };
  std::vector<std::int64_t> positions;
  Dims position_shape = ids.shape();
  if (call.has(8)) {
    positions = call.ints_in(8);
    position_shape = call.in(8).shape();
  } else {
    for (std::int64_t i = 0; i < ids.size(); ++i) {
      positions.push_back(i % ids.dim(1));
    }
  }
  Array sum = added(rows(call.in(2), call.ints_in(0), ids.shape()),
                    rows(call.in(3), positions, position_shape));
  if (call.has(1) && call.has(4)) {
    sum = added(sum, rows(call.in(4), call.ints_in(1), ids.shape()));
  }
  call.set(0, normalised(sum, call.in(5), call.maybe(6), call.number("epsilon", 1e-12F), false).y);
  Array lengths(DType::kInt32, {ids.dim(0)});
  if (call.has(7)) {
    const std::vector<std::int64_t> mask = call.ints_in(7);
    for (std::size_t i = 0; i < mask.size(); ++i) {
      lengths.write<std::int32_t>()[i / static_cast<std::size_t>(ids.dim(1))] += mask[i] == 1;
    }
  }
  call.set(1, lengths);
  call.set(2, sum);
}

Array turned(const Array& x, bool inner, bool outer) {
  std::vector<std::int64_t> order;
  for (std::int64_t d = 0; d < x.rank(); ++d) {
    order.push_back(d);
  }
  if (outer && order.size() > 2) {  // the first axis moves before the last
    order.erase(order.begin());
    order.insert(order.end() - 1, 0);
  }
  if (inner && order.size() >= 2) {
    std::swap(order[order.size() - 1], order[order.size() - 2]);
  }
  return inner || outer ? transposed(x, order) : x;
}

void fused_matmul(Call& call) {
  const Array a =
      turned(call.in(0), call.integer("transA", 0) != 0, call.integer("transBatchA", 0) != 0);
  const Array b =
      turned(call.in(1), call.integer("transB", 0) != 0, call.integer("transBatchB", 0) != 0);
  const double alpha = call.number("alpha", 1.0);
  const Array y = matmul(a, b);
  by_float(y.type(), [&]<class T>(Tag<T>) {
    call.set(0, map<T, T>(y, y.type(), [&](T v) { return static_cast<T>(alpha) * v; }));
  });
}

// Weights of 2, 4 or 8 bits [n, blocks, bytes], scales and zero points per block of the rows.
void matmul_few_bits(Call& call) {
  const Array& x = call.in(0);
  const std::int64_t k = call.integer("K");
  const std::int64_t n = call.integer("N");
  const std::int64_t bits = call.integer("bits", 4);
  const std::int64_t block = call.integer("block_size");
  expect((bits == 2 || bits == 4 || bits == 8) && block >= 16 && k > 0 && n > 0 && !call.has(4),
         fmt::format("{} bits in blocks of {}{}", bits, block, call.has(4) ? " with g_idx" : ""),
         "2, 4 or 8 bits in blocks of 16 or more, without g_idx");
  const std::int64_t blocks = (k + block - 1) / block;
  const std::int64_t bytes = block * bits / 8;
  expect(call.in(1).size() == n * blocks * bytes && call.in(2).size() == n * blocks,
         fmt::format("weights of {} and scales of {}", to_string(call.in(1).shape()),
                     to_string(call.in(2).shape())),
         fmt::format("[{},{},{}] and [{},{}]", n, blocks, bytes, n, blocks));
  const auto codes = call.in(1).read<std::uint8_t>();
  const Array scales = cast(call.in(2), DType::kFloat);
  const auto unpack = [&](std::span<const std::uint8_t> row, std::int64_t i) {
    const std::int64_t at = i * bits;
    const unsigned byte = row[static_cast<std::size_t>(at / 8)];
    return (byte >> static_cast<unsigned>(at % 8)) & ((1U << static_cast<unsigned>(bits)) - 1U);
  };
  const bool packed_zeros = call.has(3) && call.in(3).type() == DType::kUint8;
  const std::int64_t zero_bytes = (blocks * bits + 7) / 8;
  Array zeros;
  if (call.has(3) && !packed_zeros) {
    zeros = cast(call.in(3), DType::kFloat);
  }
  expect(!packed_zeros || call.in(3).size() == n * zero_bytes, "zero points of another size",
         fmt::format("{} bytes", n * zero_bytes));
  expect(!zeros.defined() || zeros.size() == n * blocks, "zero points of another size",
         fmt::format("{}", n * blocks));
  Array weights(DType::kFloat, {n, k});
  const auto out = weights.write<float>();
  for (std::int64_t r = 0; r < n; ++r) {
    for (std::int64_t b = 0; b < blocks; ++b) {
      const auto slot = static_cast<std::size_t>(r * blocks + b);
      float zero = static_cast<float>(1U << static_cast<unsigned>(bits - 1));
      if (packed_zeros) {
        zero = static_cast<float>(unpack(
            call.in(3).read<std::uint8_t>().subspan(static_cast<std::size_t>(r * zero_bytes)), b));
      } else if (zeros.defined()) {
        zero = zeros.read<float>()[slot];
      }
      const auto row = codes.subspan(slot * static_cast<std::size_t>(bytes));
      for (std::int64_t i = 0; i < std::min(block, k - b * block); ++i) {
        out[static_cast<std::size_t>(r * k + b * block + i)] =
            (static_cast<float>(unpack(row, i)) - zero) * scales.read<float>()[slot];
      }
    }
  }
  const Array y = matmul(x, transposed(weights, {1, 0}));
  call.set(0, call.has(5) ? added(y, call.in(5)) : y);
}

float activation_of(const std::string& name, float x, float alpha, float beta) {
  if (name.empty()) {
    return x;
  }
  if (name == "Relu") {
    return std::max(x, 0.0F);
  }
  if (name == "Tanh") {
    return std::tanh(x);
  }
  if (name == "Sigmoid") {
    return 1 / (1 + std::exp(-x));
  }
  if (name == "LeakyRelu") {
    return x < 0 ? alpha * x : x;
  }
  if (name == "Clip") {
    return std::clamp(x, alpha, beta);
  }
  if (name == "HardSigmoid") {
    return std::clamp(alpha * x + beta, 0.0F, 1.0F);
  }
  refuse("activation '" + name + "'", "Relu, Tanh, Sigmoid, LeakyRelu, Clip or HardSigmoid");
}

// The standard's operator, then an activation; FusedConv may also add a fourth input.
template <const char* kInner>
void fused(Call& call) {
  const KernelRow* row = find_kernel("", kInner, 13);
  Value addend;
  if (call.count() > 3) {
    addend = call.inputs()[3];
    call.inputs().resize(3);
  }
  row->kernel(call);
  Array y = call.outputs()[0].array;
  if (addend.kind == Value::Kind::kArray) {
    y = added(y, addend.array);
  }
  std::vector<float> parameters = call.numbers("activation_params");
  if (parameters.empty()) {  // FusedGemm spells them one by one
    parameters = {static_cast<float>(call.number("activation_alpha", 0.01F)),
                  static_cast<float>(call.number("activation_beta", 0.0F))};
  }
  parameters.resize(2, 0.0F);
  const std::string name = call.text("activation", "");
  call.set(0, map<float, float>(y, DType::kFloat, [&](float x) {
             return activation_of(name, x, parameters[0], parameters[1]);
           }));
}
constexpr char kConv[] = "Conv";
constexpr char kGemm[] = "Gemm";

constexpr KernelRow kRows[] = {
    {"com.microsoft", "Gelu", 1, 1, gelu_op, Narrow::kWiden},
    {"com.microsoft", "BiasGelu", 1, 1, bias_gelu, Narrow::kWiden},
    {"com.microsoft", "FastGelu", 1, 1, fast_gelu_op, Narrow::kWiden},
    {"com.microsoft", "QuickGelu", 1, 1, quick_gelu, Narrow::kWiden},
    {"com.microsoft", "BiasAdd", 1, 1, bias_add, Narrow::kWiden},
    {"com.microsoft", "SkipLayerNormalization", 1, 1, skip_layer_norm, Narrow::kWiden},
    {"com.microsoft", "SkipSimplifiedLayerNormalization", 1, 1, skip_simple_norm, Narrow::kWiden},
    {"com.microsoft", "EmbedLayerNormalization", 1, 1, embed_layer_norm, Narrow::kWiden},
    {"com.microsoft", "FusedMatMul", 1, 1, fused_matmul, Narrow::kWiden},
    {"com.microsoft", "TransposeMatMul", 1, 1, fused_matmul, Narrow::kWiden},
    {"com.microsoft", "MatMulNBits", 1, 1, matmul_few_bits, Narrow::kWiden},
    {"com.microsoft", "FusedConv", 1, 1, fused<kConv>, Narrow::kWiden},
    {"com.microsoft", "FusedGemm", 1, 1, fused<kGemm>, Narrow::kWiden},
};

}  // namespace

std::span<const KernelRow> fused_kernels() { return kRows; }

}  // namespace joulesim::models::onnx
