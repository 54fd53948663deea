// Operators with a state, against the sums over all earlier tokens that they abbreviate.
#include "models/kernels/attention.hpp"
#include "models/kernels/operators.hpp"
#include "models/kernels/recurrent.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>
#include <vector>

using namespace joulesim::models;

namespace {

std::vector<float> numbers(std::size_t count, std::uint64_t seed, double low = -1.0,
                           double high = 1.0) {
  std::mt19937_64 bits(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    const double u = static_cast<double>(bits() >> 11U) * 0x1.0p-53;
    value = static_cast<float>(low + (high - low) * u);
  }
  return values;
}

std::span<const float> token(const std::vector<float>& values, std::size_t t, std::size_t columns) {
  return std::span(values).subspan(t * columns, columns);
}

constexpr std::size_t kTokens = 7;

}  // namespace

TEST_CASE("a causal convolution sees the taps before each token and nothing after") {
  constexpr std::size_t kChannels = 3;
  constexpr std::size_t kTaps = 4;
  const auto x = numbers(kTokens * kChannels, 1);
  const auto weight = numbers(kChannels * kTaps, 2);
  const auto bias = numbers(kChannels, 3);
  std::vector<double> state((kTaps - 1) * kChannels, 0.0);
  for (std::size_t t = 0; t < kTokens; ++t) {
    std::vector<float> y(kChannels);
    convolve_token(token(x, t, kChannels), weight, bias, state, y);
    for (std::size_t c = 0; c < kChannels; ++c) {
      double sum = bias[c];
      for (std::size_t tap = 0; tap < kTaps; ++tap) {
        if (t + tap + 1 >= kTaps) {
          sum += static_cast<double>(weight[c * kTaps + tap]) *
                 x[(t + tap + 1 - kTaps) * kChannels + c];
        }
      }
      CHECK(y[c] == Approx(sum).margin(1e-6));
    }
  }
}

TEST_CASE("a selective scan is the sum of all earlier inputs, each decayed since") {
  constexpr std::size_t kChannels = 8;
  for (const std::int64_t heads : {0, 4}) {
    Attributes a;
    a.state = 3;
    a.groups = 2;
    a.heads = heads;
    const std::size_t steps = heads > 0 ? 4 : kChannels;
    const auto x = numbers(kTokens * kChannels, 1);
    const auto step = numbers(kTokens * steps, 2, 0.01, 0.5);
    const auto in = numbers(kTokens * 6, 3);
    const auto out = numbers(kTokens * 6, 4);
    const auto decay = numbers(heads > 0 ? 4 : kChannels * 3, 5, -4.0, -0.5);
    const auto skip = numbers(steps, 6);
    std::vector<double> state(kChannels * 3, 0.0);
    for (std::size_t t = 0; t < kTokens; ++t) {
      std::vector<float> y(kChannels);
      scan_token({token(x, t, kChannels), token(step, t, steps), token(in, t, 6), token(out, t, 6),
                  decay, skip},
                 a, state, y);
      for (std::size_t c = 0; c < kChannels; ++c) {
        const std::size_t unit = heads > 0 ? c / 2 : c;
        const std::size_t group = unit / (steps / 2);
        double sum = static_cast<double>(skip[unit]) * x[t * kChannels + c];
        for (std::size_t s = 0; s <= t; ++s) {
          for (std::size_t i = 0; i < 3; ++i) {
            double exponent = 0.0;
            for (std::size_t u = s + 1; u <= t; ++u) {
              exponent += step[u * steps + unit] * (heads > 0 ? decay[unit] : decay[c * 3 + i]);
            }
            sum += std::exp(exponent) * step[s * steps + unit] * in[s * 6 + group * 3 + i] *
                   x[s * kChannels + c] * out[t * 6 + group * 3 + i];
          }
        }
        CHECK(y[c] == Approx(sum).margin(1e-6));
      }
    }
  }
}

TEST_CASE("the RWKV-4 average weighs earlier values by key and distance, whatever the keys' size") {
  constexpr std::size_t kChannels = 4;
  for (const double size : {1.0, 300.0}) {  // exp(300) is no float
    const auto key = numbers(kTokens * kChannels, 1, -size, size);
    const auto value = numbers(kTokens * kChannels, 2);
    const auto decay = numbers(kChannels, 3, -2.0, 1.0);
    const auto bonus = numbers(kChannels, 4);
    std::vector<double> state(3 * kChannels, 0.0);
    for (std::size_t t = 0; t < kTokens; ++t) {
      std::vector<float> y(kChannels);
      wkv_token(token(key, t, kChannels), token(value, t, kChannels), decay, bonus, t == 0, state,
                y);
      for (std::size_t c = 0; c < kChannels; ++c) {
        long double above = 0;
        long double below = 0;
        for (std::size_t s = 0; s <= t; ++s) {
          const long double far = static_cast<long double>(t) - static_cast<long double>(s) - 1;
          const long double exponent = s == t ? static_cast<long double>(bonus[c])
                                              : -far * std::exp(static_cast<long double>(decay[c]));
          const long double weight = std::exp(exponent + key[s * kChannels + c]);
          above += weight * value[s * kChannels + c];
          below += weight;
        }
        CHECK(y[c] == Approx(static_cast<double>(above / below)).margin(1e-6));
      }
    }
  }
}

