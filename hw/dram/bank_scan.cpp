#include "hw/dram/bank_scan.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>
#define JOULESIM_WIDE_SCAN 1
#endif

namespace joulesim::hw {

void scan_portable(const BankState& banks, const ScanAsk& ask, ScanAnswer& answer) {
  ScanAnswer out = answer;
  if (ask.active != 0) {
    out.active_at = kNeverTick;
  }
  if (ask.columns != 0) {
    out.column_at = out.column_order = kNeverTick;
  }
  if (ask.rows != 0) {
    out.row_at = out.row_order = kNeverTick;
  }
  const auto column = [&](int bank, bool write) {
    return std::max({banks.column_ticks(write)[bank],
                     banks.column_floors(write)[banks.unit_of(bank)], ask.column_from}) |
           ask.odd;
  };
  for (std::uint64_t m = ask.active; m != 0; m &= m - 1) {
    const int bank = std::countr_zero(m);
    const std::uint64_t bit = m & -m;
    const Tick t = column(bank, (ask.active_writes & bit) != 0);
    out.active = t < out.active_at ? bit : t == out.active_at ? out.active | bit : out.active;
    out.active_at = std::min(out.active_at, t);
  }
  for (std::uint64_t m = ask.columns; m != 0; m &= m - 1) {
    const int bank = std::countr_zero(m);
    const Tick t = column(bank, ask.write);
    const Tick order = ask.column_order[bank];
    if (t < out.column_at || (t == out.column_at && order < out.column_order)) {
      out.column_at = t;
      out.column_order = order;
      out.column_bank = bank;
    }
  }
  const std::uint64_t open = banks.open_bits();
  for (std::uint64_t m = ask.rows; m != 0; m &= m - 1) {
    const int bank = std::countr_zero(m);
    const int unit = banks.unit_of(bank);
    const std::uint64_t bit = m & -m;
    Tick t = 0;
    if ((open & bit) != 0) {
      t = std::max({banks.pre_ticks()[bank], banks.pre_floors()[unit], ask.row_from});
      t += t == ask.pair_edge && (ask.pair_banks & bit) != 0 ? 1 : 0;
    } else {
      t = std::max({banks.act_ticks()[bank], banks.act_floors()[unit], ask.row_from}) | ask.odd;
    }
    const Tick order = ask.row_order[bank];
    if (t < out.row_at || (t == out.row_at && order < out.row_order)) {
      out.row_at = t;
      out.row_order = order;
      out.row_bank = bank;
    }
  }
  answer = out;
}

#ifdef JOULESIM_WIDE_SCAN

bool wide_scan() {
  static const bool kHas = static_cast<int>(__builtin_cpu_supports("avx2")) != 0;
  return kHas;
}

namespace {

#define JOULESIM_AVX2 [[gnu::target("avx2"), gnu::always_inline]] inline

JOULESIM_AVX2 __m256i load(const Tick* p) {
  return _mm256_load_si256(reinterpret_cast<const __m256i*>(p));
}
// Eight bits as eight lanes of all ones or zeros.
JOULESIM_AVX2 __m256i lanes(std::uint64_t bits) {
  const __m256i weights = _mm256_set_epi32(128, 64, 32, 16, 8, 4, 2, 1);
  const __m256i all = _mm256_set1_epi32(static_cast<int>(bits));
  return _mm256_cmpeq_epi32(_mm256_and_si256(all, weights), weights);
}
JOULESIM_AVX2 std::uint64_t bits_of(__m256i v) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_castsi256_ps(v)));
}
JOULESIM_AVX2 Tick least_of(__m256i v) {
  __m128i x = _mm_min_epi32(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
  x = _mm_min_epi32(x, _mm_shuffle_epi32(x, 0x4e));
  x = _mm_min_epi32(x, _mm_shuffle_epi32(x, 0xb1));
  return _mm_cvtsi128_si32(x);
}

// Of the lanes whose tick is the least: the first in order.
template <int kSteps>
[[gnu::target("avx2"), gnu::always_inline]] inline void first_of(const __m256i (&ticks)[kSteps],
                                                                 const Tick* orders, Tick& at,
                                                                 Tick& order, int& bank) {
  const __m256i never = _mm256_set1_epi32(kNeverTick);
  __m256i least = ticks[0];
#pragma GCC unroll 8
  for (int i = 1; i < kSteps; ++i) {
    least = _mm256_min_epi32(least, ticks[i]);
  }
  at = least_of(least);
  const __m256i all = _mm256_set1_epi32(at);
  __m256i mine[kSteps];
  __m256i first = never;
#pragma GCC unroll 8
  for (int i = 0; i < kSteps; ++i) {
    mine[i] = _mm256_blendv_epi8(never, load(orders + 8 * i), _mm256_cmpeq_epi32(ticks[i], all));
    first = _mm256_min_epi32(first, mine[i]);
  }
  order = least_of(first);
  const __m256i chosen = _mm256_set1_epi32(order);
  std::uint64_t lane = 0;
#pragma GCC unroll 8
  for (int i = 0; i < kSteps; ++i) {
    lane |= bits_of(_mm256_cmpeq_epi32(mine[i], chosen)) << (8 * i);
  }
  bank = std::countr_zero(lane);
}

template <int kSteps>
[[gnu::target("avx2")]] void scan_avx2(const BankState& banks, const ScanAsk& ask,
                                       ScanAnswer& out) {
  const __m256i never = _mm256_set1_epi32(kNeverTick);
  const __m256i odd = _mm256_set1_epi32(ask.odd);
  const auto column = [&](int first, bool write) __attribute__((target("avx2"))) {
    const Tick floor = std::max(banks.column_floors(write)[banks.unit_of(first)], ask.column_from);
    const __m256i t =
        _mm256_max_epi32(load(banks.column_ticks(write) + first), _mm256_set1_epi32(floor));
    return _mm256_or_si256(t, odd);
  };
  __m256i ticks[kSteps];
  if (ask.active != 0) {
    __m256i least = never;
#pragma GCC unroll 8
    for (int i = 0; i < kSteps; ++i) {
      __m256i t = column(8 * i, false);
      if (ask.active_writes != 0) {
        t = _mm256_blendv_epi8(t, column(8 * i, true), lanes(ask.active_writes >> 8 * i));
      }
      ticks[i] = _mm256_blendv_epi8(never, t, lanes(ask.active >> 8 * i));
      least = _mm256_min_epi32(least, ticks[i]);
    }
    out.active = 0;
    out.active_at = least_of(least);
    const __m256i all = _mm256_set1_epi32(out.active_at);
#pragma GCC unroll 8
    for (int i = 0; i < kSteps; ++i) {
      out.active |= bits_of(_mm256_cmpeq_epi32(ticks[i], all)) << (8 * i);
    }
  }
  if (ask.columns != 0) {
#pragma GCC unroll 8
    for (int i = 0; i < kSteps; ++i) {
      ticks[i] = _mm256_blendv_epi8(never, column(8 * i, ask.write), lanes(ask.columns >> 8 * i));
    }
    first_of<kSteps>(ticks, ask.column_order, out.column_at, out.column_order, out.column_bank);
  }
  if (ask.rows != 0) {
    const std::uint64_t open = banks.open_bits();
#pragma GCC unroll 8
    for (int i = 0; i < kSteps; ++i) {
      const int unit = banks.unit_of(8 * i);
      const Tick pre_floor = std::max(banks.pre_floors()[unit], ask.row_from);
      const Tick act_floor = std::max(banks.act_floors()[unit], ask.row_from);
      __m256i pre = _mm256_max_epi32(load(banks.pre_ticks() + 8 * i), _mm256_set1_epi32(pre_floor));
      if (ask.pair_banks != 0) {
        const __m256i meets = _mm256_cmpeq_epi32(pre, _mm256_set1_epi32(ask.pair_edge));
        pre = _mm256_sub_epi32(pre, _mm256_and_si256(meets, lanes(ask.pair_banks >> 8 * i)));
      }
      const __m256i act = _mm256_or_si256(
          _mm256_max_epi32(load(banks.act_ticks() + 8 * i), _mm256_set1_epi32(act_floor)), odd);
      const __m256i t = _mm256_blendv_epi8(act, pre, lanes(open >> 8 * i));
      ticks[i] = _mm256_blendv_epi8(never, t, lanes(ask.rows >> 8 * i));
    }
    first_of<kSteps>(ticks, ask.row_order, out.row_at, out.row_order, out.row_bank);
  }
}

}  // namespace

Scan best_scan(int banks, int banks_per_unit) {
  if (!wide_scan() || banks_per_unit % 8 != 0) {
    return &scan_portable;
  }
  return banks == 8    ? &scan_avx2<1>
         : banks == 16 ? &scan_avx2<2>
         : banks == 32 ? &scan_avx2<4>
                       : &scan_avx2<8>;
}

#else

bool wide_scan() { return false; }

Scan best_scan(int, int) { return &scan_portable; }

#endif

}  // namespace joulesim::hw
