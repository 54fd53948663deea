// Arrays, 8-bit floats, and NumPy files of all types.
#include "models/import/array.hpp"
#include "models/import/npy_array.hpp"
#include "models/import/small_floats.hpp"
#include "sim/base/diagnostics.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <unistd.h>

using namespace joulesim::models;
using Catch::Contains;

namespace {

const std::filesystem::path kFile = std::filesystem::temp_directory_path() /
                                    ("joulesim_array_" + std::to_string(::getpid()) + ".npy");

void put_file(const std::string& descr, const std::string& order, const std::string& shape,
              const std::string& data) {
  const std::string header =
      "{'descr': '" + descr + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
  std::ofstream out(kFile, std::ios::binary);
  out << "\x93NUMPY" << '\x01' << '\x00' << static_cast<char>(header.size()) << '\x00' << header
      << data;
}

}  // namespace

TEST_CASE("arrays share elements across shapes and refuse what does not fit") {
  const Array a = Array::of_ints({1, 2, 3, 4, 5, 6});
  CHECK(a.reshaped({2, 3}).read<std::int64_t>().data() == a.read<std::int64_t>().data());
  CHECK_THROWS_AS(a.reshaped({4}), ArrayFault);
  CHECK_THROWS_AS(a.read<float>(), ArrayFault);
  CHECK(Array(DType::kFloat, {0, 5}).size() == 0);
  CHECK(Array(DType::kFloat, {}).size() == 1);
}

TEST_CASE("8-bit floats: every code comes back, midpoints go to even, ends are kept") {
  for (const DType type :
       {DType::kFloat8E4m3fn, DType::kFloat8E4m3fnuz, DType::kFloat8E5m2, DType::kFloat8E5m2fnuz}) {
    INFO(name_of(type));
    for (int code = 0; code < 256; ++code) {
      const float value = float8_to_float(type, static_cast<std::uint8_t>(code));
      if (std::isnan(value)) {
        CHECK(std::isnan(float8_to_float(type, float_to_float8(type, value, true))));
      } else {
        CHECK(float8_to_float(type, float_to_float8(type, value, false)) == value);
      }
    }
    for (int code = 1; code + 1 < 0x78; ++code) {
      const float low = float8_to_float(type, static_cast<std::uint8_t>(code));
      const float high = float8_to_float(type, static_cast<std::uint8_t>(code + 1));
      CHECK(float_to_float8(type, (low + high) / 2, true) == (code % 2 == 0 ? code : code + 1));
    }
  }
  CHECK(float8_to_float(DType::kFloat8E4m3fn, float_to_float8(DType::kFloat8E4m3fn, 1e6F, true)) ==
        448.0F);
  CHECK(std::isnan(
      float8_to_float(DType::kFloat8E4m3fn, float_to_float8(DType::kFloat8E4m3fn, 1e6F, false))));
  CHECK(float8_to_float(DType::kFloat8E5m2, float_to_float8(DType::kFloat8E5m2, 1e6F, true)) ==
        57344.0F);
  CHECK(std::isinf(
      float8_to_float(DType::kFloat8E5m2, float_to_float8(DType::kFloat8E5m2, 1e6F, false))));
  CHECK(float_to_float8(DType::kFloat8E5m2fnuz, -0.0F, true) == 0);
}

TEST_CASE("NumPy files of every type come back as they were written") {
  const auto round_trip = [](const Array& array) {
    write_npy_array(kFile.string(), array);
    const Array back = read_npy_array(kFile.string());
    CHECK(back.type() == array.type());
    CHECK(back.shape() == array.shape());
    return back;
  };
  for (const DType type : {DType::kFloat, DType::kDouble, DType::kFloat16, DType::kInt8,
                           DType::kInt16, DType::kInt32, DType::kInt64, DType::kUint8,
                           DType::kUint16, DType::kUint32, DType::kUint64, DType::kBool}) {
    INFO(name_of(type));
    const Array array(type, {2, 3});
    const Array back = round_trip(array);
    CHECK(std::equal(back.bytes().begin(), back.bytes().end(), array.bytes().begin()));
  }
  const Array ints = Array::of_ints({1, -2, 1LL << 60});
  CHECK(round_trip(ints).read<std::int64_t>()[2] == 1LL << 60);
  round_trip(Array::scalar(3));
  round_trip(Array(DType::kFloat, {0, 4}));
  const Array texts =
      Array::of(DType::kString, {2}, std::vector<std::string>{"a", "gr\xC3\xBC\xC3\x9F"});
  CHECK(round_trip(texts).read<std::string>()[1] == "gr\xC3\xBC\xC3\x9F");
  std::filesystem::remove(kFile);
}

TEST_CASE("Fortran order and big endian are turned") {
  put_file("|u1", "True", "(2, 3)", "\x01\x04\x02\x05\x03\x06");
  CHECK(read_npy_array(kFile.string()).read<std::uint8_t>()[1] == 2);
  put_file(">i2", "False", "(2,)", std::string("\x01\x02\x00\x05", 4));
  CHECK(read_npy_array(kFile.string()).read<std::int16_t>()[0] == 0x102);
  std::filesystem::remove(kFile);
}

TEST_CASE("NumPy files that are no arrays of numbers are refused") {
  const auto told = [](const std::string& descr, const std::string& shape) {
    put_file(descr, "False", shape, "abcd");
    try {
      read_npy_array(kFile.string());
    } catch (const joulesim::InputError& fault) {
      return std::string(fault.what());
    }
    return std::string();
  };
  CHECK_THAT(told("|O", "(1,)"), Contains("type '|O'"));
  CHECK_THAT(told("<f4", "(1000000000000,)"), Contains("elements"));
  CHECK_THAT(told("<f4", "(2,)"), Contains("with 4 left"));
  CHECK_THAT(told("<f4", "(-2,)"), Contains("header"));
  CHECK_THAT(told("<f4", "(4294967296, 4294967296)"), Contains("fewer elements"));
  CHECK_THAT(told("<", "(1,)"), Contains("type"));
  std::filesystem::remove(kFile);
}
