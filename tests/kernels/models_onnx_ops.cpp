// ONNX operators against values worked out by hand; versions and forms that the standard's own
// cases do not reach.
#include "models/kernels/onnx_session.hpp"
#include "sim/base/diagnostics.hpp"
#include "tests/kernels/onnx_apply.hpp"

#include <catch2/catch.hpp>

#include <cmath>

using namespace joulesim::models;
using namespace joulesim::models::onnx;
using namespace joulesim::models::onnx::test;
using Catch::Contains;

TEST_CASE("integers wrap around, divide towards zero, and refuse a zero divisor") {
  const auto bytes = [](const Numbers& v) {
    return typed(DType::kInt8, {static_cast<std::int64_t>(v.size())}, v);
  };
  check_near(numbers(apply("Add", {bytes({127}), bytes({1})})), {-128});
  check_near(numbers(apply("Mul", {bytes({100}), bytes({3})})), {44});
  check_near(numbers(apply("Div", {bytes({-7, 7, -128}), bytes({2, -2, -1})})), {-3, -3, -128});
  check_near(numbers(apply("Mod", {bytes({-7, 7}), bytes({3, -3})})), {2, -2});
  CHECK_THROWS_WITH(apply("Div", {bytes({1}), bytes({0})}), Contains("division by zero"));
}

TEST_CASE("operands broadcast in both directions, or as old versions align them") {
  const Array column = floats({2, 1}, {1, 2});
  const Array row = floats({3}, {10, 20, 30});
  const auto y = apply("Add", {column, row});
  CHECK(y[0].shape() == Dims{2, 3});
  check_near(numbers(y), {11, 21, 31, 12, 22, 32});
  check_near(numbers(apply("Add", {floats({2, 3}, {0, 0, 0, 0, 0, 0}), floats({2}, {1, 2})},
                           {.opset = 6,
                            .attributes = {attribute("axis", std::int64_t{0}),
                                           attribute("broadcast", std::int64_t{1})}})),
             {1, 1, 1, 2, 2, 2});
  CHECK_THROWS_WITH(apply("Add", {floats({2}, {1, 2}), row}), Contains("shapes [2] and [3]"));
}

TEST_CASE("softmax joins axes before version 13 and takes one from then on") {
  const Array x = floats({2, 1, 2}, {0, 0, 0, 0});
  check_near(numbers(apply("Softmax", {x}, {.opset = 11})), {0.5, 0.5, 0.5, 0.5});
  check_near(numbers(apply("Softmax", {x},
                           {.opset = 11, .attributes = {attribute("axis", std::int64_t{0})}})),
             {0.25, 0.25, 0.25, 0.25});
  check_near(numbers(apply("Softmax", {x},
                           {.opset = 13, .attributes = {attribute("axis", std::int64_t{1})}})),
             {1, 1, 1, 1});
}

TEST_CASE("16-bit floats are computed in float and rounded once") {
  const Array x = typed(DType::kFloat16, {2}, {1.0, 2048.0});
  const Array z = typed(DType::kFloat16, {2}, {0.0004, 1.0});
  const auto y = apply("Add", {x, z});
  CHECK(y[0].type() == DType::kFloat16);
  check_near(numbers(y), {1.0, 2048.0});  // half a step and a tie, to even
  const auto e = apply("Exp", {typed(DType::kBfloat16, {1}, {1.0})});
  CHECK(e[0].type() == DType::kBfloat16);
  check_near(numbers(e), {2.71875});
}

TEST_CASE("casts cut off, clamp at the ends of 8-bit floats, and print") {
  const auto to = [](DType type) { return attribute("to", static_cast<std::int64_t>(type)); };
  check_near(numbers(apply("Cast", {floats({3}, {-1.9F, 2.9F, 300.0F})},
                           {.attributes = {to(DType::kUint8)}})),
             {255, 2, 44});
  check_near(numbers(apply("Cast", {floats({2}, {1e9F, 17.0F})},
                           {.opset = 19, .attributes = {to(DType::kFloat8E4m3fn)}})),
             {448, 16});
  CHECK(apply("Cast", {floats({1}, {0.5F})}, {.attributes = {to(DType::kString)}})[0]
            .read<std::string>()[0] == "0.5");
}

