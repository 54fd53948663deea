// Are small integers with scales stored as their format says, and read back?
#include "models/import/codec.hpp"
#include "models/import/gguf.hpp"
#include "models/import/integer_codec.hpp"
#include "models/kernels/generate.hpp"
#include "models/kernels/gguf_writer.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <random>
#include <unistd.h>

using namespace joulesim;
using namespace joulesim::models;

namespace {

std::vector<float> noise(std::size_t count, std::uint64_t seed) {
  std::mt19937_64 bits(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value = static_cast<float>(static_cast<double>(bits() >> 11U) * 0x1.0p-52 - 1.0);
  }
  return values;
}

std::vector<float> through(const Format& format, const std::vector<float>& row) {
  std::vector<std::byte> bytes;
  encode_row(format, row, bytes);
  REQUIRE(bytes.size() ==
          static_cast<std::size_t>(format.bytes_of_row(static_cast<std::int64_t>(row.size()))));
  std::vector<float> out(row.size());
  decode_row(format, bytes, out);
  return out;
}

}  // namespace

TEST_CASE("a group of four 3-bit codes lies in the file as worked out by hand") {
  // Scale 0.5 in fp16 is 0x3800; codes 0, 3, -4, -1 are 000, 011, 100, 111, lowest bit first:
  // 0 + (3 << 3) + (4 << 6) + (7 << 9) = 0x0f18.
  const IntegerFormat format = integer_format_of(known_format("int3_g4")).value();
  std::vector<std::byte> bytes;
  const std::vector<int> codes = {0, 3, -4, -1};
  pack_group(format, {0.5F, 0.0F}, codes, 4, bytes);
  const std::vector<std::byte> expected = {std::byte{0x00}, std::byte{0x38}, std::byte{0x18},
                                           std::byte{0x0f}};
  CHECK(bytes == expected);
  std::vector<float> out(4);
  decode_integer_row(format, bytes, out);
  CHECK(out == std::vector<float>{0.0F, 1.5F, -2.0F, -0.5F});
}

TEST_CASE("rows of every width come back within half a step") {
  for (const int bits : {2, 3, 4, 5, 6, 8}) {
    for (const char* kind : {"", "_zp", "_g32", "_g32_zp", "_g64", "_g7"}) {
      const std::string name = "int" + std::to_string(bits) + kind;
      INFO(name);
      const Format format = find_format(name).value();
      REQUIRE(can_encode(format));
      REQUIRE(can_decode(format));
      for (const std::size_t columns : {1U, 32U, 43U, 172U}) {
        const std::vector<float> row = noise(columns, columns);
        const std::vector<float> back = through(format, row);
        const double codes = std::exp2(bits) - 1.0;
        for (std::size_t i = 0; i < columns; ++i) {
          // The range is at most 2 wide; with 2^B codes around zero the step is at most 2 / (codes
          // - 1), and a value beyond the last code loses up to a whole one.
          CHECK(std::fabs(back[i] - row[i]) <= 2.0 / (codes - 1.0) * 1.01);
        }
        CHECK(through(format, back) == back);  // what is stored stays
      }
    }
  }
}

TEST_CASE("zeros are exact, a group of one value is as exact as its half-precision scale") {
  for (const char* name : {"int4", "int4_g32", "int3_g32_zp", "int8", "int2_zp"}) {
    INFO(name);
    CHECK(through(known_format(name), std::vector<float>(40, 0.0F)) ==
          std::vector<float>(40, 0.0F));
    for (const float value : through(known_format(name), std::vector<float>(40, -0.5F))) {
      CHECK(value == Approx(-0.5F).epsilon(1.0 / 2048));
    }
  }
}

