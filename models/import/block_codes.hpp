// The GGUF block types, one function each: `block` encoded bytes to floats.
#pragma once

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

// One super-block in, 256 floats out.
void decode_q2_k(const std::uint8_t* block, float* out);
void decode_q3_k(const std::uint8_t* block, float* out);
void decode_q4_k(const std::uint8_t* block, float* out);
void decode_q5_k(const std::uint8_t* block, float* out);
void decode_q6_k(const std::uint8_t* block, float* out);

template <class T>
T load(const std::uint8_t* from) {
  T value{};
  std::memcpy(&value, from, sizeof(T));
  return value;
}

}  // namespace joulesim::models