TEST_CASE("linear attention is the sum of earlier values, each decayed, and the bonus of its own") {
  Attributes a;
  a.heads = 2;
  a.head_dim = 3;
  a.value_dim = 4;
  const auto r = numbers(kTokens * 6, 1);
  const auto k = numbers(kTokens * 6, 2);
  const auto v = numbers(kTokens * 8, 3);
  const auto w = numbers(kTokens * 6, 4, 0.3, 0.99);
  const auto u = numbers(6, 5);
  std::vector<double> state(2 * 3 * 4, 0.0);
  for (std::size_t t = 0; t < kTokens; ++t) {
    std::vector<float> y(8);
    linear_attention_token({token(r, t, 6), token(k, t, 6), token(v, t, 8), token(w, t, 6), u}, a,
                           state, y);
    for (std::size_t head = 0; head < 2; ++head) {
      for (std::size_t j = 0; j < 4; ++j) {
        double sum = 0.0;
        for (std::size_t i = head * 3; i < head * 3 + 3; ++i) {
          for (std::size_t s = 0; s <= t; ++s) {
            double weight = s == t ? u[i] : 1.0;
            for (std::size_t between = s + 1; between < t; ++between) {
              weight *= w[between * 6 + i];
            }
            sum += weight * r[t * 6 + i] * k[s * 6 + i] * v[s * 8 + head * 4 + j];
          }
        }
        CHECK(y[head * 4 + j] == Approx(sum).margin(1e-6));
      }
    }
  }
}

TEST_CASE("relative positions fall into one bucket each, then into wider ones") {
  Attributes a;
  a.relative_buckets = 32;
  a.relative_distance = 128;
  a.causal = true;
  CHECK(relative_bucket(a, 0) == 0);
  CHECK(relative_bucket(a, -15) == 15);
  CHECK(relative_bucket(a, -16) == 16);
  CHECK(relative_bucket(a, -128) == 31);
  CHECK(relative_bucket(a, -100000) == 31);
  CHECK(relative_bucket(a, 5) == 0);  // the future counts as here
  a.causal = false;
  CHECK(relative_bucket(a, -7) == 7);
  CHECK(relative_bucket(a, 7) == 16 + 7);
  CHECK(relative_bucket(a, -32) == 8 + 4);  // half way from 8 to 128, logarithmically
  CHECK(relative_bucket(a, 1000) == 31);
}

TEST_CASE("routing gives the weights that each rule defines") {
  Attributes a;
  a.active_experts = 2;
  const std::vector<float> logits = {0.5F, 2.0F, -1.0F, 1.0F};
  std::vector<float> routing(4);
  route(logits, {}, a, routing);
  CHECK(routing[0] == 1.0F);
  CHECK(routing[1] == 3.0F);
  CHECK(routing[2] == Approx(1 / (1 + std::exp(-1.0))));
  CHECK(routing[2] + routing[3] == Approx(1.0));
  a.renormalise = false;
  a.scale = 2.0;
  route(logits, {}, a, routing);
  const double sum = std::exp(0.5) + std::exp(2.0) + std::exp(-1.0) + std::exp(1.0);
  CHECK(routing[2] == Approx(2 * std::exp(2.0) / sum));
  a.routing = Routing::kSigmoid;
  const std::vector<float> bias = {0.0F, 0.0F, 5.0F, 0.0F};
  route(logits, bias, a, routing);
  CHECK(routing[0] == 2.0F);  // the bias decides the choice
  CHECK(routing[1] == 1.0F);
  CHECK(routing[2] == Approx(2 / (1 + std::exp(1.0))));  // and not the weight
  a.routing = Routing::kSparseMixer;
  a.scale = 1.0;
  const std::vector<float> near = {3.0F, 2.99F, 0.0F, -3.0F};
  route(near, {}, a, routing);
  CHECK(routing[2] == Approx(1 / (1 + std::exp(-0.01))));
  CHECK(routing[3] == Approx(1.0));
}
