// Compiled once per instruction set: foreach_target includes this file again for each.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "models/kernels/simd.cpp"
#include <hwy/foreach_target.h>
// After foreach_target, as Highway wants it.
#include "models/kernels/simd.hpp"
#include "models/kernels/simd_codes.inc"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace joulesim::models::simd {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

// The partial sums of one row, in as many registers as they take.
struct Sums {
  V part[kParts];

  HWY_INLINE void clear() {
    ForEachPart([&](auto p) JOULESIM_INLINED { part[p] = hn::Zero(F()); });
  }
  HWY_INLINE void add(const Block& w, const float* x) {
    ForEachPart([&](auto p) JOULESIM_INLINED {
      part[p] = hn::Add(part[p], hn::Mul(w.part[p], hn::LoadU(F(), x + p * kWidth)));
    });
  }
  [[nodiscard]] HWY_INLINE float total() {
    halve<kParts / 2>();
    alignas(64) float lanes[kWidth];
    hn::StoreU(part[0], F(), lanes);
    for (std::size_t half = kWidth / 2; half > 0; half /= 2) {
      for (std::size_t i = 0; i < half; ++i) {
        lanes[i] = lanes[i] + lanes[i + half];
      }
    }
    return lanes[0];
  }

 private:
  template <std::size_t kHalf>
  HWY_INLINE void halve() {
    if constexpr (kHalf > 0) {
      ForEachPart<kHalf>([&](auto p)
                             JOULESIM_INLINED { part[p] = hn::Add(part[p], part[p + kHalf]); });
      halve<kHalf / 2>();
    }
  }
};

template <class Code>
void DotRowsOf(const std::uint8_t* data, std::size_t row_bytes, std::size_t rows,
               std::size_t columns, const float* x, float* y) {
  for (std::size_t r = 0; r < rows; ++r) {
    const std::uint8_t* row = data + r * row_bytes;
    Sums sums;
    sums.clear();
    Code::ForEachBlock(row, columns, [&](const Block& w, std::size_t at) JOULESIM_INLINED {
      sums.add(w, x + at);
    });
    y[r] = sums.total();
  }
}

template <class Code>
void UnpackOf(const std::uint8_t* row, std::size_t columns, float* out) {
  Code::ForEachBlock(row, columns, [&](const Block& w, std::size_t at) JOULESIM_INLINED {
    ForEachPart([&](auto p)
                    JOULESIM_INLINED { hn::StoreU(w.part[p], F(), out + at + p * kWidth); });
  });
}

void DotRows(Coding coding, const std::byte* data, std::size_t row_bytes, std::size_t rows,
             std::size_t columns, const float* x, float* y) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(data);
  WithCode(coding,
           [&](auto code) { DotRowsOf<decltype(code)>(bytes, row_bytes, rows, columns, x, y); });
}

void UnpackRow(Coding coding, const std::byte* row, std::size_t columns, float* out) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(row);
  WithCode(coding, [&](auto code) { UnpackOf<decltype(code)>(bytes, columns, out); });
}

// kCount tokens at once: each part of the row is loaded once for all of them.
template <std::size_t kCount>
void DotTokensOf(const float* w, std::size_t length, const float* x, float* y, std::size_t stride) {
  Sums sums[kCount];
  ForEachPart<kCount>([&](auto t) JOULESIM_INLINED { sums[t].clear(); });
  for (std::size_t at = 0; at < length; at += kPartialSums) {
    ForEachPart([&](auto p) JOULESIM_INLINED {
      const V part = hn::LoadU(F(), w + at + p * kWidth);
      ForEachPart<kCount>([&](auto t) JOULESIM_INLINED {
        const V input = hn::LoadU(F(), x + t * length + at + p * kWidth);
        sums[t].part[p] = hn::Add(sums[t].part[p], hn::Mul(part, input));
      });
    });
  }
  ForEachPart<kCount>([&](auto t) JOULESIM_INLINED { y[t * stride] = sums[t].total(); });
}

void DotTokens(const float* w, std::size_t length, const float* x, std::size_t tokens, float* y,
               std::size_t stride) {
  constexpr std::size_t kAtOnce = 3;  // their sums fill three quarters of 16 registers of 8 lanes
  std::size_t t = 0;
  for (; t + kAtOnce <= tokens; t += kAtOnce) {
    DotTokensOf<kAtOnce>(w, length, x + t * length, y + t * stride, stride);
  }
  for (; t < tokens; ++t) {
    DotTokensOf<1>(w, length, x + t * length, y + t * stride, stride);
  }
}

// Of fewer than all partial sums: those that stay empty add nothing.
float DotFew(const float* a, const float* b, std::size_t count) {
  float sums[kPartialSums];
  std::size_t width = 1;
  while (width < count) {
    width *= 2;
  }
  for (std::size_t i = 0; i < count; ++i) {
    sums[i] = 0.0F + a[i] * b[i];
  }
  std::fill(sums + count, sums + width, 0.0F);
  for (std::size_t half = width / 2; half > 0; half /= 2) {
    for (std::size_t i = 0; i < half; ++i) {
      sums[i] = sums[i] + sums[i + half];
    }
  }
  return count > 0 ? sums[0] : 0.0F;
}

