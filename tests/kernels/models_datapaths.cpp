#include "models/kernels/evaluate.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/quantised_linear.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace joulesim::models;

namespace {

const Format kFp32 = *find_format("fp32");

std::vector<float> numbers(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(static_cast<double>(random() >> 11U) * 0x1.0p-53 * 2.0 - 1.0);
  }
  return values;
}

std::vector<float> product(const std::string& datapath, const WeightMatrix& w,
                           const std::vector<float>& x) {
  std::vector<float> y(x.size() / static_cast<std::size_t>(w.shape.columns) *
                       static_cast<std::size_t>(w.shape.rows));
  make_datapath(datapath)->multiply("w", w, {x, w.shape.columns}, Role::kUp, y);
  return y;
}

}  // namespace

TEST_CASE("the int8 array multiplies small integers exactly, over several tiles of the array") {
  // The largest magnitude is 127 in every row, so that codes are the values themselves.
  const std::size_t columns = 300;
  std::vector<float> w(2 * columns);
  std::vector<float> x(columns);
  for (std::size_t k = 0; k < columns; ++k) {
    w[k] = static_cast<float>(static_cast<int>(k * 37 % 255) - 127);
    w[columns + k] = k == 5 ? -127.0F : static_cast<float>(static_cast<int>(k * 11 % 100) - 50);
    x[k] = k == 7 ? 127.0F : static_cast<float>(static_cast<int>(k * 53 % 201) - 100);
  }
  const std::vector<float> y =
      product("int8_systolic", WeightMatrix::encode(kFp32, {2, 300}, w), x);
  for (std::size_t r = 0; r < 2; ++r) {
    long exact = 0;
    for (std::size_t k = 0; k < columns; ++k) {
      exact += std::lround(w[r * columns + k]) * std::lround(x[k]);
    }
    CHECK(y[r] == static_cast<float>(exact));
  }
}

TEST_CASE("int8 errors stay within half a step of each operand") {
  const std::int64_t columns = 512;
  const std::vector<float> w = numbers(4 * 512, 21);
  const std::vector<float> x = numbers(3 * 512, 22);
  const WeightMatrix matrix = WeightMatrix::encode(kFp32, {4, columns}, w);
  const std::vector<float> exact = product("fp32", matrix, x);
  const std::vector<float> y = product("int8_systolic", matrix, x);
  // |w x - w' x'| <= |w| |dx| + |x'| |dw| with steps of 1/127 of at most 1.
  const double bound = 512 * (1.0 + 1.0) * 0.5 / 127.0;
  double largest = 0.0;
  for (std::size_t i = 0; i < y.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(y[i]) - exact[i]));
  }
  CHECK(largest > 0.0);
  CHECK(largest < bound / 10.0);  // errors of either sign mostly cancel
}

