// The GGUF block types, one function each: `block` encoded bytes to floats.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace joulesim::models {

// One block in, 32 floats out.
void decode_q4_0(const std::uint8_t* block, float* out);
void decode_q4_1(const std::uint8_t* block, float* out);
void decode_q5_0(const std::uint8_t* block, float* out);
void decode_q5_1(const std::uint8_t* block, float* out);
void decode_q8_0(const std::uint8_t* block, float* out);
void decode_iq4_nl(const std::uint8_t* block, float* out);
void decode_mxfp4(const std::uint8_t* block, float* out);

// One super-block in, 256 floats out.
void decode_q2_k(const std::uint8_t* block, float* out);
void decode_q3_k(const std::uint8_t* block, float* out);
void decode_q4_k(const std::uint8_t* block, float* out);
void decode_q5_k(const std::uint8_t* block, float* out);
void decode_q6_k(const std::uint8_t* block, float* out);
void decode_q8_k(const std::uint8_t* block, float* out);
void decode_iq4_xs(const std::uint8_t* block, float* out);
void decode_tq1_0(const std::uint8_t* block, float* out);
void decode_tq2_0(const std::uint8_t* block, float* out);

// The non-linear 4-bit grid of the formats that begin with iq4 (ggml, types 20 and 23).
inline constexpr std::array<float, 16> kNonLinearGrid = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                         1,    13,   25,  38,  53,  69,  89,  113};

template <class T>
T load(const std::uint8_t* from) {
  T value{};
  std::memcpy(&value, from, sizeof(T));
  return value;
}

}  // namespace joulesim::models