float Dot(const float* a, const float* b, std::size_t count) {
  if (count <= kPartialSums / 2) {
    return DotFew(a, b, count);
  }
  Sums sums;
  sums.clear();
  std::size_t at = 0;
  for (; at + kPartialSums <= count; at += kPartialSums) {
    sums.add(Load32(a + at), b + at);
  }
  if (at < count) {
    alignas(64) float a_end[kPartialSums] = {};
    alignas(64) float b_end[kPartialSums] = {};
    std::copy(a + at, a + count, a_end);
    std::copy(b + at, b + count, b_end);
    sums.add(Load32(a_end), b_end);
  }
  return sums.total();
}

void WeightedSum(const float* weights, std::size_t terms, const float* values, std::size_t stride,
                 std::size_t count, float* y) {
  std::size_t i = 0;
  for (; i + kPartialSums <= count; i += kPartialSums) {
    Sums sums;
    sums.clear();
    for (std::size_t t = 0; t < terms; ++t) {
      const V weight = hn::Set(F(), weights[t]);
      ForEachPart([&](auto p) JOULESIM_INLINED {
        const V value = hn::LoadU(F(), values + t * stride + i + p * kWidth);
        sums.part[p] = hn::Add(sums.part[p], hn::Mul(weight, value));
      });
    }
    ForEachPart([&](auto p)
                    JOULESIM_INLINED { hn::StoreU(sums.part[p], F(), y + i + p * kWidth); });
  }
  for (; i + kWidth <= count; i += kWidth) {
    V sum = hn::Zero(F());
    for (std::size_t t = 0; t < terms; ++t) {
      const V value = hn::LoadU(F(), values + t * stride + i);
      sum = hn::Add(sum, hn::Mul(hn::Set(F(), weights[t]), value));
    }
    hn::StoreU(sum, F(), y + i);
  }
  for (; i < count; ++i) {
    float sum = 0.0F;
    for (std::size_t t = 0; t < terms; ++t) {
      const float product = weights[t] * values[t * stride + i];
      sum = sum + product;
    }
    y[i] = sum;
  }
}

// e^x by x = n ln 2 + r, a Taylor polynomial of degree 7 in r (|r| <= 0.35: the next term is below
// 2^-27 of the sum), and n into the exponent. ln 2 in two parts, so that n ln 2 is exact in the
// first. Below -87 the result is 0, above 88 it stays at e^88.
V Exp(V x) {
  const F f;
  const V low = hn::Set(f, -87.0F);
  const V bounded = hn::Min(hn::Max(x, low), hn::Set(f, 88.0F));
  // Adding and taking away 1.5 * 2^23 rounds to a whole number, ties to even.
  const V magic = hn::Set(f, 12582912.0F);
  const V real_n =
      hn::Sub(hn::Add(hn::Mul(bounded, hn::Set(f, 1.44269504088896341F)), magic), magic);
  V r = hn::Sub(bounded, hn::Mul(real_n, hn::Set(f, 0.693359375F)));
  r = hn::Sub(r, hn::Mul(real_n, hn::Set(f, -2.12194440e-4F)));
  constexpr float kTerms[] = {1.0F / 720.0F, 1.0F / 120.0F, 1.0F / 24.0F, 1.0F / 6.0F,
                              0.5F,          1.0F,          1.0F};
  V sum = hn::Set(f, 1.0F / 5040.0F);
  for (const float term : kTerms) {
    sum = hn::Add(hn::Mul(sum, r), hn::Set(f, term));
  }
  // 2^n with n from -126 to 127.
  const hn::Rebind<std::int32_t, F> i32;
  const auto exponent = hn::ShiftLeft<23>(hn::Add(hn::ConvertTo(i32, real_n), hn::Set(i32, 127)));
  const V result = hn::Mul(sum, hn::BitCast(f, exponent));
  return hn::IfThenElse(hn::Lt(x, low), hn::Zero(f), result);
}

float ExpAndSum(float* scores, std::size_t count) {
  const V largest = hn::Set(F(), *std::max_element(scores, scores + count));
  Sums sums;
  sums.clear();
  for (std::size_t at = 0; at < count; at += kPartialSums) {
    alignas(64) float group[kPartialSums];
    const std::size_t length = std::min(kPartialSums, count - at);
    std::fill(group + length, group + kPartialSums, -HUGE_VALF);
    std::copy(scores + at, scores + at + length, group);
    ForEachPart([&](auto p) JOULESIM_INLINED {
      const V e = Exp(hn::Sub(hn::LoadU(F(), group + p * kWidth), largest));
      sums.part[p] = hn::Add(sums.part[p], e);
      hn::StoreU(e, F(), group + p * kWidth);
    });
    std::copy(group, group + length, scores + at);
  }
  return sums.total();
}