TEST_CASE("a row that could overflow the accumulator is refused") {
  CHECK(kMostColumns == 133'144);
  CHECK(kMostColumns * 127 * 127 <= 2'147'483'647);
  CHECK((kMostColumns + 1) * 127 * 127 > 2'147'483'647);
  const std::vector<float> full(static_cast<std::size_t>(kMostColumns), 1.0F);
  const WeightMatrix fits = WeightMatrix::encode(kFp32, {1, kMostColumns}, full);
  CHECK(product("int8_systolic", fits, full)[0] == Approx(kMostColumns).epsilon(1e-6));
  const std::vector<float> more(full.size() + 1, 1.0F);
  CHECK_THROWS_AS(
      product("int8_systolic", WeightMatrix::encode(kFp32, {1, kMostColumns + 1}, more), more),
      joulesim::InputError);
}

TEST_CASE("ternary codes follow the mean magnitude and their product is sums alone") {
  // Mean magnitude 0.5: |w| below 0.25 becomes 0, the rest its sign.
  const std::vector<float> w = {0.9F, -0.8F, 0.1F, -0.2F, 0.26F, -0.74F, 0.0F, 1.0F};
  const IntegerMatrix q = quantise_ternary(WeightMatrix::encode(kFp32, {2, 4}, w));
  REQUIRE(q.scales.size() == 1);
  CHECK(q.scales[0] == Approx(0.5));
  CHECK(q.codes == std::vector<std::int8_t>{1, -1, 0, 0, 1, -1, 0, 1});
  const std::vector<float> x = {127.0F, 3.0F, -40.0F, 8.0F};
  const std::vector<float> y = product("ternary", WeightMatrix::encode(kFp32, {2, 4}, w), x);
  CHECK(y[0] == Approx((127.0 - 3.0) * 0.5));
  CHECK(y[1] == Approx((127.0 - 3.0 + 8.0) * 0.5));
}

TEST_CASE("a matrix that is ternary already loses nothing but activation bits") {
  std::vector<float> w = numbers(64 * 128, 23);
  for (float& value : w) {
    value = value > 0.0F ? 0.25F : -0.25F;
  }
  const std::vector<float> x = numbers(128, 24);
  const WeightMatrix matrix = WeightMatrix::encode(kFp32, {64, 128}, w);
  const std::vector<float> exact = product("fp32", matrix, x);
  const std::vector<float> y = product("ternary", matrix, x);
  for (std::size_t i = 0; i < y.size(); ++i) {
    CHECK(std::fabs(y[i] - exact[i]) <= 128 * 0.25 * 0.5 / 127.0);
  }
}

TEST_CASE("int4 groups are coded as Q4_0 codes them") {
  const std::vector<float> w = numbers(8 * 64, 25);
  const std::vector<float> x = numbers(64, 26);
  const std::vector<float> y = product("int4_group", WeightMatrix::encode(kFp32, {8, 64}, w), x);
  const std::vector<float> q4 =
      product("fp32", WeightMatrix::encode(*find_format("q4_0"), {8, 64}, w), x);
  for (std::size_t i = 0; i < y.size(); ++i) {
    CHECK(y[i] == Approx(q4[i]).margin(0.02));
  }
}

TEST_CASE("zero weights and zero activations give zero on every datapath") {
  const WeightMatrix zero = WeightMatrix::encode(kFp32, {2, 64}, std::vector<float>(128, 0.0F));
  for (const std::string& name : datapath_names()) {
    INFO(name);
    CHECK(product(name, zero, numbers(64, 27)) == std::vector<float>(2, 0.0F));
    CHECK(product(name, WeightMatrix::encode(kFp32, {2, 64}, numbers(128, 28)),
                  std::vector<float>(64, 0.0F)) == std::vector<float>(2, 0.0F));
  }
}

TEST_CASE("a whole model on each datapath is compared with the reference") {
  const Model model = random_model(small_llama(), 29);
  const std::vector<std::int32_t> tokens = {1, 2, 3, 50, 70, 90};
  CHECK_FALSE(evaluate(model, tokens, 4).comparison.has_value());
  double previous = 0.0;
  for (const char* name : {"fp16", "int8_systolic", "int4_group", "ternary"}) {
    INFO(name);
    const EvalResult result = evaluate(model, tokens, 4, {name});
    REQUIRE(result.comparison.has_value());
    CHECK(result.comparison->rms_error > previous);  // in this order each is coarser
    CHECK(result.comparison->kl_divergence > 0.0);
    CHECK(result.comparison->max_abs_error >= result.comparison->rms_error);
    previous = result.comparison->rms_error;
  }
}

TEST_CASE("comparison of known rows is as worked out by hand") {
  const FloatArray a{2, 2, {0.0F, 0.0F, 1.0F, 3.0F}};
  const FloatArray b{2, 2, {0.0F, std::log(3.0F), 3.0F, 1.0F}};
  const Comparison c = compare(a, b);
  CHECK(c.max_abs_error == Approx(2.0));
  CHECK(c.rms_error == Approx(std::sqrt((std::log(3.0) * std::log(3.0) + 4.0 + 4.0) / 4.0)));
  // Row 0: even against (1/4, 3/4). Row 1: swapped probabilities p and 1 - p, p = 1 / (1 + e^-2).
  const double row0 = 0.5 * std::log(2.0) + 0.5 * std::log(2.0 / 3.0);
  const double p = 1.0 / (1.0 + std::exp(-2.0));
  CHECK(c.kl_divergence == Approx((row0 + (2.0 * p - 1.0) * 2.0) / 2.0).epsilon(1e-6));
  CHECK(c.top1_agreement == 0.0);
  CHECK(compare(a, a).top1_agreement == 1.0);
  CHECK(compare(a, a).kl_divergence == Approx(0.0).margin(1e-12));
}
