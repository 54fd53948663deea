// Short-float datapaths against arithmetic on whole numbers, and every pair of fp8 codes.
#include "models/import/codec.hpp"
#include "models/import/small_floats.hpp"
#include "models/kernels/float_linear.hpp"

#include <catch2/catch.hpp>

#include <bit>
#include <cmath>
#include <random>

using namespace joulesim::models;

namespace {

float fp8_e4m3_to_float(std::uint8_t bits) { return float8_to_float(DType::kFloat8E4m3fn, bits); }
float fp8_e5m2_to_float(std::uint8_t bits) { return float8_to_float(DType::kFloat8E5m2, bits); }
std::uint8_t float_to_fp8_e4m3(float value) {
  return float_to_float8(DType::kFloat8E4m3fn, value, true);
}
std::uint8_t float_to_fp8_e5m2(float value) {
  return float_to_float8(DType::kFloat8E5m2, value, true);
}

std::vector<float> numbers(std::size_t count, std::uint64_t seed, double scale = 1.0) {
  std::mt19937_64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    const double unit = static_cast<double>(random() >> 11U) * 0x1.0p-53 * 2.0 - 1.0;
    value = static_cast<float>(unit * scale);
  }
  return values;
}

// Of many exponents, so that alignment cuts bits off.
std::vector<float> spread(std::size_t count, std::uint64_t seed, Rounding round,
                          int exponents = 24) {
  std::mt19937_64 random(seed);
  std::vector<float> values = numbers(count, seed + 1);
  for (float& value : values) {
    value = round(std::ldexp(value, static_cast<int>(random() % 64) % exponents - exponents / 2));
  }
  return values;
}

// m * 2^e with a whole m.
struct Whole {
  std::int64_t m = 0;
  int e = 0;
};
Whole whole(float x) {
  int e = 0;
  const float f = std::frexp(x, &e);
  return {static_cast<std::int64_t>(std::ldexp(f, 24)), e - 24};
}
int top_place(std::int64_t m) {
  return 63 - std::countl_zero(static_cast<std::uint64_t>(m < 0 ? -m : m));
}
std::int64_t cut(std::int64_t m, int bits) {  // towards zero
  const std::int64_t magnitude = m < 0 ? -m : m;
  const std::int64_t kept = bits >= 63 ? 0 : magnitude >> bits;
  return m < 0 ? -kept : kept;
}

// The tensor core's adder, place by place in whole numbers.
float adder(const std::vector<float>& a, const std::vector<float>& b, float sum, int kept_bits) {
  std::vector<Whole> terms = {whole(sum)};
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Whole x = whole(a[i]);
    const Whole y = whole(b[i]);
    terms.push_back({x.m * y.m, x.e + y.e});  // 24 + 24 bits
  }
  int largest = -100000;
  for (const Whole& term : terms) {
    if (term.m != 0) {
      largest = std::max(largest, top_place(term.m) + term.e);
    }
  }
  const int last = largest - kept_bits + 1;
  std::int64_t total = 0;
  for (const Whole& term : terms) {
    if (term.m != 0) {
      total += term.e >= last ? term.m * (std::int64_t{1} << (term.e - last))
                              : cut(term.m, last - term.e);
    }
  }
  if (total == 0) {
    return 0.0F;
  }
  const int surplus = std::max(0, top_place(total) - 23);
  return std::ldexp(static_cast<float>(cut(total, surplus)), last + surplus);
}

float plain(Rounding /*round*/, const std::vector<float>& x, const std::vector<float>& w) {
  float sum = 0.0F;
  for (std::size_t i = 0; i < x.size(); ++i) {
    sum += x[i] * w[i];
  }
  return sum;
}

float product(const std::string& datapath, const std::vector<float>& x,
              const std::vector<float>& w) {
  const auto columns = static_cast<std::int64_t>(x.size());
  float y = 0.0F;
  make_datapath(datapath)->multiply("w",
                                    WeightMatrix::encode(*find_format("fp32"), {1, columns}, w),
                                    {x, columns}, Role::kUp, {&y, 1});
  return y;
}

}  // namespace