TEST_CASE("every fp8 code comes back as itself, and values between two go to the nearer one") {
  for (const char* name : {"fp8_e4m3", "fp8_e5m2"}) {
    const Format format = known_format(name);
    std::vector<float> finite;
    for (int code = 0; code < 256; ++code) {
      const std::byte byte{static_cast<unsigned char>(code)};
      float value = 0.0F;
      decode_row(format, {&byte, 1}, {&value, 1});
      if (!std::isfinite(value)) {
        continue;
      }
      INFO(name << " " << code << " " << value);
      const std::vector<float> same = through(format, {value});
      CHECK(same[0] == value);
      CHECK(std::signbit(same[0]) == std::signbit(value));
      if (!std::signbit(value)) {
        finite.push_back(value);
      }
    }
    std::sort(finite.begin(), finite.end());
    CHECK(finite.back() == (std::string(name) == "fp8_e4m3" ? 448.0F : 57344.0F));
    for (std::size_t i = 0; i + 1 < finite.size(); ++i) {
      const float step = finite[i + 1] - finite[i];
      CHECK(through(format, {finite[i] + 0.4F * step})[0] == finite[i]);
      CHECK(through(format, {finite[i] + 0.6F * step})[0] == finite[i + 1]);
    }
    CHECK(through(format, {1e9F})[0] == finite.back());
  }
}

TEST_CASE("ternary matrices hold -1, 0 and 1 times their mean magnitude") {
  const std::vector<float> values = {1.0F, -2.0F, 0.1F, 3.0F, -0.2F, 0.9F, -1.2F, 0.0F, 0.4F, 1.2F};
  const float mean = 1.0F;  // of the magnitudes above
  for (const char* name : {"ternary", "ternary_base3"}) {
    const WeightMatrix matrix = WeightMatrix::encode(known_format(name), {2, 5}, values);
    CHECK(matrix.data.size() ==
          static_cast<std::size_t>(matrix.format.bytes(matrix.shape.rows, matrix.shape.columns)));
    const std::vector<float> expected = {mean, -mean, 0, mean, 0, mean, -mean, 0, 0, mean};
    const std::vector<float> back = matrix.all();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      CHECK(back[i] == Approx(expected[i]));
    }
  }
}

TEST_CASE("formats without a GGUF type survive a GGUF file, and damage to their keys is refused") {
  Model model = random_model(small_llama(), 31);
  model.spec.norm_epsilon = double{static_cast<float>(model.spec.norm_epsilon)};
  const std::vector<const char*> formats = {"int3_g64", "int2_g32_zp", "ternary", "int4", "q8_0"};
  std::size_t next = 0;
  for (auto& [name, weight] : model.weights) {
    if (weight.shape.rows > 1) {
      const Format format = known_format(formats[next++ % formats.size()]);
      weight = WeightMatrix::encode(format, weight.shape, weight.all());
    }
  }
  const auto file = std::filesystem::temp_directory_path() /
                    ("joulesim_packed_" + std::to_string(::getpid()) + ".gguf");
  const auto read_back = [&](const std::vector<std::byte>& bytes) {
    std::ofstream(file, std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    return load_model(file.string());
  };
  const std::vector<std::byte> bytes = gguf_bytes_as_stored(model);
  const Model back = read_back(bytes);
  for (const auto& [name, weight] : model.weights) {
    INFO(name);
    CHECK(back.weights.at(name).format == weight.format);
    CHECK(back.weights.at(name).shape == weight.shape);
    CHECK(back.weights.at(name).all() == weight.all());
    CHECK(back.spec.format_of.at(name) == weight.format);
  }
  // Every byte of the keys changed, one at a time: refused or read, never worse.
  const std::string text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  const std::size_t keys = text.find("joulesim.packed.names");
  REQUIRE(keys != std::string::npos);
  int refused = 0;
  for (std::size_t at = keys; at < keys + 1500; at += 3) {
    std::vector<std::byte> damaged = bytes;
    damaged[at] ^= std::byte{0x15};
    try {
      (void)read_back(damaged);
    } catch (const InputError&) {
      ++refused;
    }
  }
  CHECK(refused > 250);
  std::filesystem::remove(file);
}
