#include "models/import/codec.hpp"
#include "models/import/model.hpp"
#include "models/import/npy.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <limits>
#include <random>
#include <unistd.h>

using namespace joulesim::models;

namespace {

std::vector<float> decoded(const char* name, const std::vector<std::uint8_t>& bytes,
                           std::size_t count) {
  std::vector<float> out(count);
  const auto* data = reinterpret_cast<const std::byte*>(bytes.data());
  decode_row(*find_format(name), {data, bytes.size()}, out);
  return out;
}

}  // namespace

TEST_CASE("fp16 numbers convert both ways without change") {
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const float value = fp16_to_float(static_cast<std::uint16_t>(bits));
    if (std::isnan(value)) {
      REQUIRE(std::isnan(fp16_to_float(float_to_fp16(value))));
    } else {
      REQUIRE(float_to_fp16(value) == bits);
    }
  }
  CHECK(fp16_to_float(0x3c00) == 1.0F);
  CHECK(fp16_to_float(0x0001) == std::ldexp(1.0F, -24));
  CHECK(fp16_to_float(0x7bff) == 65504.0F);
}

TEST_CASE("rounding to fp16 goes to the nearest, ties to even") {
  for (std::uint32_t bits = 0; bits < 0x7bffU; ++bits) {
    const float low = fp16_to_float(static_cast<std::uint16_t>(bits));
    const float high = fp16_to_float(static_cast<std::uint16_t>(bits + 1));
    const float middle = low + (high - low) / 2;
    REQUIRE(float_to_fp16(middle) == bits + (bits & 1U));
    REQUIRE(float_to_fp16(std::nextafter(middle, 0.0F)) == bits);
    REQUIRE(float_to_fp16(std::nextafter(middle, 1e9F)) == bits + 1);
    REQUIRE(float_to_fp16(-middle) == ((bits + (bits & 1U)) | 0x8000U));
  }
  CHECK(float_to_fp16(65519.0F) == 0x7bff);
  CHECK(float_to_fp16(65520.0F) == 0x7c00);
  CHECK(float_to_fp16(std::numeric_limits<float>::infinity()) == 0x7c00);
  CHECK(float_to_fp16(1e-12F) == 0);
}

TEST_CASE("rounding to bf16 goes to the nearest, ties to even") {
  CHECK(float_to_bf16(1.0F) == 0x3f80);
  CHECK(float_to_bf16(1.00390625F) == 0x3f80);  // a tie, to even
  CHECK(float_to_bf16(1.01171875F) == 0x3f82);  // a tie, to even
  CHECK(float_to_bf16(std::nextafter(1.00390625F, 2.0F)) == 0x3f81);
  CHECK(float_to_bf16(-2.5F) == 0xc020);
  CHECK(bf16_to_float(0x3f81) == 1.0078125F);
  CHECK(std::isnan(bf16_to_float(float_to_bf16(std::nanf("")))));
}

TEST_CASE("a Q4_0 block is decoded as worked out by hand") {
  std::vector<std::uint8_t> block(18, 0x88);  // all codes 8 = zero
  block[0] = 0x00;
  block[1] = 0x38;   // 0.5
  block[2] = 0xf0;   // element 0: -8, element 16: 7
  block[17] = 0x19;  // element 15: 1, element 31: -7
  const std::vector<float> out = decoded("q4_0", block, 32);
  CHECK(out[0] == -4.0F);
  CHECK(out[16] == 3.5F);
  CHECK(out[15] == 0.5F);
  CHECK(out[31] == -3.5F);
  CHECK(out[5] == 0.0F);
}

TEST_CASE("a Q8_0 block is decoded as worked out by hand") {
  std::vector<std::uint8_t> block(34, 0);
  block[1] = 0x40;  // 2.0
  block[2] = 0x81;  // -127
  block[33] = 0x05;
  const std::vector<float> out = decoded("q8_0", block, 32);
  CHECK(out[0] == -254.0F);
  CHECK(out[31] == 10.0F);
}

