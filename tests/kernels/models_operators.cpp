// Every reference kernel against the same formula in long double, within its stated bound.
#include "models/kernels/attention.hpp"
#include "models/kernels/linear.hpp"
#include "models/kernels/operators.hpp"

#include <catch2/catch.hpp>

#include <cmath>
#include <random>
#include <vector>

using namespace joulesim::models;
using Real = long double;

namespace {

std::vector<float> numbers(std::size_t count, std::uint64_t seed, double scale = 1.0) {
  std::mt19937_64 random(seed);
  std::vector<float> values(count);
  for (float& value : values) {
    value =
        static_cast<float>((static_cast<double>(random() >> 11U) * 0x1.0p-53 * 2.0 - 1.0) * scale);
  }
  return values;
}

// Half a unit in the last place of the result, plus n 2^-51 of the magnitudes summed.
void check_bound(float result, Real exact, Real magnitudes, std::size_t n) {
  const Real bound =
      std::fabs(exact) * 0x1.0p-24L + static_cast<Real>(n) * magnitudes * 0x1.0p-51L + 1e-45L;
  INFO("result " << result << ", exact " << static_cast<double>(exact));
  CHECK(std::fabs(static_cast<Real>(result) - exact) <= bound);
}

}  // namespace

TEST_CASE("a matrix product is within its bound, also after cancellation") {
  const std::int64_t columns = 1000;
  const std::vector<float> w = numbers(3000, 1, 100.0);
  const std::vector<float> x = numbers(2000, 2, 100.0);
  std::vector<float> y(6);
  multiply_exactly(WeightMatrix::encode(*find_format("fp32"), {3, columns}, w), {x, columns}, y);
  for (std::size_t t = 0; t < 2; ++t) {
    for (std::size_t r = 0; r < 3; ++r) {
      Real exact = 0;
      Real magnitudes = 0;
      for (std::size_t k = 0; k < 1000; ++k) {
        const Real term = static_cast<Real>(x[t * 1000 + k]) * w[r * 1000 + k];
        exact += term;
        magnitudes += std::fabs(term);
      }
      check_bound(y[t * 3 + r], exact, magnitudes, 1000);
    }
  }
}

TEST_CASE("norms are within their bound, whole rows and groups alike") {
  const std::vector<float> x = numbers(96, 3, 5.0);
  for (const std::size_t width : {std::size_t{96}, std::size_t{32}}) {
    const std::vector<float> gain = numbers(width, 4);
    const std::vector<float> bias = numbers(width, 5);
    std::vector<float> rms(96);
    std::vector<float> layer(96);
    rms_norm(x, gain, {}, width, 1e-5, rms);
    layer_norm(x, gain, bias, width, 1e-5, layer);
    for (std::size_t start = 0; start < 96; start += width) {
      Real sum = 0;
      Real squares = 0;
      for (std::size_t i = 0; i < width; ++i) {
        sum += x[start + i];
        squares += static_cast<Real>(x[start + i]) * x[start + i];
      }
      const Real n = static_cast<Real>(width);
      const Real mean = sum / n;
      Real spread = 0;
      for (std::size_t i = 0; i < width; ++i) {
        spread += (x[start + i] - mean) * (x[start + i] - mean);
      }
      for (std::size_t i = 0; i < width; ++i) {
        const Real exact = x[start + i] / std::sqrt(squares / n + 1e-5) * gain[i];
        check_bound(rms[start + i], exact, std::fabs(exact), width);
        const Real centred = (x[start + i] - mean) / std::sqrt(spread / n + 1e-5) * gain[i];
        check_bound(layer[start + i], centred + bias[i],
                    std::fabs(centred) + std::fabs(bias[i]) + 1, width);
      }
    }
  }
}

TEST_CASE("activations are within their bound") {
  for (const float x : numbers(200, 6, 12.0)) {
    const Real r = x;
    const Real silu = r / (1 + std::exp(-r));
    check_bound(static_cast<float>(activate(Activation::kSilu, x)), silu, std::fabs(silu), 4);
    const Real gelu = r / 2 * (1 + std::erf(r / std::sqrt(Real{2})));
    check_bound(static_cast<float>(activate(Activation::kGelu, x)), gelu, std::fabs(r), 4);
    const Real pi = std::acos(Real{-1});
    const Real tanh = r / 2 * (1 + std::tanh(std::sqrt(2 / pi) * (r + 0.044715L * r * r * r)));
    check_bound(static_cast<float>(activate(Activation::kGeluTanh, x)), tanh, std::fabs(r), 4);
    check_bound(static_cast<float>(activate(Activation::kRelu2, x)), x > 0 ? r * r : 0, r * r, 1);
    CHECK(activate(Activation::kRelu, x) == std::max(x, 0.0F));
  }
}

