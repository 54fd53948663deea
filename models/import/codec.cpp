#include "models/import/codec.hpp"

#include "models/import/block_codes.hpp"
#include "models/import/integer_codec.hpp"
#include "models/import/small_floats.hpp"

#include <array>
#include <bit>
#include <cmath>
#include <limits>

namespace joulesim::models {
namespace {

constexpr int kHalfBlock = 16;  // byte j of a 32-element block holds elements j and j + 16

float scale_at(const std::uint8_t* from) { return fp16_to_float(load<std::uint16_t>(from)); }

using BlockDecoder = void (*)(const std::uint8_t*, float*);
struct BlockCode {
  const char* name;
  BlockDecoder decode;
};
constexpr std::array kBlockCodes = {
    BlockCode{"q4_0", decode_q4_0},     BlockCode{"q4_1", decode_q4_1},
    BlockCode{"q5_0", decode_q5_0},     BlockCode{"q5_1", decode_q5_1},
    BlockCode{"q8_0", decode_q8_0},     BlockCode{"q2_k", decode_q2_k},
    BlockCode{"q3_k", decode_q3_k},     BlockCode{"q4_k", decode_q4_k},
    BlockCode{"q5_k", decode_q5_k},     BlockCode{"q6_k", decode_q6_k},
    BlockCode{"iq4_nl", decode_iq4_nl}, BlockCode{"iq4_xs", decode_iq4_xs},
    BlockCode{"tq1_0", decode_tq1_0},   BlockCode{"tq2_0", decode_tq2_0},
    BlockCode{"q8_k", decode_q8_k},     BlockCode{"mxfp4", decode_mxfp4},
};

BlockDecoder block_decoder(const Format& format) {
  for (const BlockCode& code : kBlockCodes) {
    if (format.name == code.name) {
      return code.decode;
    }
  }
  return nullptr;
}

// Not GGUF's ternary blocks, which have scales of their own.
bool is_plain_ternary(const Format& format) {
  return format.element == Element::kTernary && format.tensor_bytes > 0;
}

// Codes -1, 0, 1; the scale of the matrix is its reader's to apply. Four two-bit codes to a byte
// (code + 1), or five base-three digits, the first the lowest.
void decode_ternary(const Format& format, const std::uint8_t* from, std::span<float> out) {
  const bool dense = format.block_elements == 5;
  for (std::size_t i = 0; i < out.size();) {
    unsigned byte = *from++;
    for (int k = 0; k < format.block_elements && i < out.size(); ++k, ++i) {
      out[i] = static_cast<float>(static_cast<int>(dense ? byte % 3U : byte & 3U) - 1);
      byte = dense ? byte / 3U : byte >> 2U;
    }
  }
}

}  // namespace

float bf16_to_float(std::uint16_t bits) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16U);
}

float fp16_to_float(std::uint16_t bits) {
  const std::uint32_t sign = (bits & 0x8000U) << 16U;
  const std::uint32_t exponent = (bits >> 10U) & 0x1fU;
  const std::uint32_t fraction = bits & 0x3ffU;
  if (exponent == 0x1fU) {
    return std::bit_cast<float>(sign | 0x7f800000U | (fraction << 13U));
  }
  if (exponent == 0) {  // subnormal: fraction * 2^-24
    const float magnitude = std::ldexp(static_cast<float>(fraction), -24);
    return sign != 0 ? -magnitude : magnitude;
  }
  return std::bit_cast<float>(sign | ((exponent + 112U) << 23U) | (fraction << 13U));
}

void decode_q4_0(const std::uint8_t* block, float* out) {
  const float d = scale_at(block);
  for (int j = 0; j < kHalfBlock; ++j) {
    const int code = block[2 + j];
    out[j] = d * static_cast<float>((code & 15) - 8);
    out[j + kHalfBlock] = d * static_cast<float>((code >> 4) - 8);
  }
}

void decode_q4_1(const std::uint8_t* block, float* out) {
  const float d = scale_at(block);
  const float minimum = scale_at(block + 2);
  for (int j = 0; j < kHalfBlock; ++j) {
    const int code = block[4 + j];
    out[j] = d * static_cast<float>(code & 15) + minimum;
    out[j + kHalfBlock] = d * static_cast<float>(code >> 4) + minimum;
  }
}

