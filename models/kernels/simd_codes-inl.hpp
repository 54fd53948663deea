// Unpacks weight codes in registers, 32 elements at a time, to exactly the floats of
// models/import/codec.hpp. Included once per instruction set by simd.cpp alone, hence no simple
// guard.
//
// Each code is a struct with ForEachBlock(row, columns, use): calls use(block, at) for the elements
// at, at + 1, … at + 31; what lies beyond the last column is zero.
#if defined(JOULESIM_SIMD_CODES_INL) == defined(HWY_TARGET_TOGGLE)
#ifdef JOULESIM_SIMD_CODES_INL
#undef JOULESIM_SIMD_CODES_INL
#else
#define JOULESIM_SIMD_CODES_INL
#endif

#include "models/kernels/simd.hpp"

#include <bit>
#include <cstring>
#include <hwy/highway.h>
#include <utility>

#ifndef JOULESIM_INLINED
#define JOULESIM_INLINED HWY_ATTR __attribute__((always_inline))
#endif

HWY_BEFORE_NAMESPACE();
namespace joulesim::models::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using F = hn::CappedTag<float, 16>;
using V = hn::Vec<F>;
constexpr std::size_t kWidth = hn::MaxLanes(F());
constexpr std::size_t kParts = kPartialSums / kWidth;

struct Block {
  V part[kParts];
};

// body(0), body(1), … written out, so that the parts of a block stay in registers.
template <std::size_t... kPart, class Body>
HWY_INLINE void WriteOut(std::index_sequence<kPart...> /*parts*/, const Body& body) {
  (body(std::integral_constant<std::size_t, kPart>()), ...);
}
template <std::size_t kCount = kParts, class Body>
HWY_INLINE void ForEachPart(const Body& body) {
  WriteOut(std::make_index_sequence<kCount>(), body);
}

HWY_INLINE Block Load32(const float* from) {
  Block block;
  ForEachPart([&](auto p) JOULESIM_INLINED { block.part[p] = hn::LoadU(F(), from + p * kWidth); });
  return block;
}

// fp16 to fp32, exactly. Moving exponent and fraction in place and multiplying by 2^112 corrects
// the bias, of subnormals too; infinities and what is no number keep their exponent of all ones.
HWY_INLINE float Half(const std::uint8_t* from) {
  std::uint16_t bits = 0;
  std::memcpy(&bits, from, sizeof(bits));
  const std::uint32_t magnitude = (bits & 0x7fffU) << 13U;
  float value = std::bit_cast<float>(magnitude) * 0x1p112F;
  if ((bits & 0x7c00U) == 0x7c00U) {
    value = std::bit_cast<float>(magnitude | 0x7f800000U);
  }
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000U) << 16U;
  return std::bit_cast<float>(std::bit_cast<std::uint32_t>(value) | sign);
}

HWY_INLINE V Halves(const std::uint8_t* from) {
  const hn::Rebind<std::uint32_t, F> u32;
  const hn::Rebind<std::uint16_t, F> u16;
  const F f;
  const auto bits =
      hn::PromoteTo(u32, hn::LoadU(u16, reinterpret_cast<const std::uint16_t*>(from)));
  const auto magnitude = hn::ShiftLeft<13>(hn::And(bits, hn::Set(u32, 0x7fffU)));
  const auto sign = hn::ShiftLeft<16>(hn::And(bits, hn::Set(u32, 0x8000U)));
  const auto top = hn::Set(u32, 0x0f800000U);  // the exponent of all ones, moved
  const auto finite = hn::Mul(hn::BitCast(f, magnitude), hn::Set(f, 0x1p112F));
  const auto special = hn::BitCast(f, hn::Or(magnitude, hn::Set(u32, 0x7f800000U)));
  const auto is_special = hn::Eq(hn::And(magnitude, top), top);
  const auto value = hn::IfThenElse(hn::RebindMask(f, is_special), special, finite);
  return hn::BitCast(f, hn::Or(hn::BitCast(u32, value), sign));
}

