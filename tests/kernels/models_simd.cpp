// The fast path: bit for bit what a plain loop in the stated order gives, on every instruction set
// of this machine and any number of threads; and close to the reference.
#include "models/import/codec.hpp"
#include "models/kernels/attention.hpp"
#include "models/kernels/crew.hpp"
#include "models/kernels/fast_linear.hpp"
#include "models/kernels/operators.hpp"
#include "models/kernels/simd.hpp"

#include <catch2/catch.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <functional>
#include <random>
#include <stdexcept>

using namespace joulesim::models;

namespace {

std::vector<float> numbers(std::size_t count, std::uint64_t seed, double scale = 1.0) {
  std::mt19937_64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value =
        static_cast<float>((static_cast<double>(random() >> 11U) * 0x1.0p-53 * 2.0 - 1.0) * scale);
  }
  return values;
}

// Any bytes are codes; fp16 fields are kept finite, so that sums can be compared.
WeightMatrix random_codes(const std::string& name, Shape shape, std::uint64_t seed) {
  const Format format = *find_format(name);
  if (name == "fp32" || name == "fp16" || name == "bf16") {
    return WeightMatrix::encode(format, shape,
                                numbers(static_cast<std::size_t>(shape.elements()), seed, 1e-3));
  }
  std::mt19937_64 random(seed);
  auto bytes = std::make_shared<std::vector<std::byte>>(
      static_cast<std::size_t>(format.bytes(shape.rows, shape.columns)));
  for (std::byte& b : *bytes) {
    b = static_cast<std::byte>(random());
  }
  const auto block = static_cast<std::size_t>(format.block_bytes);
  const auto keep_finite = [&](std::size_t at) {  // small, also subnormal
    (*bytes)[at + 1] &= static_cast<std::byte>(0x83);
  };
  for (std::size_t at = 0; at < bytes->size(); at += block) {
    if (name == "q6_k") {
      keep_finite(at + 208);
    } else if (name == "q3_k") {
      keep_finite(at + 108);
    } else if (name == "q2_k") {
      keep_finite(at + 80);
      keep_finite(at + 82);
    } else {
      keep_finite(at);
      keep_finite(at + 2);  // the minimum, or two codes
    }
  }
  const std::span<const std::byte> data(*bytes);
  return {format, shape, data, std::move(bytes)};
}

const std::vector<std::string> kFormats = {"fp32", "fp16", "bf16", "q8_0", "q4_0", "q4_1", "iq4_nl",
                                           "q4_k", "q6_k", "q5_0", "q5_1", "q2_k", "q3_k", "q5_k"};

// The stated order of additions, one element at a time.
float plain_dot(std::span<const float> a, std::span<const float> b) {
  std::array<float, 32> sums{};
  for (std::size_t k = 0; k < a.size(); ++k) {
    const float product = a[k] * b[k];
    sums[k % 32] = sums[k % 32] + product;
  }
  for (std::size_t half = 16; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      sums[i] = sums[i] + sums[i + half];
    }
  }
  return sums[0];
}

void on_every_instruction_set(const std::function<void()>& check) {
  REQUIRE(!simd::instruction_sets().empty());
  for (const std::string& name : simd::instruction_sets()) {
    INFO(name);
    simd::use(name);
    check();
  }
  simd::use("");
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float x, float y) {
           return std::bit_cast<std::uint32_t>(x) == std::bit_cast<std::uint32_t>(y);
         });
}

}  // namespace

TEST_CASE("linear layers of every format are bit for bit the plain sums of decoded weights") {
  for (const std::string& name : kFormats) {
    const bool blocks = find_format(name)->block_elements > 1;
    const std::int64_t columns = find_format(name)->block_elements == 256 ? 512 : blocks ? 96 : 77;
    const Shape shape{11, columns};
    const WeightMatrix w = random_codes(name, shape, 51);
    const auto length = static_cast<std::size_t>(columns);
    for (const std::size_t tokens : {1U, 2U, 3U, 7U}) {
      const std::vector<float> x = numbers(tokens * length, 52);
      std::vector<float> expected(tokens * 11);
      std::vector<float> row(length);
      for (std::size_t r = 0; r < 11; ++r) {
        w.row(static_cast<std::int64_t>(r), row);
        for (std::size_t t = 0; t < tokens; ++t) {
          expected[t * 11 + r] = plain_dot(row, std::span(x).subspan(t * length, length));
        }
      }
      for (const int jobs : {1, 3}) {
        INFO(name << ", " << tokens << " tokens, " << jobs << " threads");
        FastArithmetic fast(jobs);
        on_every_instruction_set([&] {
          std::vector<float> y(expected.size());
          fast.multiply("w", w, {x, columns}, Role::kUp, y);
          CHECK(same_bits(y, expected));
        });
      }
    }
  }
}

TEST_CASE("vector kernels unpack every fp16 number as the codec does") {
  std::vector<std::byte> bytes(2 * 65536);
  std::vector<float> expected(65536);
  for (std::size_t i = 0; i < 65536; ++i) {
    bytes[2 * i] = static_cast<std::byte>(i & 255U);
    bytes[2 * i + 1] = static_cast<std::byte>(i >> 8U);
    expected[i] = fp16_to_float(static_cast<std::uint16_t>(i));
  }
  on_every_instruction_set([&] {
    std::vector<float> out(65536);
    simd::unpack_row(simd::Coding::kFp16, bytes.data(), 65536, out.data());
    CHECK(same_bits(out, expected));
  });
}

