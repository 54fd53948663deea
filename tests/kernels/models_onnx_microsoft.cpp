// Operators of Microsoft's set against values worked out by hand from their definitions.
#include "sim/base/diagnostics.hpp"
#include "tests/kernels/onnx_apply.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace joulesim::models;
using namespace joulesim::models::onnx;
using namespace joulesim::models::onnx::test;

namespace {

constexpr const char* kDomain = "com.microsoft";

std::vector<Array> theirs(const std::string& op, const std::vector<Array>& inputs,
                          const std::vector<std::string>& attributes = {},
                          std::size_t outputs = 1) {
  return apply(op, inputs, {.attributes = attributes, .domain = kDomain, .outputs = outputs});
}

Array bytes(const Dims& shape, const Numbers& values) {
  return typed(DType::kUint8, shape, values);
}
Array one(float value) { return floats({}, {value}); }
Array zero(double value) { return bytes({}, {value}); }

double gelu(double x) { return x / 2 * (1 + std::erf(x / std::sqrt(2.0))); }

}  // namespace

TEST_CASE("norms with a residual give the sum that they normalised") {
  // 3 and 1: mean 2, deviation 1.
  const auto y = theirs("SkipLayerNormalization",
                        {floats({1, 1, 2}, {1, 0}), floats({1, 1, 2}, {1, 1}),
                         floats({2}, {10, 20}), floats({2}, {1, 2}), floats({2}, {1, 0})},
                        {attribute("epsilon", 0.0F)}, 4);
  check_near(numbers(y, 0), {11, -18}, 1e-4);
  check_near(numbers(y, 1), {2});
  check_near(numbers(y, 2), {1}, 1e-4);
  check_near(numbers(y, 3), {3, 1});
  // 3 and 4: root mean square sqrt(12.5).
  const auto simple =
      theirs("SkipSimplifiedLayerNormalization",
             {floats({1, 1, 2}, {1, 4}), floats({1, 1, 2}, {2, 0}), floats({2}, {1, 10})},
             {attribute("epsilon", 0.0F)});
  check_near(numbers(simple), {3 / std::sqrt(12.5), 40 / std::sqrt(12.5)}, 1e-5);
  check_near(
      numbers(theirs("SimplifiedLayerNormalization", {floats({1, 2}, {3, 4}), floats({2}, {1, 1})},
                     {attribute("epsilon", 0.0F)})),
      {3 / std::sqrt(12.5), 4 / std::sqrt(12.5)}, 1e-5);
}

TEST_CASE("embeddings are summed and normalised") {
  // Word 1 (0, 2), position 0 (1, 1), segment 1 (0, 2): 1 and 5, mean 3, deviation 2.
  const auto y = theirs("EmbedLayerNormalization",
                        {typed(DType::kInt32, {1, 1}, {1}), typed(DType::kInt32, {1, 1}, {1}),
                         floats({2, 2}, {9, 9, 0, 2}), floats({1, 2}, {1, 1}),
                         floats({2, 2}, {9, 9, 0, 2}), floats({2}, {1, 1}), floats({2}, {0, 1})},
                        {attribute("epsilon", 0.0F)}, 2);
  check_near(numbers(y, 0), {-1, 2}, 1e-5);
}

TEST_CASE("gates and biases of the fused activations") {
  const Array x = floats({1, 2}, {-1, 2});
  const Array bias = floats({2}, {0.5F, -1});
  check_near(numbers(theirs("Gelu", {x})), {gelu(-1), gelu(2)});
  check_near(numbers(theirs("BiasGelu", {x, bias})), {gelu(-0.5), gelu(1)});
  const auto tanh_gelu = [](double v) {
    return v / 2 * (1 + std::tanh(std::sqrt(2 / M_PI) * (v + 0.044715 * v * v * v)));
  };
  check_near(numbers(theirs("FastGelu", {x, bias})), {tanh_gelu(-0.5), tanh_gelu(1)});
  check_near(numbers(theirs("QuickGelu", {x}, {attribute("alpha", 2.0F)})),
             {-1 / (1 + std::exp(2.0)), 2 / (1 + std::exp(-4.0))});
  check_near(numbers(theirs("BiasAdd", {floats({1, 1, 2}, {1, 2}), floats({2}, {10, 20}),
                                        floats({1, 1, 2}, {100, 200})})),
             {111, 222});
}

TEST_CASE("products with a factor, a turned operand and an activation") {
  const Array a = floats({2, 2}, {1, 2, 3, 4});
  const Array b = floats({2, 2}, {5, 6, 7, 8});
  // a b^T = [17 23; 39 53], half of it.
  check_near(numbers(theirs("FusedMatMul", {a, b},
                            {attribute("alpha", 0.5F), attribute("transB", std::int64_t{1})})),
             {8.5, 11.5, 19.5, 26.5});
  // a^T b = [26 30; 38 44].
  check_near(numbers(theirs("FusedMatMul", {a, b}, {attribute("transA", std::int64_t{1})})),
             {26, 30, 38, 44});
  // a b = [19 22; 43 50], less 20 and 40.
  check_near(numbers(theirs("FusedGemm", {a, b, floats({2}, {-20, -40})},
                            {attribute("activation", std::string("Relu"))})),
             {0, 0, 23, 10});
}