TEST_CASE("slices go backwards and stop at the ends") {
  const Array x = typed(DType::kInt64, {5}, {0, 1, 2, 3, 4});
  const auto ints = [](std::vector<std::int64_t> v) { return Array::of_ints(v); };
  check_near(numbers(apply("Slice", {x, ints({-1}), ints({-1000}), ints({0}), ints({-2})})),
             {4, 2, 0});
  check_near(numbers(apply("Slice", {x, ints({1}), ints({INT64_MAX}), ints({0}), ints({3})})),
             {1, 4});
  CHECK(apply("Slice", {x, ints({4}), ints({2})})[0].shape() == Dims{0});
  check_near(numbers(apply("Slice", {x, ints({3}), ints({INT64_MIN}), ints({0}), ints({-1})})),
             {3, 2, 1, 0});
}

TEST_CASE("padding repeats, mirrors, wraps and cuts") {
  const Array x = floats({3}, {1, 2, 3});
  const auto pad = [&](const std::string& mode, std::vector<std::int64_t> pads) {
    return numbers(apply("Pad", {x, Array::of_ints(pads)},
                         {.opset = 19, .attributes = {attribute("mode", mode)}}));
  };
  check_near(pad("constant", {1, 2}), {0, 1, 2, 3, 0, 0});
  check_near(pad("edge", {1, 1}), {1, 1, 2, 3, 3});
  check_near(pad("reflect", {2, 2}), {3, 2, 1, 2, 3, 2, 1});
  check_near(pad("wrap", {1, 2}), {3, 1, 2, 3, 1, 2});
  check_near(pad("constant", {-1, 1}), {2, 3, 0});
}