// Plain numbers, any count of columns.
template <std::size_t kElement, V (*kLoad)(const std::uint8_t*)>
struct Plain {
  template <class Use>
  static HWY_INLINE Block At(const std::uint8_t* from, const Use& /*use*/) {
    Block block;
    ForEachPart([&](auto p)
                    JOULESIM_INLINED { block.part[p] = kLoad(from + p * kWidth * kElement); });
    return block;
  }
  template <class Use>
  static HWY_INLINE void ForEachBlock(const std::uint8_t* row, std::size_t columns,
                                      const Use& use) {
    std::size_t at = 0;
    for (; at + kPartialSums <= columns; at += kPartialSums) {
      use(At(row + at * kElement, use), at);
    }
    if (at < columns) {
      std::uint8_t end[kPartialSums * kElement] = {};
      std::memcpy(end, row + at * kElement, (columns - at) * kElement);
      use(At(end, use), at);
    }
  }
};

HWY_INLINE V LoadFp32(const std::uint8_t* from) {
  return hn::LoadU(F(), reinterpret_cast<const float*>(from));
}
HWY_INLINE V LoadBf16(const std::uint8_t* from) {
  const hn::Rebind<std::uint32_t, F> u32;
  const hn::Rebind<std::uint16_t, F> u16;
  const auto bits = hn::LoadU(u16, reinterpret_cast<const std::uint16_t*>(from));
  return hn::BitCast(F(), hn::ShiftLeft<16>(hn::PromoteTo(u32, bits)));
}
using Fp32 = Plain<4, LoadFp32>;
using Fp16 = Plain<2, Halves>;
using Bf16 = Plain<2, LoadBf16>;

// Small integers times a scale; the two halves of 16 may have scales of their own.
HWY_INLINE V Part(const std::int8_t* codes, std::size_t p) {
  const hn::Rebind<std::int32_t, F> i32;
  const hn::Rebind<std::int8_t, F> i8;
  return hn::ConvertTo(F(), hn::PromoteTo(i32, hn::LoadU(i8, codes + p * kWidth)));
}

HWY_INLINE Block Scaled(const std::int8_t* codes, float first, float second) {
  Block block;
  const V scales[2] = {hn::Set(F(), first), hn::Set(F(), second)};
  ForEachPart([&](auto p) JOULESIM_INLINED {
    block.part[p] = hn::Mul(scales[2 * p / kParts], Part(codes, p));
  });
  return block;
}

HWY_INLINE Block ScaledAndMoved(const std::int8_t* codes, float scale, float minus) {
  Block block;
  ForEachPart([&](auto p) JOULESIM_INLINED {
    const V scaled = hn::Mul(hn::Set(F(), scale), Part(codes, p));
    block.part[p] = hn::Sub(scaled, hn::Set(F(), minus));
  });
  return block;
}

// Codes go through a small array: the compiler turns these loops over 16 bytes into vectors, and
// what follows widens from memory. Byte j of 16 holds the elements j and j + 16 of a block of 32.
constexpr int kBytes = 16;

struct Q8_0 {
  template <class Use>
  static HWY_INLINE void ForEachBlock(const std::uint8_t* row, std::size_t columns,
                                      const Use& use) {
    for (std::size_t at = 0; at < columns; at += 32, row += 34) {
      const float d = Half(row);
      use(Scaled(reinterpret_cast<const std::int8_t*>(row + 2), d, d), at);
    }
  }
};

template <int kMinus>
HWY_INLINE void Nibbles(const std::uint8_t* from, std::int8_t* low, std::int8_t* high) {
  for (int j = 0; j < kBytes; ++j) {
    low[j] = static_cast<std::int8_t>((from[j] & 15) - kMinus);
    high[j] = static_cast<std::int8_t>((from[j] >> 4) - kMinus);
  }
}

struct Q4_0 {
  template <class Use>
  static HWY_INLINE void ForEachBlock(const std::uint8_t* row, std::size_t columns,
                                      const Use& use) {
    alignas(32) std::int8_t codes[32];
    for (std::size_t at = 0; at < columns; at += 32, row += 18) {
      Nibbles<8>(row + 2, codes, codes + 16);
      const float d = Half(row);
      use(Scaled(codes, d, d), at);
    }
  }
};

