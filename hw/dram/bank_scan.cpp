#include "hw/dram/bank_scan.hpp"

#include <algorithm>
#include <cstddef>
#include <limits>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define JOULESIM_WIDE_SCAN 1
#endif

namespace joulesim::hw {

#ifdef JOULESIM_WIDE_SCAN

bool wide_scan() {
  static const bool kHas = static_cast<int>(__builtin_cpu_supports("avx2")) != 0;
  return kHas;
}

namespace {

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i larger(__m256i a, __m256i b) {
  return _mm256_blendv_epi8(b, a, _mm256_cmpgt_epi64(a, b));
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i smaller(__m256i a, __m256i b) {
  return _mm256_blendv_epi8(a, b, _mm256_cmpgt_epi64(a, b));
}

[[gnu::target("avx2"), gnu::always_inline]] inline __m256i load(const Clock* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}

}  // namespace

[[gnu::target("avx2")]] Earliest earliest_of(std::uint64_t candidates, std::uint64_t open,
                                             const Clock* pre, Clock pre_floor, const Clock* act,
                                             Clock act_floor, int n) {
  constexpr int kMostSteps = 16;
  const __m256i never = _mm256_set1_epi64x(std::numeric_limits<std::int64_t>::max());
  const __m256i lane = _mm256_set_epi64x(8, 4, 2, 1);
  const __m256i floor_pre = _mm256_set1_epi64x(pre_floor);
  const __m256i floor_act = _mm256_set1_epi64x(act_floor);
  __m256i ready[kMostSteps];
  __m256i least = never;
  const int steps = n / 4;
  for (int i = 0; i < steps; ++i) {
    const auto bits = [lane](std::uint64_t mask) __attribute__((target("avx2"))) {
      return _mm256_cmpeq_epi64(
          _mm256_and_si256(_mm256_set1_epi64x(static_cast<std::int64_t>(mask)), lane), lane);
    };
    const __m256i by_pre = larger(load(pre + std::ptrdiff_t{4} * i), floor_pre);
    const __m256i by_act = larger(load(act + std::ptrdiff_t{4} * i), floor_act);
    const __m256i t = _mm256_blendv_epi8(by_act, by_pre, bits(open >> (4 * i)));
    ready[i] = _mm256_blendv_epi8(never, t, bits(candidates >> (4 * i)));
    least = smaller(least, ready[i]);
  }
  alignas(32) std::int64_t lanes[4];
  _mm256_store_si256(reinterpret_cast<__m256i*>(lanes), least);
  const std::int64_t at = std::min(std::min(lanes[0], lanes[1]), std::min(lanes[2], lanes[3]));
  const __m256i all = _mm256_set1_epi64x(at);
  std::uint64_t banks = 0;
  for (int i = 0; i < steps; ++i) {
    const auto equal = static_cast<unsigned>(
        _mm256_movemask_pd(_mm256_castsi256_pd(_mm256_cmpeq_epi64(ready[i], all))));
    banks |= std::uint64_t{equal} << (4 * i);
  }
  return {at, banks & candidates};
}

#else

bool wide_scan() { return false; }

Earliest earliest_of(std::uint64_t candidates, std::uint64_t open, const Clock* pre,
                     Clock pre_floor, const Clock* act, Clock act_floor, int n) {
  Earliest out{std::numeric_limits<Clock>::max(), 0};
  for (int b = 0; b < n; ++b) {
    const std::uint64_t bit = std::uint64_t{1} << b;
    if ((candidates & bit) == 0) {
      continue;
    }
    const Clock t = (open & bit) != 0 ? std::max(pre[b], pre_floor) : std::max(act[b], act_floor);
    out.banks = t < out.at ? bit : t == out.at ? out.banks | bit : out.banks;
    out.at = std::min(out.at, t);
  }
  return out;
}

#endif

}  // namespace joulesim::hw