TEST_CASE("fp8 codes decode to the values of their definition and encode back") {
  // OFP8 1.0, table of values.
  CHECK(fp8_e4m3_to_float(0x7e) == 448.0F);
  CHECK(fp8_e4m3_to_float(0x08) == 0x1p-6F);
  CHECK(fp8_e4m3_to_float(0x01) == 0x1p-9F);
  CHECK(fp8_e4m3_to_float(0x38) == 1.0F);
  CHECK(std::isnan(fp8_e4m3_to_float(0x7f)));
  CHECK(std::isnan(fp8_e4m3_to_float(0xff)));
  CHECK(fp8_e5m2_to_float(0x7b) == 57344.0F);
  CHECK(fp8_e5m2_to_float(0x04) == 0x1p-14F);
  CHECK(fp8_e5m2_to_float(0x01) == 0x1p-16F);
  CHECK(fp8_e5m2_to_float(0x3c) == 1.0F);
  CHECK(std::isinf(fp8_e5m2_to_float(0x7c)));
  CHECK(std::isnan(fp8_e5m2_to_float(0xfd)));
  for (int code = 0; code < 256; ++code) {
    const auto bits = static_cast<std::uint8_t>(code);
    INFO(code);
    if (std::isfinite(fp8_e4m3_to_float(bits))) {
      CHECK(float_to_fp8_e4m3(fp8_e4m3_to_float(bits)) == bits);
    }
    if (std::isfinite(fp8_e5m2_to_float(bits))) {
      CHECK(float_to_fp8_e5m2(fp8_e5m2_to_float(bits)) == bits);
    }
  }
  CHECK(std::isnan(fp8_e4m3_to_float(float_to_fp8_e4m3(std::nanf("")))));
  CHECK(to_fp8_e4m3(1e9F) == 448.0F);
  CHECK(to_fp8_e4m3(-HUGE_VALF) == -448.0F);
  CHECK(to_fp8_e5m2(-1e9F) == -57344.0F);
}

TEST_CASE("fp8 rounding picks the nearest code, the even one of two") {
  for (const bool e4m3 : {true, false}) {
    const auto decode = e4m3 ? fp8_e4m3_to_float : fp8_e5m2_to_float;
    const auto encode = e4m3 ? float_to_fp8_e4m3 : float_to_fp8_e5m2;
    const int last = e4m3 ? 0x7e : 0x7b;
    for (int code = 0; code < last; ++code) {
      const float low = decode(static_cast<std::uint8_t>(code));
      const float high = decode(static_cast<std::uint8_t>(code + 1));
      const float middle = low + (high - low) / 2;  // exact
      INFO(low << " to " << high);
      REQUIRE(encode(middle) == code + code % 2);
      REQUIRE(encode(std::nextafter(middle, 0.0F)) == code);
      REQUIRE(encode(std::nextafter(middle, HUGE_VALF)) == code + 1);
      REQUIRE(encode(-middle) == (0x80 | (code + code % 2)));
    }
  }
}

TEST_CASE("every pair of fp8 codes multiplies exactly in the tensor core, sign and all") {
  for (const bool e4m3 : {true, false}) {
    const auto decode = e4m3 ? fp8_e4m3_to_float : fp8_e5m2_to_float;
    for (int i = 0; i < 256; ++i) {
      for (int j = 0; j < 256; ++j) {
        const float a = decode(static_cast<std::uint8_t>(i));
        const float b = decode(static_cast<std::uint8_t>(j));
        const float y = tensor_core_add({&a, 1}, {&b, 1}, 0.0F, {32, 14});
        if (std::isfinite(a) && std::isfinite(b)) {
          REQUIRE(y == a * b);  // 8 significant bits at most
        } else {
          REQUIRE(std::isnan(y));
        }
      }
    }
  }
}

TEST_CASE("the tensor core's adder is that of whole numbers, bit for bit") {
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const Rounding round = seed % 2 == 0 ? to_fp16 : to_bf16;
    const TensorCoreShape shape{seed % 3 == 0 ? 4U : 16U, 14 + static_cast<int>(seed % 13)};
    const std::vector<float> a = spread(shape.chunk, 3 * seed, round);
    const std::vector<float> b = spread(shape.chunk, 3 * seed + 1, round);
    const float sum = seed % 5 == 0 ? 0.0F : numbers(1, seed, 1e3)[0];
    INFO(seed);
    REQUIRE(tensor_core_add(a, b, sum, shape) == adder(a, b, sum, shape.kept_bits));
  }
}