TEST_CASE("a fast product is within its stated bound of the exact one") {
  const std::size_t n = 4000;
  const std::vector<float> a = numbers(n, 53, 10.0);
  const std::vector<float> b = numbers(n, 54, 10.0);
  long double exact = 0;
  long double magnitudes = 0;
  for (std::size_t i = 0; i < n; ++i) {
    exact += static_cast<long double>(a[i]) * b[i];
    magnitudes += std::fabs(static_cast<long double>(a[i]) * b[i]);
  }
  const long double bound = (n / 32 + 6) * 0x1.0p-24L * magnitudes;
  CHECK(std::fabs(simd::dot(a.data(), b.data(), n) - exact) <= bound);
}

TEST_CASE("the kernels' own exp is within two units in the last place, and gates follow it") {
  std::vector<float> x = {0.0F, -1e-8F, -86.9F, -87.1F, -1e30F, -HUGE_VALF, -0.34657F, -0.34658F};
  for (const float v : numbers(5000, 55, 43.0)) {
    x.push_back(v - 43.0F);
  }
  std::vector<float> first;
  on_every_instruction_set([&] {
    std::vector<float> e = x;
    const float sum = simd::exp_and_sum(e);  // the largest is 0
    double exact_sum = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const double exact = std::exp(static_cast<double>(x[i]));
      exact_sum += exact;
      if (x[i] < -87.0F) {
        REQUIRE(e[i] == 0.0F);
      } else {
        REQUIRE(std::fabs(e[i] - exact) <= 2 * 0x1.0p-23 * exact);
      }
    }
    CHECK(sum == Approx(exact_sum).epsilon(1e-5));
    e.push_back(sum);
    if (first.empty()) {
      first = e;
    }
    CHECK(same_bits(e, first));
  });
  for (const Activation activation : {Activation::kSilu, Activation::kGeluTanh}) {
    const std::vector<float> z = numbers(999, 56, 30.0);
    std::vector<float> reference;
    on_every_instruction_set([&] {
      std::vector<float> y(z.size());
      REQUIRE(simd::activate(activation, z, y));
      for (std::size_t i = 0; i < z.size(); ++i) {
        const double exact = activate(activation, z[i]);
        REQUIRE(std::fabs(y[i] - exact) <= 1e-5 * std::fabs(exact) + 1e-8);
      }
      if (reference.empty()) {
        reference = y;
      }
      CHECK(same_bits(y, reference));
    });
  }
  std::vector<float> y(1);
  CHECK_FALSE(simd::activate(Activation::kGelu, std::vector<float>{1.0F}, y));
}

TEST_CASE("fast attention agrees with the reference in all its variants, on any instruction set") {
  for (const std::int64_t dim : {16, 40, 64}) {
    for (int variant = 0; variant < 5; ++variant) {
      Attributes a;
      a.heads = 6;
      a.kv_heads = 2;
      a.head_dim = dim;
      a.scale = 0.3;
      a.window = variant == 1 ? 5 : 0;
      a.causal = variant != 2;
      a.soft_cap = variant == 3 ? 1.5 : 0.0;
      a.alibi = variant == 4;
      const auto width = static_cast<std::size_t>(2 * dim);
      const std::vector<float> keys = numbers(50 * width, 57);
      const std::vector<float> values = numbers(50 * width, 58);
      const std::vector<float> query = numbers(static_cast<std::size_t>(6 * dim), 59);
      std::vector<float> expected(query.size());
      attend(query, {keys, values, 50, {}}, a, 40, expected);
      std::vector<float> first;
      FastArithmetic fast;
      on_every_instruction_set([&] {
        std::vector<float> y(query.size());
        fast.attend(query, {keys, values, 50, {}}, a, 40, y);
        for (std::size_t i = 0; i < y.size(); ++i) {
          REQUIRE(std::fabs(y[i] - expected[i]) < 2e-6);
        }
        if (first.empty()) {
          first = y;
        }
        CHECK(same_bits(y, first));
      });
    }
  }
}

TEST_CASE("threads share all rows, each once, and hand on what a part throws") {
  for (const int jobs : {1, 2, 5}) {
    Crew crew(jobs);
    for (const std::size_t count : {0U, 1U, 3U, 1000U}) {
      std::vector<int> taken(count, 0);
      crew.share(count, [&](std::size_t first, std::size_t last) {
        for (std::size_t i = first; i < last; ++i) {
          ++taken[i];
        }
      });
      CHECK(taken == std::vector<int>(count, 1));
    }
    CHECK_THROWS_AS(crew.share(10,
                               [](std::size_t /*first*/, std::size_t last) {
                                 if (last == 10) {
                                   throw std::runtime_error("the last part");
                                 }
                               }),
                    std::runtime_error);
    int again = 0;
    crew.share(
        1, [&](std::size_t first, std::size_t last) { again += static_cast<int>(last - first); });
    CHECK(again == 1);
  }
}