TEST_CASE("gated activations round once, soft caps are within their bound") {
  const std::vector<float> gate = numbers(300, 61, 9.0);
  const std::vector<float> up = numbers(300, 62, 9.0);
  std::vector<float> y(300);
  make_datapath("fp32")->activate(Activation::kSilu, gate, up, y);
  for (std::size_t i = 0; i < 300; ++i) {
    const Real exact =
        static_cast<Real>(gate[i]) / (1 + std::exp(-static_cast<Real>(gate[i]))) * up[i];
    check_bound(y[i], exact, std::fabs(exact), 4);
    for (const double cap : {0.5, 5.0, 50.0}) {
      const Real capped = cap * std::tanh(static_cast<Real>(gate[i]) / static_cast<Real>(cap));
      check_bound(static_cast<float>(soft_capped(gate[i], cap)), capped, std::fabs(capped), 4);
    }
  }
}

TEST_CASE("softmax is within its bound and sums to one") {
  for (const double spread : {1.0, 30.0, 300.0}) {
    const std::vector<float> scores = numbers(500, 63, spread);
    std::vector<double> y(scores.begin(), scores.end());
    softmax(y);
    Real largest = scores[0];
    for (const float score : scores) {
      largest = std::max(largest, static_cast<Real>(score));
    }
    Real total = 0;
    for (const float score : scores) {
      total += std::exp(score - largest);
    }
    for (std::size_t i = 0; i < y.size(); ++i) {
      const Real exact = std::exp(scores[i] - largest) / total;
      CHECK(std::fabs(y[i] - exact) <= 500 * 0x1.0p-51L * exact + 1e-300L);
    }
  }
}

TEST_CASE("rotation turns each pair by position times frequency and keeps its length") {
  Attributes a;
  a.head_dim = 8;
  a.rotary = 6;
  a.rope_base = 10000.0;
  for (const RopeLayout layout : {RopeLayout::kAdjacent, RopeLayout::kHalves}) {
    a.rope_layout = layout;
    const std::vector<float> before = numbers(16, 7);
    std::vector<float> after = before;
    rotate_row(after, a, 1000, {});
    for (std::size_t head = 0; head < 16; head += 8) {
      for (std::size_t i = 0; i < 3; ++i) {
        const std::size_t u = head + (layout == RopeLayout::kAdjacent ? 2 * i : i);
        const std::size_t v = head + (layout == RopeLayout::kAdjacent ? 2 * i + 1 : i + 3);
        const Real angle = 1000 * std::pow(Real{10000}, -2 * static_cast<Real>(i) / 6);
        const Real magnitudes = std::fabs(before[u]) + std::fabs(before[v]);
        // The angle itself carries 2^-52 of its size.
        check_bound(after[u], before[u] * std::cos(angle) - before[v] * std::sin(angle), magnitudes,
                    1000);
        check_bound(after[v], before[u] * std::sin(angle) + before[v] * std::cos(angle), magnitudes,
                    1000);
      }
      CHECK(after[head + 6] == before[head + 6]);  // beyond the rotary part
      CHECK(after[head + 7] == before[head + 7]);
    }
  }
}

TEST_CASE("attention is the softmax-weighted sum of what each query may see") {
  Attributes a;
  a.heads = 4;
  a.kv_heads = 2;
  a.head_dim = 8;
  a.scale = 0.35;
  const std::int64_t cached = 9;
  const std::vector<float> keys = numbers(9 * 16, 8);
  const std::vector<float> values = numbers(9 * 16, 9);
  const std::vector<float> query = numbers(32, 10);
  for (const std::int64_t window : {0, 3}) {
    for (const bool causal : {true, false}) {
      for (const double cap : {0.0, 2.0}) {
        a.window = causal ? window : 0;
        a.causal = causal;
        a.soft_cap = cap;
        const std::int64_t position = 6;
        std::vector<float> y(32);
        attend(query, {keys, values, cached, {}}, a, position, y);
        for (std::size_t head = 0; head < 4; ++head) {
          const std::size_t kv = head / 2 * 8;
          std::vector<Real> weights;
          Real total = 0;
          const std::size_t last = causal ? 6 : 8;
          const std::size_t first = a.window > 0 ? 4 : 0;
          for (std::size_t t = first; t <= last; ++t) {
            Real dot = 0;
            for (std::size_t i = 0; i < 8; ++i) {
              dot += static_cast<Real>(query[head * 8 + i]) * keys[t * 16 + kv + i];
            }
            dot *= static_cast<Real>(a.scale);
            weights.push_back(std::exp(cap > 0 ? cap * std::tanh(dot / cap) : dot));
            total += weights.back();
          }
          for (std::size_t i = 0; i < 8; ++i) {
            Real exact = 0;
            for (std::size_t t = first; t <= last; ++t) {
              exact += weights[t - first] / total * values[t * 16 + kv + i];
            }
            check_bound(y[head * 8 + i], exact, 1, 32);
          }
        }
      }
    }
  }
}

TEST_CASE("softmax holds for large scores") {
  std::vector<double> scores = {1e4, 1e4 - 1.0, -1e4};
  softmax(scores);
  CHECK(scores[0] == Approx(1.0 / (1.0 + std::exp(-1.0))));
  CHECK(scores[2] == 0.0);
  CHECK(scores[0] + scores[1] + scores[2] == Approx(1.0));
}