void decode_q5_0(const std::uint8_t* block, float* out) {
  const float d = scale_at(block);
  const auto fifth = load<std::uint32_t>(block + 2);  // bit j is the top bit of element j
  for (int j = 0; j < kHalfBlock; ++j) {
    const int code = block[6 + j];
    const int low = (code & 15) | (static_cast<int>((fifth >> j) & 1U) << 4);
    const int high = (code >> 4) | (static_cast<int>((fifth >> (j + kHalfBlock)) & 1U) << 4);
    out[j] = d * static_cast<float>(low - 16);
    out[j + kHalfBlock] = d * static_cast<float>(high - 16);
  }
}

void decode_q5_1(const std::uint8_t* block, float* out) {
  const float d = scale_at(block);
  const float minimum = scale_at(block + 2);
  const auto fifth = load<std::uint32_t>(block + 4);
  for (int j = 0; j < kHalfBlock; ++j) {
    const int code = block[8 + j];
    const int low = (code & 15) | (static_cast<int>((fifth >> j) & 1U) << 4);
    const int high = (code >> 4) | (static_cast<int>((fifth >> (j + kHalfBlock)) & 1U) << 4);
    out[j] = d * static_cast<float>(low) + minimum;
    out[j + kHalfBlock] = d * static_cast<float>(high) + minimum;
  }
}

void decode_q8_0(const std::uint8_t* block, float* out) {
  const float d = scale_at(block);
  for (int j = 0; j < 2 * kHalfBlock; ++j) {
    out[j] = d * static_cast<float>(static_cast<std::int8_t>(block[2 + j]));
  }
}

void decode_iq4_nl(const std::uint8_t* block, float* out) {
  const float d = scale_at(block);
  for (int j = 0; j < kHalfBlock; ++j) {
    out[j] = d * kNonLinearGrid[block[2 + j] & 15U];
    out[j + kHalfBlock] = d * kNonLinearGrid[block[2 + j] >> 4U];
  }
}

void decode_mxfp4(const std::uint8_t* block, float* out) {
  // OCP microscaling formats 1.0: an exponent of bias 127, and fp4 with two bits of exponent.
  constexpr std::array<float, 8> kMagnitudes = {0.0F, 0.5F, 1.0F, 1.5F, 2.0F, 3.0F, 4.0F, 6.0F};
  const float scale = std::ldexp(1.0F, static_cast<int>(block[0]) - 127);
  const auto value = [&](unsigned code) {
    const float magnitude = kMagnitudes[code & 7U] * scale;
    return (code & 8U) != 0 ? -magnitude : magnitude;
  };
  for (int j = 0; j < kHalfBlock; ++j) {
    out[j] = value(block[1 + j] & 15U);
    out[j + kHalfBlock] = value(block[1 + j] >> 4U);
  }
}

bool can_decode(const Format& format) {
  return format.name == "fp32" || format.name == "fp16" || format.name == "bf16" ||
         format.name == "i8" || format.element == Element::kFp8 || is_plain_ternary(format) ||
         integer_format_of(format).has_value() || block_decoder(format) != nullptr;
}

void decode_row(const Format& format, std::span<const std::byte> row, std::span<float> out) {
  const auto* from = reinterpret_cast<const std::uint8_t*>(row.data());
  if (format.name == "fp32") {
    std::memcpy(out.data(), from, out.size_bytes());
  } else if (format.name == "fp16") {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = fp16_to_float(load<std::uint16_t>(from + 2 * i));
    }
  } else if (format.name == "bf16") {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = bf16_to_float(load<std::uint16_t>(from + 2 * i));
    }
  } else if (format.name == "i8") {
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = static_cast<float>(static_cast<std::int8_t>(from[i]));
    }
  } else if (format.element == Element::kFp8) {
    const DType type = float8_type(format);
    for (std::size_t i = 0; i < out.size(); ++i) {
      out[i] = float8_to_float(type, from[i]);
    }
  } else if (is_plain_ternary(format)) {
    decode_ternary(format, from, out);
  } else if (const auto integers = integer_format_of(format)) {
    decode_integer_row(*integers, row, out);
  } else if (const BlockDecoder decode = block_decoder(format)) {
    const auto elements = static_cast<std::size_t>(format.block_elements);
    for (std::size_t i = 0; i < out.size(); i += elements) {
      decode(from, out.data() + i);
      from += format.block_bytes;
    }
  }
}

}  // namespace joulesim::models