TEST_CASE("a convolution with stride, dilation, padding and groups, by hand") {
  const Array x = floats({1, 2, 1, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  const Array w = floats({2, 1, 1, 2}, {1, 10, 1, -1});
  const auto y = apply("Conv", {x, w, floats({2}, {0.5F, 0})},
                       {.attributes = {attribute("group", std::int64_t{2}),
                                       attribute("strides", std::vector<std::int64_t>{1, 2}),
                                       attribute("dilations", std::vector<std::int64_t>{1, 2}),
                                       attribute("pads", std::vector<std::int64_t>{0, 1, 0, 0})}});
  CHECK(y[0].shape() == Dims{1, 2, 1, 2});
  // Places -1 and 1, then 1 and 3.
  check_near(numbers(y), {0 + 20 + 0.5, 2 + 40 + 0.5, 0 - 20, 20 - 40});
}

TEST_CASE("a wide convolution equals the sum over its windows") {
  const std::int64_t channels = 5;
  const std::int64_t size = 300;
  std::vector<float> x(static_cast<std::size_t>(channels * size * size));
  for (std::size_t i = 0; i < x.size(); ++i) {
    x[i] = static_cast<float>(i * 7 % 11) - 5;
  }
  const Array w = Array::of(DType::kFloat, {1, channels, 3, 3}, std::vector<float>(45, 1.0F));
  const auto y = apply("Conv", {floats({1, channels, size, size}, x), w});
  CHECK(y[0].shape() == Dims{1, 1, 298, 298});
  for (const std::int64_t at : {0, 1000, 298 * 298 - 1}) {
    double sum = 0;
    for (std::int64_t c = 0; c < channels; ++c) {
      for (std::int64_t k = 0; k < 9; ++k) {
        sum += static_cast<double>(
            x[static_cast<std::size_t>((c * size + at / 298 + k / 3) * size + at % 298 + k % 3)]);
      }
    }
    CHECK(numbers(y)[static_cast<std::size_t>(at)] == Approx(sum));
  }
}

TEST_CASE("reductions take axes as attribute or input, and none as all or nothing") {
  const Array x = floats({2, 2}, {1, 2, 3, 4});
  const auto axes = attribute("axes", std::vector<std::int64_t>{0});
  check_near(numbers(apply("ReduceMax", {x}, {.opset = 11, .attributes = {axes}})), {3, 4});
  check_near(numbers(apply("ReduceMax", {x, Array::of_ints({1})}, {.opset = 18})), {2, 4});
  check_near(numbers(apply("ReduceSum", {x}, {.opset = 13})), {10});
  check_near(numbers(apply("ReduceSumSquare", {x, Array::of_ints({})},
                           {.opset = 18,
                            .attributes = {attribute("noop_with_empty_axes", std::int64_t{1})}})),
             {1, 4, 9, 16});
  check_near(numbers(apply("ReduceLogSumExp", {floats({2}, {1000, 1000})}, {.opset = 18})),
             {1000 + std::log(2.0)}, 1e-4);
}

TEST_CASE("norms: layer, group by version, RMS") {
  const Array x = floats({1, 2, 1, 2}, {1, 3, 10, 30});
  const auto groups = attribute("num_groups", std::int64_t{2});
  check_near(numbers(apply("GroupNormalization", {x, floats({2}, {1, 2}), floats({2}, {0, 5})},
                           {.opset = 21, .attributes = {groups}})),
             {-1, 1, 3, 7}, 1e-4);
  const auto y = apply("LayerNormalization", {floats({1, 2}, {1, 3}), floats({2}, {1, 1})},
                       {.opset = 17, .outputs = 3});
  check_near(numbers(y), {-1, 1}, 1e-4);
  check_near(numbers(y, 1), {2});
  check_near(numbers(apply("RMSNormalization", {floats({1, 2}, {3, 4}), floats({2}, {1, 2})},
                           {.opset = 23})),
             {3 / std::sqrt(12.5), 8 / std::sqrt(12.5)}, 1e-5);
}

TEST_CASE("quantisation per axis, in blocks, to 4 bits") {
  const Array x = floats({2, 4}, {1, 2, 3, 4, 10, 20, 30, 40});
  const Array scales = floats({2, 2}, {1, 2, 10, 20});
  const std::vector<std::string> blocks{attribute("axis", std::int64_t{1}),
                                        attribute("block_size", std::int64_t{2})};
  const auto codes = apply("QuantizeLinear", {x, scales, typed(DType::kInt4, {2, 2}, {0, 0, 0, 0})},
                           {.opset = 21, .attributes = blocks});
  CHECK(codes[0].type() == DType::kInt4);
  check_near(numbers(codes), {1, 2, 2, 2, 1, 2, 2, 2});  // 1.5 is a tie
  check_near(
      numbers(apply("DequantizeLinear", {codes[0], scales}, {.opset = 21, .attributes = blocks})),
      {1, 2, 4, 4, 10, 20, 40, 40});
  check_near(numbers(apply("QuantizeLinear",
                           {floats({2, 1}, {1000, -3}), floats({2}, {1, 2}),
                            typed(DType::kUint8, {2}, {0, 128})},
                           {.attributes = {attribute("axis", std::int64_t{0})}})),
             {255, 126});  // -1.5 is a tie
}

TEST_CASE("weights of four bits multiply as the numbers they stand for") {
  // One row of 16: codes 0…15 with zero point 8 and scale 0.5.
  std::vector<std::uint8_t> packed;
  for (int i = 0; i < 8; ++i) {
    packed.push_back(static_cast<std::uint8_t>(2 * i + 16 * (2 * i + 1)));
  }
  const auto y =
      apply("MatMulNBits",
            {Array::of(DType::kFloat, {1, 16}, std::vector<float>(16, 1.0F)),
             Array::of(DType::kUint8, {1, 1, 8}, packed), floats({1}, {0.5F})},
            {.attributes = {attribute("K", std::int64_t{16}), attribute("N", std::int64_t{1}),
                            attribute("bits", std::int64_t{4}),
                            attribute("block_size", std::int64_t{16})},
             .domain = "com.microsoft"});
  check_near(numbers(y), {0.5 * (120 - 128)});
}

TEST_CASE("group-query attention equals attention with causal mask and past") {
  const auto ramp = [](const Dims& shape, float step) {
    std::vector<float> values(static_cast<std::size_t>(elements_of(shape)));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = std::sin(step * static_cast<float>(i));
    }
    return floats(shape, values);
  };
  // One sequence, two new tokens on three past, four heads on two, of four elements.
  const Array q = ramp({1, 2, 16}, 0.3F);
  const Array k = ramp({1, 2, 8}, 0.7F);
  const Array v = ramp({1, 2, 8}, 1.1F);
  const Array past_k = ramp({1, 2, 3, 4}, 0.2F);
  const Array past_v = ramp({1, 2, 3, 4}, 0.5F);
  const auto standard = apply("Attention", {q, k, v, Array(), past_k, past_v},
                              {.opset = 23,
                               .attributes = {attribute("q_num_heads", std::int64_t{4}),
                                              attribute("kv_num_heads", std::int64_t{2}),
                                              attribute("is_causal", std::int64_t{1})},
                               .outputs = 3});
  const auto grouped = apply(
      "GroupQueryAttention",
      {q, k, v, past_k, past_v, typed(DType::kInt32, {1}, {4}), typed(DType::kInt32, {}, {5})},
      {.attributes = {attribute("num_heads", std::int64_t{4}),
                      attribute("kv_num_heads", std::int64_t{2})},
       .domain = "com.microsoft",
       .outputs = 3});
  CHECK(standard[1].shape() == Dims{1, 2, 5, 4});
  for (std::size_t i = 0; i < 3; ++i) {
    check_near(numbers(grouped, i), numbers(standard, i));
  }
}

TEST_CASE("a rotation turns halves or neighbours") {
  const Array x = floats({1, 1, 1, 4}, {1, 2, 3, 4});
  const Array cos = floats({1, 1, 2}, {0, 1});
  const Array sin = floats({1, 1, 2}, {1, 0});
  check_near(numbers(apply("RotaryEmbedding", {x, cos, sin}, {.opset = 23})), {-3, 2, 1, 4});
  check_near(
      numbers(apply("RotaryEmbedding", {x, cos, sin},
                    {.opset = 23, .attributes = {attribute("interleaved", std::int64_t{1})}})),
      {-2, 1, 3, 4});
}

TEST_CASE("Einstein sums: products, diagonals, ellipses, implicit results") {
  const Array a = floats({2, 2}, {1, 2, 3, 4});
  const auto einsum = [&](const std::string& equation, const std::vector<Array>& arrays) {
    return numbers(apply("Einsum", arrays, {.attributes = {attribute("equation", equation)}}));
  };
  check_near(einsum("ij,jk->ik", {a, a}), {7, 10, 15, 22});
  check_near(einsum("ij,jk", {a, a}), {7, 10, 15, 22});
  check_near(einsum("ii->i", {a}), {1, 4});
  check_near(einsum("ii", {a}), {5});
  check_near(einsum("...ij->...ji", {a}), {1, 3, 2, 4});
  check_near(einsum("ij,ij,ij->", {a, a, a}), {1 + 8 + 27 + 64});
  check_near(einsum("i,j->ji", {floats({2}, {1, 2}), floats({2}, {3, 4})}), {3, 6, 4, 8});
}

TEST_CASE("shrinking with antialiasing averages") {
  const auto y =
      apply("Resize", {floats({1, 1, 1, 4}, {1, 2, 3, 4}), Array(), floats({4}, {1, 1, 1, 0.5F})},
            {.opset = 18,
             .attributes = {attribute("mode", std::string("linear")),
                            attribute("antialias", std::int64_t{1})}});
  // Triangles of width four around 0.5 and 2.5: weights 3/7, 3/7, 1/7 at the left end.
  check_near(numbers(y), {(3 + 6 + 3) / 7.0, (2 + 9 + 12) / 7.0}, 1e-5);
}
