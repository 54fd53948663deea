// Table look-ups give what multiplying or adding gives; every int8 product in the systolic array.
#include "models/kernels/lookup_linear.hpp"

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

TEST_CASE("every product of two int8 codes comes out of the array as it should") {
  // Row w holds the code w and 127, so that codes are the values themselves; likewise activations.
  std::vector<float> w;
  for (int code = -127; code <= 127; ++code) {
    w.push_back(static_cast<float>(code));
    w.push_back(127.0F);
  }
  const WeightMatrix matrix = WeightMatrix::encode(kFp32, {255, 2}, w);
  for (int x = -127; x <= 127; ++x) {
    const std::vector<float> y = product("int8_systolic", matrix, {static_cast<float>(x), 127.0F});
    for (int code = -127; code <= 127; ++code) {
      REQUIRE(y[static_cast<std::size_t>(code + 127)] == static_cast<float>(x * code + 127 * 127));
    }
  }
}

TEST_CASE("looking up sums of ternary weights equals adding and subtracting, bit for bit") {
  for (const std::int64_t columns : {1, 2, 3, 64, 128, 100}) {
    INFO(columns);
    const auto n = static_cast<std::size_t>(columns);
    const WeightMatrix w = WeightMatrix::encode(kFp32, {17, columns}, numbers(17 * n, 81));
    const std::vector<float> x = numbers(3 * n, 82);
    CHECK(product("ternary_lookup", w, x) == product("ternary", w, x));
  }
}

TEST_CASE("int4 look-ups stay within half a table step each of the multiplied groups") {
  for (const std::int64_t columns : {32, 96, 70}) {
    const auto n = static_cast<std::size_t>(columns);
    const WeightMatrix w = WeightMatrix::encode(kFp32, {9, columns}, numbers(9 * n, 83));
    const IntegerMatrix codes = quantise_int4_groups(w);
    const std::vector<float> x = numbers(n, 84);
    const std::vector<float> y = product("int4_lookup", w, x);
    const std::vector<float> multiplied = product("int4_group", w, x);
    const std::size_t groups = (n + 31) / 32;
    double worst = 0.0;
    for (std::size_t r = 0; r < 9; ++r) {
      // A step is at most 4 / 127; eight look-ups of four planes weigh 7.5 each.
      double bound = 1e-4;
      for (std::size_t g = 0; g < groups; ++g) {
        bound += std::fabs(codes.scales[r * groups + g]) * 0.5 * (4.0 / 127.0) * 8.0 * 7.5;
      }
      CHECK(std::fabs(y[r] - multiplied[r]) <= bound);
      worst = std::max(worst, static_cast<double>(std::fabs(y[r] - multiplied[r])));
    }
    CHECK(worst > 0.0);
  }
}

TEST_CASE("int4 look-ups are exact when the tables hold whole numbers") {
  // Four activations sum to 127, the largest entry of any table: the step is 1.
  std::vector<float> x(32);
  for (std::size_t i = 0; i < 32; ++i) {
    x[i] = static_cast<float>(static_cast<int>(i * 7 % 13) - 6);
  }
  x[0] = 100.0F;
  x[1] = 20.0F;
  x[2] = -4.0F;
  x[3] = 3.0F;
  std::vector<float> w(3 * 32);
  for (std::size_t i = 0; i < w.size(); ++i) {
    w[i] = static_cast<float>(static_cast<int>(i * 5 % 16) - 8);
  }
  const WeightMatrix matrix = WeightMatrix::encode(kFp32, {3, 32}, w);
  const std::vector<float> y = product("int4_lookup", matrix, x);
  for (std::size_t r = 0; r < 3; ++r) {
    double exact = 0.0;
    for (std::size_t i = 0; i < 32; ++i) {
      exact += static_cast<double>(w[r * 32 + i]) * x[i];
    }
    CHECK(y[r] == exact);
  }
}
