// Fused attention in blocks against the plain softmax, and its dependence on the block alone.
#include "models/kernels/attention.hpp"
#include "models/kernels/flash_attention.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>

using namespace joulesim::models;

namespace {

std::vector<float> numbers(std::size_t count, std::uint64_t seed, double scale = 1.0) {
  std::mt19937_64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    const double unit = static_cast<double>(random() >> 11U) * 0x1.0p-53 * 2.0 - 1.0;
    value = static_cast<float>(unit * scale);
  }
  return values;
}

float same(float x) { return x; }

Attributes heads(std::int64_t dim) {
  Attributes a;
  a.heads = 4;
  a.kv_heads = 2;
  a.head_dim = dim;
  a.scale = 0.25;
  return a;
}

}  // namespace

TEST_CASE("blocks with an online softmax give the plain softmax, whatever their size") {
  for (int variant = 0; variant < 5; ++variant) {
    Attributes a = heads(16);
    a.window = variant == 1 ? 7 : 0;
    a.causal = variant != 2;
    a.soft_cap = variant == 3 ? 1.0 : 0.0;
    a.alibi = variant == 4;
    const std::vector<float> keys = numbers(70 * 32, 91, 3.0);
    const std::vector<float> values = numbers(70 * 32, 92);
    const std::vector<float> query = numbers(64, 93, 3.0);
    std::vector<float> exact(64);
    attend(query, {keys, values, 70, {}}, a, 60, exact);
    for (const std::int64_t block : {1, 8, 64, 256}) {
      for (const Rounding round : {Rounding{same}, Rounding{to_fp16}, Rounding{to_bf16}}) {
        std::vector<float> y(64);
        // Operands of 24 bits are no short floats, but their products still fit a double.
        flash_attend(query, {keys, values, 70, {}}, a, 60, {round, block, {8, 30}}, y);
        // Scores of up to 36 carry the operands' rounding, half a unit of 2^-10 or 2^-7 each.
        const double bound = round == same ? 2e-6 : round == to_fp16 ? 5e-3 : 5e-2;
        for (std::size_t i = 0; i < 64; ++i) {
          INFO("variant " << variant << ", block " << block);
          REQUIRE(std::fabs(y[i] - exact[i]) < bound);
        }
      }
    }
  }
}

TEST_CASE("one position is its value, rounded") {
  Attributes a = heads(4);
  const std::vector<float> keys = numbers(8, 94);
  const std::vector<float> values = numbers(8, 95);
  std::vector<float> y(16);
  flash_attend(numbers(16, 96), {keys, values, 1, {}}, a, 0, {}, y);
  for (std::size_t h = 0; h < 4; ++h) {
    for (std::size_t i = 0; i < 4; ++i) {
      CHECK(y[h * 4 + i] == to_fp16(values[h / 2 * 4 + i]));
    }
  }
}

TEST_CASE("a later block with larger scores rescales what came before") {
  Attributes a = heads(4);
  a.heads = a.kv_heads = 1;
  a.scale = 1.0;
  const std::vector<float> query = {1.0F, 0.0F, 0.0F, 0.0F};
  std::vector<float> keys(8 * 4, 0.0F);
  std::vector<float> values(8 * 4, 0.0F);
  for (std::size_t t = 0; t < 8; ++t) {
    keys[4 * t] = static_cast<float>(12 * t);  // scores 0, 12, … 84
    values[4 * t] = static_cast<float>(t);
  }
  std::vector<float> y(4);
  flash_attend(query, {keys, values, 8, {}}, a, 7, {to_fp16, 2, {}}, y);
  CHECK(y[0] == Approx(7.0).margin(1e-4));
  for (std::size_t t = 0; t < 8; ++t) {
    keys[4 * t] = static_cast<float>(84 - 12 * static_cast<int>(t));
  }
  flash_attend(query, {keys, values, 8, {}}, a, 7, {to_fp16, 2, {}}, y);
  CHECK(y[0] == Approx(0.0).margin(1e-4));
}