TEST_CASE("IQ4_XS, Q8_K, the ternary types and MXFP4 are decoded as worked out by hand") {
  std::vector<std::uint8_t> xs(136, 0);
  xs[1] = 0x40;  // 2.0
  xs[2] = 0x02;  // top bits of the first run's scale: 32
  xs[4] = 0x05;  // and its low ones: 5, together 37 - 32
  xs[8] = 0x80;  // codes 0 and 8 of elements 0 and 16
  std::vector<float> out = decoded("iq4_xs", xs, 256);
  CHECK(out[0] == 2.0F * 5.0F * -127.0F);
  CHECK(out[16] == 2.0F * 5.0F * 1.0F);
  CHECK(out[32] == 2.0F * -32.0F * -127.0F);

  std::vector<std::uint8_t> q8(292, 0);
  q8[2] = 0x00;
  q8[3] = 0x40;  // 2.0 in fp32
  q8[4] = 0xff;
  q8[259] = 0x7f;
  out = decoded("q8_k", q8, 256);
  CHECK(out[0] == -2.0F);
  CHECK(out[255] == 254.0F);

  std::vector<std::uint8_t> two(66, 0);
  two[65] = 0x40;  // 2.0
  two[0] = 0x24;   // 0, 1, 2, 0 for elements 0, 32, 64, 96
  two[32] = 0x02;  // element 128
  out = decoded("tq2_0", two, 256);
  CHECK(out[0] == -2.0F);
  CHECK(out[32] == 0.0F);
  CHECK(out[64] == 2.0F);
  CHECK(out[96] == -2.0F);
  CHECK(out[128] == 2.0F);

  // Five digits 2, 1, 0, 2, 1 make 2 81 + 27 + 2 3 + 1 = 196 of 243, rounded up to 207 of 256.
  std::vector<std::uint8_t> one(54, 0);
  one[53] = 0x40;
  one[0] = 207;
  one[48] = 207;
  out = decoded("tq1_0", one, 256);
  CHECK(out[0] == 2.0F);
  CHECK(out[32] == 0.0F);
  CHECK(out[64] == -2.0F);
  CHECK(out[96] == 2.0F);
  CHECK(out[128] == 0.0F);
  CHECK(out[240] == 2.0F);  // the last four bytes: four digits each
  CHECK(out[244] == 0.0F);
  CHECK(out[248] == -2.0F);
  CHECK(out[252] == 2.0F);

  std::vector<std::uint8_t> mx(17, 0);
  mx[0] = 128;   // times 2
  mx[1] = 0xf1;  // 0.5 and -6
  out = decoded("mxfp4", mx, 32);
  CHECK(out[0] == 1.0F);
  CHECK(out[16] == -12.0F);
}

TEST_CASE("encoding and decoding stays within half a step") {
  std::mt19937_64 random(3);
  std::vector<float> row(256);
  for (float& value : row) {
    value = static_cast<float>(static_cast<double>(random() >> 11U) * 0x1.0p-53 * 4.0 - 2.0);
  }
  for (const char* name : {"fp32", "fp16", "bf16", "q8_0", "q4_0"}) {
    INFO(name);
    const Format format = *find_format(name);
    REQUIRE(can_encode(format));
    REQUIRE(can_decode(format));
    std::vector<std::byte> bytes;
    encode_row(format, row, bytes);
    CHECK(static_cast<std::int64_t>(bytes.size()) == format.bytes_of_row(256));
    std::vector<float> back(row.size());
    decode_row(format, bytes, back);
    // Half a step of magnitudes up to 2, and for q4_0 a whole one, where 7 steps must reach what 8
    // do.
    const std::map<std::string, double> bound = {
        {"fp32", 0.0}, {"fp16", 0.0005}, {"bf16", 0.004}, {"q8_0", 0.0081}, {"q4_0", 0.2505}};
    for (std::size_t i = 0; i < row.size(); ++i) {
      REQUIRE(std::fabs(row[i] - back[i]) <= bound.at(name));
    }
  }
}

TEST_CASE("NumPy arrays survive writing and reading") {
  const std::string path = (std::filesystem::temp_directory_path() /
                            ("joulesim_npy_" + std::to_string(::getpid()) + ".npy"))
                               .string();
  FloatArray array{3, 2, {1.0F, -2.5F, 3.0F, 4.0F, 1e-30F, 6.0F}};
  write_npy(path, array);
  CHECK(std::filesystem::file_size(path) == 128 + 24);
  const FloatArray back = read_npy(path);
  CHECK(back.rows == 3);
  CHECK(back.columns == 2);
  CHECK(back.values == array.values);
  std::filesystem::resize_file(path, 128 + 23);
  CHECK_THROWS_AS(read_npy(path), joulesim::InputError);
  std::filesystem::remove(path);
  CHECK_THROWS_AS(write_npy("/nowhere/x.npy", array), joulesim::InputError);
}