// x / (1 + e^-z), where z is x for silu and twice tanh's argument for gelu, as
// (1 + tanh u) / 2 = 1 / (1 + e^-2u).
V Gate(Activation activation, V x) {
  const F f;
  V z = x;
  if (activation == Activation::kGeluTanh) {
    const V cube = hn::Mul(hn::Mul(x, x), x);
    z = hn::Mul(hn::Set(f, 1.5957691216057308F),  // 2 sqrt(2 / pi)
                hn::Add(x, hn::Mul(hn::Set(f, 0.044715F), cube)));
  }
  return hn::Div(x, hn::Add(hn::Set(f, 1.0F), Exp(hn::Sub(hn::Zero(f), z))));
}

void Activate(Activation activation, const float* x, std::size_t count, float* y) {
  std::size_t at = 0;
  for (; at + kPartialSums <= count; at += kPartialSums) {
    for (std::size_t p = 0; p < kParts; ++p) {
      const std::size_t i = at + p * kWidth;
      hn::StoreU(Gate(activation, hn::LoadU(F(), x + i)), F(), y + i);
    }
  }
  if (at < count) {
    alignas(64) float group[kPartialSums] = {};
    std::copy(x + at, x + count, group);
    for (std::size_t p = 0; p < kParts; ++p) {
      hn::StoreU(Gate(activation, hn::LoadU(F(), group + p * kWidth)), F(), group + p * kWidth);
    }
    std::copy(group, group + (count - at), y + at);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace joulesim::models::simd
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace joulesim::models::simd {

HWY_EXPORT(DotRows);
HWY_EXPORT(UnpackRow);
HWY_EXPORT(DotTokens);
HWY_EXPORT(Dot);
HWY_EXPORT(WeightedSum);
HWY_EXPORT(ExpAndSum);
HWY_EXPORT(Activate);

Coding coding_of(const Format& format) {
  constexpr std::pair<const char*, Coding> kCodings[] = {
      {"fp32", Coding::kFp32}, {"fp16", Coding::kFp16}, {"bf16", Coding::kBf16},
      {"q8_0", Coding::kQ8_0}, {"q4_0", Coding::kQ4_0}, {"q4_1", Coding::kQ4_1},
      {"q4_k", Coding::kQ4K},  {"q6_k", Coding::kQ6K},
  };
  for (const auto& [name, coding] : kCodings) {
    if (format.name == name) {
      return coding;
    }
  }
  return Coding::kOther;
}

void dot_rows(Coding coding, const std::byte* data, std::size_t row_bytes, std::size_t rows,
              std::size_t columns, const float* x, float* y) {
  HWY_DYNAMIC_DISPATCH(DotRows)(coding, data, row_bytes, rows, columns, x, y);
}

void unpack_row(Coding coding, const std::byte* row, std::size_t columns, float* out) {
  HWY_DYNAMIC_DISPATCH(UnpackRow)(coding, row, columns, out);
}

void dot_tokens(const float* w, std::size_t length, const float* x, std::size_t tokens, float* y,
                std::size_t stride) {
  HWY_DYNAMIC_DISPATCH(DotTokens)(w, length, x, tokens, y, stride);
}

float dot(const float* a, const float* b, std::size_t count) {
  return HWY_DYNAMIC_DISPATCH(Dot)(a, b, count);
}

void weighted_sum(const float* weights, std::size_t terms, const float* values, std::size_t stride,
                  std::size_t count, float* y) {
  HWY_DYNAMIC_DISPATCH(WeightedSum)(weights, terms, values, stride, count, y);
}

float exp_and_sum(std::span<float> scores) {
  return HWY_DYNAMIC_DISPATCH(ExpAndSum)(scores.data(), scores.size());
}

bool activate(Activation activation, std::span<const float> x, std::span<float> y) {
  if (activation != Activation::kSilu && activation != Activation::kGeluTanh) {
    return false;
  }
  HWY_DYNAMIC_DISPATCH(Activate)(activation, x.data(), x.size(), y.data());
  return true;
}

std::vector<std::string> instruction_sets() {
  std::vector<std::string> names;
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    names.emplace_back(hwy::TargetName(target));
  }
  return names;
}

void use(const std::string& instruction_set) {
  hwy::SetSupportedTargetsForTest(0);
  if (instruction_set.empty()) {
    hwy::GetChosenTarget().Update(hwy::SupportedTargets());
    return;
  }
  for (const std::int64_t target : hwy::SupportedAndGeneratedTargets()) {
    if (instruction_set == hwy::TargetName(target)) {
      hwy::SetSupportedTargetsForTest(target);
      hwy::GetChosenTarget().Update(hwy::SupportedTargets());
      return;
    }
  }
}

}  // namespace joulesim::models::simd
#endif