struct Q4_1 {
  template <class Use>
  static HWY_INLINE void ForEachBlock(const std::uint8_t* row, std::size_t columns,
                                      const Use& use) {
    alignas(32) std::int8_t codes[32];
    for (std::size_t at = 0; at < columns; at += 32, row += 20) {
      Nibbles<0>(row + 4, codes, codes + 16);
      use(ScaledAndMoved(codes, Half(row), -Half(row + 2)), at);
    }
  }
};

struct Q4K {
  template <class Use>
  static HWY_INLINE void ForEachBlock(const std::uint8_t* row, std::size_t columns,
                                      const Use& use) {
    alignas(32) std::int8_t codes[64];
    for (std::size_t start = 0; start < columns; start += 256, row += 144) {
      const float d = Half(row);
      const float minimum = Half(row + 2);
      const std::uint8_t* packed = row + 4;
      for (int run = 0; run < 8; run += 2) {  // two runs of 32 share the nibbles of 32 bytes
        Nibbles<0>(row + 16 + 16 * run, codes, codes + 32);
        Nibbles<0>(row + 32 + 16 * run, codes + 16, codes + 48);
        for (int j = run; j < run + 2; ++j) {
          const int scale =
              j < 4 ? packed[j] & 63 : (packed[j + 4] & 15) | ((packed[j - 4] >> 6) << 4);
          const int offset =
              j < 4 ? packed[j + 4] & 63 : (packed[j + 4] >> 4) | ((packed[j] >> 6) << 4);
          use(ScaledAndMoved(codes + 32 * (j - run), d * static_cast<float>(scale),
                             minimum * static_cast<float>(offset)),
              start + static_cast<std::size_t>(32 * j));
        }
      }
    }
  }
};

struct Q6K {
  // Sixteen bytes of low bits at `first` and 32 behind, the top bits of their 64 elements in
  // `high`.
  static HWY_INLINE void Unpack(const std::uint8_t* first, const std::uint8_t* high,
                                std::int8_t* codes) {
    const std::uint8_t* second = first + 32;
    for (int j = 0; j < kBytes; ++j) {
      const int top = high[j];
      codes[j] = static_cast<std::int8_t>(((first[j] & 15) | ((top << 4) & 48)) - 32);
      codes[32 + j] = static_cast<std::int8_t>(((second[j] & 15) | ((top << 2) & 48)) - 32);
      codes[64 + j] = static_cast<std::int8_t>(((first[j] >> 4) | (top & 48)) - 32);
      codes[96 + j] = static_cast<std::int8_t>(((second[j] >> 4) | ((top >> 2) & 48)) - 32);
    }
  }

  template <class Use>
  static HWY_INLINE void ForEachBlock(const std::uint8_t* row, std::size_t columns,
                                      const Use& use) {
    alignas(32) std::int8_t codes[128];
    for (std::size_t start = 0; start < columns; start += 256, row += 210) {
      const float d = Half(row + 208);
      for (int half = 0; half < 2; ++half) {
        const std::uint8_t* low = row + 64 * half;
        const std::uint8_t* high = row + 128 + 32 * half;
        Unpack(low, high, codes);
        Unpack(low + 16, high + 16, codes + 16);
        const auto* scales = reinterpret_cast<const std::int8_t*>(row + 192 + 8 * half);
        for (int run = 0; run < 4; ++run) {
          use(Scaled(codes + 32 * run, d * static_cast<float>(scales[2 * run]),
                     d * static_cast<float>(scales[2 * run + 1])),
              start + static_cast<std::size_t>(128 * half + 32 * run));
        }
      }
    }
  }
};

template <class Use>
HWY_INLINE void WithCode(Coding coding, const Use& use) {
  switch (coding) {
    case Coding::kFp32:
      return use(Fp32());
    case Coding::kFp16:
      return use(Fp16());
    case Coding::kBf16:
      return use(Bf16());
    case Coding::kQ8_0:
      return use(Q8_0());
    case Coding::kQ4_0:
      return use(Q4_0());
    case Coding::kQ4_1:
      return use(Q4_1());
    case Coding::kQ4K:
      return use(Q4K());
    case Coding::kQ6K:
      return use(Q6K());
    case Coding::kOther:
      return;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace joulesim::models::simd
HWY_AFTER_NAMESPACE();

#endif
