#include "models/graph/format.hpp"

#include <catch2/catch.hpp>

using namespace joulesim::models;

TEST_CASE("plain formats take their width per element") {
  CHECK(find_format("fp32")->bytes(3, 5) == 60);
  CHECK(find_format("fp16")->bytes(3, 5) == 30);
  CHECK(find_format("bf16")->bytes(1, 1) == 2);
  CHECK(find_format("fp8_e4m3")->bytes(2, 7) == 14);
}

TEST_CASE("integers without a group carry one fp16 scale per row") {
  CHECK(find_format("int8")->bytes(4, 100) == 4 * (100 + 2));
  CHECK(find_format("int4")->bytes(4, 101) == 4 * (51 + 2));
  CHECK(find_format("int3")->bytes(1, 16) == 6 + 2);
  CHECK(find_format("int5")->bytes(1, 8) == 5 + 2);
}

TEST_CASE("grouped integers carry one fp16 scale per group, and a zero point when asked") {
  CHECK(find_format("int4_g32")->bytes(10, 64) == 10 * 2 * 18);
  CHECK(find_format("int4_g128")->bytes(1, 4096) == 32 * (64 + 2));
  CHECK(find_format("int4_g128_zp")->bytes(1, 4096) == 32 * (64 + 4));
  CHECK(find_format("int8_g32")->bytes(1, 33) == 2 * 34);  // the last group is padded
}

TEST_CASE("ternary codes are two bits, or five to a byte, with one fp32 scale per matrix") {
  CHECK(find_format("ternary")->bytes(2560, 6912) == 2560 * 6912 / 4 + 4);
  CHECK(find_format("ternary_base3")->bytes(10, 100) == 10 * 20 + 4);
  CHECK(find_format("ternary_base3")->bytes(1, 101) == 21 + 4);
  CHECK(find_format("ternary_base3")->bits_per_element(1000, 1000) == Approx(1.6).epsilon(1e-4));
}

TEST_CASE("GGUF blocks have the published bits per weight") {
  struct Row {
    const char* name;
    double bits;
  };
  // ggml's block sizes: 18/32, 20/32, 22/32, 24/32, 34/32 bytes; 84, 110, 144, 176, 210 per 256.
  for (const Row row : {Row{"q4_0", 4.5}, Row{"q4_1", 5.0}, Row{"q5_0", 5.5}, Row{"q5_1", 6.0},
                        Row{"q8_0", 8.5}, Row{"q2_k", 2.625}, Row{"q3_k", 3.4375}, Row{"q4_k", 4.5},
                        Row{"q5_k", 5.5}, Row{"q6_k", 6.5625}, Row{"iq4_nl", 4.5}}) {
    INFO(row.name);
    CHECK(find_format(row.name)->bits_per_element(8, 512) == row.bits);
  }
}

TEST_CASE("unknown and malformed format names are refused") {
  for (const char* name :
       {"", "fp17", "int", "int9", "int7", "int4_g", "int4_g0", "int4_g-1", "int4_g32x",
        "int4_g32_zpp", "int4_g99999999999999999999", "q4_9", "FP16"}) {
    INFO(name);
    CHECK_FALSE(find_format(name).has_value());
  }
}

TEST_CASE("every listed format name is found") {
  for (const std::string& name : format_names()) {
    INFO(name);
    REQUIRE(find_format(name).has_value());
    CHECK(find_format(name)->name == name);
  }
}