TEST_CASE("small addends are cut off, not rounded, and only below the kept bits") {
  const TensorCoreShape shape{4, 24};
  const std::vector<float> one = {1.0F, 0x1p-12F};
  const std::vector<float> tiny = {1.0F, 1.75F * 0x1p-12F};  // second product 1.75 * 2^-24
  CHECK(tensor_core_add(one, tiny, 0.0F, shape) == 1.0F);
  CHECK(tensor_core_add(one, tiny, 0.0F, {4, 25}) == 1.0F);  // 1 + 2^-24 is no fp32: cut again
  CHECK(tensor_core_add(one, std::vector<float>{1.0F, 1.0F}, 0.0F, shape) == 1.0F + 0x1p-12F);
  CHECK(tensor_core_add(one, tiny, -1.0F, {4, 25}) == 0x1p-24F);  // what the extra bit keeps
}

TEST_CASE("chains, lanes and trees add in their own order") {
  const std::vector<float> x = spread(300, 71, to_fp16, 10);  // sums stay below 65504
  const std::vector<float> w = spread(300, 72, to_fp16, 10);
  CHECK(product("fp16", x, w) == plain(to_fp16, x, w));

  float accumulator = 0.0F;
  for (std::size_t tile = 0; tile < 300; tile += 128) {
    const auto from = static_cast<std::ptrdiff_t>(tile);
    const auto to = static_cast<std::ptrdiff_t>(std::min<std::size_t>(tile + 128, 300));
    accumulator +=
        plain(to_fp16, {x.begin() + from, x.begin() + to}, {w.begin() + from, w.begin() + to});
  }
  CHECK(product("fp16_systolic", x, w) == accumulator);

  std::vector<float> lanes(16, 0.0F);
  for (std::size_t i = 0; i < 300; ++i) {
    lanes[i % 16] = to_fp16(lanes[i % 16] + to_fp16(x[i] * w[i]));
  }
  float sum = 0.0F;
  for (const float lane : lanes) {
    sum += lane;
  }
  CHECK(product("pim_fp16", x, w) == sum);

  const std::vector<float> xb = spread(40, 73, to_bf16);
  const std::vector<float> wb = spread(40, 74, to_bf16);
  float bank = 0.0F;
  for (std::size_t at = 0; at < 40; at += 16) {
    const auto p = [&](std::size_t i) { return at + i < 40 ? xb[at + i] * wb[at + i] : 0.0F; };
    const auto four = [&](std::size_t i) { return (p(i) + p(i + 1)) + (p(i + 2) + p(i + 3)); };
    const float tree = (four(0) + four(4)) + (four(8) + four(12));
    bank = to_bf16(bank + to_bf16(tree));
  }
  CHECK(product("pim_bf16", xb, wb) == bank);
}

TEST_CASE("tensor core datapaths take chunks in order, fp8 after scaling to its range") {
  const std::vector<float> x = spread(45, 75, to_fp16);
  const std::vector<float> w = spread(45, 76, to_fp16);
  float sum = 0.0F;
  for (std::size_t at = 0; at < 45; at += 8) {
    const auto from = static_cast<std::ptrdiff_t>(at);
    const auto to = static_cast<std::ptrdiff_t>(std::min<std::size_t>(at + 8, 45));
    sum = adder({x.begin() + from, x.begin() + to}, {w.begin() + from, w.begin() + to}, sum, 24);
  }
  CHECK(product("fp16_tensor_core", x, w) == sum);

  // The largest magnitudes become 448 = 7 * 64 and scale back exactly: powers of two stay exact.
  const std::vector<float> powers = {0.5F, -2.0F, 7.0F, 0.25F};
  CHECK(product("fp8_e4m3", powers, powers) == 0.25F + 4.0F + 49.0F + 0.0625F);
}

TEST_CASE("a tensor core's sum is within its stated bound") {
  const TensorCoreShape shape;
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    const std::vector<float> a = spread(8, 900 + 2 * seed, to_fp16);
    const std::vector<float> b = spread(8, 901 + 2 * seed, to_fp16);
    long double exact = 0;
    long double largest = 0;
    for (std::size_t i = 0; i < 8; ++i) {
      exact += static_cast<long double>(a[i]) * b[i];
      largest = std::max(largest, std::fabs(static_cast<long double>(a[i]) * b[i]));
    }
    const float sum = tensor_core_add(a, b, 0.0F, shape);
    CHECK(std::fabs(sum - exact) < 10 * std::ldexp(largest, 1 - shape.kept_bits));
  }
}