TEST_CASE("quantised products: codes less zero points, times both scales") {
  // a 3-1, 5-1; b columns (2-2, 4-2) and (3-2, 1-2): (2*0 + 4*2, 2*1 + 4*(-1)) = (8, -2).
  const Array a = bytes({1, 2}, {3, 5});
  const Array b = bytes({2, 2}, {2, 3, 4, 1});
  check_near(numbers(theirs("MatMulIntegerToFloat",
                            {a, b, one(0.5F), one(0.25F), zero(1), zero(2), floats({2}, {1, 1})})),
             {2, 0.75});
  // Over 0 to 2.55 a step is 0.01: 0 and 255 steps exactly.
  check_near(
      numbers(theirs("DynamicQuantizeMatMul", {floats({1, 2}, {0, 2.55F}), b, one(0.5F), zero(2)})),
      {2.55 * 2 * 0.5, 2.55 * -1 * 0.5}, 1e-5);
  // (8 + 4, -2 + 2) * 0.5 * 0.25 * 2 = (3, 0) in steps of 1.5 from 10.
  check_near(numbers(theirs("QGemm",
                            {a, one(0.5F), zero(1), b, one(0.25F), zero(2),
                             typed(DType::kInt32, {2}, {4, 2}), one(1.5F), zero(10)},
                            {attribute("alpha", 2.0F)})),
             {12, 10});
}

TEST_CASE("quantised element by element: the numbers, rounded to codes once") {
  const Array a = bytes({2}, {10, 20});  // 0.5 * (10 - 10, 20 - 10) = 0, 5
  const Array b = bytes({2}, {3, 0});    // 2 * (3 - 1, 0 - 1) = 4, -2
  check_near(numbers(theirs("QLinearAdd",
                            {a, one(0.5F), zero(10), b, one(2), zero(1), one(0.5F), zero(20)})),
             {28, 26});
  check_near(numbers(theirs("QLinearMul",
                            {a, one(0.5F), zero(10), b, one(2), zero(1), one(0.5F), zero(20)})),
             {20, 0});
  // 1 / (1 + e^0) = 0.5, 1 / (1 + e^-5) = 0.9933, in steps of 1/256.
  check_near(numbers(theirs("QLinearSigmoid", {a, one(0.5F), zero(10), one(1.0F / 256), zero(0)})),
             {128, 254});
  check_near(numbers(theirs("QLinearLeakyRelu", {b, one(2), zero(1), one(0.25F), zero(50)},
                            {attribute("alpha", 0.5F)})),
             {66, 46});
  check_near(numbers(theirs("QLinearConcat",
                            {one(1), zero(100), a, one(0.5F), zero(10), b, one(2), zero(1)},
                            {attribute("axis", std::int64_t{0})})),
             {100, 105, 104, 98});
  // Mean of (0, 5, 10, 15) / 2 is 3.75: 7.5 steps of 0.5, a tie, to even.
  check_near(
      numbers(theirs("QLinearGlobalAveragePool",
                     {bytes({1, 1, 2, 2}, {0, 5, 10, 15}), one(0.5F), zero(0), one(0.5F), zero(0)},
                     {attribute("channels_last", std::int64_t{0})})),
      {8});
  // Of ln 3 and 0: 3/4 and 1/4.
  check_near(numbers(theirs(
                 "QLinearSoftmax",
                 {bytes({1, 2}, {1, 0}), one(std::log(3.0F)), zero(0), one(1.0F / 256), zero(0)},
                 {attribute("opset", std::int64_t{13})})),
             {192, 64});
}

TEST_CASE("attention of one head of one element, with past") {
  // Scores of the new query 1 with keys 0 (past) and ln 3: weights 1/4 and 3/4.
  const float l = std::log(3.0F);
  const auto y =
      theirs("MultiHeadAttention",
             {floats({1, 1, 1}, {1}), floats({1, 1, 1}, {l}), floats({1, 1, 1}, {4}), Array(),
              Array(), Array(), floats({1, 1, 1, 1}, {0}), floats({1, 1, 1, 1}, {8})},
             {attribute("num_heads", std::int64_t{1})}, 3);
  check_near(numbers(y, 0), {5}, 1e-5);
  check_near(numbers(y, 1), {0, static_cast<double>(l)});
  check_near(numbers(y, 2), {8, 4});
  // The same from one matrix of query, key and value: x = 1, weights 1, ln 3 and 4; causal, so the
  // first of two equal tokens sees itself alone.
  const auto merged = theirs(
      "Attention", {floats({1, 2, 1}, {1, 1}), floats({1, 3}, {1, l, 4}), floats({3}, {0, 0, 1})},
      {attribute("num_heads", std::int64_t{1}), attribute("unidirectional", std::int64_t{1})});
  check_near(numbers(merged), {5, 5}, 1e-5);
}

TEST_CASE("a rotation looks its position up in tables") {
  const Array x = floats({1, 1, 4}, {1, 2, 3, 4});
  const Array position = typed(DType::kInt64, {1}, {1});
  const Array cos = floats({2, 2}, {1, 1, 0, 1});
  const Array sin = floats({2, 2}, {0, 0, 1, 0});
  check_near(numbers(theirs("RotaryEmbedding", {x, position, cos, sin})), {-3, 2, 1, 4});
}
